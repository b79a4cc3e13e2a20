"""Rules of delivery as plain functions. At most one message per dedupe key reaches the provider."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from notifications.choices import CarrierStatus, Channel, Found, MessageKind, Outcome, State, WhyNotSent

STEPS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset(
        {
            State.SENDING,
            State.CANCELLED,
            State.NO_RECIPIENT,
            State.EXPIRED,
            State.UNKNOWN,
            State.ACCEPTED,
            State.DELIVERED,
            State.UNDELIVERED,
            State.FAILED,
        }
    ),
    State.SENDING: frozenset(
        {
            State.QUEUED,
            State.UNKNOWN,
            State.ACCEPTED,
            State.DELIVERED,
            State.UNDELIVERED,
            State.FAILED,
            State.FAILED_FINAL,
            State.CANCELLED,
        }
    ),
    State.UNKNOWN: frozenset(
        {
            State.QUEUED,
            State.ACCEPTED,
            State.DELIVERED,
            State.UNDELIVERED,
            State.FAILED,
            State.FAILED_FINAL,
            State.EXPIRED,
            State.CANCELLED,
        }
    ),
    State.ACCEPTED: frozenset({State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    # "Expired" can mean that we gave up finding out. News from the provider is still true then.
    State.EXPIRED: frozenset({State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.UNDELIVERED: frozenset(),
    State.FAILED: frozenset(),
    State.FAILED_FINAL: frozenset(),
    # Of these two nothing was ever sent, so they may be asked for again (operations.arrange).
    State.NO_RECIPIENT: frozenset({State.QUEUED, State.CANCELLED}),
    State.CANCELLED: frozenset({State.QUEUED, State.NO_RECIPIENT}),
}
"""From each state, the states that may follow. A queued message is unknown only after a restore, and sent
at once only when news of an earlier attempt, that was believed lost, comes before the next one."""

OPEN_STATES = (State.QUEUED, State.SENDING, State.UNKNOWN)
"""Somebody must still do something about these; all others have a closing time."""

TROUBLED = (State.UNDELIVERED, State.FAILED, State.FAILED_FINAL, State.EXPIRED, State.NO_RECIPIENT)
"""It did not arrive, as far as we know: somebody should phone instead."""

ARRIVED = (State.ACCEPTED, State.DELIVERED)
"""The provider took it, and has not said since that it did not arrive."""

LOOSE = (Outcome.PENDING, Outcome.UNCLEAR, Outcome.ACCEPTED)
"""Attempts that ended like this may have reached somebody."""

MAX_TRIES = 5
"""So often a message is given to the provider before we stop."""

GIVE_UP_AFTER = timedelta(days=3)
"""A message that names no last moment is not sent later than this after it was due."""

_RANK = {
    CarrierStatus.SCHEDULED: 0,
    CarrierStatus.ACCEPTED: 1,
    CarrierStatus.QUEUED: 2,
    CarrierStatus.SENDING: 3,
    CarrierStatus.SENT: 4,
    CarrierStatus.DELIVERED: 5,
    CarrierStatus.READ: 5,
    CarrierStatus.UNDELIVERED: 5,
    CarrierStatus.FAILED: 5,
    CarrierStatus.CANCELED: 5,
}
_FINAL_RANK = 5


def may_follow(before: State, after: State) -> bool:
    """Return whether a message may go from one state to the other."""
    return after in STEPS[before]


def advance(known: str, reported: str) -> str:
    """Return the carrier status after a report; it only rises, and the first final one stays.

    Reports come twice, late and in any order. Words we don't know change nothing.
    """
    if reported not in _RANK:
        return known
    if known not in _RANK:
        return reported
    return reported if _RANK[CarrierStatus(reported)] > _RANK[CarrierStatus(known)] else known


def is_final_status(status: str) -> bool:
    """Return whether the provider will report nothing more."""
    return _RANK.get(status, 0) == _FINAL_RANK  # type: ignore[call-overload, no-any-return]


def state_by_status(status: str) -> State:
    """Return the state of a message whose provider reports this status."""
    match status:
        case CarrierStatus.DELIVERED | CarrierStatus.READ:
            return State.DELIVERED
        case CarrierStatus.UNDELIVERED:
            return State.UNDELIVERED
        case CarrierStatus.FAILED | CarrierStatus.CANCELED:
            return State.FAILED
        case _:
            return State.ACCEPTED


def state_after_report(before: State, status: str) -> State:
    """Return the state after news from the provider; unchanged where no such step is allowed."""
    after = state_by_status(status)
    return after if may_follow(before, after) else before


FINAL_CODES = frozenset(
    {
        21211,  # not a valid phone number
        21212,  # not a valid sender
        21214,  # can't be reached from our account
        21217,  # not a phone number
        21265,  # short code
        21266,  # sender and recipient are the same
        21408,  # region not enabled
        21421,  # not a phone number
        21601,  # sender can't send SMS
        21602,  # empty text
        21604,  # no recipient
        21605,  # text too long
        21606,  # sender is not ours
        21610,  # has opted out
        21611,  # sender's queue is full for good
        21612,  # can't be routed
        21614,  # not a mobile phone
        21617,  # text too long
        30006,  # landline
    }
)
"""Twilio's codes after which another try can't help. Other answers 400 and 404 are treated the same."""

UNAUTHORISED_CODES = frozenset({20003, 20005, 20006, 20403})
"""Twilio's codes for "I don't know you": wrong token, account not active, access denied."""

BUSY_CODES = frozenset({20429, 14107})
"""Twilio's codes for "too many": the message was not taken over."""


def outcome_by_answer(status: int, code: int | None) -> Outcome:
    """Return what an HTTP answer other than success means. A 5xx may still have been taken over."""
    if status == 429 or code in BUSY_CODES:
        return Outcome.BUSY
    if status == 401 or code in UNAUTHORISED_CODES:
        return Outcome.UNAUTHORISED
    if 400 <= status < 500 and status != 408:
        return Outcome.REFUSED
    return Outcome.UNCLEAR


_WRONG_NUMBER = frozenset({21211, 21214, 21217, 21265, 21421, 21614, 30005, 30006})
_BLOCKED = frozenset({21610, 30004, 30007})


def why_not_sent(state: State, code: str) -> WhyNotSent | None:
    """Return why a message did not arrive, or None where nothing is wrong.

    `code` is the provider's number of the last attempt or of its receipt, or our own word; empty when there is none.
    """
    if state is State.NO_RECIPIENT:
        return WhyNotSent.NO_RECIPIENT
    if state is State.CANCELLED:
        return WhyNotSent.WITHDRAWN
    if state is State.EXPIRED:
        return WhyNotSent.NOT_IN_TIME
    if state not in TROUBLED:
        return None
    number = int(code) if code.isdecimal() else 0
    if number in _BLOCKED:
        return WhyNotSent.BLOCKED
    if number in _WRONG_NUMBER:
        return WhyNotSent.NUMBER
    return WhyNotSent.UNREACHABLE if state is State.UNDELIVERED else WhyNotSent.OPERATOR


BREAKER_FAILURES = 20
"""So many refusals of our account in a row stop a channel for a while."""
BREAKER_PAUSE = timedelta(minutes=1)

_SHORTEST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=2)


def backoff(waited: timedelta, jitter: float) -> timedelta:
    """Return how long to wait before trying again: longer, the longer a message has been due.

    jitter is a random number from 0 to 1, so that many messages don't come back at once.
    """
    return min(max(waited / 2, _SHORTEST_WAIT), _LONGEST_WAIT) * (0.5 + jitter)


@dataclass(frozen=True, slots=True)
class Pace:
    """The times between which a message is tried, given up and looked for."""

    lease: timedelta = timedelta(seconds=90)
    """Longer than any call may last. A sender that is silent for longer is dead."""
    margin: timedelta = timedelta(seconds=30)
    """No call starts when less than this is left of the lease; longer than a call with its connection."""
    grace: timedelta = timedelta(minutes=10)
    """Wait before looking for an unclear message: longer than the provider can take to list it."""
    look_again: timedelta = timedelta(minutes=5)
    """Wait after a look-up that could not be made."""
    blind_after: timedelta = timedelta(minutes=60)
    """With look-up impossible for so long, a message is sent once more and marked as a possible duplicate."""
    receipt_first: timedelta = timedelta(hours=1)
    """Ask for a receipt that was not called back after this, and then as often."""
    receipt_last: timedelta = timedelta(hours=72)
    """Stop asking for receipts."""


NORMAL = Pace()

QUIET_FROM = time(21, 0)
QUIET_UNTIL = time(7, 0)
"""On the clinic's clock. Between these nobody gets a reminder."""
REMINDER_NEEDS = timedelta(hours=2)
REMINDER_BLIND = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Unclear:
    """An unclear message at the moment when it was looked for."""

    kind: MessageKind
    channel: Channel
    tries: int
    since: datetime
    not_after: datetime
    possible_duplicate: bool
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an unclear message. A stay of State.UNKNOWN means: look again later."""

    state: State
    possible_duplicate: bool = False


def after_looking(message: Unclear, found: Found, now: datetime, pace: Pace = NORMAL) -> Verdict:
    """Return what becomes of an unclear message that was not found, or could not be looked for.

    A message that is certainly missing is sent again while it is of use. One that can't be looked for is
    sent again once, late, and marked: better told twice than not at all, but never more than twice. A code
    is never sent again: the reader asks for a new one.
    """
    if message.is_withdrawn:
        return Verdict(State.CANCELLED)
    if message.kind is MessageKind.SIGN_IN_CODE or message.tries >= MAX_TRIES:
        return Verdict(State.EXPIRED)
    if not _is_of_use(message, now):
        return Verdict(State.EXPIRED)
    if found is Found.MISS:
        return Verdict(State.QUEUED)
    if message.possible_duplicate:
        return Verdict(State.EXPIRED)
    if _may_send_blind(message, now, pace):
        return Verdict(State.QUEUED, possible_duplicate=True)
    return Verdict(State.UNKNOWN)


def _is_of_use(message: Unclear, now: datetime) -> bool:
    """Return whether a message can still be sent; a reminder's last moment is the appointment itself."""
    needed = REMINDER_NEEDS if message.kind is MessageKind.REMINDER else timedelta(0)
    return now + needed < message.not_after


def _may_send_blind(message: Unclear, now: datetime, pace: Pace) -> bool:
    """Return whether it is time to send without knowing. E-mail can't be looked for: it need not wait longer."""
    if message.kind is MessageKind.STAFF_ALARM or message.channel is Channel.EMAIL:
        return True
    if message.kind is MessageKind.REMINDER:
        return now >= message.not_after - REMINDER_BLIND
    return now >= message.since + pace.blind_after


def validity(now: datetime, not_after: datetime) -> int:
    """Return for how many seconds the provider may keep trying: at most ten hours, never past the last moment."""
    return max(1, min(36_000, int((not_after - now).total_seconds())))
