"""The draw of a day's urgent slots, and who asks to be drawn."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel
from services.booking.release.choices import Outcome


class Draw(PublicIdModel):
    """The draw of one day's urgent slots: prepared before its window opens, held once after it has closed."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    """The window as the clinic's settings had it when the draw was prepared, or held."""
    seed = EncryptedTextField()
    """Shown to nobody before the draw is held."""
    seed_hash = models.CharField(max_length=64)
    """Published from the beginning."""
    committed_at = models.DateTimeField()
    drawn_at = models.DateTimeField(null=True)
    pool = models.JSONField(default=list)
    """The times that were drawn: slot id, provider id, instant."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "day"], name="draw_one_per_day"),
            models.CheckConstraint(name="draw_in_order", condition=Q(closes_at__gt=F("opens_at"))),
            models.CheckConstraint(
                name="draw_after_the_window",
                condition=Q(drawn_at__isnull=True) | Q(drawn_at__gte=F("closes_at")),
            ),
        ]
        indexes = [
            models.Index(fields=["closes_at"], condition=Q(drawn_at__isnull=True), name="draw_due"),
        ]

    def __str__(self) -> str:
        return f"draw {self.pk}"


class DrawRequest(PublicIdModel):
    """A patient asks for an urgent time of the day. Once for each patient and day."""

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="requests")
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="+")
    """Empty some time after the draw: then it can still be checked, and tells of nobody."""
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    assurance = models.PositiveSmallIntegerField(choices=Assurance.choices)
    """How the person had signed in who asked; the draw decides with it."""
    reason = EncryptedTextField(blank=True)
    """Goes to the appointment, or is emptied the day after."""
    wants_reminder = models.BooleanField(default=False)
    reminder_ore = models.PositiveSmallIntegerField(default=0, db_default=0)
    """What the patient was told that it costs when they chose it, in hundredths of the currency; 0: nothing."""
    providers = ArrayField(models.BigIntegerField(), default=list)
    """With whom; empty means with anyone."""
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.WAITING)
    rank = models.PositiveIntegerField(null=True)
    """The place in the order of the draw, from 1."""
    allowed = ArrayField(models.BigIntegerField(), default=list)
    """Whom of the draw's providers the access decision allowed when it was held."""
    own_times = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    """The draw's slots at which the patient had another appointment when it was held."""
    slot_number = models.BigIntegerField(null=True)
    """The slot that was won. A number only: the record outlives the slot."""
    appointment = models.OneToOneField(
        "booking.Appointment", null=True, on_delete=models.SET_NULL, related_name="draw_request"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="draw_request_known_or_forgotten",
                condition=Q(patient__isnull=False, asked_by__isnull=False)
                | Q(patient__isnull=True, asked_by__isnull=True, appointment__isnull=True),
            ),
            models.UniqueConstraint(fields=["draw", "patient"], name="draw_request_once_per_patient"),
            models.UniqueConstraint(fields=["draw", "rank"], name="draw_request_one_per_rank"),
            models.UniqueConstraint(fields=["draw", "slot_number"], name="draw_request_one_per_slot"),
            models.CheckConstraint(
                name="draw_request_ranked_when_drawn",
                condition=Q(outcome__in=[Outcome.WAITING, Outcome.WITHDRAWN], rank__isnull=True)
                | (~Q(outcome__in=[Outcome.WAITING, Outcome.WITHDRAWN]) & Q(rank__isnull=False)),
            ),
            models.CheckConstraint(
                name="draw_request_won_a_slot",
                condition=Q(outcome=Outcome.WON, slot_number__isnull=False)
                | (~Q(outcome=Outcome.WON) & Q(slot_number__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"draw request {self.pk}"

    @property
    def asker(self) -> Patient:
        """Return whose request it is. Only of a draw that is young enough to know."""
        assert self.patient is not None
        return self.patient
