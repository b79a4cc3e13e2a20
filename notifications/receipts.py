"""News from the SMS provider about a message: the answer, a receipt, or what a look-up found."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from notifications import policy
from notifications.choices import Channel, Outcome, State
from notifications.models import CarrierReport, OutboxAttempt, OutboxMessage


@transaction.atomic
def record_report(*, attempt_id: UUID, fields: Mapping[str, str], now: datetime) -> bool:
    """Store a receipt whose signature was checked, and advance its message. Return False for an unknown attempt.

    `fields` are the provider's form fields. The same receipt twice is stored and applied once.
    """
    attempt = _lock(attempt_id)
    if attempt is None:
        return False
    status = fields.get("MessageStatus", "")[:20]
    content = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    _, is_new = CarrierReport.objects.get_or_create(
        attempt=attempt,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        defaults={"status": status, "code": fields.get("ErrorCode", "")[:20], "received_at": now},
    )
    if is_new:
        _apply(attempt, sid=fields.get("MessageSid") or None, status=status, now=now)
    return True


@transaction.atomic
def record_news(*, attempt_id: UUID, sid: str | None, status: str, now: datetime) -> None:
    """Apply what an answer or a look-up told about an attempt: the provider has taken it over."""
    attempt = _lock(attempt_id)
    if attempt is not None:
        _apply(attempt, sid=sid, status=status, now=now)


def _lock(attempt_id: UUID) -> OutboxAttempt | None:
    """Lock message before attempt, in the order in which senders do."""
    message_id = OutboxAttempt.objects.filter(pk=attempt_id).values_list("message_id", flat=True).first()
    if message_id is None:
        return None
    message = OutboxMessage.objects.select_for_update().defer("recipient", "title", "body").get(pk=message_id)
    attempt = OutboxAttempt.objects.select_for_update().get(pk=attempt_id)
    attempt.message = message
    return attempt


def _apply(attempt: OutboxAttempt, *, sid: str | None, status: str, now: datetime) -> None:
    attempt.last_status = policy.advance(attempt.last_status, status)
    attempt.outcome = Outcome.ACCEPTED
    attempt.closed_at = attempt.closed_at or now
    attempt.save(update_fields=["last_status", "outcome", "closed_at"])
    if sid and attempt.provider_sid is None:
        _name(attempt, sid[:64])
    _advance_message(attempt, now=now)


def _name(attempt: OutboxAttempt, sid: str) -> None:
    """Store the provider's id. One that another attempt has already is the provider's mistake, and is not stored."""
    attempt.provider_sid = sid
    try:
        with transaction.atomic():
            attempt.save(update_fields=["provider_sid"])
    except IntegrityError:
        attempt.provider_sid = None


def _advance_message(attempt: OutboxAttempt, *, now: datetime) -> None:
    message = attempt.message
    if message.last_attempt_id != attempt.pk:
        # An attempt that was believed lost arrived after all, and another one was made since.
        message.possible_duplicate = True
        message.save(update_fields=["possible_duplicate"])
        return
    before = State(message.state)
    after = policy.state_after_report(before, attempt.last_status)
    if after is before:
        return
    message.state = after
    message.lease_until, message.lease_owner = None, ""
    message.closed_at = message.closed_at or now
    message.next_try_at = next_receipt_at(message.channel, after, now)
    message.save(update_fields=["state", "lease_until", "lease_owner", "closed_at", "next_try_at"])


def next_receipt_at(
    channel: str, state: State, now: datetime, wait: timedelta | None = None
) -> datetime | None:
    """Return when to ask for the receipt ourselves, if it has not been called back; e-mail has none."""
    if channel != Channel.SMS or state is not State.ACCEPTED:
        return None
    return now + (wait if wait is not None else policy.NORMAL.receipt_first)
