"""Sends what is due. One way for all callers: the wake-up, the sweep every few seconds, and a code that can't wait.

    claim (committed) -> call the provider, no transaction open -> write down the answer (if still ours)

Provider calls run in threads; everything that touches the database runs in the caller's thread.
"""

import logging
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from threading import Event
from types import TracebackType
from typing import Self
from uuid import UUID

from notifications import claims, mail, receipts, retention, sms
from notifications.choices import Channel, Found, Outcome
from notifications.clock import database_now
from notifications.letters import Answer, Letter, Search
from notifications.policy import NORMAL, Pace

log = logging.getLogger("venterom.outbox")

BATCH = 100
LOOKED_AT_ONCE = 50
LONGEST_RUN_SECONDS = 200.0
"""Then the next wake-up goes on; shorter than the worker's time limit for a task."""

_Done = list[tuple[Letter, Answer]]


class Sender:
    """Threads and connections to the providers, for one run. Use it in a with statement."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(sms.SENDER_THREADS, thread_name_prefix="sender")
        self._client = sms.make_client()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        sms.close(self._client)

    def send(self, letters: list[Letter], *, may_start: Callable[[], bool]) -> Iterator[_Done]:
        """Send letters and give their answers as they come, several at a time. No letter is left without one.

        What was withdrawn since it was taken out is not started: an appointment may be cancelled while others' letters
        are on their way. It is asked for in the caller's thread, of as many letters at a time as are sent at once.
        """
        texts = deque(letter for letter in letters if letter.channel is Channel.SMS)
        mails, gone = _without_withdrawn([letter for letter in letters if letter.channel is Channel.EMAIL])
        waiting: set[Future[_Done]] = set()
        if mails:
            waiting.add(self._threads.submit(lambda: list(mail.send_all(mails, may_start))))
        ready_to_go: deque[Letter] = deque()
        while texts or ready_to_go or waiting or gone:
            if texts and not ready_to_go:
                next_ones = [texts.popleft() for _ in range(min(sms.SENDER_THREADS, len(texts)))]
                kept, withdrawn = _without_withdrawn(next_ones)
                ready_to_go.extend(kept)
                gone += withdrawn
            room = max(0, sms.SENDER_THREADS - len(waiting))
            starting = [ready_to_go.popleft() for _ in range(min(room, len(ready_to_go)))]
            waiting |= {self._threads.submit(self._send_text, letter, may_start) for letter in starting}
            if gone:
                yield gone
                gone = []
            if waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield [pair for future in ready for pair in future.result()]

    def _send_text(self, letter: Letter, may_start: Callable[[], bool]) -> _Done:
        answer = sms.send(self._client, letter) if may_start() else Answer(Outcome.NOT_STARTED)
        return [(letter, answer)]

    def find(self, letters: list[Letter]) -> Iterator[tuple[Letter, Search]]:
        """Look for unclear letters at the provider. E-mail can't be looked for."""
        found = self._threads.map(self._find, letters)
        yield from zip(letters, found, strict=True)

    def _find(self, letter: Letter) -> Search:
        if letter.channel is not Channel.SMS or not letter.readable:
            return Search(Found.IMPOSSIBLE)
        return sms.find(self._client, letter)

    def statuses(self, sids: list[str]) -> Iterator[str | None]:
        """Ask the provider how far it has come with messages."""
        return self._threads.map(lambda sid: sms.status_of(self._client, sid), sids)


def _without_withdrawn(letters: list[Letter]) -> tuple[list[Letter], _Done]:
    """Return the letters that may go, and the answer for those that were withdrawn meanwhile. One query, none for none."""
    gone = claims.taken_back(letters) if letters else set()
    kept = [letter for letter in letters if letter.message_id not in gone]
    return kept, [(one, Answer(Outcome.NOT_STARTED)) for one in letters if one.message_id in gone]


def run(*, now: datetime | None = None, pace: Pace = NORMAL) -> int:
    """Do everything that is due, and return how many letters were taken out.

    `now` replaces the database's clock, for tests and rehearsals.
    """
    moment = now or database_now()
    claims.end_leases(now=moment, pace=pace)
    claims.expire(now=moment)
    with Sender() as sender:
        look(sender, now=now, pace=pace)
        ask_for_receipts(sender, now=now, pace=pace)
        return drain(sender, now=now, pace=pace)


def drain(sender: Sender, *, now: datetime | None = None, pace: Pace = NORMAL, batch: int = BATCH) -> int:
    """Send batch after batch until nothing is due, and return how many letters were taken out."""
    ends = time.monotonic() + LONGEST_RUN_SECONDS
    total = 0
    while time.monotonic() < ends:
        count = send_batch(sender, now=now, pace=pace, limit=batch)
        total += count
        if count == 0:
            break
    return total


def send_now(message_id: UUID, *, now: datetime | None = None) -> None:
    """Send one message while its reader waits, for one-time codes. Call it after the commit.

    It needs no broker. What it can't send, the sweep sends.
    """
    with Sender() as sender:
        send_batch(sender, now=now, limit=1, only=message_id)


def send_batch(
    sender: Sender,
    *,
    now: datetime | None = None,
    pace: Pace = NORMAL,
    limit: int = BATCH,
    only: UUID | None = None,
) -> int:
    """Claim up to `limit` letters per channel, send them and write down the answers; return how many."""
    started = time.monotonic()
    moment = now or database_now()
    letters: list[Letter] = []
    for channel, room in claims.rooms(limit=limit, now=moment).items():
        letters += claims.claim(channel=channel, limit=room, owner=_owner(), now=moment, pace=pace, only=only)
    if not letters:
        return 0
    last_start = started + (pace.lease - pace.margin).total_seconds()
    stop = Event()
    counts: Counter[str] = Counter()
    for done in _answers(
        sender, letters, may_start=lambda: not stop.is_set() and time.monotonic() < last_start
    ):
        written = moment + timedelta(seconds=time.monotonic() - started)
        claims.record(done, now=written, pace=pace)
        counts.update(answer.outcome.value for _, answer in done)
        if claims.note_refused_accounts(done, now=written):
            stop.set()
    claims.note_known_accounts(letters)
    secret = [letter.message_id for letter in letters if letter.kind in retention.SECRETS]
    if secret:
        retention.erase_sent_secrets(secret, now=moment)
    log.info("letters sent", extra={"count": len(letters), **counts})
    return 0 if stop.is_set() else len(letters)


def _answers(sender: Sender, letters: list[Letter], *, may_start: Callable[[], bool]) -> Iterator[_Done]:
    unreadable = [letter for letter in letters if not letter.readable]
    if unreadable:
        yield [(letter, Answer(Outcome.REFUSED, code="unreadable")) for letter in unreadable]
    yield from sender.send([letter for letter in letters if letter.readable], may_start=may_start)


def look(sender: Sender, *, now: datetime | None = None, pace: Pace = NORMAL) -> int:
    """Look for unclear messages whose grace is over; return how many."""
    letters = claims.take_unclear(limit=LOOKED_AT_ONCE, now=now or database_now(), pace=pace)
    for letter, search in sender.find(letters):
        claims.settle(letter, search, now=now or database_now(), pace=pace)
    return len(letters)


def ask_for_receipts(sender: Sender, *, now: datetime | None = None, pace: Pace = NORMAL) -> int:
    """Ask for receipts that were never called back; return for how many."""
    silent = claims.take_receipts(limit=LOOKED_AT_ONCE, now=now or database_now(), pace=pace)
    statuses = sender.statuses([sid for _, sid in silent])
    for (attempt_id, sid), status in zip(silent, statuses, strict=True):
        if status:
            receipts.record_news(attempt_id=attempt_id, sid=sid, status=status, now=now or database_now())
    return len(silent)


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
