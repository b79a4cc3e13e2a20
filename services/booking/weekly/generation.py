"""Which slots a provider's templates make. Pure: templates and closed days in, planned slots out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import holidays

from services.booking import policy


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a weekday (0 is Monday) by the clinic's clock, within the days on which its template holds."""

    weekday: int
    starts_at: time
    ends_at: time
    minutes: int
    kind: str
    valid_from: date
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Return whether it makes slots on this day."""
        return (
            day.weekday() == self.weekday
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True, order=True)
class PlannedSlot:
    """A slot as the templates want it. Instants are in UTC, the day is the clinic's."""

    starts_at: datetime
    ends_at: datetime
    day: date
    kind: str

    def overlaps(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Return whether it shares time with this half-open period."""
        return self.starts_at < ends_at and starts_at < self.ends_at


def public_holidays(country: str, first_day: date, last_day: date) -> set[date]:
    """Return the country's public holidays (not the optional ones) from first to last day."""
    calendar = holidays.country_holidays(country, years=range(first_day.year, last_day.year + 1))
    return {day for day in calendar if first_day <= day <= last_day}


def days_between(first_day: date, last_day: date) -> Iterator[date]:
    """Yield every day, both ends included."""
    for number in range((last_day - first_day).days + 1):
        yield first_day + timedelta(days=number)


def plan(
    blocks: Iterable[Block], *, first_day: date, last_day: date, zone: tzinfo, closed: Iterable[date] = ()
) -> list[PlannedSlot]:
    """Return the slots from first to last day, in order, none overlapping another.

    A slot begins at the template's clock time and lasts its real minutes. Clock times that spring leaves out make
    no slot; of the hour that autumn repeats only the first is used. Where blocks overlap, the earlier slot stands.
    """
    shut, known = set(closed), list(blocks)
    found = [
        slot
        for day in days_between(first_day, last_day)
        if day not in shut
        for block in known
        if block.holds_on(day)
        for slot in _cut(block, day, zone)
    ]
    return list(_without_overlaps(sorted(found)))


def _cut(block: Block, day: date, zone: tzinfo) -> Iterator[PlannedSlot]:
    length = timedelta(minutes=block.minutes)
    clock, end = datetime.combine(day, block.starts_at), datetime.combine(day, block.ends_at)
    while clock + length <= end:
        starts_at = policy.at_clock(day, clock.time(), zone)
        if starts_at.astimezone(zone).replace(tzinfo=None) == clock:
            yield PlannedSlot(starts_at, starts_at + length, day, str(block.kind))
        clock += length


def _without_overlaps(slots: Iterable[PlannedSlot]) -> Iterator[PlannedSlot]:
    free_from = datetime.min.replace(tzinfo=UTC)
    for slot in slots:
        if slot.starts_at >= free_from:
            free_from = slot.ends_at
            yield slot
