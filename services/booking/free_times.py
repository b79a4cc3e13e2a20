"""Free times: which of them a patient may take now, the nearest of them, and the first urgent one. Plain SQL, see ADR 7."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from clinic_admin.choices import ProviderKind, Service
from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from services.access import queries as access
from services.access.choices import Approval
from services.access.queries import ProviderChoice, Window
from services.booking import own_times, policy
from services.booking.choices import BookingRefusal, SlotKind, SlotState
from services.booking.day_parts import DayPart
from services.booking.models import Appointment, Slot

HORIZON = policy.HORIZON
SERVICES = (Service.BOOKING, Service.URGENT)
MOST_PER_WINDOW = 500
"""More free times than one provider has of one kind in a week."""


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time that the patient may take now."""

    slot_id: int
    provider_id: int
    provider_name: str
    provider_initials: str
    provider_kind: ProviderKind
    kind: SlotKind
    starts_at: datetime
    ends_at: datetime
    day: date
    """The clinic's local day."""
    approval: Approval
    is_own_time: bool = False
    """Whether the patient has another appointment then, so that this one can't be had as long as that stands."""


@dataclass(frozen=True, slots=True)
class BookableProvider:
    """Someone whom the patient may book, with the first free time within the horizon."""

    choice: ProviderChoice
    first_free: FreeSlot | None
    """At the part of the day asked for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the booking page shows."""

    providers: tuple[BookableProvider, ...]
    """Whom the patient may book at all, in the order of the list."""
    times: tuple[FreeSlot, ...]
    """Free times of the days asked for, in order of time; with anyone, one for each time and kind, the own GP's first."""
    first_free: FreeSlot | None
    """The first free time with any of those asked for, at the part of the day asked for, within the horizon."""
    urgent_opening: "UrgentOpening | None"
    """The next urgent times that are not out yet, if there are any within two weeks."""
    own_slots: tuple[int, ...]
    """Which slots the patient has already, so that a page from before says so instead of that somebody took them."""


@dataclass(frozen=True, slots=True)
class UrgentOpening:
    """Urgent times of a day that are still to come out."""

    day: date
    opens_at: datetime


URGENT_IS_TOLD_AHEAD = timedelta(days=14)
"""How far ahead urgent times that are not out yet are told of: past Christmas and Easter."""


class _Span(NamedTuple):
    """Where to look: one provider's slots of one kind, on days from first to last, at most so many."""

    window: Window
    first_day: date
    last_day: date
    most: int
    group: str = ""
    """Of times that begin together within a group only the one of the first span is found."""
    part: DayPart | None = None
    """At which part of the day; None: at any."""
    shows_own: bool = False
    """Whether those at the time of another appointment of the patient are found too, and say so."""


class Whose(NamedTuple):
    """Whose other appointments stand in the way; those given up for the new one don't (own_times)."""

    patient_id: UUID | None = None
    """None: somebody without a record."""
    given_up: Sequence[UUID] = ()

    @classmethod
    def of(cls, patient: Patient, moved: Appointment | None = None) -> "Whose":
        """Return the patient's, apart from what is moved."""
        return cls(patient.pk, own_times.given_up(moved))


NOBODYS = Whose()


_CLOSED = """
WITH closed AS MATERIALIZED (
    SELECT closure.first_day, closure.last_day
    FROM clinic_admin_closure closure JOIN clinic_admin_provider provider USING (clinic_id)
    WHERE provider.id = %s
), own AS MATERIALIZED (
    SELECT starts_at, ends_at, slot_id FROM booking_appointment
    WHERE patient_id = %s AND status IN ('requested', 'booked')
      AND starts_at > %s::timestamptz - interval '8 hours' AND ends_at > %s
      AND id <> ALL(%s::uuid[]) AND NOT (status = 'requested' AND coalesce(replaces_id, id) = ANY(%s::uuid[]))
)
"""
"""The clinic's closed days, and when the patient has other appointments: a handful of each, read once."""
_IS_OWN = "EXISTS (SELECT FROM own WHERE own.starts_at < slot.ends_at AND own.ends_at > slot.starts_at)"
_ON_ALL_DAY = f"""
    SELECT id, starts_at, ends_at, day FROM booking_slot slot
    WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free'
      AND day BETWEEN span.first_day AND span.last_day AND starts_at > asked.now
      AND (span.shows_own OR NOT {_IS_OWN})
      AND (held_until IS NULL OR held_until <= asked.now)
      AND NOT EXISTS (SELECT FROM closed WHERE day BETWEEN closed.first_day AND closed.last_day)
      AND span.since IS NULL AND span.until IS NULL
    ORDER BY day, starts_at
    LIMIT span.most
"""  # noqa: S608 - put together from our own words only
"""One index-only scan of slot_free_by_provider, however many slots there are."""

_AT_PART_OF_DAY = f"""
    SELECT found.* FROM generate_series(0, span.last_day - span.first_day) AS ahead
    CROSS JOIN LATERAL (
        SELECT id, starts_at, ends_at, day FROM booking_slot slot
        WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free'
          AND day = span.first_day + ahead AND starts_at > asked.now
          AND starts_at >= (span.first_day + ahead + coalesce(span.since, '00:00')) AT TIME ZONE asked.zone
          AND starts_at < (span.first_day + ahead + coalesce(span.until, '24:00')) AT TIME ZONE asked.zone
          AND (span.shows_own OR NOT {_IS_OWN})
          AND (held_until IS NULL OR held_until <= asked.now)
          AND NOT EXISTS (SELECT FROM closed WHERE day BETWEEN closed.first_day AND closed.last_day)
        ORDER BY starts_at
        LIMIT span.most
    ) AS found
    WHERE span.since IS NOT NULL OR span.until IS NOT NULL
    LIMIT span.most
"""  # noqa: S608 - put together from our own words only
"""A range of the same index for each day, by the clinic's clock on that day: times of other parts are not read.

It stops at the last one wanted. The days come in order, because what is looked for on a day depends on the day (a
nested loop): sorting them would read all twelve weeks each time.
"""


def _of_free(slots: str) -> str:
    return f"""{_CLOSED}
(SELECT DISTINCT ON (slot.starts_at, span.together)
       span.place, slot.id, extract(epoch FROM slot.starts_at)::bigint,
       extract(epoch FROM slot.ends_at)::bigint, slot.day, {_IS_OWN} AS is_own
FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[],
            %s::int[], %s::text[], %s::time[], %s::time[], %s::boolean[])
     WITH ORDINALITY AS span (provider_id, kind, first_day, last_day, most, together, since, until, shows_own, place)
CROSS JOIN (SELECT %s::timestamptz AS now, %s AS zone) AS asked
CROSS JOIN LATERAL ({slots}) AS slot
ORDER BY slot.starts_at, span.together, is_own, span.place)
UNION ALL
SELECT 0, slot_id, NULL, NULL, NULL, true FROM own WHERE slot_id IS NOT NULL
"""  # noqa: S608 - put together from our own words only


_FREE, _FREE_AT = _of_free(_ON_ALL_DAY), _of_free(f"({_ON_ALL_DAY}) UNION ALL ({_AT_PART_OF_DAY})")
"""The clinic's closed days, then what is free of each span; the second where a part of the day is asked for. Last,
at place 0, the slots of the patient's other appointments.

Instants come as seconds: reading them as text is half the time of a page with many of them.
"""

_NEAREST = f"""{_CLOSED}
SELECT span.place, slot.id, extract(epoch FROM slot.starts_at)::bigint,
       extract(epoch FROM slot.ends_at)::bigint, slot.day
FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[])
     WITH ORDINALITY AS span (provider_id, kind, first_day, last_day, place)
CROSS JOIN (SELECT %s::timestamptz AS now, %s::timestamptz AS instant, %s::date AS day, %s AS most) AS asked
CROSS JOIN LATERAL (
    (SELECT id, starts_at, ends_at, day FROM booking_slot slot
     WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free' AND NOT {_IS_OWN}
       AND (day, starts_at) > (span.first_day, asked.now) AND day <= least(span.last_day, asked.day)
       AND starts_at > asked.now AND starts_at < asked.instant
       AND (held_until IS NULL OR held_until <= asked.now)
       AND NOT EXISTS (SELECT FROM closed WHERE day BETWEEN closed.first_day AND closed.last_day)
     ORDER BY day DESC, starts_at DESC LIMIT asked.most)
    UNION ALL
    (SELECT id, starts_at, ends_at, day FROM booking_slot slot
     WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free' AND NOT {_IS_OWN}
       AND (day, starts_at) >= (greatest(span.first_day, asked.day), asked.instant) AND day <= span.last_day
       AND starts_at > asked.now AND starts_at >= asked.instant
       AND (held_until IS NULL OR held_until <= asked.now)
       AND NOT EXISTS (SELECT FROM closed WHERE day BETWEEN closed.first_day AND closed.last_day)
     ORDER BY day, starts_at LIMIT asked.most)
) AS slot
"""  # noqa: S608 - put together from our own words only
"""Of each span the last few before an instant and the first few after it: one index-only scan each.

The lower bounds are pairs, as the index is ordered. Of two plain bounds of one column Postgres thinks that next to
nothing lies between them, and then reads all of a provider's free times to sort them.
"""


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
    windows = _windows(patient, assurance, first_day, last_day, now)
    spans = _released(windows, patient.clinic, now, most=per_provider_limit)
    found = _search(_of_provider(spans, provider_id), patient.clinic, Whose.of(patient), now)
    return [slot for _place, slot in found.free]


def first_free_per_provider(*, patient: Patient, assurance: Assurance, now: datetime) -> dict[int, FreeSlot]:
    """Return the first free time within the horizon of each provider (id) who has one. Two queries."""
    windows = _windows(patient, assurance, *horizon(patient.clinic, now), now)
    spans = _released(windows, patient.clinic, now, most=1)
    found = _search(spans, patient.clinic, Whose.of(patient), now)
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
    windows = _windows(patient, assurance, *horizon(patient.clinic, now), now)
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
    first = _at(part, _released(windows, clinic, now, most=1))
    listed = _of_provider(
        _within(_at(part, _released(windows, clinic, now)), first_day, last_day), provider_id
    )
    if provider_id is None:
        listed = [span._replace(group=span.window.service.value) for span in listed]
    listed = [span._replace(shows_own=True) for span in listed]
    unreleased = _of_provider(_unreleased(windows, clinic, now), provider_id)
    found, own_slots = _search([*first, *listed, *unreleased], clinic, whose, now)
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


def nearest_free(
    *,
    patient: Patient,
    assurance: Assurance,
    to: datetime,
    now: datetime,
    provider_id: int | None = None,
    most: int = 4,
    moved: Appointment | None = None,
) -> Sequence[FreeSlot]:
    """Return free times near an instant, with any provider; the given one's first where equally near. Two queries."""
    windows = _windows(patient, assurance, *horizon(patient.clinic, now), now)
    return nearest_within(
        windows,
        clinic=patient.clinic,
        whose=Whose.of(patient, moved),
        to=to,
        now=now,
        provider_id=provider_id,
        most=most,
    )


def nearest_within(
    windows: Sequence[Window],
    *,
    clinic: Clinic,
    whose: Whose = NOBODYS,
    to: datetime,
    now: datetime,
    provider_id: int | None = None,
    most: int = 4,
) -> Sequence[FreeSlot]:
    """Return free times near an instant that these windows of the clinic allow, as `nearest_free` does. One query."""
    spans = _released(windows, clinic, now)
    if not spans:
        return []
    day = to.astimezone(clinic.zone).date()
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, [*_places(spans, whose, now), now, to, day, most])
        found = [_free_slot(spans[place - 1].window, *row) for place, *row in cursor.fetchall()]
    return policy.nearest(found, to=to, provider_id=provider_id, most=most)


_TAKE_FIRST = f"""{_CLOSED}
, free AS (
    SELECT slot.id, slot.starts_at, slot.ends_at
    FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[])
         AS span (provider_id, kind, first_day, last_day)
    JOIN booking_slot slot ON slot.provider_id = span.provider_id AND slot.kind = span.kind
        AND slot.day BETWEEN span.first_day AND span.last_day
    CROSS JOIN (SELECT %s::timestamptz AS now) AS asked
    WHERE slot.state = 'free' AND slot.starts_at > asked.now
      AND (slot.held_until IS NULL OR slot.held_until <= asked.now)
      AND NOT EXISTS (SELECT FROM closed WHERE slot.day BETWEEN closed.first_day AND closed.last_day)
), taken AS (
    UPDATE booking_slot SET state = 'taken' WHERE id = (
        SELECT wanted.id FROM booking_slot wanted JOIN free AS slot USING (id)
        WHERE wanted.state = 'free' AND NOT {_IS_OWN}
        ORDER BY slot.starts_at, slot.id
        LIMIT 1
        FOR UPDATE OF wanted SKIP LOCKED
    )
    RETURNING id
)
SELECT (SELECT id FROM taken), EXISTS (SELECT FROM free AS slot WHERE {_IS_OWN})
"""  # noqa: S608 - put together from our own words only
"""Urgent slots of at most two days: some dozens per clinic, found by slot_free_by_provider."""


def take_first_urgent(*, patient: Patient, assurance: Assurance, now: datetime) -> Slot | BookingRefusal:
    """Take the first free urgent slot that the patient may have and return it as it was, or say why there is none.

    Inside the caller's transaction: one that others are just taking is passed over, and so are one that is held for
    somebody and one at the time of another appointment of the patient. Three queries.
    """
    windows = _windows(patient, assurance, *horizon(patient.clinic, now), now)
    spans = [
        span for span in _released(windows, patient.clinic, now) if span.window.service == Service.URGENT
    ]
    if not spans:
        return BookingRefusal.TAKEN
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_FIRST, [*_places(spans, Whose.of(patient), now), now])
        taken, has_own = cursor.fetchone()
    if taken is None:
        return BookingRefusal.OWN_TIME if has_own else BookingRefusal.TAKEN
    slot = Slot.objects.select_related("provider").get(pk=taken)
    slot.state = SlotState.FREE
    return slot


@dataclass(frozen=True, slots=True)
class UrgentNow:
    """What `take_first_urgent` would find at this moment."""

    first: FreeSlot | None
    """The one that it would take, or another that begins at the same time."""
    passed_over: FreeSlot | None
    """The first of those before it at which the patient has another appointment."""

    @property
    def refusal(self) -> BookingRefusal | None:
        """Return why there is none to take, or None."""
        if self.first is not None:
            return None
        return BookingRefusal.OWN_TIME if self.passed_over else BookingRefusal.TAKEN


def urgent_now(*, patient: Patient, assurance: Assurance, now: datetime) -> UrgentNow:
    """Return which urgent time the patient would get, and which not because of another appointment. Two queries."""
    windows = _windows(patient, assurance, *horizon(patient.clinic, now), now)
    spans = [
        span
        for span in _released(windows, patient.clinic, now, most=1)
        if span.window.service == Service.URGENT
    ]
    with_own = [span._replace(shows_own=True) for span in spans]
    found = _search([*spans, *with_own], patient.clinic, Whose.of(patient), now).free
    first = next((slot for place, slot in found if place < len(spans)), None)
    beside = next((slot for _place, slot in found if slot.is_own_time), None)
    if first and beside and first.starts_at <= beside.starts_at:
        beside = None
    return UrgentNow(first, beside)


def horizon(clinic: Clinic, now: datetime) -> tuple[date, date]:
    """Return the first and last local day that can be booked now."""
    zone = clinic.zone
    return now.astimezone(zone).date(), policy.last_day(now, zone=zone)


def _windows(
    patient: Patient, assurance: Assurance, first_day: date, last_day: date, now: datetime
) -> list[Window]:
    """Return when the patient may book whom, within these days and the horizon."""
    today, end = horizon(patient.clinic, now)
    first_day, last_day = max(first_day, today), min(last_day, end)
    if first_day > last_day:
        return []
    return access.windows(
        patient=patient, services=SERVICES, assurance=assurance, first_day=first_day, last_day=last_day
    )


def _released(
    windows: Iterable[Window], clinic: Clinic, now: datetime, most: int = MOST_PER_WINDOW
) -> list[_Span]:
    """Return where free times may be shown: urgent ones only until the last released day."""
    urgent_until = policy.released_until(
        now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
    )
    spans = [
        _Span(
            window,
            window.first_day,
            min(window.last_day, urgent_until) if window.service == Service.URGENT else window.last_day,
            most,
        )
        for window in windows
    ]
    return [span for span in spans if span.first_day <= span.last_day]


def _unreleased(windows: Iterable[Window], clinic: Clinic, now: datetime) -> list[_Span]:
    """Return where to see which urgent times come out next: from the first day that is not out yet."""
    released = policy.released_until(now, release_at=clinic.urgent_release_at, zone=clinic.zone)
    urgent = [window for window in windows if window.service == Service.URGENT]
    return _within(
        [_Span(window, window.first_day, window.last_day, 1) for window in urgent],
        released + timedelta(days=1),
        horizon(clinic, now)[0] + URGENT_IS_TOLD_AHEAD,
    )


def _opening(days: Iterable[date], clinic: Clinic) -> UrgentOpening | None:
    day = min(days, default=None)
    if day is None:
        return None
    opens_at = policy.releases_at(day, release_at=clinic.urgent_release_at, zone=clinic.zone)
    return UrgentOpening(day, opens_at)


def _within(spans: Iterable[_Span], first_day: date, last_day: date) -> list[_Span]:
    cut = [
        span._replace(first_day=max(span.first_day, first_day), last_day=min(span.last_day, last_day))
        for span in spans
    ]
    return [span for span in cut if span.first_day <= span.last_day]


def _at(part: DayPart | None, spans: Iterable[_Span]) -> list[_Span]:
    return [span._replace(part=part) for span in spans]


def _of_provider(spans: list[_Span], provider_id: int | None) -> list[_Span]:
    if provider_id is None:
        return spans
    return [span for span in spans if span.window.provider.provider_id == provider_id]


class _Found(NamedTuple):
    """What a search has found."""

    free: list[tuple[int, FreeSlot]]
    """(number of the span, free slot), in order of time."""
    own_slots: tuple[int, ...]
    """Of the patient's other appointments."""


def _search(spans: Sequence[_Span], clinic: Clinic, whose: Whose, now: datetime) -> _Found:
    """Return what is free of the spans, and what the patient has. No query without spans."""
    if not spans:
        return _Found([], ())
    with connection.cursor() as cursor:
        cursor.execute(
            _FREE_AT if any(span.part for span in spans) else _FREE,
            [
                *_places(spans, whose, now),
                [span.most for span in spans],
                [span.group or str(place) for place, span in enumerate(spans)],
                [span.part.since if span.part else None for span in spans],
                [span.part.until if span.part else None for span in spans],
                [span.shows_own for span in spans],
                now,
                clinic.time_zone,
            ],
        )
        rows = cursor.fetchall()
    return _Found(
        [(place - 1, _free_slot(spans[place - 1].window, *row)) for place, *row in rows if place],
        tuple(slot_id for place, slot_id, *_ in rows if not place),
    )


def _places(spans: Sequence[_Span], whose: Whose, now: datetime) -> list[Any]:
    """Return where to look as all searches take it: a provider whose clinic may be closed, whose other appointments
    stand in the way, then a list per column.
    """
    given_up = list(whose.given_up)
    return [
        spans[0].window.provider.provider_id,
        *(whose.patient_id, now, now, given_up, given_up),
        [span.window.provider.provider_id for span in spans],
        [policy.kind_of(span.window.service).value for span in spans],
        [span.first_day for span in spans],
        [span.last_day for span in spans],
    ]


def _free_slot(
    window: Window, slot_id: int, starts_at: int, ends_at: int, day: date, is_own_time: bool = False
) -> FreeSlot:
    provider = window.provider
    return FreeSlot(
        slot_id=slot_id,
        provider_id=provider.provider_id,
        provider_name=provider.name,
        provider_initials=provider.initials,
        provider_kind=provider.kind,
        kind=policy.kind_of(window.service),
        starts_at=datetime.fromtimestamp(starts_at, UTC),
        ends_at=datetime.fromtimestamp(ends_at, UTC),
        day=day,
        approval=provider.approval,
        is_own_time=is_own_time,
    )


def _first_of_each(slots: Iterable[FreeSlot]) -> dict[int, FreeSlot]:
    firsts: dict[int, FreeSlot] = {}
    for slot in slots:
        firsts.setdefault(slot.provider_id, slot)
    return firsts
