"""What may be booked: the times of some days, the first ones, and when urgent times come out."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from services.access.queries import Window
from services.booking.day_parts import DayPart
from services.booking.free_times.kinds import NOBODYS, BookableProvider, FreeSlot, Offer, UrgentOpening, Whose
from services.booking.free_times.search import search
from services.booking.free_times.spans import (
    MOST_PER_WINDOW,
    at,
    horizon,
    of_provider,
    released,
    unreleased,
    windows_of,
    within,
)
from services.booking.models import Appointment


def free_slots(
    *,
    patient: Patient,
    assurance: Assurance,
    first_day: date,
    last_day: date,
    now: datetime,
    provider_id: int | None = None,
    per_provider_limit: int = MOST_PER_WINDOW,
) -> list[FreeSlot]:
    """Return what the patient may take on these local days (both included), in order of time. Two queries.

    That is: allowed by the access decision on the slot's day, free, still to begin, within the horizon, for urgent
    ones, released, and at no time at which the patient has another appointment. The limit counts per provider and kind.
    """
    windows = windows_of(patient, assurance, first_day, last_day, now)
    spans = released(windows, patient.clinic, now, most=per_provider_limit)
    found = search(of_provider(spans, provider_id), patient.clinic, Whose.of(patient), now)
    return [slot for _place, slot in found.free]


def first_free_per_provider(*, patient: Patient, assurance: Assurance, now: datetime) -> dict[int, FreeSlot]:
    """Return the first free time within the horizon of each provider (id) who has one. Two queries."""
    windows = windows_of(patient, assurance, *horizon(patient.clinic, now), now)
    spans = released(windows, patient.clinic, now, most=1)
    found = search(spans, patient.clinic, Whose.of(patient), now)
    return _first_of_each(slot for _place, slot in found.free)


def offer(
    *,
    patient: Patient,
    assurance: Assurance,
    first_day: date,
    last_day: date,
    now: datetime,
    provider_id: int | None = None,
    part: DayPart | None = None,
    moved: Appointment | None = None,
) -> Offer:
    """Return all that the booking page shows about these days (both included). Two queries.

    `provider_id` narrows the times, not the list of providers; a provider whom the patient may not book has none.
    `part` narrows all times that are named, the first free ones too; not when urgent times come out. `moved` is an
    appointment that is given up for the new one: it stands in no time's way.
    """
    windows = windows_of(patient, assurance, *horizon(patient.clinic, now), now)
    return offer_within(
        windows,
        clinic=patient.clinic,
        whose=Whose.of(patient, moved),
        first_day=first_day,
        last_day=last_day,
        now=now,
        provider_id=provider_id,
        part=part,
    )


def offer_within(
    windows: Sequence[Window],
    *,
    clinic: Clinic,
    whose: Whose = NOBODYS,
    first_day: date,
    last_day: date,
    now: datetime,
    provider_id: int | None = None,
    part: DayPart | None = None,
) -> Offer:
    """Return the offer that these windows of the clinic allow, as `offer` does. One query."""
    first = at(part, released(windows, clinic, now, most=1))
    listed = of_provider(within(at(part, released(windows, clinic, now)), first_day, last_day), provider_id)
    if provider_id is None:
        listed = [span._replace(group=span.window.service.value) for span in listed]
    listed = [span._replace(shows_own=True) for span in listed]
    opening = of_provider(unreleased(windows, clinic, now), provider_id)
    found, own_slots = search([*first, *listed, *opening], clinic, whose, now)
    firsts = _first_of_each(slot for place, slot in found if place < len(first))
    asked_for = [one for one in firsts.values() if provider_id in (None, one.provider_id)]
    return Offer(
        providers=tuple(
            BookableProvider(choice, firsts.get(choice.provider_id))
            for choice in {window.provider.provider_id: window.provider for window in windows}.values()
        ),
        times=tuple(slot for place, slot in found if len(first) <= place < len(first) + len(listed)),
        first_free=min(asked_for, key=lambda slot: slot.starts_at, default=None),
        urgent_opening=_opening(
            (slot.day for place, slot in found if place >= len(first) + len(listed)), clinic
        ),
        own_slots=own_slots,
    )


def _opening(days: Iterable[date], clinic: Clinic) -> UrgentOpening | None:
    day = min(days, default=None)
    return None if day is None else UrgentOpening.of(day, clinic)


def _first_of_each(slots: Iterable[FreeSlot]) -> dict[int, FreeSlot]:
    firsts: dict[int, FreeSlot] = {}
    for slot in slots:
        firsts.setdefault(slot.provider_id, slot)
    return firsts
