"""Who is at the keyboard: logins, and the person a patient's login stands for."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from clinic_admin.choices import Country
from clinic_admin.countries import CodeChannel
from clinic_admin.models import Clinic
from identity.choices import (
    Assurance,
    ClientAuth,
    CodePurpose,
    Direction,
    EndReason,
    LinkPurpose,
    MembershipState,
    Method,
    Protocol,
    StaffLinkPurpose,
    StopReason,
    TransactionStatus,
    UserKind,
)
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class UserManager(BaseUserManager["User"]):
    """Finds users by the address that staff sign in with."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(kind=UserKind.STAFF, email__iexact=username)


class User(PublicIdModel, AbstractBaseUser):
    """A login. Staff sign in with e-mail, password and a second factor; patients only through their Account."""

    kind = models.CharField(max_length=10, choices=UserKind.choices)
    email = models.EmailField(null=True, blank=True)
    """Staff only: what they sign in with. A patient's e-mail is contact data, never an identity."""
    name = models.CharField(max_length=160)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(
                name="user_email_is_for_staff",
                condition=Q(kind=UserKind.STAFF, email__isnull=False)
                | Q(kind=UserKind.PATIENT, email__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store an absent address as null, so that the constraint tells staff from patients."""
        self.email = self.email or None
        super().save(*args, **kwargs)


class Account(models.Model):
    """A patient's login: one per national ID, used at every clinic (003). It appears at the first eID sign-in."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="account")
    country = models.CharField(max_length=2, choices=Country.choices)
    national_id = EncryptedTextField()
    national_id_index = models.CharField(max_length=64, unique=True)
    birth_date = models.DateField(null=True)

    def __str__(self) -> str:
        return f"account {self.pk}"


class ExternalIdentity(models.Model):
    """The name by which an identity provider knows an account. A name that comes with another person stops the login."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="external_identities")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="external_identity_once")]

    def __str__(self) -> str:
        return f"external identity {self.pk}"


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


class StaffLink(PublicIdModel):
    """A link with which staff choose their first or a new password. It works once; only its hash is stored."""

    purpose = models.CharField(
        max_length=15, choices=StaffLinkPurpose.choices, default=StaffLinkPurpose.WELCOME
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="staff_links")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    """Who invited, and in whose name the e-mail goes out."""
    token_hash = models.CharField(max_length=64, unique=True)
    """SHA-256 of the word in the link. The word has 256 random bits, so no salt is needed."""
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    """When a newer link, or the end of the post, took its place."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(used_at__isnull=True, revoked_at__isnull=True),
                name="staff_link_one_open_per_user",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="staff_link_by_expiry")]

    def __str__(self) -> str:
        return f"link {self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be used at this instant."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


class StaffPasswordQuestion(models.Model):
    """Someone on the staff's way in has forgotten a password. Stored alike for known and unknown addresses, and deleted
    when it was decided, after the answer, whether a link goes out.
    """

    email = EncryptedTextField()
    asked_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"question {self.pk}"


class ClinicCodeSignIn(models.Model):
    """A clinic whose patients can sign in with password and a code by SMS. The row is the switch."""

    clinic = models.OneToOneField(Clinic, primary_key=True, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"codes at clinic {self.clinic_id}"


class ClinicMembership(PublicIdModel):
    """Someone's password at one clinic. Another clinic can neither use nor replace it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=MembershipState.choices, default=MembershipState.AWAITING)
    email = models.EmailField()
    """Where links and notices go."""
    password = models.CharField(max_length=200, blank=True)
    """Argon2id; empty until the patient has chosen one. Nobody else can."""
    password_changed_at = models.DateTimeField(null=True)
    identity_confirmed_at = models.DateTimeField(null=True)
    """When eID, or for a patient without one the clinic, confirmed who uses it (003; E8)."""
    consent_at = models.DateTimeField()
    """When the patient agreed, as staff recorded it, or asked for it themselves."""
    consent_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    """The staff member who recorded the patient's consent; None when the patient asked for it themselves."""
    created_at = models.DateTimeField()
    child_confirmed_at = models.DateTimeField(null=True)
    """When a guardian proved with eID to be the child's; before that a child's password opens nothing."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "clinic"], name="clinic_membership_once"),
            models.CheckConstraint(
                name="clinic_membership_active_has_password",
                condition=~Q(state=MembershipState.ACTIVE) | ~Q(password=""),
            ),
            models.CheckConstraint(
                name="clinic_membership_removed_has_none",
                condition=~Q(state=MembershipState.REMOVED) | Q(password=""),
            ),
        ]

    def __str__(self) -> str:
        return f"membership {self.pk}"


CHANNELS = [(one.value, one.value) for one in CodeChannel]


class OneTimeCode(PublicIdModel):
    """One question for a code. Strangers' questions are rows too, so that all are answered alike."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(
        ClinicMembership, null=True, on_delete=models.CASCADE, related_name="codes"
    )
    """None: nobody gets a code, and none is right."""
    purpose = models.CharField(max_length=10, choices=CodePurpose.choices)
    channel = models.CharField(max_length=10, choices=CHANNELS, default=CodeChannel.SMS)
    recipient = EncryptedTextField(blank=True)
    """The number or address that the clinic has registered, until the code is sent."""
    is_hint = models.BooleanField(default=False)
    """The password was right, but this person signs in with eID: the message says so, and no code is right (C14)."""
    is_for_guardian = models.BooleanField(default=False)
    """The hint is about a child: not eID but a guardian's confirmation is what is missing (004)."""
    language = models.CharField(max_length=5)
    code_hash = models.CharField(max_length=200, blank=True)
    """Argon2id of question, purpose and code; empty until the code is made."""
    attempts_left = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    """When it was decided whether a code is sent."""
    consumed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="one_time_code_for_guardian_is_hint",
                condition=Q(is_for_guardian=False) | Q(is_hint=True),
            )
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="one_time_code_by_expiry"),
            models.Index(
                fields=["created_at"],
                name="one_time_code_waiting",
                condition=Q(handled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"


class ActionLink(PublicIdModel):
    """A link with which a patient chooses a password. It works once; only its hash is stored."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    membership = models.ForeignKey(
        ClinicMembership, null=True, on_delete=models.CASCADE, related_name="links"
    )
    """None while it is only asked for, and for good when nobody fitted what was asked."""
    purpose = models.CharField(max_length=10, choices=LinkPurpose.choices)
    holder = EncryptedTextField(blank=True)
    """Who asked, while the link waits to be made (identity.holder); empty when nobody fitted."""
    token_hash = models.CharField(max_length=64, null=True, unique=True)
    """SHA-256 of the word in the link. The word has 256 random bits, so no salt is needed."""
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(used_at__isnull=True, revoked_at__isnull=True, membership__isnull=False),
                name="action_link_one_open",
            )
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="action_link_by_expiry"),
            models.Index(
                fields=["created_at"], name="action_link_waiting", condition=Q(handled_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"patient link {self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be used at this instant."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


class EndedSession(models.Model):
    """A session that was ended from elsewhere, until its browser has been told why, or a day has passed."""

    key_hash = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of the session's key. The key has 165 random bits, so no salt is needed."""
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=20, choices=EndReason.choices)
    acted_by = models.UUIDField(null=True)
    """The relation by which it acted for somebody else; a form of that page comes back there only."""
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["ended_at"], name="ended_session_by_time")]

    def __str__(self) -> str:
        return f"ended session of {self.user_id}"


class KeptForm(PublicIdModel):
    """What somebody had typed when their session ended, until they send it, throw it away, or a day has passed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    acted_by = models.UUIDField(null=True)
    """The relation by which they acted for somebody else: it comes back only while they do so again."""
    page = models.CharField(max_length=500)
    """Path of the page on which the form stands."""
    action = models.CharField(max_length=500)
    """Path that the form is sent to."""
    fields = EncryptedTextField()
    """JSON: pairs of name and value as the browser sent them, without passwords, codes and files."""
    kept_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "clinic", "page", "action", "acted_by"],
                name="kept_form_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="kept_form_by_expiry")]

    def __str__(self) -> str:
        return f"kept form {self.pk}"


class PasswordTries(models.Model):
    """When somebody's password was tried lately, whether there is such a person or not."""

    key = models.CharField(max_length=64, primary_key=True)
    """Keyed hash of the national ID."""
    times = ArrayField(models.DateTimeField(), default=list)
    """The latest in a row, oldest first."""
    not_before = models.DateTimeField()
    """When the next may come."""

    class Meta:
        indexes = [models.Index(fields=["not_before"], name="password_tries_by_age")]

    def __str__(self) -> str:
        return f"{len(self.times)} tries"


class ClinicHour(models.Model):
    """What happened at a clinic's sign-in within an hour: numbers only."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    """When it began."""
    tries = models.PositiveIntegerField(default=0)
    """Sign-ins begun, with eID or a password."""
    failures = models.PositiveIntegerField(default=0)
    codes_sent = models.PositiveIntegerField(default=0)
    codes_used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "hour"], name="clinic_hour_once")]
        indexes = [models.Index(fields=["hour"], name="clinic_hour_by_hour")]

    def __str__(self) -> str:
        return f"clinic {self.clinic_id}, {self.hour:%Y-%m-%d %H}"


class CodeStop(models.Model):
    """The clinic sends no codes until an instant; eID goes on working. The latest stop only: older ones are in the trail."""

    clinic = models.OneToOneField(Clinic, primary_key=True, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=10, choices=StopReason.choices)
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="code_stop_ends_after_it_begins", condition=Q(ends_at__gte=models.F("began_at"))
            ),
            models.CheckConstraint(name="code_stop_reason_known", condition=Q(reason__in=StopReason.values)),
        ]

    def __str__(self) -> str:
        return f"codes of clinic {self.clinic_id} stopped until {self.ends_at:%Y-%m-%d %H:%M}"
