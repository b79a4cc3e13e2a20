"""Calendars, the slots they make, and the appointments that patients take them for."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Case, F, Func, Q, UUIDField, When
from django.db.models.functions import Coalesce

from clinic_admin.choices import Weekday
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation.models import Absence
from patients.models import Patient
from portal.fields import EncryptedTextField
from portal.models import PublicIdModel
from services.booking.choices import (
    LIVE,
    AbsenceAnswerKind,
    AppointmentStatus,
    ReceiptKind,
    ReceiptRule,
    SlotKind,
    SlotState,
)
from services.booking.desk.choices import Attendance, Rule
from services.booking.earlier.models import EarlierOffer as EarlierOffer
from services.booking.earlier.models import EarlierWish as EarlierWish
from services.booking.earlier.models import PassedOver as PassedOver
from services.booking.guests.models import GuestRequest as GuestRequest
from services.booking.release.models import Draw as Draw
from services.booking.release.models import DrawRequest as DrawRequest

LONGEST_BLOCK_REASON = 120
"""Characters."""


class TsTzRange(Func):
    """The half-open period between two instants."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def _no_overlap(name: str, condition: Q | None = None) -> ExclusionConstraint:
    return ExclusionConstraint(
        name=name,
        expressions=[
            ("provider", RangeOperators.EQUAL),
            (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
        ],
        condition=condition,
    )


def _not_in_two_places() -> ExclusionConstraint:
    """Keep a patient from having two live appointments at once (own_times).

    A request that waits to take the place of a booked one counts as the same: it may overlap what it replaces. What
    staff have put beside another knowingly (Rule.OWN_TIME) stands outside.
    """
    stands_for = Case(
        When(status=AppointmentStatus.REQUESTED, then=Coalesce("replaces", "id")),
        default=F("id"),
        output_field=UUIDField(),
    )
    return ExclusionConstraint(
        name="appointment_patient_not_in_two_places",
        expressions=[
            ("patient", RangeOperators.EQUAL),
            (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
            (stands_for, RangeOperators.NOT_EQUAL),
        ],
        condition=Q(status__in=LIVE) & ~Q(overruled__contains=[Rule.OWN_TIME]),
    )


class CalendarTemplate(models.Model):
    """A provider's working week, from a first day and until a last day or further notice."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="calendar_templates")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="calendar_templates")
    name = models.CharField(max_length=80)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    """The last day it holds; empty means until further notice."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="calendar_template_in_order",
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
            )
        ]
        indexes = [
            models.Index(fields=["clinic", "provider", "valid_from"], name="calendar_template_by_provider")
        ]

    def __str__(self) -> str:
        return f"calendar template {self.pk}"


class TemplateBlock(models.Model):
    """A stretch of a weekday, by the clinic's clock, cut into slots of one kind and length."""

    template = models.ForeignKey(CalendarTemplate, on_delete=models.CASCADE, related_name="blocks")
    weekday = models.CharField(max_length=1, choices=Weekday.choices)
    starts_at = models.TimeField()
    ends_at = models.TimeField()
    minutes = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=SlotKind.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(name="template_block_in_order", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="template_block_length_sensible", condition=Q(minutes__gte=5, minutes__lte=480)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.starts_at:%H:%M}-{self.ends_at:%H:%M} {self.kind}"


class Block(models.Model):
    """A stretch of a provider's day that staff closed by hand, with the reason. Its slots say that they are its."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=LONGEST_BLOCK_REASON)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="block_in_order", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="block_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"block {self.pk}"


class Slot(models.Model):
    """A bookable piece of a calendar. Its state is stored, so that free ones are found without a join."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    day = models.DateField()
    """The clinic's local day."""
    kind = models.CharField(max_length=10, choices=SlotKind.choices)
    state = models.CharField(max_length=10, choices=SlotState.choices, default=SlotState.FREE)
    """Whether patients may see a free urgent slot yet follows from its day and the clinic's release hour
    (policy.released_until), so that a changed hour holds at once and nothing has to run at 16:00."""
    held_until = models.DateTimeField(null=True)
    """Until when a free one is kept for somebody who waits for an earlier time. In the past it means nothing: a hold
    ends by the clock, whoever is there to end it."""
    freed_at = models.DateTimeField(null=True)
    """When it came free, until everybody who waits has been asked. Only where the clinic offers earlier times."""
    by_hand = models.BooleanField(default=False, db_default=False)
    """No weekly calendar has it: made by staff, or booked before a calendar changed. Free, it is none for patients."""
    block = models.ForeignKey(
        Block, null=True, on_delete=models.SET_NULL, related_name="slots", db_index=False
    )
    """Why it is blocked."""

    class Meta:
        constraints = [
            models.CheckConstraint(name="slot_in_order", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="slot_of_block_is_blocked", condition=Q(block=None) | Q(state=SlotState.BLOCKED)
            ),
            _no_overlap("slot_no_overlap"),
        ]
        indexes = [
            models.Index(
                fields=["provider", "kind", "day", "starts_at"],
                include=["id", "ends_at", "held_until"],
                condition=Q(state=SlotState.FREE),
                name="slot_free_by_provider",
            ),
            models.Index(fields=["clinic", "day", "provider", "starts_at"], name="slot_by_day"),
            models.Index(
                fields=["clinic", "starts_at"],
                condition=Q(state=SlotState.FREE, freed_at__isnull=False),
                name="slot_just_freed",
            ),
            models.Index(
                fields=["clinic", "starts_at"],
                condition=Q(state=SlotState.FREE, kind=SlotKind.URGENT),
                name="slot_urgent_free",
            ),
            models.Index(fields=["block"], condition=Q(block__isnull=False), name="slot_of_block"),
        ]

    def __str__(self) -> str:
        return f"slot {self.pk}"

    def state_at(self, now: datetime) -> str:
        """Return the state to those for whom it is not held: while it is, a free one is as good as taken."""
        is_held = self.held_until is not None and self.held_until > now
        return SlotState.TAKEN if is_held and self.state == SlotState.FREE else self.state


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Words for sets of appointments."""

    def for_clinic(self, clinic: Clinic) -> "AppointmentQuerySet":
        """Return the clinic's own."""
        return self.filter(clinic=clinic)

    def for_patient(self, patient: Patient) -> "AppointmentQuerySet":
        """Return the patient's own."""
        return self.filter(patient=patient)

    def live(self) -> "AppointmentQuerySet":
        """Return those that hold their time."""
        return self.filter(status__in=LIVE)


class Appointment(PublicIdModel):
    """A time that a patient has, had, or asked for."""

    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="appointments")
    slot = models.ForeignKey(Slot, null=True, on_delete=models.SET_NULL, related_name="appointments")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=SlotKind.choices)
    status = models.CharField(max_length=10, choices=AppointmentStatus.choices)
    reason = EncryptedTextField(blank=True)
    wants_reminder = models.BooleanField(default=False)
    reminder_ore = models.PositiveSmallIntegerField(default=0, db_default=0)
    """What the patient was told that it costs when they chose it, in hundredths of the currency; 0: nothing."""
    form_key = models.UUIDField()
    """Made when the form was shown: the same form sent twice is the same appointment."""
    version = models.PositiveIntegerField(default=1)
    """Rises with every change of time; messages name the version they tell of."""
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    assigned_to = models.ForeignKey(
        StaffMember, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    """Who gets the request, as message delegation said when it came (C4); empty means everyone."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    """Who approved or refused; empty with a decided_at means approved automatically."""
    replaces = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="replacements", db_index=False
    )
    """The booked appointment that this request is to take the place of: the old time stays until it is approved."""
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    overruled = ArrayField(
        models.CharField(max_length=20, choices=Rule.choices), default=list, db_default=[], blank=True
    )
    """Rules that would have stopped the patient, and that staff put aside when they booked or moved it."""
    attendance = models.CharField(
        max_length=10, choices=Attendance.choices, blank=True, default="", db_default=""
    )
    """Whether the patient came; empty as long as nobody has said."""
    marked_at = models.DateTimeField(null=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="appointment_in_order", condition=Q(ends_at__gt=F("starts_at"))),
            models.UniqueConstraint(
                fields=["slot"], condition=Q(status__in=LIVE), name="appointment_one_live_per_slot"
            ),
            models.UniqueConstraint(fields=["patient", "form_key"], name="appointment_once_per_form"),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=Q(status=AppointmentStatus.REQUESTED),
                name="appointment_one_replacement",
            ),
            _no_overlap("appointment_provider_not_double_booked", Q(status__in=LIVE)),
            _not_in_two_places(),
            models.CheckConstraint(
                name="appointment_cancelled_with_time",
                condition=Q(status=AppointmentStatus.CANCELLED, cancelled_at__isnull=False)
                | (~Q(status=AppointmentStatus.CANCELLED) & Q(cancelled_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="appointment_decided_with_time",
                condition=Q(status=AppointmentStatus.REQUESTED, decided_at__isnull=True)
                | Q(status=AppointmentStatus.CANCELLED)
                | Q(
                    status__in=[AppointmentStatus.BOOKED, AppointmentStatus.REFUSED], decided_at__isnull=False
                ),
            ),
            models.CheckConstraint(
                name="appointment_attended_when_booked",
                condition=Q(attendance="", marked_at__isnull=True, marked_by__isnull=True)
                | Q(
                    attendance__in=Attendance.values,
                    status__in=[AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED],
                    marked_at__isnull=False,
                    marked_by__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "-starts_at"], name="appointment_by_patient"),
            models.Index(
                fields=["clinic", "patient"], include=["requested_by"], name="appointment_by_person"
            ),
            models.Index(fields=["clinic", "starts_at"], name="appointment_by_day"),
            models.Index(
                fields=["clinic", "requested_at"],
                condition=Q(status=AppointmentStatus.REQUESTED),
                name="appointment_waiting",
            ),
            models.Index(
                fields=["assigned_to", "requested_at"],
                condition=Q(status=AppointmentStatus.REQUESTED, assigned_to__isnull=False),
                name="appointment_waiting_for",
            ),
            models.Index(
                fields=["provider", "starts_at"], condition=Q(status__in=LIVE), name="appointment_of_provider"
            ),
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"


class RefusalWords(models.Model):
    """What staff wrote to the patient when they refused a request. The portal shows it; messages never hold it."""

    appointment = models.OneToOneField(
        Appointment, primary_key=True, on_delete=models.CASCADE, related_name="refusal_words"
    )
    words = EncryptedTextField()

    def __str__(self) -> str:
        return f"words about appointment {self.pk}"


class AttendanceMark(models.Model):
    """That somebody noted whether the patient came, or took that back. Only added; what holds stands at the appointment."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="marks")
    mark = models.CharField(max_length=10, choices=Attendance.choices, blank=True)
    """Empty: what was noted before is taken back."""
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="attendance_mark_known", condition=Q(mark__in=["", *Attendance.values])
            ),
        ]

    def __str__(self) -> str:
        return f"mark of appointment {self.appointment_id}"


class Receipt(models.Model):
    """What a patient or the clinic did about an appointment, dated and numbered, with the rule that applied."""

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="receipts")
    kind = models.CharField(max_length=10, choices=ReceiptKind.choices)
    rule = models.CharField(max_length=20, choices=ReceiptRule.choices)
    hours = models.PositiveSmallIntegerField(default=0)
    """Of the rule, where it has hours."""
    starts_at = models.DateTimeField()
    """The time that the appointment has since."""
    was_at = models.DateTimeField(null=True)
    """The time that it was moved from."""
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    """Who moved it; of everything else the appointment says so itself."""

    class Meta:
        indexes = [models.Index(fields=["appointment", "at"], name="receipt_by_appointment")]

    def __str__(self) -> str:
        return f"receipt {self.pk}"

    @property
    def number(self) -> str:
        """Return the number as it is shown."""
        return f"{self.at:%Y}-{self.pk:06d}"

    @property
    def sentence(self) -> str:
        """Return the rule in words."""
        return str(ReceiptRule(self.rule).label) % {"hours": self.hours}


class AbsenceAnswer(models.Model):
    """What staff did about an appointment with someone who is away then (C5). One answer for each; the last stands."""

    absence = models.ForeignKey(Absence, on_delete=models.CASCADE, related_name="answers")
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="absence_answers")
    answer = models.CharField(max_length=10, choices=AbsenceAnswerKind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["absence", "appointment"], name="absence_answer_once"),
        ]

    def __str__(self) -> str:
        return f"{self.answer}: appointment {self.appointment_id}"
