"""Who waits for an earlier time, what was offered to whom, and who was passed over and why."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clinic_admin.choices import Weekday
from clinic_admin.models import Clinic, Provider
from patients.models import Patient
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel
from services.booking.earlier.choices import OfferStatus, PartOfDay, PassedReason, WishStatus


class EarlierWish(PublicIdModel):
    """A patient would like an earlier time: instead of an appointment they have, or without one."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="earlier_wishes")
    appointment = models.ForeignKey(
        "booking.Appointment", null=True, on_delete=models.CASCADE, related_name="earlier_wishes"
    )
    """What is to be moved; empty: the patient has none yet."""
    provider_ids = ArrayField(models.BigIntegerField(), default=list)
    """With whom; empty is with anyone. An array, so that the next in line is found without a join."""
    weekdays = ArrayField(models.CharField(max_length=1, choices=Weekday.choices))
    part = models.CharField(max_length=10, choices=PartOfDay.choices, default=PartOfDay.ANY)
    first_day = models.DateField()
    last_day = models.DateField()
    reason = EncryptedTextField(blank=True)
    """Why the patient wants to come, where there is no appointment that says it. Deleted when the wish ends."""
    wants_reminder = models.BooleanField(default=False)
    reminder_ore = models.PositiveSmallIntegerField(default=0, db_default=0)
    """What the patient was told that it costs, as at an appointment."""
    status = models.CharField(max_length=10, choices=WishStatus.choices, default=WishStatus.WAITING)
    joined_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="earlier_wish_days_in_order", condition=Q(last_day__gte=F("first_day"))
            ),
            models.UniqueConstraint(
                fields=["appointment"],
                condition=Q(status=WishStatus.WAITING),
                name="earlier_wish_one_per_appointment",
            ),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(status=WishStatus.WAITING, appointment__isnull=True),
                name="earlier_wish_one_without",
            ),
            models.CheckConstraint(
                name="earlier_wish_ended_with_time",
                condition=Q(status=WishStatus.WAITING, ended_at__isnull=True)
                | (~Q(status=WishStatus.WAITING) & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "joined_at", "id"],
                condition=Q(status=WishStatus.WAITING),
                name="earlier_wish_in_line",
            ),
            models.Index(fields=["patient", "-joined_at"], name="earlier_wish_by_patient"),
            models.Index(
                fields=["ended_at"], condition=Q(ended_at__isnull=False), name="earlier_wish_to_forget"
            ),
        ]

    def __str__(self) -> str:
        return f"wish for an earlier time {self.pk}"


class EarlierOffer(PublicIdModel):
    """A time that came free, offered to one patient until a limit."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    wish = models.ForeignKey(EarlierWish, on_delete=models.PROTECT, related_name="offers")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+", db_index=False)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey("booking.Slot", null=True, on_delete=models.SET_NULL, related_name="offers")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=OfferStatus.choices, default=OfferStatus.OPEN)
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """Until when the patient can take it. Nobody has to do anything for it to be over then."""
    ended_at = models.DateTimeField(null=True)
    appointment = models.ForeignKey(
        "booking.Appointment", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    """What it became."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=Q(status=OfferStatus.OPEN), name="earlier_offer_one_per_slot"
            ),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(status=OfferStatus.OPEN), name="earlier_offer_one_per_patient"
            ),
            models.UniqueConstraint(fields=["wish", "slot"], name="earlier_offer_once"),
            models.CheckConstraint(
                name="earlier_offer_ended_with_time",
                condition=Q(status=OfferStatus.OPEN, ended_at__isnull=True)
                | (~Q(status=OfferStatus.OPEN) & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "-offered_at"], name="earlier_offer_log"),
            models.Index(
                fields=["clinic", "expires_at"],
                condition=Q(status=OfferStatus.OPEN),
                name="earlier_offer_open",
            ),
        ]

    def __str__(self) -> str:
        return f"offer of an earlier time {self.pk}"


class PassedOver(models.Model):
    """Somebody whom a time suited, who had waited longer, and was not offered it."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    wish = models.ForeignKey(EarlierWish, on_delete=models.CASCADE, related_name="passed_over")
    slot = models.ForeignKey("booking.Slot", null=True, on_delete=models.SET_NULL, related_name="+")
    offer = models.ForeignKey(EarlierOffer, null=True, on_delete=models.CASCADE, related_name="passed_over")
    """To whom it went instead; empty: to nobody."""
    starts_at = models.DateTimeField()
    reason = models.CharField(max_length=20, choices=PassedReason.choices)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["wish", "-at"], name="earlier_passed_by_wish"),
            models.Index(
                fields=["clinic", "-at"], condition=Q(offer__isnull=True), name="earlier_passed_for_nobody"
            ),
        ]

    def __str__(self) -> str:
        return f"passed over: {self.reason}"
