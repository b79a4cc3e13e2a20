"""Rules of booking without an account: what is offered, and what limits it. Pure; instants are aware."""

from datetime import datetime, timedelta

from services.booking.guests.choices import GuestRefusal, GuestStatus, RefusedBecause

CODE_DIGITS = 6
CODE_TRIES = 5
CODE_LASTS = timedelta(minutes=10)
CODE_COOL_DOWN = timedelta(minutes=1)
MOST_CODES = 3
"""Codes for one request."""
LASTS = timedelta(minutes=30)
"""How long a request that was begun can be finished, another time chosen included."""
MOST_WAITING = 2
"""Requests from one mobile that may wait at a clinic."""
KEPT_UNFINISHED = timedelta(days=1)
KEPT_DECIDED = timedelta(days=30)
"""After that nothing is kept of what the person wrote; an approved one has become an appointment."""


def refuse_code(*, status: str, sent_at: datetime, tries_left: int, now: datetime) -> GuestRefusal | None:
    """Return why no code can be tried now, or None."""
    if status != GuestStatus.STARTED or not tries_left or now >= sent_at + CODE_LASTS:
        return GuestRefusal.OVER
    return None


def refuse_another_code(
    *, status: str, created_at: datetime, sent_at: datetime, sent: int, now: datetime
) -> GuestRefusal | None:
    """Return why no other code is sent now, or None."""
    if status != GuestStatus.STARTED or sent >= MOST_CODES or now >= created_at + LASTS:
        return GuestRefusal.OVER
    return GuestRefusal.TOO_SOON if now < sent_at + CODE_COOL_DOWN else None


def is_open(*, status: str, created_at: datetime, now: datetime) -> bool:
    """Return whether the request can still be finished by the person."""
    return status == GuestStatus.STARTED and now < created_at + LASTS


def refuse_decision(*, status: str) -> GuestRefusal | None:
    """Return why staff can't approve or refuse, or None."""
    return None if status == GuestStatus.WAITING else GuestRefusal.DECIDED


def may_ask_again(*, because: str) -> bool:
    """Return whether the page of a refused request leads back to the free times: not where its sentence says otherwise."""
    return because in {"", RefusedBecause.TIME_GONE}


def leads_to_sign_in(*, because: str) -> bool:
    """Return whether the sentence speaks of signing in, so that the page leads there, whoever it is."""
    return because in {RefusedBecause.SIGN_IN, RefusedBecause.GP_PRACTICE}
