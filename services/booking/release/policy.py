"""The rules of the draw, as pure functions. Anyone can repeat them with the seed and the list of those who asked.

1. Before the window opens a seed of 256 random bits is made, and its SHA-256 is published.
2. Everyone who asked is sorted by SHA-256 of "seed:request", both as they are printed.
3. In that order each gets the earliest free time with a provider whom they asked for and may book, at which they have
   no other appointment.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from uuid import UUID

from services.booking.policy import released_until, releases_at
from services.booking.release.choices import Fault, Outcome

LOOK_AHEAD = timedelta(days=14)
"""How far the rehearsal looks for the next day with urgent times."""
KEPT = timedelta(days=90)
"""So long a draw's requests name their patients."""
REASONS_KEPT = timedelta(days=2)
"""How long after the window the texts of those who got no time are kept for them to read."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the urgent times of a day can be asked for: from `opens_at` until just before `closes_at`."""

    day: date
    opens_at: datetime
    closes_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Return whether one can ask now."""
        return self.opens_at <= now < self.closes_at


def window_of(day: date, *, release_at: time, zone: tzinfo, asking: timedelta) -> Window:
    """Return the window of a clinic's local day; its length is real time, also when the clocks change."""
    opens_at = releases_at(day, release_at=release_at, zone=zone)
    return Window(day, opens_at, opens_at + asking)


def window_now(now: datetime, *, release_at: time, zone: tzinfo, asking: timedelta) -> Window | None:
    """Return the window that is open now, or None."""
    day = released_until(now, release_at=release_at, zone=zone)
    window = window_of(day, release_at=release_at, zone=zone, asking=asking)
    return window if window.is_open(now) else None


def next_day(now: datetime, *, release_at: time, zone: tzinfo) -> date:
    """Return the first local day whose urgent times are still to come out."""
    return released_until(now, release_at=release_at, zone=zone) + timedelta(days=1)


def seed_hash(seed: str) -> str:
    """Return what is published of a seed before the window opens."""
    return hashlib.sha256(seed.encode()).hexdigest()


def lot(seed: str, request_id: UUID) -> str:
    """Return the lot of a request; the lowest comes first."""
    return hashlib.sha256(f"{seed}:{request_id}".encode()).hexdigest()


def in_order(seed: str, request_ids: Iterable[UUID]) -> list[UUID]:
    """Return the requests in the order of their lots."""
    return sorted(request_ids, key=lambda request_id: (lot(seed, request_id), request_id))


@dataclass(frozen=True, slots=True, order=True)
class PoolSlot:
    """A free time of the draw, earliest first."""

    starts_at: datetime
    slot_id: int
    provider_id: int


def acceptable(asked: Collection[int], allowed: Collection[int]) -> frozenset[int]:
    """Return the providers of whom a time may be given; asking for nobody in particular is asking for anyone."""
    return frozenset(allowed) & frozenset(asked) if asked else frozenset(allowed)


def first_for(
    pool: Iterable[PoolSlot], providers: Collection[int], own_times: Collection[int] = ()
) -> PoolSlot | None:
    """Return the earliest of these times with one of these providers, apart from the slots in `own_times`."""
    return min(
        (slot for slot in pool if slot.provider_id in providers and slot.slot_id not in own_times),
        default=None,
    )


def allocate(
    order: Sequence[UUID],
    *,
    pool: Iterable[PoolSlot],
    providers: Mapping[UUID, Collection[int]],
    own_times: Mapping[UUID, Collection[int]] | None = None,
) -> dict[UUID, PoolSlot]:
    """Return who gets which time. Each in order takes the earliest acceptable one that is left.

    `own_times` are slots that somebody can't have, because they have another appointment then.
    """
    busy = own_times or {}
    left, given = set(pool), {}
    for request_id in order:
        slot = first_for(left, providers.get(request_id, ()), busy.get(request_id, ()))
        if slot is not None:
            given[request_id] = slot
            left.remove(slot)
    return given


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the record of the draw has it."""

    request_id: UUID
    asked_at: datetime
    asked: frozenset[int]
    """Providers asked for; empty means anyone."""
    allowed: frozenset[int]
    """Whom the access decision allowed when the draw was held."""
    outcome: Outcome
    rank: int | None
    slot_id: int | None
    own_times: frozenset[int] = frozenset()
    """Slots of the pool at which they had another appointment when the draw was held."""


@dataclass(frozen=True, slots=True)
class Record:
    """All that is kept of a draw that was held."""

    seed: str
    published: str
    committed_at: datetime
    closes_at: datetime
    drawn_at: datetime
    pool: tuple[PoolSlot, ...]
    entries: tuple[Entry, ...]


def faults(record: Record) -> list[Fault]:
    """Hold the draw again from its record, and return everything in which it differs."""
    drawn = {one.request_id: one for one in record.entries if one.outcome != Outcome.WITHDRAWN}
    order = in_order(record.seed, drawn)
    stood = sorted(drawn.values(), key=lambda one: (one.rank is None, one.rank or 0))
    given = allocate(
        order,
        pool=record.pool,
        providers={
            one.request_id: acceptable(one.asked, one.allowed)
            for one in drawn.values()
            if one.outcome != Outcome.TOO_MANY
        },
        own_times={one.request_id: one.own_times for one in drawn.values()},
    )
    slots = {request_id: slot.slot_id for request_id, slot in given.items()}
    wrong = {
        Fault.SEED: seed_hash(record.seed) != record.published,
        Fault.LATE_SEED: any(one.asked_at < record.committed_at for one in record.entries),
        Fault.EARLY: record.drawn_at < record.closes_at,
        Fault.ORDER: [one.request_id for one in stood] != order
        or [one.rank for one in stood] != list(range(1, len(stood) + 1)),
        Fault.TIME: any(one.slot_id != slots.get(one.request_id) for one in record.entries),
        Fault.OUTCOME: any(
            (one.outcome == Outcome.WON) != (one.request_id in slots) for one in record.entries
        ),
    }
    return [fault for fault, is_so in wrong.items() if is_so]
