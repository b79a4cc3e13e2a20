"""The rules of booking, as pure functions. Instants are aware; days and clock times are the clinic's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol, TypeVar

from clinic_admin.choices import Service
from notifications.policy import QUIET_FROM, QUIET_UNTIL
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState

HORIZON = timedelta(weeks=12)
"""How far ahead calendars are filled, and how far ahead patients can book."""

LONGEST_REASON = 500
"""Characters of the reason for a visit."""

BEFORE_QUIET = time(20, 30)
"""When a reminder goes that would fall into the quiet hours: early enough to be out before they begin."""

_SERVICES = {SlotKind.PORTAL: Service.BOOKING, SlotKind.URGENT: Service.URGENT}
_KINDS = {service: kind for kind, service in _SERVICES.items()}


def service_of(kind: str) -> Service | None:
    """Return the service that a slot of this kind belongs to; None for slots that patients never see."""
    return _SERVICES.get(SlotKind(kind))


def kind_of(service: str) -> SlotKind:
    """Return the kind of slots that this service (booking or urgent) offers."""
    return _KINDS[Service(service)]


def at_clock(day: date, clock: time, zone: tzinfo) -> datetime:
    """Return the instant (UTC) at which the zone's clock shows `clock` on `day`.

    In the hour that comes twice the first one is meant. A clock time that is left out in spring counts as
    that much after the jump.
    """
    return datetime.combine(day, clock, tzinfo=zone).replace(fold=0).astimezone(UTC)


def releases_at(day: date, *, release_at: time, zone: tzinfo) -> datetime:
    """Return the instant at which the urgent slots of `day` come out: the release hour the day before (000 §2.2)."""
    return at_clock(day - timedelta(days=1), release_at, zone)


def released_until(now: datetime, *, release_at: time, zone: tzinfo) -> date:
    """Return the last day whose urgent slots are out: tomorrow from the release hour on, before it today."""
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    return tomorrow if now >= releases_at(tomorrow, release_at=release_at, zone=zone) else today


def last_day(now: datetime, *, zone: tzinfo) -> date:
    """Return the last day that patients can book now."""
    return now.astimezone(zone).date() + HORIZON


def refuse_booking(
    *,
    kind: str,
    state: str,
    day: date,
    starts_at: datetime,
    allowed: bool,
    urgent_until: date,
    last_day: date,
    now: datetime,
) -> BookingRefusal | None:
    """Return why a patient can't have this slot, or None.

    `allowed` is the access decision for the slot's service, provider and day; `urgent_until` the last day whose
    urgent slots are out; `last_day` the end of the horizon.
    """
    if service_of(kind) is None or state == SlotState.BLOCKED:
        return BookingRefusal.NOT_OFFERED
    if starts_at <= now:
        return BookingRefusal.PAST
    if not allowed:
        return BookingRefusal.NO_ACCESS
    if day > (urgent_until if kind == SlotKind.URGENT else last_day):
        return BookingRefusal.NOT_OFFERED
    if state != SlotState.FREE:
        return BookingRefusal.TAKEN
    return None


def cancellable_until(starts_at: datetime, *, notice_hours: int, zone: tzinfo) -> datetime:
    """Return the last instant (UTC) at which patients can cancel or move online.

    The hours are counted on the clinic's clock, as those of reminders: 24 hours before 10:20 is 10:20 the day before.
    """
    clock = starts_at.astimezone(zone).replace(tzinfo=None) - timedelta(hours=notice_hours)
    return min(at_clock(clock.date(), clock.time(), zone), starts_at.astimezone(UTC))


def refuse_cancellation(
    *, status: str, starts_at: datetime, until: datetime, may_cancel: bool, now: datetime
) -> BookingRefusal | None:
    """Return why a patient can't cancel, or None. A cancelled one is not refused: cancelling twice is cancelling.

    `until` is the end of the notice period (cancellable_until).
    """
    if status == AppointmentStatus.CANCELLED:
        return None
    if status == AppointmentStatus.REFUSED or starts_at <= now:
        return BookingRefusal.ALREADY_ENDED
    if not may_cancel:
        return BookingRefusal.CANNOT_CANCEL
    return BookingRefusal.TOO_LATE if now > until else None


def refuse_giving_up(
    *, status: str, starts_at: datetime, until: datetime, may_cancel: bool, now: datetime
) -> BookingRefusal | None:
    """Return why a patient can't move an appointment away from its time, or None: who moves gives the old time back."""
    if status == AppointmentStatus.CANCELLED:
        return BookingRefusal.ALREADY_ENDED
    return refuse_cancellation(
        status=status, starts_at=starts_at, until=until, may_cancel=may_cancel, now=now
    )


def overlap(one: "Stretch", other: "Stretch") -> bool:
    """Return whether two half-open stretches of time share a moment: nobody can be in two places then."""
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


@dataclass(frozen=True, slots=True)
class Held:
    """How many live appointments to come a patient has booked online."""

    upcoming: int
    urgent: int


def refuse_another(
    kind: str, *, held: Held, most_upcoming: int | None, most_urgent: int | None
) -> BookingRefusal | None:
    """Return why a patient who holds these can't have one more of this kind, or None."""
    if kind == SlotKind.URGENT and most_urgent is not None and held.urgent >= most_urgent:
        return BookingRefusal.TOO_MANY_URGENT
    if most_upcoming is not None and held.upcoming >= most_upcoming:
        return BookingRefusal.TOO_MANY
    return None


LONGEST_REFUSAL_WORDS = 300
"""Characters that staff write to a patient whose request they refuse."""


def refuse_answer(*, status: str) -> BookingRefusal | None:
    """Return why a request can't be approved or refused, or None."""
    return None if status == AppointmentStatus.REQUESTED else BookingRefusal.ALREADY_DECIDED


def reminder_time(starts_at: datetime, *, hours_ahead: int, zone: tzinfo, now: datetime) -> datetime | None:
    """Return when the reminder is due (UTC), or None when that is no longer ahead.

    `hours_ahead` are counted on the clinic's clock: 24 hours before 10:20 is 10:20 the day before, also when the
    clocks change in between. From 21 to 7 nobody is woken: the reminder goes the evening before that.
    """
    clock = starts_at.astimezone(zone).replace(tzinfo=None) - timedelta(hours=hours_ahead)
    if clock.time() >= QUIET_FROM:
        clock = datetime.combine(clock.date(), BEFORE_QUIET)
    elif clock.time() < QUIET_UNTIL:
        clock = datetime.combine(clock.date() - timedelta(days=1), BEFORE_QUIET)
    due = at_clock(clock.date(), clock.time(), zone)
    return due if due > now else None


class Stretch(Protocol):
    """Anything that starts and ends."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


class Timed(Protocol):
    """Anything that starts, with a provider."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def provider_id(self) -> int: ...


T = TypeVar("T", bound=Timed)


def nearest(times: Iterable[T], *, to: datetime, provider_id: int | None, most: int) -> Sequence[T]:
    """Return the `most` times nearest to an instant, in order of time; of two equally near the same provider's."""
    ranked = sorted(
        times,
        key=lambda one: (abs(one.starts_at - to), one.provider_id != provider_id, one.starts_at),
    )
    return sorted(ranked[:most], key=lambda one: (one.starts_at, one.provider_id))


def week_of(day: date) -> date:
    """Return the Monday of the day's week."""
    return day - timedelta(days=day.weekday())
