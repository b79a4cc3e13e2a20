"""What the day calendar shows. Services fill it; the tag `{% day_calendar %}` draws it.

A day is cut into steps of five minutes, because a strict content policy allows classes and no style attributes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from portal import moments

STEP_MINUTES = 5
MOST_LANES = 4
MOST_COLUMNS = 12
MOST_IN_WEEK = 6
"""Providers side by side within each day of a week."""


class Kind(StrEnum):
    """What an entry is; each has its colour and its sign."""

    FREE = "free"
    URGENT = "urgent"
    HELD = "held"
    BOOKED = "booked"
    WAITING = "waiting"
    PHONE = "phone"
    DONE = "done"
    ARRIVED = "arrived"
    MISSED = "missed"
    INTERNAL = "internal"
    BLOCKED = "blocked"
    ABSENT = "absent"


SIGNS = {
    Kind.FREE: "plus",
    Kind.URGENT: "urgent",
    Kind.HELD: "clock",
    Kind.BOOKED: "person",
    Kind.WAITING: "hourglass",
    Kind.PHONE: "phone",
    Kind.DONE: "check",
    Kind.ARRIVED: "person-check",
    Kind.MISSED: "person-cross",
    Kind.INTERNAL: "internal",
    Kind.BLOCKED: "cross",
    Kind.ABSENT: "pause",
}


def entry_name(key: UUID) -> str:
    """Return the name of the entry of something, to be written behind the # of an address."""
    return f"entry-{key}"


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with an entry where it stands: a button of the form around the calendar."""

    word: str
    value: str
    """What the form sends as `mark`."""
    address: str
    """Where it is sent to."""
    key: str
    """Presses it while one is at the entry."""
    opens_at: datetime | None = None
    """It is hidden until then."""


@dataclass(frozen=True)
class Entry:
    """Something in a provider's day, from `starts` until `ends` (local clock times of one day, half open)."""

    starts: time
    ends: time
    kind: Kind
    title: str
    text: str = ""
    url: str = ""
    badge: str = ""
    lane: int = 1
    """Which of `lanes` side by side, from 1."""
    lanes: int = 1
    is_cancelled: bool = False
    warning: str = ""
    """What somebody should see to: a sign, and these words for who does not see it."""
    mover: str = ""
    """Address at which the entry gets another time, for scripts that drag it."""
    target: str = ""
    """What that address takes (a query) to put something here."""
    name: str = ""
    """By which an address leads to it (entry_name)."""
    question: str = ""
    """What the acts answer."""
    acts: Sequence[Act] = ()

    @property
    def at(self) -> int:
        """First step of the day."""
        return _step(self.starts)

    @property
    def steps(self) -> int:
        """How many steps it lasts, at least one; until midnight when it ends at 00:00."""
        end = _step(self.ends) or 24 * 60 // STEP_MINUTES
        return max(1, end - self.at)

    @property
    def sign(self) -> str:
        """Name of the icon that says the kind without colour."""
        return SIGNS[self.kind]

    @property
    def lane_class(self) -> str:
        """Class that puts entries of the same time side by side."""
        if self.lanes == 1:
            return ""
        lanes = min(self.lanes, MOST_LANES)
        return f"lane-{min(self.lane, lanes)}-of-{lanes}"


@dataclass(frozen=True)
class Group:
    """Columns that stand together under one heading: the providers of one day of a week."""

    title: str
    text: str = ""
    size: int = 1
    """How many columns, from the one that opens the group on."""


@dataclass(frozen=True)
class Column:
    """One provider's day."""

    title: str
    text: str = ""
    entries: Sequence[Entry] = ()
    target: str = ""
    """What the address of a mover takes to put something into this column; the clock time comes on top."""
    is_today: bool = True
    """Whether the line of the clock is drawn here."""
    short: str = ""
    """Stands over a narrow column in place of the title."""
    group: str = ""
    """Title of the group to which it belongs."""
    opens: Group | None = None
    """The group that begins with it."""


@dataclass(frozen=True)
class DayCalendar:
    """Several providers side by side, from one whole hour to another."""

    columns: Sequence[Column]
    first_hour: int = 7
    last_hour: int = 16
    """The last hour that is shown; 16 shows until 17:00."""
    now: time | None = None
    """Where the line of the clock stands; None on other days."""

    @property
    def group_size(self) -> int:
        """How many columns stand together under one heading, and are narrow; 1 where each has its own."""
        return max((column.opens.size for column in self.columns if column.opens), default=1)

    @property
    def hours(self) -> list[tuple[int, str]]:
        """(step, "08.00" in words of the language in force) of each hour shown."""
        return [
            (hour * 12, moments.time_of_day(time(hour)))
            for hour in range(self.first_hour, self.last_hour + 1)
        ]

    @property
    def from_step(self) -> int:
        """The step at the top."""
        return self.first_hour * 12

    @property
    def now_step(self) -> int | None:
        """The step of the clock, if it is within what is shown."""
        if self.now is None or not self.first_hour <= self.now.hour <= self.last_hour:
            return None
        return _step(self.now)


def _step(clock: time) -> int:
    return (clock.hour * 60 + clock.minute) // STEP_MINUTES
