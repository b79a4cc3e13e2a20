"""Dated, numbered receipts of what was done about an appointment, written in the transaction that does it."""

from datetime import datetime
from typing import Any

from portal.together import fresh
from services.booking.choices import ReceiptKind, ReceiptRule
from services.booking.models import Appointment, Receipt


def receipt(
    appointment: Appointment,
    kind: ReceiptKind,
    rule: ReceiptRule,
    *,
    now: datetime,
    hours: int = 0,
    was_at: datetime | None = None,
    starts_at: datetime | None = None,
    by: Any = None,
) -> Receipt:
    """Return a receipt with the rule that applied, to be stored; starts_at is the appointment's unless said.

    `by` is the user who moved it.
    """
    return fresh(
        Receipt,
        appointment_id=appointment.pk,
        kind=kind,
        rule=rule,
        hours=hours,
        starts_at=starts_at or appointment.starts_at,
        was_at=was_at,
        at=now,
        by_id=by and by.pk,
    )


def write(appointment: Appointment, kind: ReceiptKind, rule: ReceiptRule, **words: Any) -> None:
    """Store a receipt; see receipt. One statement."""
    receipt(appointment, kind, rule, **words).save(force_insert=True)


def write_giving_up(appointment: Appointment, kind: ReceiptKind, *, now: datetime, **words: Any) -> None:
    """Store a receipt of cancelling or moving, which the clinic's notice period allowed."""
    hours = appointment.clinic.cancel_notice_hours
    rule = ReceiptRule.UNTIL_NOTICE if hours else ReceiptRule.UNTIL_START
    write(appointment, kind, rule, now=now, hours=hours, **words)
