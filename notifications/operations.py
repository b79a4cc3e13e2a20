"""Changes of the outbox that other areas ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.expressions import RawSQL

from clinic_admin.models import Clinic
from notifications.choices import Channel, MessageKind, State
from notifications.models import OutboxAttempt, OutboxControl, OutboxMessage
from notifications.policy import GIVE_UP_AFTER, LOOSE, OPEN_STATES
from notifications.wakeup import wake_after_commit
from portal.together import Change, Sql, fresh, store_together


class OutsideTransaction(RuntimeError):
    """A message was queued outside a transaction: it could tell of something that never happened."""


def dedupe_key(*, kind: MessageKind, channel: Channel, subject: models.Model, version: int) -> str:
    """Return the name under which a message exists at most once."""
    return f"{kind}:{channel}:{subject._meta.label_lower}:{subject.pk}:v{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """What is to be sent: to whom, about what, when. All instants are aware."""

    clinic: Clinic
    kind: MessageKind
    channel: Channel
    to: str
    """Number or address. Without one the message is stored as not sent, so that staff see it."""
    subject: models.Model
    version: int
    title: str
    """An e-mail's subject; not used for SMS."""
    body: str
    due_at: datetime
    not_after: datetime | None
    """The last moment at which sending makes sense (a reminder: the appointment); else three days after due_at."""
    price_ore: int = 0
    """What who gets it pays for it, in hundredths of the clinic's currency."""


MOST_TOGETHER = 8
"""Of more than a booking has, each number would be a statement of its own, to be prepared anew."""


def queue_messages(
    messages: Sequence[NewMessage],
    *,
    now: datetime,
    beside: Sequence[models.Model] = (),
    after: Change | None = None,
) -> None:
    """Put messages into the outbox, in the caller's transaction, and wake a worker when that commits. One statement.

    `beside` are new rows that are stored by the same statement: what the messages tell of. They and the messages can be
    made to depend on a change (`after`: portal.together).
    Telling the same version of the same thing again leaves the first message as it is.
    Raises OutsideTransaction outside an atomic block, unless what they tell of is stored beside them; NotChanged when
    there was nothing to change.
    """
    rows = [_row(message, now) for message in messages]
    together = [] if len(rows) > MOST_TOGETHER else rows
    is_one_statement = bool(beside) and len(together) == len(rows)
    if not (connection.in_atomic_block or is_one_statement):
        raise OutsideTransaction("a message must be queued in the transaction that it tells of")
    for row in together:
        row.epoch = cast(int, Sql(_EPOCH.sql))
    if together or beside:
        store_together(*beside, unless_known=together, after=after)
    if not together:
        OutboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
    if any(message.to.strip() and message.due_at <= now for message in messages):
        wake_after_commit()


def queue_message(message: NewMessage, *, now: datetime) -> OutboxMessage:
    """Queue one message and return it as stored; see queue_messages."""
    queue_messages([message], now=now)
    return OutboxMessage.objects.get(dedupe_key=_key(message))


def _key(message: NewMessage) -> str:
    return dedupe_key(
        kind=message.kind, channel=message.channel, subject=message.subject, version=message.version
    )


def _row(message: NewMessage, now: datetime) -> OutboxMessage:
    to = message.to.strip()
    return fresh(
        OutboxMessage,
        dedupe_key=_key(message),
        clinic_id=message.clinic.pk,
        kind=message.kind,
        channel=message.channel,
        subject_type=message.subject._meta.label_lower,
        subject_id=str(message.subject.pk),
        version=message.version,
        recipient=to,
        title=message.title,
        body=message.body,
        due_at=message.due_at,
        not_after=message.not_after or message.due_at + GIVE_UP_AFTER,
        state=State.QUEUED if to else State.NO_RECIPIENT,
        next_try_at=message.due_at if to else None,
        closed_at=None if to else now,
        price_ore=message.price_ore,
        epoch=_EPOCH,
        created_at=now,
    )


_EPOCH = RawSQL("COALESCE((SELECT epoch FROM notifications_outboxcontrol WHERE id = 1), 1)", [])


@transaction.atomic
def cancel_messages(*, subject: models.Model, kinds: list[MessageKind] | None = None, now: datetime) -> int:
    """Withdraw what has not been sent about the row; return how many messages will not be sent (again).

    Waiting and unclear messages are cancelled. One that is being sent at this moment can't be recalled: it is
    marked, is not tried again, and is shown as "may have been sent". Belongs into the caller's transaction.
    """
    messages = OutboxMessage.objects.about(subject)
    if kinds is not None:
        messages = messages.filter(kind__in=kinds)
    messages.filter(state=State.SENDING, withdrawn_at__isnull=True).update(withdrawn_at=now)
    return messages.filter(state__in=[State.QUEUED, State.UNKNOWN]).update(
        state=State.CANCELLED, withdrawn_at=now, closed_at=now, next_try_at=None
    )


@transaction.atomic
def arrange(
    *, subject: models.Model, kind: MessageKind, version: int, wanted: NewMessage | None, now: datetime
) -> bool:
    """Make the message about this version of the row what is wanted now, or nothing; return whether anything changed.

    For what was queued long before it is due: number, text, channel and time may have changed, or whether it is wanted
    at all. What has been tried, or may have reached anyone, stays as it is, and nothing is queued beside it: at most one
    message of a version is sent. A message that is just being taken out is waited for.
    """
    about = OutboxMessage.objects.about(subject).filter(kind=kind, version=version)
    rows = list(about.select_for_update().order_by("pk"))
    if is_arranged(rows, wanted, now=now) or any(_has_loose_end(row) for row in rows):
        return False
    for row in rows:
        if wanted is None or row.channel != wanted.channel:
            _withdraw(row, now)
        else:
            _rewrite(row, wanted, now)
    if wanted is not None and all(row.channel != wanted.channel for row in rows):
        queue_messages([wanted], now=now)
    return True


def is_arranged(rows: Sequence[OutboxMessage], wanted: NewMessage | None, *, now: datetime) -> bool:
    """Return whether `arrange` would leave these rows of one version alone: all is as wanted, or has been tried."""
    if any(row.state not in _UNTRIED or row.tries > 0 for row in rows):
        return True
    live = [row for row in rows if row.state != State.CANCELLED]
    if wanted is None:
        return not live
    new = _row(wanted, now)
    return len(live) == 1 and all(getattr(live[0], field) == getattr(new, field) for field in _COMPARED)


_UNTRIED = {State.QUEUED, State.CANCELLED, State.NO_RECIPIENT}
_REWRITTEN = ("recipient", "title", "body", "due_at", "not_after", "state", "price_ore")
_COMPARED = ("channel", *_REWRITTEN)


def _has_loose_end(row: OutboxMessage) -> bool:
    """Return whether an attempt may have reached anyone."""
    return row.attempts.filter(outcome__in=LOOSE).exists()


def _withdraw(row: OutboxMessage, now: datetime) -> None:
    if row.state == State.CANCELLED:
        return
    row.state, row.withdrawn_at, row.closed_at, row.next_try_at = State.CANCELLED, now, now, None
    row.save(update_fields=["state", "withdrawn_at", "closed_at", "next_try_at"])


def _rewrite(row: OutboxMessage, wanted: NewMessage, now: datetime) -> None:
    new = _row(wanted, now)
    for field in _REWRITTEN:
        setattr(row, field, getattr(new, field))
    row.next_try_at, row.closed_at = new.next_try_at, new.closed_at
    row.withdrawn_at = row.erased_at = None
    row.save(update_fields=[*_REWRITTEN, "next_try_at", "closed_at", "withdrawn_at", "erased_at"])


@transaction.atomic
def begin_epoch() -> int:
    """Hold back everything that is open, and return the new epoch. For the moment after a restore from backup.

    What the restored database calls unsent may have been sent after the backup was made. See release_held.
    """
    control, _ = OutboxControl.objects.select_for_update().get_or_create(pk=1)
    control.epoch = F("epoch") + 1
    control.save(update_fields=["epoch"])
    control.refresh_from_db()
    return control.epoch


@transaction.atomic
def release_held(*, now: datetime) -> int:
    """Let the messages of earlier epochs go on, after a restore; return of how many.

    What was due before may have been sent after the backup was made: it becomes unclear, is looked for at the
    provider, and is sent only when it is missing there. What is due later simply waits again.
    """
    epoch = OutboxControl.objects.select_for_update().get(pk=1).epoch
    held = OutboxMessage.objects.filter(state__in=OPEN_STATES, epoch__lt=epoch)
    doubtful = list(
        held.filter(state=State.QUEUED, due_at__lte=now)
        .defer("recipient", "title", "body")
        .select_for_update()
    )
    attempts = [OutboxAttempt(message=message, started_at=message.created_at) for message in doubtful]
    OutboxAttempt.objects.bulk_create(attempts)
    for message, attempt in zip(doubtful, attempts, strict=True):
        message.last_attempt_id = attempt.pk
        message.state, message.next_try_at, message.epoch = State.UNKNOWN, now, epoch
    changed = ["last_attempt_id", "state", "next_try_at", "epoch"]
    OutboxMessage.objects.bulk_update(doubtful, changed, batch_size=500)
    return len(doubtful) + held.update(epoch=epoch)
