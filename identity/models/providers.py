"""Identity providers, and the sign-ins and messages that are exchanged with them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import Q

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity.choices import (
    Assurance,
    ClientAuth,
    Direction,
    Method,
    Protocol,
    TransactionStatus,
)
from identity.models.people import User
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class IdentityProvider(models.Model):
    """An agreement with an identity provider, as data: another broker is another row, not other code."""

    slug = models.SlugField(unique=True)
    protocol = models.CharField(max_length=10, choices=Protocol.choices, default=Protocol.OIDC)
    country = models.CharField(max_length=2, choices=Country.choices)
    """Whose national IDs it vouches for. A number of another country is refused."""
    method = models.CharField(max_length=20, choices=Method.choices)
    name = models.CharField(max_length=60)
    """What patients know it as."""
    issuer = models.CharField(max_length=200)
    """Its name in its answers; for SAML its entity ID."""
    extra_hosts = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    """Hosts besides the issuer's on which its endpoints may be, or to which it sends browsers on."""
    client_id = models.CharField(max_length=200)
    """What the provider calls us; for SAML our entity ID."""
    client_auth = models.CharField(max_length=30, choices=ClientAuth.choices, blank=True)
    client_secret = EncryptedTextField(null=True, blank=True)
    private_key = EncryptedTextField(null=True, blank=True)
    """PEM of an EC P-256 key whose public half the provider has."""
    private_key_id = models.CharField(max_length=100, blank=True)
    scopes = models.CharField(max_length=200, default="openid profile")
    acr_request = models.CharField(max_length=200, blank=True)
    """Value of acr_values; empty asks for nothing. What comes back is checked in any case."""
    acr_claim = models.CharField(max_length=60, default="acr")
    acr_map = models.JSONField(default=dict)
    """Exact claim value -> Assurance. A value that isn't here is refused."""
    nid_claim = models.CharField(max_length=60)
    stable_id_claim = models.CharField(max_length=60, default="sub")
    allowed_algs = ArrayField(models.CharField(max_length=10), default=list)
    use_par = models.BooleanField(default=True)
    sso_address = models.CharField(max_length=500, blank=True)
    """SAML: where browsers are sent to sign in (HTTP-Redirect)."""
    slo_address = models.CharField(max_length=500, blank=True)
    """SAML: where browsers are sent to sign out (HTTP-Redirect); empty: the provider has no single logout."""
    slo_response_address = models.CharField(max_length=500, blank=True)
    """SAML: where answers to its logout requests go, if elsewhere."""
    signing_certificates = ArrayField(models.TextField(), default=list, blank=True)
    """SAML: PEM of every certificate whose key may sign its messages; two while it changes keys."""
    metadata_fingerprint = models.CharField(max_length=64, blank=True)
    """SAML: SHA-256 (hex) of the metadata file that was loaded last."""
    metadata_loaded_at = models.DateTimeField(null=True, blank=True)
    spec_versions = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    """SAML: versions of the profile that its answers may name."""
    allows_cbc = models.BooleanField(default=False)
    """SAML: it can't encrypt with AES-GCM, so AES-CBC is taken too."""
    extra_params = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="identity_provider_has_credentials",
                condition=Q(
                    protocol=Protocol.OIDC, client_auth=ClientAuth.SECRET, client_secret__isnull=False
                )
                | Q(protocol=Protocol.OIDC, client_auth=ClientAuth.KEY, private_key__isnull=False)
                | (Q(protocol=Protocol.SAML, client_auth="") & ~Q(client_id="") & ~Q(sso_address="")),
            ),
            models.CheckConstraint(
                name="identity_provider_signs_with_keys",
                condition=(
                    Q(protocol=Protocol.OIDC)
                    & Q(allowed_algs__contained_by=["ES256", "ES384", "RS256", "PS256", "EdDSA"])
                    & Q(allowed_algs__len__gte=1)
                )
                | Q(protocol=Protocol.SAML, allowed_algs__len=0, signing_certificates__len__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def addresses(self) -> list[str]:
        """Return its name and every address of it that is stored."""
        known = (self.issuer, self.sso_address, self.slo_address, self.slo_response_address)
        return [address for address in known if address]

    def assurance_of(self, value: object) -> Assurance:
        """Return what a value of the assurance claim stands for; NONE for one we do not know."""
        level = self.acr_map.get(value) if isinstance(value, str) else None
        return Assurance.NONE if level is None else Assurance(level)


class ProviderKey(models.Model):
    """A key of ours that a SAML provider knows by its certificate. Two are in use while we change them."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="own_keys")
    private_key = EncryptedTextField()
    """PEM of an RSA key: opens what is encrypted to us."""
    certificate = models.TextField()
    """PEM; stands in our metadata."""
    fingerprint = models.CharField(max_length=64)
    """SHA-256 (hex) of the certificate."""
    ends_at = models.DateTimeField()
    """When the certificate ends."""
    is_signing = models.BooleanField(default=False)
    """Signs our messages. The other key only decrypts, until the provider knows it."""
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "fingerprint"], name="provider_key_once"),
            models.UniqueConstraint(
                fields=["provider"], condition=Q(is_signing=True), name="provider_key_one_signs"
            ),
        ]

    def __str__(self) -> str:
        return f"key {self.pk} for provider {self.provider_id}"


class ClinicIdentityProvider(models.Model):
    """A clinic's patients can sign in with this provider."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="clinics")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "provider"], name="clinic_identity_provider_once")
        ]

    def __str__(self) -> str:
        return f"provider {self.provider_id} of clinic {self.clinic_id}"


class LoginTransaction(PublicIdModel):
    """One attempt to sign in at a provider: begun by one browser, good for one answer, for a few minutes."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    step_up_of = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    """Who was signed in already and proves it anew; the answer must be about the same person."""
    state_hash = models.CharField(max_length=64, unique=True)
    nonce = EncryptedTextField()
    code_verifier = EncryptedTextField()
    required_assurance = models.PositiveSmallIntegerField(choices=Assurance.choices)
    next_path = models.CharField(max_length=500, blank=True)
    status = models.CharField(
        max_length=10, choices=TransactionStatus.choices, default=TransactionStatus.STARTED
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    evidence = EncryptedTextField(null=True)
    """Whom the provider vouched for, until the session is opened."""
    outcome = models.CharField(max_length=20, blank=True)
    """SAML: why it failed, for the page that the browser sees next; answers arrive without its session."""
    reference = models.CharField(max_length=16, blank=True)
    """SAML: id of the request that brought the answer, for whoever asks for help."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="login_transaction_evidence_while_verified",
                condition=Q(status=TransactionStatus.VERIFIED, evidence__isnull=False)
                | (~Q(status=TransactionStatus.VERIFIED) & Q(evidence__isnull=True)),
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="login_transaction_by_expiry")]

    def __str__(self) -> str:
        return f"sign-in {self.pk}"


class UsedMessage(models.Model):
    """A signed message of a provider that was taken. A second time it is refused."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=200)
    """ID of the assertion or of the logout request; for a logout token a hash of its jti."""
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "message_id"], name="used_message_once"),
        ]
        indexes = [models.Index(fields=["expires_at"], name="used_message_by_expiry")]

    def __str__(self) -> str:
        return f"message {self.pk}"


class ProviderSession(models.Model):
    """A session here that stands on one at a provider, so that signing out works in both directions. It goes with it."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, db_column="session_key", related_name="+"
    )
    name_id = EncryptedTextField()
    """The provider's name for the person (OpenID Connect: sub), as its logout needs it."""
    name_id_format = models.CharField(max_length=100, blank=True)
    id_token = EncryptedTextField(null=True)
    """OpenID Connect: what a logout at the provider has to show. It holds the national ID."""
    name_id_index = models.CharField(max_length=64)
    """Keyed hash of the name: the provider's logout finds the session by it, without a cookie."""
    session_index = models.CharField(max_length=200, blank=True)
    """The provider's name for its session (OpenID Connect: sid)."""
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["provider", "name_id_index"], name="provider_session_by_name"),
            models.Index(fields=["provider", "session_index"], name="provider_session_by_index"),
        ]

    def __str__(self) -> str:
        return f"session {self.pk} at provider {self.provider_id}"


class ProviderLogout(PublicIdModel):
    """Someone signed out here and goes on to sign out at the provider. The session here is over already."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    request_id = models.CharField(max_length=100, unique=True)
    """What the answer repeats (SAML: InResponseTo, OpenID Connect: state)."""
    name_id = EncryptedTextField()
    id_token = EncryptedTextField(null=True)
    """OpenID Connect: gone when the answer is here; else with the row, which an hourly sweep deletes."""
    name_id_format = models.CharField(max_length=100, blank=True)
    session_index = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="provider_logout_by_expiry")]

    def __str__(self) -> str:
        return f"logout {self.pk}"


class ArchivedMessage(models.Model):
    """A SAML message as it was sent or received, with its signature. Only an operator's command reads it."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="+")
    direction = models.CharField(max_length=10, choices=Direction.choices)
    kind = models.CharField(max_length=40)
    """Name of its element, as in AuthnRequest."""
    message_id = models.CharField(max_length=200, blank=True)
    in_response_to = models.CharField(max_length=200, blank=True)
    content = EncryptedTextField()
    """HTTP-Redirect: the query string, which the signature is over. HTTP-POST: base64 of the message."""
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="archived_message_direction_known", condition=Q(direction__in=Direction.values)
            )
        ]
        indexes = [
            models.Index(fields=["at"], name="archived_message_by_time"),
            models.Index(fields=["message_id"], name="archived_message_by_id"),
            models.Index(fields=["in_response_to"], name="archived_message_by_answer"),
        ]

    def __str__(self) -> str:
        return f"archived message {self.pk}"
