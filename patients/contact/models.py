"""What patients say of how they are reached, and changes that wait to be confirmed."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic_admin.models import Clinic
from patients.contact.choices import ContactKind
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel


class ContactWord(models.Model):
    """The patient's own word on one way to be reached: what they confirmed last. The record may say something else."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.CASCADE, related_name="contact_words")
    kind = models.CharField(max_length=10, choices=ContactKind.choices)
    value = models.CharField(max_length=254)
    """E-mail address, or mobile number in E.164."""
    said_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "kind"], name="contact_word_once"),
            models.CheckConstraint(name="contact_word_says_something", condition=~Q(value="")),
            models.CheckConstraint(name="contact_word_kind_known", condition=Q(kind__in=ContactKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.patient_id}"


class ContactChange(PublicIdModel):
    """A new address or number that waits until its holder has confirmed it, by link or code. Until then the old counts."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.CASCADE, related_name="contact_changes")
    kind = models.CharField(max_length=10, choices=ContactKind.choices)
    value = EncryptedTextField()
    token_hash = models.CharField(max_length=64, null=True, unique=True)
    """SHA-256 of the word in the link. The word has 256 random bits, so no salt is needed."""
    code_hash = models.CharField(max_length=200, blank=True)
    """Argon2id of change and code."""
    attempts_left = models.PositiveSmallIntegerField(default=0)
    sends = models.PositiveSmallIntegerField(default=0)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The login that asked: the patient's own, or of who acts for the patient."""
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    """When it was cancelled, refused by the address's holder, or replaced."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "kind"],
                condition=Q(confirmed_at__isnull=True, ended_at__isnull=True),
                name="contact_change_one_open",
            ),
            models.CheckConstraint(
                name="contact_change_link_or_code",
                condition=Q(kind=ContactKind.EMAIL, token_hash__isnull=False, code_hash="")
                | (Q(kind=ContactKind.MOBILE, token_hash__isnull=True) & ~Q(code_hash="")),
            ),
            models.CheckConstraint(
                name="contact_change_one_end",
                condition=Q(confirmed_at__isnull=True) | Q(ended_at__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="contact_change_by_expiry")]

    def __str__(self) -> str:
        return f"change of {self.kind} {self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be confirmed at this instant."""
        return self.confirmed_at is None and self.ended_at is None and now < self.expires_at
