"""The first free urgent time, with whomever it is."""

from datetime import datetime, time, timedelta
from typing import cast

from django.db import connection

from clinic_admin.choices import Service
from identity.choices import Assurance
from patients.models import Patient
from portal.ready import Given, Ready
from services.access import queries as access
from services.booking import policy
from services.booking.choices import BookingRefusal, SlotState
from services.booking.free_times.kinds import UrgentNow, UrgentOpening, Whose
from services.booking.free_times.search import CLOSED, IS_OWN, search, whose_place
from services.booking.free_times.spans import horizon, released, unreleased, windows_of
from services.booking.models import Slot

_OUT = """
    FROM booking_slot slot
    JOIN unnest(%s::bigint[], %s::date[], %s::date[]) AS span (provider_id, first_day, last_day)
        ON slot.provider_id = span.provider_id AND slot.day BETWEEN span.first_day AND span.last_day
    WHERE slot.clinic_id = %s AND slot.kind = 'urgent' AND slot.state = 'free'
      AND slot.starts_at > %s AND slot.starts_at < %s
      AND (slot.held_until IS NULL OR slot.held_until <= %s)
      AND NOT EXISTS (SELECT FROM closed WHERE slot.day BETWEEN closed.first_day AND closed.last_day)
"""
_TAKE_FIRST = f"""{CLOSED}
UPDATE booking_slot SET state = 'taken' WHERE id = (
    SELECT slot.id {_OUT} AND NOT {IS_OWN}
    ORDER BY slot.starts_at, slot.id
    LIMIT 1
    FOR UPDATE OF slot SKIP LOCKED
)
RETURNING id
"""  # noqa: S608 - put together from our own words only
"""In the order of slot_urgent_free until the first that the patient may have, at most those of the clinic that are out."""
_HAS_OWN = f"{CLOSED} SELECT EXISTS (SELECT {_OUT} AND {IS_OWN})"
_SLOT = Ready(lambda: Slot.objects.filter(pk=Given("id")).select_related("provider"))


def take_first_urgent(*, patient: Patient, assurance: Assurance, now: datetime) -> Slot | BookingRefusal:
    """Take the first free urgent slot that the patient may have and return it as it was, or say why there is none.

    Inside the caller's transaction: one that others are just taking is passed over, and so are one that is held for
    somebody and one at the time of another appointment of the patient. Three queries.
    """
    clinic = patient.clinic
    today = now.astimezone(clinic.zone).date()
    until = policy.released_until(
        now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
    )
    windows = access.windows(
        patient=patient, services=(Service.URGENT,), assurance=assurance, first_day=today, last_day=until
    )
    if not windows:
        return BookingRefusal.TAKEN
    where = [
        *whose_place(windows[0].provider.provider_id, Whose.of(patient), now),
        [window.provider.provider_id for window in windows],
        [window.first_day for window in windows],
        [window.last_day for window in windows],
        *(clinic.pk, now, policy.at_clock(until + timedelta(days=1), time(), clinic.zone), now),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_FIRST, where)
        taken = cursor.fetchone()
        if taken is None:
            cursor.execute(_HAS_OWN, where)
            return BookingRefusal.OWN_TIME if cursor.fetchone()[0] else BookingRefusal.TAKEN
    slot = cast(Slot, _SLOT.first(id=taken[0]))
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
