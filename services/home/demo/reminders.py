"""Reminders that did not arrive, so that the demo's staff have some to phone about, and some that patients pay for."""

from datetime import datetime

from clinic_admin.models import Clinic
from notifications.choices import MessageKind, Outcome, State
from notifications.models import OutboxAttempt, OutboxMessage

CODES = ("21211", "21610")
"""The number does not exist; the phone blocks us."""


PAID = 4


def load(clinic: Clinic, now: datetime) -> None:
    """Let the clinic's first waiting reminders have failed, each for another reason, and some paid ones have arrived."""
    waiting = OutboxMessage.objects.filter(clinic=clinic, kind=MessageKind.REMINDER, state=State.QUEUED)
    for message, code in zip(waiting.order_by("not_after")[: len(CODES)], CODES, strict=False):
        attempt = OutboxAttempt.objects.create(
            message=message, started_at=now, outcome=Outcome.REFUSED, code=code, closed_at=now
        )
        message.state, message.closed_at, message.next_try_at = State.FAILED_FINAL, now, None
        message.tries, message.last_attempt_id = 1, attempt.pk
        message.save(update_fields=["state", "closed_at", "next_try_at", "tries", "last_attempt_id"])
    for message in waiting.filter(price_ore__gt=0).order_by("not_after")[:PAID]:
        attempt = OutboxAttempt.objects.create(
            message=message, started_at=now, outcome=Outcome.ACCEPTED, closed_at=now
        )
        message.state, message.due_at, message.closed_at, message.next_try_at = (
            State.DELIVERED,
            now,
            now,
            None,
        )
        message.tries, message.last_attempt_id = 1, attempt.pk
        message.save(
            update_fields=["state", "due_at", "closed_at", "next_try_at", "tries", "last_attempt_id"]
        )
