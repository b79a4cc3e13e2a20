"""The rules of a weekly calendar, as pure functions. Clock times are the clinic's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time

from services.booking.weekly.choices import RowProblem

FEWEST_MINUTES = 5
MOST_MINUTES = 480


@dataclass(frozen=True, slots=True)
class WeekBlock:
    """A stretch of a weekday (0 is Monday), cut into appointments of one length and kind."""

    weekday: int
    starts_at: time
    ends_at: time
    minutes: int
    kind: str

    @property
    def number(self) -> int:
        """Return how many appointments fit in, whole ones only."""
        return max(0, _minutes(self.ends_at) - _minutes(self.starts_at)) // self.minutes

    def overlaps(self, other: "WeekBlock") -> bool:
        """Return whether both want some of the same time of the week."""
        return (
            self.weekday == other.weekday
            and self.starts_at < other.ends_at
            and other.starts_at < self.ends_at
        )


def problems(blocks: Sequence[WeekBlock]) -> dict[int, RowProblem]:
    """Return position in `blocks` -> what is wrong. Of two that overlap the later one in the list is to blame."""
    found: dict[int, RowProblem] = {}
    for position, block in enumerate(blocks):
        if block.ends_at <= block.starts_at:
            found[position] = RowProblem.NOT_IN_ORDER
        elif (_minutes(block.ends_at) - _minutes(block.starts_at)) % block.minutes:
            found[position] = RowProblem.DOES_NOT_DIVIDE
        elif any(block.overlaps(earlier) for earlier in blocks[:position]):
            found[position] = RowProblem.OVERLAPS
    return found


def hold_together(first: date, until: date | None, other_first: date, other_until: date | None) -> bool:
    """Return whether two periods share a day. Last days are included; None is further notice."""
    return (other_until is None or first <= other_until) and (until is None or other_first <= until)


def clash(blocks: Iterable[WeekBlock], others: Iterable[WeekBlock]) -> bool:
    """Return whether any of these overlaps any of the others."""
    known = list(others)
    return any(block.overlaps(other) for block in blocks for other in known)


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute
