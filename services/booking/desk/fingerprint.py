"""Whether a calendar is still as it was shown: what stands in it as one number, which the database puts together."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import connection

from clinic_admin.models import Clinic
from notifications.choices import MessageKind
from notifications.policy import TROUBLED
from services.booking.staff.queries import bounds

_ROWS = """
WITH active AS MATERIALIZED (
    SELECT id, name, initials, id = ANY(%(chosen)s::bigint[]) AS is_chosen FROM clinic_admin_provider
    WHERE clinic_id = %(clinic)s AND is_active
), shown AS MATERIALIZED (
    SELECT id, name, initials FROM active WHERE is_chosen OR NOT EXISTS (SELECT FROM active WHERE is_chosen)
), told (what) AS (
    SELECT concat_ws(' ', 'with', id, name, initials) FROM shown
    UNION ALL
    SELECT concat_ws(' ', 'slot', slot.id, slot.provider_id, slot.starts_at, slot.ends_at, slot.kind, slot.state,
                     slot.block_id, slot.state = 'free' AND slot.held_until > %(now)s, offer.patient_id)
    FROM booking_slot slot
    LEFT JOIN booking_earlieroffer offer ON offer.slot_id = slot.id AND offer.status = 'open'
    WHERE slot.clinic_id = %(clinic)s AND slot.day BETWEEN %(first)s AND %(last)s
      AND slot.provider_id IN (SELECT id FROM shown)
    UNION ALL
    SELECT concat_ws(' ', 'appointment', own.id, own.provider_id, own.starts_at, own.ends_at, own.status,
                     own.attendance, own.version, EXISTS (
                        SELECT FROM notifications_outboxmessage message
                        WHERE message.subject_type = 'booking.appointment' AND message.subject_id = own.id::text
                          AND message.version = own.version AND message.kind = %(reminder)s
                          AND message.state = ANY(%(troubled)s)
                     ))
    FROM booking_appointment own
    WHERE own.clinic_id = %(clinic)s AND own.starts_at >= %(since)s AND own.starts_at < %(until)s
      AND own.status IN ('requested', 'booked') AND own.provider_id IN (SELECT id FROM shown)
    UNION ALL
    SELECT concat_ws(' ', 'guest', guest.id, guest.provider_id, guest.starts_at, guest.ends_at)
    FROM booking_guestrequest guest
    WHERE guest.clinic_id = %(clinic)s AND guest.status = 'waiting'
      AND guest.starts_at >= %(since)s AND guest.starts_at < %(until)s
      AND guest.provider_id IN (SELECT id FROM shown)
    UNION ALL
    SELECT concat_ws(' ', 'away', away.id, away.provider_id, away.first_day, away.last_day, cover.service, cover.provider_id)
    FROM delegation_absence away LEFT JOIN delegation_absencecover cover ON cover.absence_id = away.id
    WHERE away.clinic_id = %(clinic)s AND away.first_day <= %(last)s AND away.last_day >= %(first)s
    UNION ALL
    SELECT concat_ws(' ', 'closed', first_day, last_day, reason) FROM clinic_admin_closure
    WHERE clinic_id = %(clinic)s AND first_day <= %(last)s AND last_day >= %(first)s
    UNION ALL
    SELECT concat_ws(' ', 'requests', count(*)) FROM booking_appointment
    WHERE clinic_id = %(clinic)s AND status = 'requested'
    UNION ALL
    SELECT concat_ws(' ', 'guests', count(*)) FROM booking_guestrequest
    WHERE clinic_id = %(clinic)s AND status = 'waiting'
    UNION ALL
    SELECT concat_ws(' ', 'online', count(*))
    FROM booking_appointment own JOIN identity_user asker ON asker.id = own.requested_by_id
    WHERE own.clinic_id = %(clinic)s AND own.status IN ('requested', 'booked') AND own.starts_at >= %(now)s
      AND own.requested_at >= %(midnight)s AND asker.kind = 'patient'
)
SELECT to_hex(bit_xor(hashtextextended(what, 0))) || 'x' || count(*) FROM told
"""
"""Each row as words with its own key in them, so that no two are equal; names and reasons only as they go into the sum."""

_BEYOND = 2**63
"""No provider has such a number."""


def fingerprint(
    clinic: Clinic, first: date, *, days: int = 1, chosen: Sequence[int] = (), now: datetime
) -> str:
    """Return a word that changes when anything does that these days show of these providers, or of everyone.

    One query. It may change without the page: then the page is asked for in full, and shows the same.
    """
    since, until = bounds(clinic, first, days)
    midnight, _ = bounds(clinic, now.astimezone(clinic.zone).date())
    with connection.cursor() as cursor:
        cursor.execute(
            _ROWS,
            {
                "clinic": clinic.pk,
                "chosen": [number for number in chosen if number < _BEYOND],
                "first": first,
                "last": first + timedelta(days=days - 1),
                "since": since,
                "until": until,
                "midnight": midnight,
                "now": now,
                "reminder": MessageKind.REMINDER,
                "troubled": [str(state) for state in TROUBLED],
            },
        )
        return str(cursor.fetchone()[0])
