"""Passwords of staff: the links to them, and who asked."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from clinic_admin.models import Clinic
from identity.choices import (
    StaffLinkPurpose,
)
from identity.models.people import User
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


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
