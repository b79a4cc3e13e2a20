"""What the list of free times shows. Services fill it; the tag `{% time_list %}` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class TimeState(StrEnum):
    """How a time stands for the one who looks."""

    FREE = "free"
    URGENT = "urgent"
    CHOSEN = "chosen"
    TAKEN = "taken"
    OWN = "own"
    """Free, and not to be had by who looks: they have something else then."""


@dataclass(frozen=True)
class TimeChoice:
    """One time on the list.

    With `url` it is a link; with `value` a button that posts it under the list's name; with neither only shown.
    """

    label: str
    """The clock time as people read it, "10:20"."""
    spoken: str
    """What a screen reader says: day, time, with whom."""
    note: str = ""
    """A few words below, "urgent" or "Dr. Berg"."""
    state: TimeState = TimeState.FREE
    url: str = ""
    value: str = ""


@dataclass(frozen=True)
class TimeDay:
    """One day of the list; without times it is folded into a line."""

    day: date
    """The clinic's local day."""
    times: Sequence[TimeChoice] = ()
    note: str = ""
    """Beside the day's name, "3 times"."""
