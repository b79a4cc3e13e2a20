"""What the demo's providers remember of a sign-in."""

from django.db import models

from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class Grant(PublicIdModel):
    """One sign-in, from the pushed request to the code's exchange. Handles and codes are kept as hashes, used once."""

    realm = models.CharField(max_length=20)
    client_id = models.CharField(max_length=100)
    asked = models.JSONField()
    """The parameters of the authorization request."""
    handle_hash = models.CharField(max_length=64, unique=True)
    """Of the request_uri (RFC 9126)."""
    code_hash = models.CharField(max_length=64, unique=True, null=True)
    claims = EncryptedTextField(null=True)
    """What the ID token will say, once someone was chosen."""
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="demo_grant_by_expiry")]

    def __str__(self) -> str:
        return f"demo sign-in {self.pk}"


class UsedAssertion(models.Model):
    """A client's proof of itself that was shown already (RFC 7523): a second time it is refused."""

    jti = models.CharField(max_length=100, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="demo_assertion_by_expiry")]

    def __str__(self) -> str:
        return f"assertion {self.pk}"


class SamlKey(models.Model):
    """A key of the SAML provider, or of the portal at it. RSA keys can't be derived, so they are kept."""

    name = models.CharField(max_length=60, unique=True)
    private_key = EncryptedTextField()
    certificate = models.TextField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"demo key {self.name}"


class OpenSession(PublicIdModel):
    """Someone is signed in at one of the demo's providers. Signing out there signs them out of the portal."""

    realm = models.CharField(max_length=20)
    name_id = EncryptedTextField()
    """OpenID Connect: sub."""
    session_index = models.CharField(max_length=60, unique=True)
    """OpenID Connect: sid."""
    who = EncryptedTextField()
    """The invented person's name, for whoever picks a session to end."""
    started_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["realm", "-started_at"], name="demo_open_session_by_age")]

    def __str__(self) -> str:
        return f"demo session {self.pk}"
