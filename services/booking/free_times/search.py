"""The search itself: what is free of some spans. Plain SQL, see ADR 7."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.db import connection

from clinic_admin.models import Clinic
from services.access.queries import Window
from services.booking import policy
from services.booking.free_times.kinds import FreeSlot, Whose
from services.booking.free_times.spans import Span

CLOSED = """
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
IS_OWN = "EXISTS (SELECT FROM own WHERE own.starts_at < slot.ends_at AND own.ends_at > slot.starts_at)"
_ON_ALL_DAY = f"""
    SELECT id, starts_at, ends_at, day FROM booking_slot slot
    WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free'
      AND day BETWEEN span.first_day AND span.last_day AND starts_at > asked.now
      AND (span.shows_own OR NOT {IS_OWN})
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
          AND (span.shows_own OR NOT {IS_OWN})
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
    return f"""{CLOSED}
(SELECT DISTINCT ON (slot.starts_at, span.together)
       span.place, slot.id, extract(epoch FROM slot.starts_at)::bigint,
       extract(epoch FROM slot.ends_at)::bigint, slot.day, {IS_OWN} AS is_own
FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[],
            %s::int[], %s::text[], %s::time[], %s::time[], %s::boolean[])
     WITH ORDINALITY AS span (provider_id, kind, first_day, last_day, most, together, since, until, shows_own, place)
CROSS JOIN (SELECT %s::timestamptz AS now, %s AS zone) AS asked
CROSS JOIN LATERAL ({slots}) AS slot
ORDER BY slot.starts_at, span.together, is_own, span.place)
UNION ALL
SELECT 0, slot_id, NULL, NULL, NULL, true FROM own WHERE slot_id IS NOT NULL
"""  # noqa: S608 - put together from our own words only


FREE, FREE_AT = _of_free(_ON_ALL_DAY), _of_free(f"({_ON_ALL_DAY}) UNION ALL ({_AT_PART_OF_DAY})")
"""The clinic's closed days, then what is free of each span; the second where a part of the day is asked for. Last,
at place 0, the slots of the patient's other appointments.

Instants come as seconds: reading them as text is half the time of a page with many of them.
"""


class Found(NamedTuple):
    """What a search has found."""

    free: list[tuple[int, FreeSlot]]
    """(number of the span, free slot), in order of time."""
    own_slots: tuple[int, ...]
    """Of the patient's other appointments."""


def search(spans: Sequence[Span], clinic: Clinic, whose: Whose, now: datetime) -> Found:
    """Return what is free of the spans, and what the patient has. No query without spans."""
    if not spans:
        return Found([], ())
    with connection.cursor() as cursor:
        cursor.execute(
            FREE_AT if any(span.part for span in spans) else FREE,
            [
                *places(spans, whose, now),
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
    return Found(
        [(place - 1, free_slot(spans[place - 1].window, *row)) for place, *row in rows if place],
        tuple(slot_id for place, slot_id, *_ in rows if not place),
    )


def places(spans: Sequence[Span], whose: Whose, now: datetime) -> list[Any]:
    """Return where to look as all searches take it: what CLOSED takes, then a list per column."""
    return [
        *whose_place(spans[0].window.provider.provider_id, whose, now),
        [span.window.provider.provider_id for span in spans],
        [policy.kind_of(span.window.service).value for span in spans],
        [span.first_day for span in spans],
        [span.last_day for span in spans],
    ]


def whose_place(provider_id: int, whose: Whose, now: datetime) -> list[Any]:
    """Return what CLOSED takes: a provider whose clinic may be closed, whose other appointments stand in the way."""
    given_up = list(whose.given_up)
    return [provider_id, whose.patient_id, now, now, given_up, given_up]


def free_slot(
    window: Window, slot_id: int, starts_at: int, ends_at: int, day: date, is_own_time: bool = False
) -> FreeSlot:
    """Return the slot as found within the window; instants in seconds since 1970."""
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
