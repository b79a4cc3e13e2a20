"""What a session knows about how it was opened, which sign-ins it has under way, and how long it may last."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from identity.choices import Assurance, Method, UserKind

_KEY = "sign_in"
_UNDER_WAY = "sign_ins_under_way"
_VERIFIED = "verified_sign_in"
_OPENED_AT = "opened_at"
_SEEN_AT = "seen_at"

CARRIED_BY_STEP_UP = ("acting_for",)
"""What a session keeps when the same person proves anew who they are; all else is dropped (identity research, 5)."""
MOST_UNDER_WAY = 5
"""Sign-ins that one browser can have under way (identity research, 5)."""
SEEN_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How and when the person at the keyboard signed in."""

    method: Method
    assurance: Assurance
    at: datetime
    provider: str = ""
    clinic_scope: int | None = None
    """The only clinic this session is good for; None for eID, which may go to any (identity research, 0)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts without use, and at most (identity research, 8)."""

    idle: timedelta
    absolute: timedelta


STAFF_LIMITS = Limits(idle=timedelta(minutes=30), absolute=timedelta(hours=10))
EID_LIMITS = Limits(idle=timedelta(minutes=20), absolute=timedelta(hours=4))
CODE_LIMITS = Limits(idle=timedelta(minutes=15), absolute=timedelta(hours=1))


def store(request: HttpRequest, sign_in: SignIn) -> None:
    """Keep it in the session."""
    request.session[_KEY] = asdict(sign_in) | {"at": sign_in.at.isoformat()}


def of(request: HttpRequest) -> SignIn | None:
    """Return how this session was opened, or None if nobody is signed in as a patient."""
    stored = request.session.get(_KEY)
    if not stored:
        return None
    return SignIn(
        method=Method(stored["method"]),
        assurance=Assurance(stored["assurance"]),
        at=datetime.fromisoformat(stored["at"]),
        provider=stored["provider"],
        clinic_scope=stored["clinic_scope"],
    )


def note_started(request: HttpRequest, transaction_id: str) -> None:
    """Remember that this browser began the sign-in; the oldest of too many is forgotten."""
    request.session[_UNDER_WAY] = [*started(request), transaction_id][-MOST_UNDER_WAY:]


def started(request: HttpRequest) -> list[str]:
    """Return the ids of the sign-ins that this browser began, oldest first."""
    return list(request.session.get(_UNDER_WAY, []))


def note_verified(request: HttpRequest, transaction_id: str) -> None:
    """Remember which of this browser's sign-ins the provider has answered."""
    request.session[_VERIFIED] = transaction_id


def verified(request: HttpRequest) -> str | None:
    """Return the id of the answered sign-in that waits for a session to be opened."""
    value = request.session.get(_VERIFIED)
    return value if isinstance(value, str) else None


def forget_verified(request: HttpRequest) -> None:
    """Drop it: it was used or given up."""
    request.session.pop(_VERIFIED, None)


def carried(request: HttpRequest) -> dict[str, Any]:
    """Return what a step-up takes along."""
    return {key: request.session[key] for key in CARRIED_BY_STEP_UP if key in request.session}


def limits_of(kind: str, sign_in: SignIn | None) -> Limits:
    """Return how long a session of this kind of user may last."""
    if kind == UserKind.STAFF:
        return STAFF_LIMITS
    return EID_LIMITS if sign_in is None or sign_in.assurance.is_eid else CODE_LIMITS


def open_clock(request: HttpRequest, now: datetime) -> None:
    """Start the session's clocks."""
    request.session[_OPENED_AT] = request.session[_SEEN_AT] = now.isoformat()


def is_over(request: HttpRequest, limits: Limits, now: datetime) -> bool:
    """Return whether the session has been open, or unused, for too long; otherwise note that it was used now."""
    opened_at, seen_at = (_instant(request, key) for key in (_OPENED_AT, _SEEN_AT))
    if opened_at is None or seen_at is None:
        open_clock(request, now)
        return False
    if now - opened_at >= limits.absolute or now - seen_at >= limits.idle:
        return True
    if now - seen_at >= SEEN_IS_NOTED_EVERY:
        request.session[_SEEN_AT] = now.isoformat()
    return False


def _instant(request: HttpRequest, key: str) -> datetime | None:
    stored = request.session.get(key)
    return datetime.fromisoformat(stored) if stored else None
