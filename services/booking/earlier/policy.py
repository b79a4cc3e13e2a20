"""Rules of earlier times. Pure; instants are aware, days and clock times the clinic's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from notifications.policy import QUIET_FROM, QUIET_UNTIL
from services.booking.earlier.choices import PartOfDay, PassedReason
from services.booking.policy import at_clock

KEPT = timedelta(days=90)
"""So long after its end a wish is kept, with its offers: long enough for a patient or the clinic to ask what happened."""
GRACE = timedelta(minutes=3)
"""How long a time stays held beyond its limit, or before its first offer, for the clock task to pass it on. Nobody
has to end it: a hold that has run out holds nothing."""
SHORTEST = timedelta(minutes=10)
"""A limit that gives less is no fair offer: the time is open to all instead."""
NEAR_SHARE = 4
"""Of the time that is left until it begins a patient has at most a quarter to answer."""
MIDDAY = 12


@dataclass(frozen=True, slots=True)
class OfferTimes:
    """When the patient is told of a time, and until when it is theirs to take."""

    tell_at: datetime
    expires_at: datetime


def offer_times(now: datetime, *, starts_at: datetime, minutes: int, zone: tzinfo) -> OfferTimes | None:
    """Return when to tell and until when to wait; None when the time is too near to be offered to one alone.

    From 21 to 7 nobody is woken: the message goes at 7, the limit counts from then, and the time is held meanwhile.
    """
    tell_at = _after_quiet(now, zone)
    limit = min(timedelta(minutes=minutes), (starts_at - tell_at) / NEAR_SHARE)
    limit = timedelta(minutes=limit // timedelta(minutes=1))
    return OfferTimes(tell_at, tell_at + limit) if limit >= SHORTEST else None


def _after_quiet(now: datetime, zone: tzinfo) -> datetime:
    local = now.astimezone(zone)
    if local.time() < QUIET_UNTIL:
        return at_clock(local.date(), QUIET_UNTIL, zone)
    if local.time() >= QUIET_FROM:
        return at_clock(local.date() + timedelta(days=1), QUIET_UNTIL, zone)
    return now


def part_of(starts_at: datetime, zone: tzinfo) -> PartOfDay:
    """Return in which part of the clinic's day an instant lies."""
    return PartOfDay.MORNING if starts_at.astimezone(zone).hour < MIDDAY else PartOfDay.AFTERNOON


def passed_over(
    *, is_reachable: bool, has_offer: bool, has_own: bool, may_book: bool, is_full: bool, can_move: bool
) -> PassedReason | None:
    """Return why somebody in line is not offered a time that suits them, or None: they are."""
    checks = (
        (not may_book, PassedReason.NO_ACCESS),
        (not is_reachable, PassedReason.UNREACHABLE),
        (has_offer, PassedReason.HAS_OFFER),
        (has_own, PassedReason.OWN_TIME),
        (is_full, PassedReason.TOO_MANY),
        (not can_move, PassedReason.CANNOT_MOVE),
    )
    return next((reason for applies, reason in checks if applies), None)
