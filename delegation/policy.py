"""What ticks and absences mean on a day (000 §4, §4.4; access-model R5)."""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from clinic_admin.choices import Service
from delegation.choices import DelegationRefusal, Topic


class Tick(NamedTuple):
    """The patients of `row` may use `service` with `provider`. Row None: all other active patients."""

    service: Service
    row: int | None
    provider: int


@dataclass(frozen=True, slots=True)
class Away:
    """A provider is away on these days, both included. For each service someone may stand in, or nobody."""

    provider: int
    first_day: date
    last_day: date
    covers: Mapping[Service, int] = field(default_factory=dict)
    """Who stands in for which service; a service that isn't here has nobody."""

    def includes(self, day: date) -> bool:
        """Return whether the provider is away on the day."""
        return self.first_day <= day <= self.last_day

    def meets(self, first_day: date, last_day: date) -> bool:
        """Return whether any of these days (both included) is a day of the absence."""
        return self.first_day <= last_day and first_day <= self.last_day


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is away on one day, and whom each cover stands in for, service by service."""

    away: frozenset[int]
    stands_in_for: Mapping[tuple[Service, int], tuple[int, ...]]
    """(service, cover) -> those away."""

    def ticks_behind(self, ticks: Set[Tick], asked: Tick) -> tuple[Tick, ...]:
        """Return the stored ticks by which `asked` holds today: its own, and those of the providers it covers.

        Empty means unticked. Someone away holds nothing, whatever is stored. Covering doesn't pass on: whoever
        covers takes over what was ticked for the one away, not what that one covered in turn.
        """
        if asked.provider in self.away:
            return ()
        own = (asked,) if asked in ticks else ()
        absent = self.stands_in_for.get((asked.service, asked.provider), ())
        covered = (Tick(asked.service, asked.row, provider) for provider in absent)
        return own + tuple(tick for tick in covered if tick in ticks)


def presence(absences: Iterable[Away], day: date) -> Presence:
    """Return who is away on the day and who stands in."""
    today = [absence for absence in absences if absence.includes(day)]
    stands_in_for: dict[tuple[Service, int], tuple[int, ...]] = {}
    for absence in today:
        for service, cover in absence.covers.items():
            stands_in_for[service, cover] = (*stands_in_for.get((service, cover), ()), absence.provider)
    return Presence(frozenset(absence.provider for absence in today), stands_in_for)


def refuse_absence(wanted: Away, stored: Iterable[Away]) -> DelegationRefusal | None:
    """Return why the absence can't be added to those stored, or None (C5: loops are refused).

    Nobody is away twice on a day, covers for themselves, covers while away, or goes away while covering.
    """
    covers = set(wanted.covers.values())
    if wanted.last_day < wanted.first_day:
        return DelegationRefusal.DAYS_NOT_IN_ORDER
    if wanted.provider in covers:
        return DelegationRefusal.COVERS_ONESELF
    meanwhile = [absence for absence in stored if absence.meets(wanted.first_day, wanted.last_day)]
    if any(absence.provider == wanted.provider for absence in meanwhile):
        return DelegationRefusal.ALREADY_AWAY
    if any(absence.provider in covers for absence in meanwhile):
        return DelegationRefusal.COVER_IS_AWAY
    if any(wanted.provider in absence.covers.values() for absence in meanwhile):
        return DelegationRefusal.COVERS_MEANWHILE
    return None


# -- looking ahead -----------------------------------------------------------------------------------------
class Gap(NamedTuple):
    """Days, both included, on which nobody is there whom the patients of `row` could use `service` with."""

    service: Service
    row: int | None
    first_day: date
    last_day: date


def stretches(absences: Iterable[Away], first_day: date, last_day: date) -> list[tuple[date, date]]:
    """Cut the days (both included) where somebody goes or comes back; within a piece every day is alike."""
    next_day = timedelta(days=1)
    turns: set[date] = set()
    for absence in absences:
        turns |= {absence.first_day, absence.last_day + next_day}
    starts = sorted({first_day} | {turn for turn in turns if first_day < turn <= last_day})
    ends = [start - next_day for start in starts[1:]] + [last_day]
    return list(zip(starts, ends, strict=True)) if first_day <= last_day else []


def served(
    ticks: Set[Tick], within_reach: Set[int], today: Presence
) -> frozenset[tuple[Service, int | None]]:
    """Return the (service, row) for which someone within reach (with portal access) is there today."""
    found = set()
    for tick in ticks:
        if tick.provider in within_reach and tick.provider not in today.away:
            found.add((tick.service, tick.row))
    for (service, cover), absent in today.stands_in_for.items():
        if cover in within_reach and cover not in today.away:
            found |= {
                (tick.service, tick.row)
                for tick in ticks
                if tick.service == service and tick.provider in absent
            }
    return frozenset(found)


def gaps(
    ticks: Set[Tick], within_reach: Set[int], absences: Iterable[Away], first_day: date, last_day: date
) -> list[Gap]:
    """Return the days within these (both included) on which absences leave a row with nobody for a service.

    Rows that have nobody on an ordinary day either are no gaps: that is a setting, and the matrix warns of it.
    """
    absences = list(absences)
    usual = served(ticks, within_reach, presence([], first_day))
    found: dict[tuple[Service, int | None], list[Gap]] = {}
    for start, end in stretches(absences, first_day, last_day):
        for service, row in usual - served(ticks, within_reach, presence(absences, start)):
            before = found.setdefault((service, row), [])
            if before and before[-1].last_day + timedelta(days=1) == start:
                before[-1] = before[-1]._replace(last_day=end)
            else:
                before.append(Gap(service, row, start, end))
    everything = [gap for group in found.values() for gap in group]
    return sorted(everything, key=lambda gap: (gap.first_day, list(Service).index(gap.service), gap.row or 0))


# -- message delegation ------------------------------------------------------------------------------------
def recipient(*, topics: Collection[Topic], chosen: int | None, works_here: bool, topic: Topic) -> int | None:
    """Return who gets a new message of this kind, or None for everyone (000 §4.3).

    Nothing ticked means nothing is delegated, even if someone is chosen. Someone who left gets nothing.
    """
    return chosen if works_here and topic in topics else None
