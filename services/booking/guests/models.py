"""Who asks for a time without an account."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic_admin.models import Clinic, Provider
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel
from services.booking.guests.choices import GuestStatus, RefusedBecause


class GuestRequest(PublicIdModel):
    """Somebody without an account asks for a time (F8, 004). It holds the slot once the mobile is confirmed.

    Not an appointment: it belongs to no record until staff have said whose it is.
    """

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey(
        "booking.Slot", null=True, on_delete=models.SET_NULL, related_name="guest_requests"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=GuestStatus.choices, default=GuestStatus.STARTED)
    given_name = models.CharField(max_length=80)
    family_name = models.CharField(max_length=80)
    national_id = EncryptedTextField()
    national_id_index = models.CharField(max_length=64)
    birth_date = models.DateField()
    mobile = models.CharField(max_length=20)
    reason = EncryptedTextField()
    language = models.CharField(max_length=5)
    code_hash = models.CharField(max_length=200, blank=True)
    """Of the code that was sent last; empty once it is used."""
    code_tries_left = models.PositiveSmallIntegerField()
    code_sent_at = models.DateTimeField()
    codes_sent = models.PositiveSmallIntegerField(default=1)
    confirmed_at = models.DateTimeField(null=True)
    """When the code came back: the mobile is the person's own."""
    link_hash = models.CharField(max_length=64, blank=True)
    """Keyed hash of the word in the message, which leads to the request without signing in."""
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    """Who approved or refused; empty with a decided_at means that the person withdrew it."""
    refused_because = models.CharField(
        max_length=20, choices=RefusedBecause.choices, blank=True, default="", db_default=""
    )
    """Which sentence the person's page shows; empty when staff chose none."""
    appointment = models.OneToOneField(
        "booking.Appointment", null=True, on_delete=models.SET_NULL, related_name="guest_request"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="guest_request_in_order", condition=Q(ends_at__gt=F("starts_at"))),
            models.UniqueConstraint(
                fields=["slot"], condition=Q(status=GuestStatus.WAITING), name="guest_request_one_per_slot"
            ),
            models.CheckConstraint(
                name="guest_request_decided_with_time",
                condition=Q(status__in=GuestStatus.open(), decided_at__isnull=True)
                | (~Q(status__in=GuestStatus.open()) & Q(decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="guest_request_waits_when_confirmed",
                condition=Q(status=GuestStatus.STARTED) | Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="guest_request_because_known",
                condition=Q(refused_because="")
                | Q(refused_because__in=RefusedBecause.values, status=GuestStatus.REFUSED),
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "created_at", "id"],
                condition=Q(status=GuestStatus.WAITING),
                name="guest_request_waiting",
            ),
            models.Index(
                fields=["clinic", "starts_at"],
                condition=Q(status=GuestStatus.WAITING),
                name="guest_request_by_day",
            ),
            models.Index(
                fields=["clinic", "-decided_at", "-id"],
                condition=Q(decided_at__isnull=False),
                name="guest_request_answered",
            ),
            models.Index(
                fields=["clinic", "mobile"],
                condition=Q(status=GuestStatus.WAITING),
                name="guest_request_by_mobile",
            ),
            models.Index(fields=["link_hash"], condition=~Q(link_hash=""), name="guest_request_by_link"),
            models.Index(fields=["created_at"], name="guest_request_by_age"),
        ]

    def __str__(self) -> str:
        return f"guest request {self.pk}"

    @property
    def full_name(self) -> str:
        """Return the name as people say it."""
        return f"{self.given_name} {self.family_name}".strip()
