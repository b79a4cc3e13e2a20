"""How long sessions last: without use, and at most (identity research, 8). The clocks are kept in the session itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from identity import sessions
from identity.choices import EndReason, UserKind
from identity.sessions import Data

_OPENED_AT, _SEEN_AT = "opened_at", "seen_at"
_SHORT = "short_idle_seconds"
WARNED_BEFORE = timedelta(minutes=2)
"""Longer than the 20 seconds that WCAG 2.2.1 asks for."""
SEEN_IS_NOTED_EVERY = timedelta(minutes=1)
"""Not at each request: noting writes the session."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts without use, and at most."""

    idle: timedelta
    absolute: timedelta

    @property
    def warned_before(self) -> timedelta:
        """Return how long before the end the person is told."""
        return min(WARNED_BEFORE, self.idle / 2)

    @property
    def noted_every(self) -> timedelta:
        """Return how exactly use is noted: the session may end so much too early, never too late."""
        return min(SEEN_IS_NOTED_EVERY, self.idle / 20)


STAFF_LIMITS = Limits(idle=timedelta(minutes=30), absolute=timedelta(hours=10))
EID_LIMITS = Limits(idle=timedelta(minutes=20), absolute=timedelta(hours=4))
CODE_LIMITS = Limits(idle=timedelta(minutes=15), absolute=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a session."""

    time: timedelta
    """Until it ends if nobody does anything; negative when it is over."""
    is_final: bool
    """It ends then whatever one does: it has been open for as long as it may."""
    warned_before: timedelta

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left."""
        return self.time <= timedelta()

    @property
    def reason(self) -> EndReason:
        """Return why it ends."""
        return EndReason.TOO_LONG if self.is_final else EndReason.UNUSED


def limits_of(kind: str, data: Data) -> Limits:
    """Return how long a session with this data, of a user of this kind, may last."""
    limits = _limits_of(kind, data)
    short = data.get(_SHORT)
    if settings.IS_DEVELOPMENT and short:
        return Limits(idle=timedelta(seconds=short), absolute=limits.absolute)
    return limits


def _limits_of(kind: str, data: Data) -> Limits:
    if kind == UserKind.STAFF:
        return STAFF_LIMITS
    sign_in = sessions.of_data(data)
    return EID_LIMITS if sign_in is None or sign_in.assurance.is_eid else CODE_LIMITS


def start(request: HttpRequest, now: datetime) -> None:
    """Start both clocks."""
    request.session[_OPENED_AT] = request.session[_SEEN_AT] = now.isoformat()


def left(kind: str, data: Data, now: datetime) -> Left | None:
    """Return what is left of a session; None if its clocks were never started."""
    opened, seen, limits = opened_at(data), seen_at(data), limits_of(kind, data)
    if opened is None or seen is None:
        return None
    unused, at_most = limits.idle - (now - seen), limits.absolute - (now - opened)
    return Left(min(unused, at_most), at_most <= unused, limits.warned_before)


def note_use(request: HttpRequest, kind: str, now: datetime, *, at_once: bool = False) -> None:
    """Note that the session is used now, unless that was noted just before.

    It is written some seconds after the answer (session_notes); before it with `at_once`, and where the session would be
    over by then: who comes in the last minutes and presses again must not find it ended.
    """
    data: Any = request.session
    seen, limits = seen_at(data), limits_of(kind, data)
    if seen is None:
        start(request, now)
    elif at_once or limits.idle - (now - seen) <= limits.warned_before:
        data[_SEEN_AT] = now.isoformat()
    elif now - seen >= limits.noted_every:
        data.note(_SEEN_AT, now.isoformat())


def shorten(request: HttpRequest, seconds: int) -> None:
    """Let this session end so soon without use. Only development heeds it: to look at the warning."""
    request.session[_SHORT] = seconds


def opened_at(data: Data) -> datetime | None:
    """Return when the session was opened."""
    return _instant(data, _OPENED_AT)


def seen_at(data: Data) -> datetime | None:
    """Return when its use was noted last."""
    return _instant(data, _SEEN_AT)


def _instant(data: Data, key: str) -> datetime | None:
    stored = data.get(key)
    return datetime.fromisoformat(stored) if stored else None
