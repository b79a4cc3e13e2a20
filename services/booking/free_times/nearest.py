"""The free times nearest to an instant: for a time that was lost, or moved."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from services.access.queries import Window
from services.booking import policy
from services.booking.free_times.kinds import NOBODYS, FreeSlot, Whose
from services.booking.free_times.search import CLOSED, IS_OWN, free_slot, places
from services.booking.free_times.spans import horizon, released, windows_of
from services.booking.models import Appointment

_NEAREST = f"""{CLOSED}
SELECT span.place, slot.id, extract(epoch FROM slot.starts_at)::bigint,
       extract(epoch FROM slot.ends_at)::bigint, slot.day
FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[])
     WITH ORDINALITY AS span (provider_id, kind, first_day, last_day, place)
CROSS JOIN (SELECT %s::timestamptz AS now, %s::timestamptz AS instant, %s::date AS day, %s AS most) AS asked
CROSS JOIN LATERAL (
    (SELECT id, starts_at, ends_at, day FROM booking_slot slot
     WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free' AND NOT {IS_OWN}
       AND (day, starts_at) > (span.first_day, asked.now) AND day <= least(span.last_day, asked.day)
       AND starts_at > asked.now AND starts_at < asked.instant
       AND (held_until IS NULL OR held_until <= asked.now)
       AND NOT EXISTS (SELECT FROM closed WHERE day BETWEEN closed.first_day AND closed.last_day)
     ORDER BY day DESC, starts_at DESC LIMIT asked.most)
    UNION ALL
    (SELECT id, starts_at, ends_at, day FROM booking_slot slot
     WHERE provider_id = span.provider_id AND kind = span.kind AND state = 'free' AND NOT {IS_OWN}
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
    windows = windows_of(patient, assurance, *horizon(patient.clinic, now), now)
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
    spans = released(windows, clinic, now)
    if not spans:
        return []
    day = to.astimezone(clinic.zone).date()
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, [*places(spans, whose, now), now, to, day, most])
        found = [free_slot(spans[place - 1].window, *row) for place, *row in cursor.fetchall()]
    return policy.nearest(found, to=to, provider_id=provider_id, most=most)
