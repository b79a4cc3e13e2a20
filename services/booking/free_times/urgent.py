"""The first free urgent time, with whomever it is."""

from datetime import datetime

from django.db import connection

from clinic_admin.choices import Service
from identity.choices import Assurance
from patients.models import Patient
from services.booking.choices import BookingRefusal, SlotState
from services.booking.free_times.kinds import UrgentNow, UrgentOpening, Whose
from services.booking.free_times.search import CLOSED, IS_OWN, places, search
from services.booking.free_times.spans import horizon, released, unreleased, windows_of
from services.booking.models import Slot

_TAKE_FIRST = f"""{CLOSED}
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
        WHERE wanted.state = 'free' AND NOT {IS_OWN}
        ORDER BY slot.starts_at, slot.id
        LIMIT 1
        FOR UPDATE OF wanted SKIP LOCKED
    )
    RETURNING id
)
SELECT (SELECT id FROM taken), EXISTS (SELECT FROM free AS slot WHERE {IS_OWN})
"""  # noqa: S608 - put together from our own words only
"""Urgent slots of at most two days: some dozens per clinic, found by slot_free_by_provider."""


def take_first_urgent(*, patient: Patient, assurance: Assurance, now: datetime) -> Slot | BookingRefusal:
    """Take the first free urgent slot that the patient may have and return it as it was, or say why there is none.

    Inside the caller's transaction: one that others are just taking is passed over, and so are one that is held for
    somebody and one at the time of another appointment of the patient. Three queries.
    """
    windows = windows_of(patient, assurance, *horizon(patient.clinic, now), now)
    spans = [span for span in released(windows, patient.clinic, now) if span.window.service == Service.URGENT]
    if not spans:
        return BookingRefusal.TAKEN
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_FIRST, [*places(spans, Whose.of(patient), now), now])
        taken, has_own = cursor.fetchone()
    if taken is None:
        return BookingRefusal.OWN_TIME if has_own else BookingRefusal.TAKEN
    slot = Slot.objects.select_related("provider").get(pk=taken)
    slot.state = SlotState.FREE
    return slot


def urgent_now(*, patient: Patient, assurance: Assurance, now: datetime) -> UrgentNow:
    """Return which urgent time the patient would get, which not because of another appointment, and what opens next.

    Two queries.
    """
    windows = windows_of(patient, assurance, *horizon(patient.clinic, now), now)
    spans = [
        span
        for span in released(windows, patient.clinic, now, most=1)
        if span.window.service == Service.URGENT
    ]
    with_own = [span._replace(shows_own=True) for span in spans]
    later = unreleased(windows, patient.clinic, now)
    found = search([*spans, *with_own, *later], patient.clinic, Whose.of(patient), now).free
    out = [(place, slot) for place, slot in found if place < 2 * len(spans)]
    first = next((slot for place, slot in out if place < len(spans)), None)
    beside = next((slot for _place, slot in out if slot.is_own_time), None)
    if first and beside and first.starts_at <= beside.starts_at:
        beside = None
    day = min((slot.day for place, slot in found if place >= 2 * len(spans)), default=None)
    return UrgentNow(first, beside, None if day is None else UrgentOpening.of(day, patient.clinic))
