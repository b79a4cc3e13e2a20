"""What must be true of a clinic's calendars at any moment, as sentences about plain rows. No database, no product rules.

A picture is what stands in the database; each function takes it and yields what is wrong, in words.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

GRACE = timedelta(minutes=3)
AHEAD = timedelta(weeks=12)

HOLIDAYS = {
    "NO": "2026-01-01 2026-04-02 2026-04-03 2026-04-05 2026-04-06 2026-05-01 2026-05-14 2026-05-17 2026-05-24 2026-05-25 "
    "2026-12-25 2026-12-26 2027-01-01 2027-03-25 2027-03-26 2027-03-28 2027-03-29 2027-05-01 2027-05-06 2027-05-16 "
    "2027-05-17",
    "DK": "2026-01-01 2026-04-02 2026-04-03 2026-04-05 2026-04-06 2026-05-14 2026-05-24 2026-05-25 2026-12-25 "
    "2026-12-26 2027-01-01 2027-03-25 2027-03-26 2027-03-28 2027-03-29 2027-05-06 2027-05-16 2027-05-17",
}
"""Written down by hand from both countries' laws, so that a fault of the data that the product uses is found."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a weekly calendar: `number` times, one after the other."""

    weekday: int
    clock: time
    minutes: int
    number: int
    kind: str

    @property
    def ends_at(self) -> time:
        """Return the clock time at which the last one ends."""
        end = datetime.combine(date.min, self.clock) + timedelta(minutes=self.minutes * self.number)
        return end.time()


@dataclass(frozen=True, slots=True)
class Week:
    """A weekly calendar of one provider."""

    rows: tuple[Row, ...]
    valid_from: date
    valid_until: date | None

    def holds_on(self, day: date) -> bool:
        """Return whether it makes times on the day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A time that the calendars want, as the clock on the wall shows it, and as an instant."""

    starts_at: datetime
    ends_at: datetime
    wall: datetime
    kind: str


def is_holiday(country: str, day: date) -> bool:
    """Return whether the country is closed on the day."""
    return day.isoformat() in HOLIDAYS[country].split()


def wanted(
    weeks: Iterable[Week], *, country: str, zone: ZoneInfo, away: Iterable[tuple[date, date]], now: datetime
) -> list[Wanted]:
    """Return all times still to come that one provider's weekly calendars make, whatever stands in their way."""
    first = now.astimezone(zone).date()
    gone, known = list(away), list(weeks)
    days = [first + timedelta(days=number) for number in range(AHEAD.days + 1)]
    found = [
        made
        for day in days
        if not is_holiday(country, day) and not any(begin <= day <= end for begin, end in gone)
        for week in known
        if week.holds_on(day)
        for row in week.rows
        if row.weekday == day.weekday()
        for made in _times(row, day, zone)
    ]
    return [one for one in _first_come(sorted(found)) if one.starts_at > now]


def _times(row: Row, day: date, zone: ZoneInfo) -> Iterator[Wanted]:
    length = timedelta(minutes=row.minutes)
    for number in range(row.number):
        wall = datetime.combine(day, row.clock) + number * length
        instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:  # spring has no such time
            yield Wanted(instant, instant + length, wall, row.kind)


def _first_come(times: Iterable[Wanted]) -> Iterator[Wanted]:
    free_from = datetime.min.replace(tzinfo=UTC)
    for one in times:
        if one.starts_at >= free_from:
            free_from = one.ends_at
            yield one


@dataclass(frozen=True, slots=True)
class Picture:
    """The rows of a moment, each as its columns."""

    now: datetime
    slots: dict[int, Any]
    appointments: list[Any]
    """Live ones."""
    guests: list[Any]
    """Those that wait."""
    offers: list[Any]
    """Open ones, with the wish's status as `wish_waits`."""
    undrawn: set[date]
    """Days whose draw is still to be held."""
    zone: ZoneInfo
    """The clinic's."""
    wishes: dict[Any, Any]
    """Those who wait for an earlier time, by their key; `moves` is the appointment that would be moved."""
    asked: set[tuple[int, Any]]
    """Which slot was ever offered for which wish."""
    passed: set[tuple[int, Any]]
    """Which wish was passed over for which slot, as it was noted."""
    had: set[tuple[int, Any]]
    """Which slot which patient ever had."""


def overlap(one: Any, other: Any) -> bool:
    """Return whether two rows share time."""
    return bool(one.starts_at < other.ends_at and other.starts_at < one.ends_at)


def nobody_has_two_patients_at_once(picture: Picture) -> Iterator[str]:
    """No two live appointments of one provider overlap."""
    for place, one in enumerate(picture.appointments):
        for other in picture.appointments[place + 1 :]:
            if one.provider_id == other.provider_id and overlap(one, other):
                yield f"{one} and {other} overlap"


def nobody_is_in_two_places(picture: Picture) -> Iterator[str]:
    """No two live appointments of one patient overlap, but what a request would replace, and what staff put there."""
    for place, one in enumerate(picture.appointments):
        for other in picture.appointments[place + 1 :]:
            if one.patient_id != other.patient_id or not overlap(one, other):
                continue
            if _stands_for(one) != _stands_for(other) and not _knowingly(one) and not _knowingly(other):
                yield f"{one} and {other} are of one patient, and overlap"


def _stands_for(one: Any) -> Any:
    return (one.status == "requested" and one.replaces_id) or one.pk


def _knowingly(one: Any) -> bool:
    return "own-time" in one.overruled


def every_appointment_stands_on_its_slot(picture: Picture) -> Iterator[str]:
    """A live appointment has a slot of the same provider, time and kind."""
    for one in picture.appointments:
        slot = picture.slots.get(one.slot_id)
        if slot is None:
            yield f"{one} has no slot"
        elif (*_place(one), one.kind) != (*_place(slot), slot.kind):
            yield f"{one} is not where its slot is"


def every_slot_has_one_holder_and_says_so(picture: Picture) -> Iterator[str]:
    """Taken is by exactly one appointment or request of a guest; blocked is by a block; free is by nobody."""
    holders = Counter(one.slot_id for one in [*picture.appointments, *picture.guests])
    for slot in picture.slots.values():
        number = holders[slot.pk]
        is_over = (
            slot.starts_at <= picture.now
        )  # a guest's request that nobody answered is forgotten after a month
        if slot.state == "taken" and number != 1 and not (is_over and number == 0):
            yield f"{slot} is taken by {number}"
        if slot.state != "taken" and number:
            yield f"{slot} is {slot.state}, and {number} have it"
        if (slot.state == "blocked") != (slot.block_id is not None):
            yield f"{slot} is {slot.state} and has block {slot.block_id}"


def every_hold_has_an_end_and_a_reason(picture: Picture) -> Iterator[str]:
    """A free slot is held for an open offer until the offer's end, or for moments until it is offered.

    An offer that has run out holds nothing, though it stands open until a worker has seen it.
    """
    offers = {one.slot_id: one for one in picture.offers}
    for slot in picture.slots.values():
        if slot.state != "free" or slot.held_until is None or slot.held_until <= picture.now:
            continue
        offer = offers.get(slot.pk)
        latest = max(offer.expires_at if offer else picture.now, picture.now) + GRACE
        if slot.held_until > latest:
            yield f"{slot} is held until {slot.held_until}, longer than for {offer}"


def every_open_offer_can_be_taken(picture: Picture) -> Iterator[str]:
    """Of an offer that is not over the slot is there, free, held until its end, and its patient still waits."""
    for offer in picture.offers:
        if offer.expires_at <= picture.now:
            continue
        slot = picture.slots.get(offer.slot_id)
        if slot is None or slot.state != "free":
            yield f"{offer} offers what is gone: {slot}"
        elif slot.held_until is None or slot.held_until < offer.expires_at:
            yield f"{offer} lasts longer than the hold of {slot}: {slot.held_until}"
        if not offer.wish_waits:
            yield f"{offer} is for somebody who does not wait any more"


def every_offer_is_for_one_alone(picture: Picture) -> Iterator[str]:
    """A patient has one open offer, and a slot is offered to one patient."""
    for whose, keys in (
        ("patient", [one.patient_id for one in picture.offers]),
        ("slot", [one.slot_id for one in picture.offers if one.slot_id is not None]),
    ):
        for name, number in Counter(keys).items():
            if number > 1:
                yield f"{whose} {name} has {number} offers"


SENTENCES = (
    nobody_has_two_patients_at_once,
    nobody_is_in_two_places,
    every_appointment_stands_on_its_slot,
    every_slot_has_one_holder_and_says_so,
    every_hold_has_an_end_and_a_reason,
    every_open_offer_can_be_taken,
    every_offer_is_for_one_alone,
)


def nobody_gets_a_second_place_unless_staff_put_them_there(before: Picture, after: Picture) -> Iterator[str]:
    """What has a new time overlaps nothing of the patient's, also nothing that staff put there, but knowingly."""
    known = {(one.pk, one.starts_at, one.ends_at) for one in before.appointments}
    for one in after.appointments:
        if (one.pk, one.starts_at, one.ends_at) in known or _knowingly(one):
            continue
        for other in after.appointments:
            is_own = other.patient_id == one.patient_id and _stands_for(other) != _stands_for(one)
            if is_own and overlap(one, other):
                yield f"{one} was put beside {other}, and nobody said so"


def offers_go_in_the_order_of_joining(before: Picture, after: Picture) -> Iterator[str]:
    """Of a time that is newly offered everyone who has waited longer, and whom it suits, was asked or has a note why not."""
    known = {one.pk for one in before.offers}
    for offer in after.offers:
        slot, its = after.slots.get(offer.slot_id), after.wishes.get(offer.wish_id)
        if offer.pk in known or slot is None or its is None:
            continue
        for wish in after.wishes.values():
            settled = {(slot.pk, wish.pk)} & (after.asked | after.passed)
            if settled or (slot.pk, wish.patient_id) in after.had or before.wishes.get(wish.pk) != wish:
                continue
            if (wish.joined_at, wish.pk) < (its.joined_at, its.pk) and _suits(slot, wish, after.zone):
                yield f"{offer} went past {wish} without a word"


def _suits(slot: Any, wish: Any, zone: ZoneInfo) -> bool:
    local = slot.starts_at.astimezone(zone)
    part = "morning" if local.hour < 12 else "afternoon"
    return (
        (not wish.provider_ids or slot.provider_id in wish.provider_ids)
        and str(local.weekday()) in wish.weekdays
        and wish.first_day <= local.date() <= wish.last_day
        and wish.part in {"any", part}
        and (wish.moves is None or wish.moves.starts_at > slot.starts_at)
    )


def the_draw_is_what_its_seed_says(draw: Any, requests: Iterable[Any]) -> Iterator[str]:
    """Everyone who asked stands where the hash of seed and request puts them, and has the first time left for them at
    which they have nothing else; whoever has something else at all of those is told that.
    """
    drawn = [one for one in requests if one.outcome != "withdrawn"]
    drawn.sort(key=lambda one: hashlib.sha256(f"{draw.seed}:{one.pk}".encode()).hexdigest())
    left = sorted((datetime.fromisoformat(at), slot_id, provider) for slot_id, provider, at in draw.pool)
    for rank, one in enumerate(drawn, start=1):
        whom = {provider for provider in one.allowed if not one.providers or provider in one.providers}
        wanted = [place for place in left if place[2] in whom]
        first = next((place for place in wanted if place[1] not in one.own_times), None)
        if one.outcome != "too-many" and (one.outcome == "own-time") != (first is None and bool(wanted)):
            yield f"{one} had something else at all of {wanted}, or had not"
        if one.outcome == "too-many":
            first = None
        if one.rank != rank:
            yield f"{one} has rank {one.rank} instead of {rank}"
        if one.slot_number != (first and first[1]) or (one.outcome == "won") != (first is not None):
            yield f"{one} should have {first}"
        if first:
            left.remove(first)


def nothing_was_touched(before: Picture, after: Picture, *, filled: bool) -> Iterator[str]:
    """No slot to come is moved or lost between fillings of the calendar; at a filling none that somebody has."""
    for slot in before.slots.values():
        is_held = slot.held_until is not None and slot.held_until > after.now
        if slot.by_hand or slot.starts_at <= after.now or (filled and slot.state == "free" and not is_held):
            continue
        now = after.slots.get(slot.pk)
        if now is None:
            # Staff may move an appointment a little, over its own time: then that stands where the slot was.
            moved = (
                one for one in after.slots.values() if one.by_hand and one.provider_id == slot.provider_id
            )
            if not any(overlap(one, slot) for one in moved):
                yield f"{slot} was {slot.state} and is gone"
        elif (*_place(now), now.kind, now.day) != (*_place(slot), slot.kind, slot.day):
            yield f"{slot} has been moved"
        elif filled and (now.state, now.held_until, now.block_id) != (
            slot.state,
            slot.held_until,
            slot.block_id,
        ):
            yield f"{slot} has been touched by a filling"


def nothing_comes_free_that_no_calendar_has(
    before: Picture, after: Picture, planned: dict[int, set[tuple[Any, ...]]]
) -> Iterator[str]:
    """What comes free for patients was wanted by the calendars when they were filled last."""
    for slot in after.slots.values():
        was = before.slots.get(slot.pk)
        if was is None or was.state == "free" or slot.state != "free" or slot.kind in {"phone", "internal"}:
            continue
        is_wanted = (slot.starts_at, slot.ends_at, slot.kind) in planned[slot.provider_id]
        if slot.starts_at > after.now and not is_wanted:
            yield f"{slot} comes free for patients, and no calendar has it"


def the_calendar_is_what_was_wanted(
    picture: Picture, provider_id: int, times: list[Wanted], zone: ZoneInfo
) -> Iterator[str]:
    """After a filling each wanted time is there once, or something that somebody has is in its way; nothing else is free."""
    slots = [
        one for one in picture.slots.values() if one.provider_id == provider_id and one.ends_at > picture.now
    ]
    there = Counter((one.starts_at, one.ends_at, one.kind) for one in slots)
    for time_ in times:
        exact = there[time_.starts_at, time_.ends_at, time_.kind]
        if exact > 1:
            yield f"{time_} is there {exact} times"
        if not exact and not any(overlap(time_, one) and _stays(one, picture.now) for one in slots):
            yield f"{time_} is lost"
    right = {(one.starts_at, one.ends_at, one.kind): one.wall for one in times}
    for slot in slots:
        wall = right.get((slot.starts_at, slot.ends_at, slot.kind))
        if wall is None and not _stays(slot, picture.now):
            yield f"{slot} is free, and no calendar wants it"
        if wall is not None and slot.starts_at.astimezone(zone).replace(tzinfo=None) != wall:
            yield f"{slot} is not at {wall} by the clinic's clock"


def _stays(slot: Any, now: datetime) -> bool:
    is_held = slot.held_until is not None and slot.held_until > now
    return slot.state != "free" or is_held or slot.starts_at <= now


def _place(row: Any) -> tuple[Any, ...]:
    return row.provider_id, row.starts_at, row.ends_at
