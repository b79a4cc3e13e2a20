"""What ticks and absences mean on a day (000 §4, §4.4; access-model R5)."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from clinic_admin.choices import Service
from delegation.choices import DelegationRefusal


class Tick(NamedTuple):
    """The patients of `row` may use `service` with `provider`. Row None: all other active patients."""

    service: Service
    row: int | None
    provider: int


@dataclass(frozen=True, slots=True)
class Away:
    """A provider is away on these days, both included; `cover` stands in, or nobody does."""

    provider: int
    first_day: date
    last_day: date
    cover: int | None

    def includes(self, day: date) -> bool:
        """Return whether the provider is away on the day."""
        return self.first_day <= day <= self.last_day

    def meets(self, first_day: date, last_day: date) -> bool:
        """Return whether any of these days (both included) is a day of the absence."""
        return self.first_day <= last_day and first_day <= self.last_day


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is away on one day, and whom each cover stands in for."""

    away: frozenset[int]
    stands_in_for: Mapping[int, tuple[int, ...]]

    def ticks_behind(self, ticks: Set[Tick], asked: Tick) -> tuple[Tick, ...]:
        """Return the stored ticks by which `asked` holds today: its own, and those of the providers it covers.

        Empty means unticked. Someone away holds nothing, whatever is stored. Covering doesn't pass on: whoever
        covers takes over what was ticked for the one away, not what that one covered in turn.
        """
        if asked.provider in self.away:
            return ()
        own = (asked,) if asked in ticks else ()
        covered = (
            Tick(asked.service, asked.row, absent) for absent in self.stands_in_for.get(asked.provider, ())
        )
        return own + tuple(tick for tick in covered if tick in ticks)


def presence(absences: Iterable[Away], day: date) -> Presence:
    """Return who is away on the day and who stands in."""
    today = [absence for absence in absences if absence.includes(day)]
    stands_in_for: dict[int, tuple[int, ...]] = {}
    for absence in today:
        if absence.cover is not None:
            stands_in_for[absence.cover] = (*stands_in_for.get(absence.cover, ()), absence.provider)
    return Presence(frozenset(absence.provider for absence in today), stands_in_for)


def refuse_absence(wanted: Away, stored: Iterable[Away]) -> DelegationRefusal | None:
    """Return why the absence can't be added to those stored, or None (C5: loops and gaps are refused)."""
    if wanted.last_day < wanted.first_day:
        return DelegationRefusal.DAYS_NOT_IN_ORDER
    if wanted.cover == wanted.provider:
        return DelegationRefusal.COVERS_ONESELF
    meanwhile = [absence for absence in stored if absence.meets(wanted.first_day, wanted.last_day)]
    if any(absence.provider == wanted.provider for absence in meanwhile):
        return DelegationRefusal.ALREADY_AWAY
    if wanted.cover is not None and any(absence.provider == wanted.cover for absence in meanwhile):
        return DelegationRefusal.COVER_IS_AWAY
    if any(absence.cover == wanted.provider for absence in meanwhile):
        return DelegationRefusal.COVERS_MEANWHILE
    return None
