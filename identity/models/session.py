"""What is left of a session that ended."""

from django.db import models

from clinic_admin.models import Clinic
from identity.choices import (
    EndReason,
)
from identity.models.people import User
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


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
