"""The rules of the desk, as pure functions. Instants are aware; days are the clinic's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from services.booking import policy
from services.booking.choices import LIVE, AppointmentStatus, BookingRefusal, SlotKind
from services.booking.desk.choices import Attendance, DeskRefusal, Rule

UNMARKED = ""
"""The mark of an appointment of which nobody has said whether the patient came."""
SHORTEST = 5
LONGEST = 480
"""Minutes of a time that staff make, as of those that weekly calendars make."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time."""

    starts_at: datetime
    ends_at: datetime


def rules_against(
    *,
    kind: str,
    day: date,
    allowed: bool,
    urgent_until: date,
    last_day: date,
    limit: BookingRefusal | None,
    is_closed: bool,
    is_held: bool = False,
    has_own: bool = False,
) -> tuple[Rule, ...]:
    """Return every rule that would stop the patient, in the order in which patients would meet them.

    Times for those who phone, and the clinic's own, are never offered online, so that only a closed day, and an
    appointment that the patient has at that time (`has_own`), speak against them. `limit` is what
    policy.refuse_another says; `is_held` that the time is kept for somebody else.
    """
    found = [Rule.CLOSED] if is_closed else []
    if is_held:
        found.append(Rule.HELD)
    if has_own:
        found.append(Rule.OWN_TIME)
    if policy.service_of(kind) is None:
        return tuple(found)
    if not allowed:
        found.append(Rule.NO_ACCESS)
    if kind == SlotKind.URGENT and day > urgent_until:
        found.append(Rule.NOT_RELEASED)
    if kind != SlotKind.URGENT and day > last_day:
        found.append(Rule.TOO_FAR)
    if limit in _LIMITS:
        found.append(_LIMITS[limit])
    return tuple(found)


_LIMITS: dict[BookingRefusal | None, Rule] = {
    BookingRefusal.TOO_MANY_URGENT: Rule.TOO_MANY_URGENT,
    BookingRefusal.TOO_MANY: Rule.TOO_MANY,
}


def refuse_place(*, ends_at: datetime, now: datetime) -> BookingRefusal | None:
    """Return why staff can't give anybody this time, or None: one that has begun they still can."""
    return BookingRefusal.PAST if ends_at <= now else None


def refuse_move(
    *, status: str, attendance: str, version: int, seen: int
) -> BookingRefusal | DeskRefusal | None:
    """Return why staff can't move the appointment, or None. `seen` is the version that the page showed."""
    if status not in LIVE:
        return BookingRefusal.ALREADY_ENDED
    if attendance:
        return DeskRefusal.MARKED
    return BookingRefusal.CHANGED_MEANWHILE if version != seen else None


def refuse_mark(
    *,
    mark: str,
    status: str,
    current: str,
    seen: str,
    starts_at: datetime,
    day: date,
    today: date,
    now: datetime,
) -> BookingRefusal | DeskRefusal | None:
    """Return why the appointment can't be marked so, or None. `seen` is the mark that the page showed.

    Who comes early has arrived from the morning of the day on; nobody has failed to attend before it begins.
    """
    if status != AppointmentStatus.BOOKED:
        return DeskRefusal.NOT_BOOKED
    if current != seen and current != mark:
        return BookingRefusal.CHANGED_MEANWHILE
    if mark == Attendance.ARRIVED and day > today:
        return DeskRefusal.TOO_EARLY
    if mark == Attendance.MISSED and starts_at > now:
        return DeskRefusal.TOO_EARLY
    return None


def possible_marks(
    status: str, current: str, starts_at: datetime, zone: tzinfo, *, now: datetime
) -> tuple[str, ...]:
    """Return how an appointment with this mark can be marked now, in the order of Attendance; empty takes it back."""
    return tuple(
        mark
        for mark in (*Attendance.values, UNMARKED)
        if mark != current
        and not refuse_mark(
            mark=mark,
            status=status,
            current=current,
            seen=current,
            starts_at=starts_at,
            day=starts_at.astimezone(zone).date(),
            today=now.astimezone(zone).date(),
            now=now,
        )
    )


def gaps(span: Span, taken: Iterable[Span]) -> list[Span]:
    """Return what of the span nothing of `taken` covers, in order."""
    found, at = [], span.starts_at
    for one in sorted(taken, key=lambda one: one.starts_at):
        if one.starts_at > at:
            found.append(Span(at, min(one.starts_at, span.ends_at)))
        at = max(at, one.ends_at)
    if at < span.ends_at:
        found.append(Span(at, span.ends_at))
    return found
