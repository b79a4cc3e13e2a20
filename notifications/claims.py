"""The outbox's side of sending: taking letters out, and writing down how it went. Nothing here calls anyone."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from notifications import policy, receipts
from notifications.choices import Channel, Found, MessageKind, Outcome, State
from notifications.letters import Answer, Letter, Search
from notifications.models import ChannelPause, OutboxAttempt, OutboxMessage
from notifications.policy import Pace
from portal import crypto

# One statement: take what is due, and store the attempt. No two senders get the same row, and none waits. A reminder
# that an outage has delayed into the clinic's quiet hours waits until they are over.
_CLAIM = """
WITH due AS (
    SELECT id FROM notifications_outboxmessage
    WHERE state = 'queued' AND channel = %(channel)s AND next_try_at <= %(now)s AND not_after > %(now)s
      AND epoch = COALESCE((SELECT epoch FROM notifications_outboxcontrol WHERE id = 1), 1)
      AND (kind <> 'reminder' OR (
          SELECT clock >= %(quiet_until)s AND clock < %(quiet_from)s
          FROM (SELECT (%(now)s::timestamptz AT TIME ZONE time_zone)::time AS clock
                FROM clinic_admin_clinic c WHERE c.id = clinic_id) AS wall))
    ORDER BY next_try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), attempt AS (
    INSERT INTO notifications_outboxattempt (id, message_id, started_at, outcome, code, last_status)
    SELECT gen_random_uuid(), id, %(now)s, 'pending', '', '' FROM due RETURNING id, message_id
)
UPDATE notifications_outboxmessage m
SET state = 'sending', tries = m.tries + 1, last_attempt_id = attempt.id, next_try_at = NULL,
    lease_until = %(lease_until)s, lease_owner = %(owner)s
FROM attempt WHERE m.id = attempt.message_id
RETURNING m.id, attempt.id, m.kind, m.channel, m.due_at, m.not_after, %(now)s::timestamptz,
    m.recipient, m.title, m.body
"""

# The same for one message whose reader waits: it is due now, whatever another host's clock said.
_CLAIM_ONE = _CLAIM.replace("next_try_at <= %(now)s", "id = %(only)s")

_TAKE_UNCLEAR = """
WITH due AS (
    SELECT id FROM notifications_outboxmessage
    WHERE state = 'unknown' AND next_try_at <= %(now)s
      AND epoch = COALESCE((SELECT epoch FROM notifications_outboxcontrol WHERE id = 1), 1)
    ORDER BY next_try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE notifications_outboxmessage m SET next_try_at = %(again)s
FROM due, notifications_outboxattempt a WHERE m.id = due.id AND a.id = m.last_attempt_id
RETURNING m.id, a.id, m.kind, m.channel, m.due_at, m.not_after, a.started_at, m.recipient, m.title, m.body
"""

_END_LEASES = """
WITH dead AS (
    SELECT id FROM notifications_outboxmessage WHERE state = 'sending' AND lease_until <= %(now)s
    ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED
)
UPDATE notifications_outboxmessage m
SET state = 'unknown', lease_until = NULL, lease_owner = '', next_try_at = %(look_at)s
FROM dead WHERE m.id = dead.id
"""

_EXPIRE = """
WITH late AS (
    SELECT id FROM notifications_outboxmessage
    WHERE state = 'queued' AND not_after <= %(now)s
      AND epoch = COALESCE((SELECT epoch FROM notifications_outboxcontrol WHERE id = 1), 1)
    ORDER BY not_after LIMIT 1000 FOR UPDATE SKIP LOCKED
)
UPDATE notifications_outboxmessage m SET state = 'expired', closed_at = %(now)s, next_try_at = NULL
FROM late WHERE m.id = late.id
"""

_TAKE_RECEIPTS = """
WITH due AS (
    SELECT id FROM notifications_outboxmessage
    WHERE state = 'accepted' AND next_try_at <= %(now)s
    ORDER BY next_try_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE notifications_outboxmessage m
SET next_try_at = CASE WHEN m.closed_at + %(last)s > %(again)s THEN %(again)s END
FROM due, notifications_outboxattempt a
WHERE m.id = due.id AND a.id = m.last_attempt_id AND a.provider_sid IS NOT NULL
RETURNING a.id, a.provider_sid
"""

_ACCEPT_ATTEMPTS = """
UPDATE notifications_outboxattempt a
SET outcome = 'accepted', provider_sid = news.sid, closed_at = %(now)s,
    last_status = CASE WHEN a.last_status = '' THEN news.status ELSE a.last_status END
FROM unnest(%(attempts)s::uuid[], %(sids)s::text[], %(statuses)s::text[]) AS news (id, sid, status)
WHERE a.id = news.id AND a.provider_sid IS NULL
"""

_ACCEPT_MESSAGES = """
UPDATE notifications_outboxmessage m
SET state = 'accepted', lease_until = NULL, lease_owner = '', closed_at = %(now)s,
    next_try_at = CASE WHEN m.channel = 'sms' THEN %(receipt_at)s::timestamptz END
FROM unnest(%(attempts)s::uuid[]) AS news (id)
WHERE m.last_attempt_id = news.id AND m.id = ANY(%(messages)s::uuid[]) AND m.state IN ('sending', 'unknown')
RETURNING m.last_attempt_id
"""


def claim(
    *, channel: Channel, limit: int, owner: str, now: datetime, pace: Pace, only: UUID | None = None
) -> list[Letter]:
    """Take due messages out of the outbox and store an attempt for each; committed when this returns.

    With `only`, take that message alone, if it still waits. Raises RuntimeError inside a transaction: the attempts
    must be stored for good before anything is sent.
    """
    with transaction.atomic(durable=True):
        rows = _rows(
            _CLAIM if only is None else _CLAIM_ONE,
            channel=channel.value,
            limit=limit,
            owner=owner[:80],
            only=only,
            quiet_from=policy.QUIET_FROM,
            quiet_until=policy.QUIET_UNTIL,
            now=now,
            lease_until=now + pace.lease,
        )
    return [_letter(row, now) for row in rows]


def taken_back(letters: Sequence[Letter]) -> set[UUID]:
    """Return which of these messages were withdrawn since they were taken out. One query."""
    keys = [letter.message_id for letter in letters]
    gone = OutboxMessage.objects.filter(pk__in=keys, withdrawn_at__isnull=False)
    return set(gone.values_list("pk", flat=True))


def take_unclear(*, limit: int, now: datetime, pace: Pace) -> list[Letter]:
    """Take unclear messages whose grace is over, to look for them. Others leave them alone for a while."""
    with transaction.atomic(durable=True):
        rows = _rows(_TAKE_UNCLEAR, limit=limit, now=now, again=now + pace.look_again)
    return [_letter(row, now) for row in rows]


def take_receipts(*, limit: int, now: datetime, pace: Pace) -> list[tuple[UUID, str]]:
    """Take messages that were sent and never reported on: (attempt, the provider's id)."""
    with transaction.atomic(durable=True):
        return _rows(
            _TAKE_RECEIPTS, limit=limit, now=now, again=now + pace.receipt_first, last=pace.receipt_last
        )


def end_leases(*, now: datetime, pace: Pace) -> int:
    """Make the messages of dead senders unclear, never waiting again: they may have been sent."""
    return _change(_END_LEASES, now=now, look_at=now + pace.grace)


def expire(*, now: datetime) -> int:
    """Close waiting messages whose last moment has passed."""
    return _change(_EXPIRE, now=now)


def record(done: Sequence[tuple[Letter, Answer]], *, now: datetime, pace: Pace) -> None:
    """Write down how attempts ended. Only the latest attempt of a message may change the message."""
    accepted = [(letter, answer) for letter, answer in done if answer.outcome is Outcome.ACCEPTED]
    if accepted:
        _record_accepted(accepted, now=now, pace=pace)
    for letter, answer in done:
        if answer.outcome is not Outcome.ACCEPTED:
            _record_other(letter, answer, now=now, pace=pace)


def _record_accepted(done: Sequence[tuple[Letter, Answer]], *, now: datetime, pace: Pace) -> None:
    """Write many at once; what another hand has changed meanwhile goes through the receipts' way, one by one."""
    try:
        with transaction.atomic():
            settled = _accept_together(done, now=now, pace=pace)
    except IntegrityError:  # the provider gave one id twice
        settled = set()
    for letter, answer in done:
        if letter.attempt_id not in settled:
            receipts.record_news(attempt_id=letter.attempt_id, sid=answer.sid, status=answer.status, now=now)


def _accept_together(done: Sequence[tuple[Letter, Answer]], *, now: datetime, pace: Pace) -> set[UUID]:
    attempts = [letter.attempt_id for letter, _ in done]
    rows = _rows(
        _ACCEPT_MESSAGES,
        attempts=attempts,
        messages=[letter.message_id for letter, _ in done],
        now=now,
        receipt_at=now + pace.receipt_first,
    )
    settled: set[UUID] = {row[0] for row in rows}
    news = [(letter.attempt_id, answer) for letter, answer in done if letter.attempt_id in settled]
    _change(
        _ACCEPT_ATTEMPTS,
        attempts=[attempt for attempt, _ in news],
        sids=[answer.sid for _, answer in news],
        statuses=[answer.status[:12] for _, answer in news],
        now=now,
    )
    return settled


@transaction.atomic
def _record_other(letter: Letter, answer: Answer, *, now: datetime, pace: Pace) -> None:
    message = _lock(letter)
    if message is None or message.state != State.SENDING:
        return
    OutboxAttempt.objects.filter(pk=letter.attempt_id, outcome=Outcome.PENDING).update(
        outcome=answer.outcome, code=answer.code, closed_at=now
    )
    match answer.outcome:
        case Outcome.REFUSED:
            _move(message, State.FAILED_FINAL, now=now)
        case Outcome.UNCLEAR:
            _move(message, State.UNKNOWN, now=now, at=now + pace.grace)
        case Outcome.NOT_STARTED:
            _put_back(message, now=now, at=now)
        case _:
            wait = policy.backoff(now - message.due_at, random.random())  # noqa: S311
            _put_back(message, now=now, at=now + wait)


def settle(letter: Letter, search: Search, *, now: datetime, pace: Pace) -> None:
    """Write down what looking for an unclear message told."""
    if search.found is Found.HIT:
        taken = _taken(each.sid for each in search.hits)
        hit = next((each for each in search.hits if each.sid not in taken), None)
        if hit is not None:
            receipts.record_news(attempt_id=letter.attempt_id, sid=hit.sid, status=hit.status, now=now)
            return
    found = Found.IMPOSSIBLE if search.found is Found.IMPOSSIBLE else Found.MISS
    _settle_unseen(letter, found, now=now, pace=pace)


@transaction.atomic
def _settle_unseen(letter: Letter, found: Found, *, now: datetime, pace: Pace) -> None:
    message = _lock(letter)
    if message is None or message.state != State.UNKNOWN:
        return
    verdict = policy.after_looking(
        policy.Unclear(
            kind=letter.kind,
            channel=letter.channel,
            tries=message.tries,
            since=letter.started_at,
            not_after=letter.not_after,
            possible_duplicate=message.possible_duplicate,
            is_withdrawn=message.withdrawn_at is not None,
        ),
        found,
        now,
        pace,
    )
    if verdict.state is State.UNKNOWN:
        return
    outcome = Outcome.MISSED if found is Found.MISS else Outcome.UNCLEAR
    OutboxAttempt.objects.filter(pk=letter.attempt_id).update(outcome=outcome, closed_at=now)
    if verdict.possible_duplicate:
        message.possible_duplicate = True
        message.save(update_fields=["possible_duplicate"])
    _move(message, verdict.state, now=now, at=now if verdict.state is State.QUEUED else None)


def rooms(*, limit: int, now: datetime) -> dict[Channel, int]:
    """Return how many letters each channel may take now: none while its account is refused, then one to try."""
    free = dict.fromkeys(Channel, limit)
    for pause in ChannelPause.objects.filter(failures__gte=policy.BREAKER_FAILURES):
        if pause.paused_until is not None and pause.paused_until > now:
            del free[Channel(pause.channel)]
        else:
            free[Channel(pause.channel)] = 1
            ChannelPause.objects.filter(pk=pause.pk).update(paused_until=now + policy.BREAKER_PAUSE)
    return free


def note_refused_accounts(done: Sequence[tuple[Letter, Answer]], *, now: datetime) -> bool:
    """Count refusals of our account; return whether a channel has to pause."""
    refused = Counter(letter.channel for letter, answer in done if answer.outcome is Outcome.UNAUTHORISED)
    for channel, count in refused.items():
        ChannelPause.objects.get_or_create(pk=channel)
        ChannelPause.objects.filter(pk=channel).update(
            failures=F("failures") + count, paused_until=now + policy.BREAKER_PAUSE
        )
    paused = ChannelPause.objects.filter(pk__in=list(refused), failures__gte=policy.BREAKER_FAILURES)
    return bool(refused) and paused.exists()


def note_known_accounts(letters: Sequence[Letter]) -> None:
    """Forget refusals of our account on channels that have taken a letter over since."""
    for pause in ChannelPause.objects.filter(failures__gt=0):
        attempts = [letter.attempt_id for letter in letters if letter.channel == pause.channel]
        known = OutboxAttempt.objects.filter(pk__in=attempts, outcome__in=[Outcome.ACCEPTED, Outcome.REFUSED])
        if known.exists():
            ChannelPause.objects.filter(pk=pause.pk).update(failures=0, paused_until=None)


def _lock(letter: Letter) -> OutboxMessage | None:
    """Return the message, locked, if the letter is still its latest attempt."""
    rows = OutboxMessage.objects.select_for_update().defer("recipient", "title", "body")
    return rows.filter(pk=letter.message_id, last_attempt_id=letter.attempt_id).first()


def _put_back(message: OutboxMessage, *, now: datetime, at: datetime) -> None:
    """Let a message wait again that was certainly not sent; a withdrawn one is over now."""
    message.tries -= 1
    message.save(update_fields=["tries"])
    _move(message, State.CANCELLED if message.withdrawn_at else State.QUEUED, now=now, at=at)


def _move(message: OutboxMessage, after: State, *, now: datetime, at: datetime | None = None) -> None:
    assert policy.may_follow(State(message.state), after)
    is_open = after in policy.OPEN_STATES
    message.state = after
    message.lease_until, message.lease_owner = None, ""
    message.next_try_at = at if is_open else None
    message.closed_at = None if is_open else now
    message.save(update_fields=["state", "lease_until", "lease_owner", "next_try_at", "closed_at"])


def _taken(sids: Iterable[str]) -> set[str | None]:
    return set(
        OutboxAttempt.objects.filter(provider_sid__in=list(sids)).values_list("provider_sid", flat=True)
    )


def _letter(row: tuple[Any, ...], now: datetime) -> Letter:
    message_id, attempt_id, kind, channel, due_at, not_after, started_at, *texts = row
    try:
        recipient, title, body = (
            _plain(text, column) for text, column in zip(texts, ("recipient", "title", "body"), strict=True)
        )
        readable = True
    except crypto.Undecipherable:
        recipient, title, body, readable = "", "", "", False
    return Letter(
        message_id=message_id,
        attempt_id=attempt_id,
        kind=MessageKind(kind),
        channel=Channel(channel),
        due_at=due_at,
        not_after=not_after,
        started_at=started_at,
        validity_seconds=policy.validity(now, not_after),
        recipient=recipient,
        title=title,
        body=body,
        readable=readable,
    )


def _plain(stored: str, column: str) -> str:
    """Decrypt one column of one row, so that a row that does not open spoils no other."""
    return crypto.decrypt(stored, context=f"notifications_outboxmessage.{column}") if stored else ""


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _change(statement: str, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def waiting_time(*, now: datetime) -> timedelta:
    """Return how long the oldest message that is due has been waiting, for the health page."""
    oldest = (
        OutboxMessage.objects.filter(state=State.QUEUED, next_try_at__lte=now)
        .order_by("next_try_at")
        .values_list("next_try_at", flat=True)
        .first()
    )
    return now - oldest if oldest else timedelta(0)
