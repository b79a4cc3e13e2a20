"""Changes of the outbox that other areas ask for."""

from datetime import datetime

from django.db import connection, models, transaction
from django.db.models import F, Subquery
from django.db.models.functions import Coalesce

from clinic_admin.models import Clinic
from notifications.choices import Channel, MessageKind, State
from notifications.models import OutboxAttempt, OutboxControl, OutboxMessage
from notifications.policy import GIVE_UP_AFTER, OPEN_STATES
from notifications.wakeup import wake_after_commit


class OutsideTransaction(RuntimeError):
    """A message was queued outside a transaction: it could tell of something that never happened."""


def dedupe_key(*, kind: MessageKind, channel: Channel, subject: models.Model, version: int) -> str:
    """Return the name under which a message exists at most once."""
    return f"{kind}:{channel}:{subject._meta.label_lower}:{subject.pk}:v{version}"


def queue_message(
    *,
    clinic: Clinic,
    kind: MessageKind,
    channel: Channel,
    to: str,
    subject: models.Model,
    version: int,
    title: str,
    body: str,
    due_at: datetime,
    not_after: datetime | None,
    now: datetime,
) -> OutboxMessage:
    """Put a message into the outbox, in the caller's transaction, and wake a worker when that commits.

    Telling the same version of the same thing again gives back the first message, unchanged. Without a
    number or address the message is stored as not sent, so that staff see it. `not_after` is the last moment
    at which sending makes sense (a reminder: the appointment); without one, three days after `due_at`.
    All instants are aware. `title` is an e-mail's subject and is not used for SMS.
    Raises OutsideTransaction outside an atomic block.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"{kind} must be queued in the transaction that it tells of")
    to = to.strip()
    key = dedupe_key(kind=kind, channel=channel, subject=subject, version=version)
    message = OutboxMessage(
        dedupe_key=key,
        clinic=clinic,
        kind=kind,
        channel=channel,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        version=version,
        recipient=to,
        title=title,
        body=body,
        due_at=due_at,
        not_after=not_after or due_at + GIVE_UP_AFTER,
        state=State.QUEUED if to else State.NO_RECIPIENT,
        next_try_at=due_at if to else None,
        closed_at=None if to else now,
        epoch=_CURRENT_EPOCH,
        created_at=now,
    )
    OutboxMessage.objects.bulk_create([message], ignore_conflicts=True)
    stored = OutboxMessage.objects.get(dedupe_key=key)
    if stored.pk == message.pk and to and due_at <= now:
        wake_after_commit()
    return stored


_CURRENT_EPOCH = Coalesce(Subquery(OutboxControl.objects.filter(pk=1).values("epoch")[:1]), 1)


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
