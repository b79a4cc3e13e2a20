"""What the SMS stand-in does with a message. Some numbers behave badly on purpose:

…0000 is refused as not valid (21211), …0001 is taken over and can't be delivered, …0002 is taken over but the
answer is an error 500, …0003 is refused once for lack of capacity (429).
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from notifications.models import DemoBusyNumber, DemoSms

NUMBER = re.compile(r"^\+[1-9]\d{6,14}$")
LONGEST_BODY = 1600
BETWEEN_REPORTS = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The message was not taken over."""

    status: int
    code: int
    message: str


def take_over(*, to: str, sender: str, body: str, callback: str, now: datetime) -> DemoSms:
    """Store a message, or raise Refusal. The mark of a refused busy number is kept: the next try succeeds."""
    _check(to, body)
    if to.endswith("0003") and DemoBusyNumber.objects.get_or_create(pk=to)[1]:
        raise Refusal(429, 20429, "Too Many Requests")
    return DemoSms.objects.create(
        sid=f"SM{secrets.token_hex(16)}",
        recipient=to,
        sender=sender,
        body=body,
        status="queued",
        final_status="undelivered" if to.endswith("0001") else "delivered",
        error_code=30003 if to.endswith("0001") else None,
        status_callback=callback,
        next_callback_at=now if callback else None,
        created_at=now,
    )


def answers_badly(message: DemoSms) -> bool:
    """Return whether the sender gets an error although the message was taken over."""
    return message.recipient.endswith("0002")


def _check(to: str, body: str) -> None:
    if not to:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not NUMBER.match(to) or to.endswith("0000"):
        raise Refusal(400, 21211, "Invalid 'To' Phone Number")
    if not body:
        raise Refusal(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")


@transaction.atomic
def take_next_report(*, now: datetime) -> tuple[DemoSms, str] | None:
    """Advance one message whose next report is due; return it with the status to report, or None."""
    message = (
        DemoSms.objects.select_for_update(skip_locked=True)
        .filter(next_callback_at__lte=now)
        .order_by("next_callback_at")
        .first()
    )
    if message is None:
        return None
    reported = {"queued": "sent", "sent": message.final_status}.get(message.status, message.status)
    is_last = reported == message.final_status
    message.status = reported
    message.next_callback_at = None if is_last else now + BETWEEN_REPORTS
    message.save(update_fields=["status", "next_callback_at"])
    return message, reported
