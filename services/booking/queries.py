"""What patients' pages need of a slot they look at, and of their own appointments."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Closure, Provider
from identity.choices import Assurance
from patients.models import Patient
from portal.ready import Given, Ready
from services.access import queries as access
from services.access.choices import Approval
from services.booking import own_times, policy
from services.booking.choices import LIVE, AppointmentStatus, BookingRefusal, SlotKind
from services.booking.models import Appointment, CalendarTemplate, Receipt, Slot
from services.booking.policy import Held, Stretch


@dataclass(frozen=True, slots=True)
class Consideration:
    """A slot that the patient looks at, and whether it can be had."""

    slot: Slot
    approval: Approval
    may_cancel: bool
    """Whether the patient could cancel it online afterwards: the right, and the notice that the clinic wants."""
    refusal: BookingRefusal | None
    own: UUID | None
    """The patient's own live appointment there, if the slot is theirs already."""


def slot_of(patient: Patient, slot_id: int) -> Slot | None:
    """Return the slot of the patient's clinic with its provider, or None. One query."""
    return _SLOT.first(id=slot_id, clinic=patient.clinic_id)


_SLOT = Ready(lambda: Slot.objects.filter(clinic=Given("clinic"), pk=Given("id")).select_related("provider"))


def _considered() -> QuerySet[Slot]:
    """Return the clinic's slot with its provider, the patient's own live appointment on it, and whether one is beside it."""
    own = Appointment.objects.live().filter(patient=Given("patient"), slot=OuterRef("pk")).values("pk")[:1]
    slots = Slot.objects.filter(clinic=Given("clinic"), pk=Given("id"))
    beside = Exists(own_times.beside_slot_moving())
    return slots.select_related("provider").annotate(own=Subquery(own), is_beside_own=beside)


_CONSIDERED = Ready(_considered)


def consider(
    *,
    patient: Patient,
    slot_id: int,
    assurance: Assurance,
    now: datetime,
    moved: Appointment | None = None,
) -> Consideration | None:
    """Return what a patient who opens this slot should see; None when the clinic has no such slot. Two queries,
    three where the clinic limits how many a patient may have.
    """
    slot = _CONSIDERED.first(
        id=slot_id,
        clinic=patient.clinic_id,
        patient=patient.pk,
        moved=moved.pk if moved else own_times.NOBODYS,
        replaced=(moved.replaces_id if moved else None) or own_times.NOBODYS,
    )
    if slot is None:
        return None
    clinic = patient.clinic
    decision = access.decision(
        patient=patient,
        service=policy.service_of(slot.kind) or Service.BOOKING,
        provider_id=slot.provider_id,
        assurance=assurance,
        day=slot.day,
    )
    refusal = policy.refuse_booking(
        kind=slot.kind,
        state=slot.state_at(now),
        day=slot.day,
        starts_at=slot.starts_at,
        allowed=decision.allowed,
        urgent_until=policy.released_until(
            now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
        ),
        last_day=policy.last_day(now, zone=clinic.zone),
        now=now,
    )
    if refusal in (None, BookingRefusal.TAKEN) and slot.is_beside_own:  # type: ignore[attr-defined]
        refusal = BookingRefusal.OWN_TIME
    return Consideration(
        slot,
        decision.approval,
        decision.may_cancel and now <= cancellable_until(slot, clinic),
        refusal or over_limit(patient, slot.kind, moved=moved, now=now),
        slot.own,  # type: ignore[attr-defined]
    )


def over_limit(
    patient: Patient, kind: str, *, moved: Appointment | None = None, now: datetime
) -> BookingRefusal | None:
    """Return why the patient can't have one more of this kind, `moved` given up. One query where there are limits."""
    clinic = patient.clinic
    if clinic.most_upcoming is None and clinic.most_urgent is None:
        return None
    return policy.refuse_another(
        kind,
        held=held(patient, now=now, apart_from=moved.pk if moved else None),
        most_upcoming=clinic.most_upcoming,
        most_urgent=clinic.most_urgent,
    )


def providers_with_templates() -> list[Provider]:
    """Return every provider who has a calendar template, at all clinics, with the clinic."""
    having = CalendarTemplate.objects.values("provider")
    return list(Provider.objects.filter(pk__in=having).select_related("clinic").order_by("pk"))


# -- the patient's own appointments ------------------------------------------------------------------------
def upcoming(patient: Patient, now: datetime) -> QuerySet[Appointment]:
    """Return the patient's live appointments that have not ended, the next one first, with providers."""
    return _upcoming(patient.pk, now)


def _upcoming(patient: UUID | Given, now: datetime | Given) -> QuerySet[Appointment]:
    live = Appointment.objects.live().filter(patient=patient, ends_at__gt=now)
    return live.select_related("provider").order_by("starts_at")


_UPCOMING = Ready(lambda: _upcoming(Given("patient"), Given("now")))


def all_upcoming(patient: Patient, now: datetime) -> list[Appointment]:
    """Return all of `upcoming`, read. One query."""
    return _UPCOMING.all(patient=patient.pk, now=now)


def next_appointment(patient: Patient, now: datetime) -> Appointment | None:
    """Return the patient's next live appointment, requested or booked."""
    return upcoming(patient, now).first()


def next_urgent(patient: Patient, now: datetime) -> Appointment | None:
    """Return the patient's next live urgent appointment with its provider. One query."""
    return next((one for one in all_upcoming(patient, now) if one.kind == SlotKind.URGENT), None)


def earlier(patient: Patient, now: datetime) -> QuerySet[Appointment]:
    """Return what is over: past, cancelled and refused ones, the latest first, with providers."""
    return (
        Appointment.objects.for_patient(patient)
        .exclude(pk__in=upcoming(patient, now).order_by().values("pk"))
        .select_related("provider")
        .order_by("-starts_at", "pk")
    )


def appointment_of(*, patient: Patient, appointment_id: UUID) -> Appointment | None:
    """Return the patient's own appointment with provider and clinic, or None."""
    return (
        Appointment.objects.for_patient(patient)
        .filter(pk=appointment_id)
        .select_related(
            "provider",
            "clinic",
            "decided_by",
            "cancelled_by__account",
            "requested_by__account",
            "refusal_words",
        )
        .first()
    )


def may_cancel(*, appointment: Appointment, assurance: Assurance, now: datetime) -> bool:
    """Return whether the patient may cancel this appointment now. One query."""
    decision = access.decision(
        patient=appointment.patient,
        service=policy.service_of(appointment.kind) or Service.BOOKING,
        provider_id=appointment.provider_id,
        assurance=assurance,
        day=appointment.starts_at.astimezone(appointment.clinic.zone).date(),
    )
    refusal = policy.refuse_cancellation(
        status=appointment.status,
        starts_at=appointment.starts_at,
        until=cancellable_until(appointment, appointment.clinic),
        may_cancel=decision.may_cancel,
        now=now,
    )
    return refusal is None


@dataclass(frozen=True, slots=True)
class Movable:
    """The patient's own appointment, and why it can't be moved; None when it can."""

    appointment: Appointment
    refusal: BookingRefusal | None


def movable(*, patient: Patient, appointment_id: UUID, assurance: Assurance, now: datetime) -> Movable | None:
    """Return whether the patient may move this appointment now; None when it isn't theirs. Two queries."""
    appointment = appointment_of(patient=patient, appointment_id=appointment_id)
    if appointment is None:
        return None
    decision = access.decision(
        patient=patient,
        service=policy.service_of(appointment.kind) or Service.BOOKING,
        provider_id=appointment.provider_id,
        assurance=assurance,
        day=appointment.starts_at.astimezone(patient.clinic.zone).date(),
    )
    refusal = policy.refuse_giving_up(
        status=appointment.status,
        starts_at=appointment.starts_at,
        until=cancellable_until(appointment, patient.clinic),
        may_cancel=decision.may_cancel,
        now=now,
    )
    return Movable(appointment, refusal)


def cancellable_until(time: Stretch, clinic: Clinic) -> datetime:
    """Return the last instant at which the patient can cancel or move an appointment at this time online."""
    return policy.cancellable_until(time.starts_at, notice_hours=clinic.cancel_notice_hours, zone=clinic.zone)


def held(patient: Patient, *, now: datetime, apart_from: UUID | None = None) -> Held:
    """Return how many live appointments to come the patient has asked for online. One query.

    A request that is to replace another counts with it as one, as long as the patient has both.
    """
    rows = Appointment.objects.for_patient(patient).live().filter(starts_at__gt=now)
    rows = rows.exclude(replaces__status__in=LIVE)
    if apart_from is not None:
        rows = rows.exclude(pk=apart_from)
    found = (
        rows.filter(requested_by__kind="patient")
        .order_by()
        .aggregate(upcoming=Count("pk"), urgent=Count("pk", filter=Q(kind=SlotKind.URGENT)))
    )
    return Held(**found)


def replacement_of(appointment: Appointment) -> Appointment | None:
    """Return the request that is to take the appointment's place, if the clinic has not answered yet. One query."""
    return appointment.replacements.filter(status=AppointmentStatus.REQUESTED).first()


def receipts_of(appointment: Appointment) -> list[Receipt]:
    """Return the receipts of the appointment with who moved it, the latest first. One query."""
    return list(appointment.receipts.select_related("by__account").order_by("-at", "-pk"))


def open_slot(*, clinic: Clinic, slot_id: int) -> Slot | None:
    """Return the clinic's slot with its provider, if the clinic is not closed that day. One query."""
    closed = Closure.objects.filter(
        clinic=clinic, first_day__lte=OuterRef("day"), last_day__gte=OuterRef("day")
    )
    return Slot.objects.filter(~Exists(closed), clinic=clinic, pk=slot_id).select_related("provider").first()
