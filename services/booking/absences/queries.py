"""Appointments with someone who is away then, and where they could go."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.models import Absence
from services.booking import policy
from services.booking.choices import AbsenceAnswerKind, SlotKind, SlotState
from services.booking.models import AbsenceAnswer, Appointment, Slot
from services.booking.staff.queries import bounds

MOST_SHOWN = 100
"""Appointments on one page; those that are answered make room for the next."""
MOST_SLOTS = 2000
NEAR = timedelta(days=7)
"""How far from the old time a free one with the cover is looked for."""


@dataclass(frozen=True, slots=True)
class Affected:
    """An appointment with someone who is away then."""

    appointment: Appointment
    cover: Provider | None
    """Who covers the appointment's service; None when nobody does."""
    offer: Slot | None
    """A free time with the cover: the same time, or the nearest; None when there is none near."""
    answer: AbsenceAnswer | None

    @property
    def is_same_time(self) -> bool:
        """Return whether the patient could come at the same time."""
        return self.offer is not None and self.offer.starts_at == self.appointment.starts_at


@dataclass(frozen=True, slots=True)
class AffectedPage:
    """What an absence does to appointments."""

    waiting: list[Affected]
    """Still to be answered, the first ones first; at most MOST_SHOWN."""
    waiting_total: int
    answered: list[Affected]
    moved: int
    """How many were moved to the cover."""


def affected(absence: Absence, *, now: datetime) -> AffectedPage:
    """Return the coming appointments on the days of the absence. Five queries, however many appointments."""
    rows = of_absence(absence, now=now).select_related("patient", "provider").order_by("starts_at", "pk")
    answers = {
        answer.appointment_id: answer
        for answer in AbsenceAnswer.objects.filter(absence=absence).select_related("by")
    }
    open_rows = list(rows.exclude(pk__in=list(answers))[:MOST_SHOWN])
    answered = list(rows.filter(pk__in=list(answers))[:MOST_SHOWN])
    total = len(open_rows) if len(open_rows) < MOST_SHOWN else rows.exclude(pk__in=list(answers)).count()
    covers = {Service(cover.service): cover.provider for cover in absence.covers.all()}
    offers = _offers(absence, open_rows, covers, now)
    return AffectedPage(
        waiting=[_affected(row, covers, offers, answers) for row in open_rows],
        waiting_total=total,
        answered=[_affected(row, covers, {}, answers) for row in answered],
        moved=sum(answer.answer == AbsenceAnswerKind.MOVED for answer in answers.values()),
    )


def of_absence(absence: Absence, *, now: datetime) -> "QuerySet[Appointment]":
    """Return the live appointments with the one away that are still to come on the days of the absence."""
    starts, _ = bounds(absence.clinic, absence.first_day)
    _, ends = bounds(absence.clinic, absence.last_day)
    return (
        Appointment.objects.for_clinic(absence.clinic)
        .live()
        .filter(provider=absence.provider_id, starts_at__gte=max(starts, now), starts_at__lt=ends)
    )


def free_with(
    clinic: Clinic, provider_ids: Collection[int], kinds: Collection[str], *, now: datetime
) -> "QuerySet[Slot]":
    """Return these providers' free coming slots of these kinds, without days on which they are away."""
    away = Absence.objects.filter(
        clinic=clinic,
        provider=OuterRef("provider"),
        first_day__lte=OuterRef("day"),
        last_day__gte=OuterRef("day"),
    )
    return Slot.objects.filter(
        ~Exists(away),
        Q(held_until__isnull=True) | Q(held_until__lte=now),
        clinic=clinic,
        provider__in=provider_ids,
        provider__is_active=True,
        kind__in=kinds,
        state=SlotState.FREE,
        starts_at__gt=now,
    )


def cover_of(absence: Absence, kind: str) -> Provider | None:
    """Return who covers appointments of this kind."""
    service = policy.service_of(kind) or Service.BOOKING
    return next((cover.provider for cover in absence.covers.all() if cover.service == service), None)


def _offers(
    absence: Absence, appointments: list[Appointment], covers: dict[Service, Provider], now: datetime
) -> dict[UUID, Slot]:
    """Give each appointment a free time of its cover, no time twice: first the same times, then the nearest."""
    if not appointments or not covers:
        return {}
    zone = absence.clinic.zone
    days = [appointment.starts_at.astimezone(zone).date() for appointment in appointments]
    free = list(
        free_with(absence.clinic, {cover.pk for cover in covers.values()}, list(SlotKind), now=now)
        .filter(day__gte=min(days) - NEAR, day__lte=max(days) + NEAR)
        .order_by("starts_at", "pk")[:MOST_SLOTS]
    )
    found: dict[UUID, Slot] = {}
    for only_same_time in (True, False):
        for appointment in appointments:
            cover = covers.get(policy.service_of(appointment.kind) or Service.BOOKING)
            if cover is None or appointment.pk in found:
                continue
            slot = _best(appointment, [slot for slot in free if slot.provider_id == cover.pk], only_same_time)
            if slot is not None:
                found[appointment.pk] = slot
                free.remove(slot)
    return found


def _best(appointment: Appointment, slots: Iterable[Slot], only_same_time: bool) -> Slot | None:
    near = [
        slot
        for slot in slots
        if slot.kind == appointment.kind
        and abs(slot.starts_at - appointment.starts_at) <= (timedelta(0) if only_same_time else NEAR)
    ]
    return min(near, key=lambda slot: (abs(slot.starts_at - appointment.starts_at), slot.pk), default=None)


def _affected(
    row: Appointment,
    covers: dict[Service, Provider],
    offers: dict[UUID, Slot],
    answers: dict[UUID, AbsenceAnswer],
) -> Affected:
    cover = covers.get(policy.service_of(row.kind) or Service.BOOKING)
    return Affected(row, cover, offers.get(row.pk), answers.get(row.pk))


def is_slot_of(clinic: Clinic, slot_id: int | None) -> bool:
    """Return whether the clinic has this slot; one that isn't there any more is not told from another clinic's."""
    return slot_id is not None and Slot.objects.filter(clinic=clinic, pk=slot_id).exists()
