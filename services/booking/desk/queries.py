"""What the desk's pages and operations ask."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Closure, Provider
from delegation.models import Absence
from identity.choices import Assurance
from patients import staff_queries as records
from patients.models import Patient
from patients.search import Wanted
from services.access import queries as access
from services.booking import own_times, queries
from services.booking import policy as booking
from services.booking.choices import SlotKind, SlotState
from services.booking.desk import policy
from services.booking.desk.choices import Rule
from services.booking.earlier.choices import OfferStatus
from services.booking.models import Appointment, Block, EarlierOffer, Slot
from services.booking.staff import queries as staff_queries

SHOWN_OF_SEARCH = records.PER_PAGE
NEAREST = 4
"""So many other times are offered in place of one that is lost."""


@dataclass(frozen=True, slots=True)
class Place:
    """A time with somebody: a slot of the calendar, or a stretch that no slot covers."""

    provider: Provider
    starts_at: datetime
    ends_at: datetime
    day: date
    """The clinic's local day."""
    kind: SlotKind
    slot: Slot | None
    is_closed: bool
    """The clinic is closed on the day."""

    @property
    def is_free(self) -> bool:
        """Return whether nobody has it; a stretch without a slot is found out about when it is taken."""
        return self.slot is None or self.slot.state == SlotState.FREE

    def is_held(self, now: datetime) -> bool:
        """Return whether it is free, but kept for who waits for an earlier time."""
        return self.slot is not None and self.is_free and self.slot.state_at(now) != SlotState.FREE


def place_of_slot(*, clinic: Clinic, slot_id: int) -> Place | None:
    """Return the clinic's slot as a place, whatever its state. One query."""
    slot = (
        Slot.objects.filter(clinic=clinic, pk=slot_id)
        .select_related("provider")
        .annotate(is_closed=Exists(_closures(clinic, OuterRef("day"))))
        .first()
    )
    if slot is None:
        return None
    return Place(
        slot.provider, slot.starts_at, slot.ends_at, slot.day, SlotKind(slot.kind), slot, slot.is_closed
    )


def free_place(*, clinic: Clinic, provider_id: int, day: date, clock: time, minutes: int) -> Place | None:
    """Return a stretch of the provider's day that begins at the clinic's clock time. One query.

    None when the clinic has no such active provider.
    """
    provider = (
        Provider.objects.for_clinic(clinic)
        .active()
        .filter(pk=provider_id)
        .annotate(is_closed=Exists(_closures(clinic, day)))
        .first()
    )
    if provider is None:
        return None
    starts_at = booking.at_clock(day, clock, clinic.zone)
    return Place(
        provider,
        starts_at,
        starts_at + timedelta(minutes=minutes),
        starts_at.astimezone(clinic.zone).date(),
        SlotKind.INTERNAL,
        None,
        provider.is_closed,  # type: ignore[attr-defined]
    )


def _closures(clinic: Clinic, day: object) -> "QuerySet[Closure]":
    return Closure.objects.filter(clinic=clinic, first_day__lte=day, last_day__gte=day)


def rules_against(
    patient: Patient,
    place: Place,
    *,
    now: datetime,
    moved: Appointment | None = None,
    for_share: bool = False,
) -> tuple[Rule, ...]:
    """Return the rules that would stop the patient from having the place. Three queries, with for_share four.
    One more for a time that is held: what is offered to the patient is no obstacle.

    `moved` is given up for it and doesn't count. The clinic's own times need one query.
    """
    clinic = patient.clinic
    service = booking.service_of(place.kind)
    if service is None:
        allowed, limit = True, None
    else:
        allowed = access.decision(
            patient=patient,
            service=service or Service.BOOKING,
            provider_id=place.provider.pk,
            assurance=Assurance.HIGH,
            day=place.day,
            for_share=for_share,
        ).allowed
        limit = booking.refuse_another(
            place.kind,
            held=queries.held(patient, now=now, apart_from=moved.pk if moved else None),
            most_upcoming=clinic.most_upcoming,
            most_urgent=clinic.most_urgent,
        )
    return policy.rules_against(
        kind=place.kind,
        day=place.day,
        allowed=allowed,
        urgent_until=booking.released_until(
            now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
        ),
        last_day=booking.last_day(now, zone=clinic.zone),
        limit=limit,
        is_closed=place.is_closed,
        is_held=_is_held(place, patient, now),
        has_own=place.is_free
        and own_times.beside(patient, place.starts_at, place.ends_at, moved=moved).exists(),
    )


def why_not(patient: Patient, place: Place) -> list[str]:
    """Return which of the six rules of access keep the patient from booking the place, as sentences. One query."""
    answers = access.explanation(
        patient=patient,
        service=booking.service_of(place.kind) or Service.BOOKING,
        provider_id=place.provider.pk,
        assurance=Assurance.HIGH,
        day=place.day,
    ).answers
    return [answer.sentence for answer in answers if not answer.finding.holds]


def beside(patient: Patient, place: Place, *, moved: Appointment | None = None) -> list[Appointment]:
    """Return what the patient has at the place's time, with providers and who asked for it. One query."""
    rows = own_times.beside(patient, place.starts_at, place.ends_at, moved=moved)
    return list(rows.select_related("provider", "requested_by").order_by("starts_at"))


def nearest_free(place: Place, *, now: datetime) -> list[Slot]:
    """Return the provider's free times of this kind nearest to one that is lost, in the order of the clock. Two queries."""
    kind = place.kind if place.slot else SlotKind.PORTAL
    free = Slot.objects.filter(
        Q(held_until=None) | Q(held_until__lte=now), provider=place.provider, kind=kind, state=SlotState.FREE
    )
    coming = free.filter(starts_at__gt=now)
    after = coming.filter(day__gte=place.day, starts_at__gt=place.starts_at).order_by("day", "starts_at")
    before = coming.filter(day__lte=place.day, starts_at__lt=place.starts_at).order_by("-day", "-starts_at")
    return list(
        booking.nearest(
            [*before[:NEAREST], *after[:NEAREST]],
            to=place.starts_at,
            provider_id=place.provider.pk,
            most=NEAREST,
        )
    )


def has_it(patient: Patient, place: Place) -> Appointment | None:
    """Return the patient's appointment that has just this place: the page was opened again after booking. One query."""
    rows = own_times.beside(patient, place.starts_at, place.ends_at)
    return rows.filter(provider=place.provider, starts_at=place.starts_at, ends_at=place.ends_at).first()


def _is_held(place: Place, patient: Patient, now: datetime) -> bool:
    """Return whether the place is kept for others who wait for an earlier time."""
    if not place.is_held(now):
        return False
    return not EarlierOffer.objects.filter(slot=place.slot, patient=patient, status=OfferStatus.OPEN).exists()


def find_patients(*, clinic: Clinic, wanted: Wanted) -> Sequence[Patient]:
    """Return the clinic's patients who are wanted, the first twenty-five by name. Three queries at most."""
    return records.find(clinic=clinic, wanted=wanted).patients


def patient_of(*, clinic: Clinic, patient_id: UUID) -> Patient | None:
    """Return the clinic's own patient. One query."""
    patient = records.patient_of(clinic=clinic, patient_id=patient_id)
    if patient is not None:
        patient.clinic = clinic
    return patient


def appointment_of(*, clinic: Clinic, appointment_id: UUID) -> Appointment | None:
    """Return the clinic's appointment with patient and provider. One query."""
    found = staff_queries.appointment_of(clinic, appointment_id)
    if found is not None:
        found.clinic = found.patient.clinic = clinic
    return found


def providers(clinic: Clinic) -> list[Provider]:
    """Return the clinic's active providers in their order. One query."""
    return list(Provider.objects.for_clinic(clinic).active())


def block_of(*, clinic: Clinic, block_id: int) -> Block | None:
    """Return the clinic's block with provider and who made it. One query."""
    return Block.objects.filter(clinic=clinic, pk=block_id).select_related("provider", "by").first()


def days_away(
    clinic: Clinic, provider_ids: Collection[int], first: date, last: date
) -> list[tuple[int, date, date]]:
    """Return the absences (provider, first and last day) of these providers that touch these days. One query."""
    rows = Absence.objects.filter(
        clinic=clinic, provider__in=provider_ids, first_day__lte=last, last_day__gte=first
    )
    return list(rows.values_list("provider", "first_day", "last_day"))


def days_closed(clinic: Clinic, first: date, last: date) -> list[tuple[date, date, str]]:
    """Return the clinic's closures (first day, last day, reason) that touch these days. One query."""
    rows = Closure.objects.filter(clinic=clinic, first_day__lte=last, last_day__gte=first)
    return list(rows.values_list("first_day", "last_day", "reason"))
