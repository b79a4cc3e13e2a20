"""Free times as the pages show them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from portal.look.times import TimeChoice, TimeDay, TimeState
from services.booking.choices import SlotKind
from services.booking.day_parts import DayPart
from services.booking.free_times import FreeSlot
from services.booking.weekly import generation as generation

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for, as the address of a page of free times says it."""

    page: str
    """The page's own address."""
    provider_id: int | None = None
    """None: anyone."""
    first_day: date | None = None
    """None: today."""
    part: DayPart | None = None
    """None: all of the day."""

    def address(self, **changes: Any) -> str:
        """Return the page's address for this, or with some of it changed."""
        wanted = replace(self, **changes)
        asked = {"provider": wanted.provider_id, "from": wanted.first_day, "part": wanted.part}
        query = urlencode({name: str(value) for name, value in asked.items() if value is not None})
        return f"{wanted.page}?{query}" if query else wanted.page


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of the list, and the ways to those before and after."""

    first_day: date
    last_day: date
    earlier: str
    """Address of the week before; empty at the beginning."""
    later: str
    """Address of the week after; empty at the end of the horizon."""


def week_from(wanted: Wanted, *, today: date, last_day: date) -> Week:
    """Return the seven days from the day asked for, within today and the last day that can be booked."""
    first = min(max(wanted.first_day or today, today), last_day)

    def address(day: date) -> str:
        return wanted.address(first_day=None if day <= today else day)

    return Week(
        first_day=first,
        last_day=min(first + WEEK - timedelta(days=1), last_day),
        earlier=address(max(first - WEEK, today)) if first > today else "",
        later=address(first + WEEK) if first + WEEK <= last_day else "",
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts of the day that can be chosen, and where it leads."""

    key: str
    """Empty: all of the day."""
    label: str
    url: str
    is_chosen: bool


def parts_of(wanted: Wanted) -> list[Part]:
    """Return all of the day and its parts, as the page offers them."""
    everything = Part("", _("All of the day"), wanted.address(part=None), wanted.part is None)
    return [
        everything,
        *(
            Part(part.value, capfirst(str(part.label)), wanted.address(part=part), part == wanted.part)
            for part in DayPart
        ),
    ]


def version_of(slots: Iterable[FreeSlot]) -> str:
    """Return a word that changes when any of these times does."""
    numbers = ",".join(f"{slot.slot_id}{'-' if slot.is_own_time else ''}" for slot in slots)
    return blake2b(numbers.encode(), digest_size=8).hexdigest()


def choice_of(
    slot: FreeSlot, *, zone: ZoneInfo, page: str, names_provider: bool, for_other: bool = False
) -> TimeChoice:
    """Return a free time as a link to its confirm page, which is below the booking page.

    One at which the patient has another appointment is only shown, and says why; `for_other`: whoever reads it acts
    for the patient, and is not busy themselves.
    """
    clock = moments.clock(slot.starts_at, zone)
    spoken = _("%(when)s with %(name)s") % {
        "when": capfirst(moments.day_at(slot.day, clock)),
        "name": slot.provider_name,
    }
    initials = [slot.provider_initials] if names_provider else []
    if slot.is_own_time:
        reason = (
            _("there is another appointment then") if for_other else _("you have another appointment then")
        )
        note = _("busy") if for_other else _("you are busy")
        return TimeChoice(clock, f"{spoken}: {reason}", note=note, state=TimeState.OWN)
    if slot.kind != SlotKind.URGENT:
        return TimeChoice(clock, spoken, note="".join(initials), url=f"{page}{slot.slot_id}/")
    urgent = _("urgent")
    return TimeChoice(
        clock,
        f"{spoken}, {urgent}",
        note=" · ".join([urgent, *initials]),
        state=TimeState.URGENT,
        url=f"{page}{slot.slot_id}/",
    )


def days_of(
    slots: Iterable[FreeSlot],
    *,
    first_day: date,
    last_day: date,
    zone: ZoneInfo,
    page: str,
    names_provider: bool,
    for_other: bool = False,
) -> Sequence[TimeDay]:
    """Return every day from first to last (both included) with its times. `page` is the booking page's address."""
    by_day: dict[date, list[TimeChoice]] = {}
    free: Counter[date] = Counter()
    for slot in slots:
        choice = choice_of(slot, zone=zone, page=page, names_provider=names_provider, for_other=for_other)
        by_day.setdefault(slot.day, []).append(choice)
        free[slot.day] += not slot.is_own_time
    return [
        TimeDay(day, by_day.get(day, ()), note=_number(free[day]))
        for day in generation.days_between(first_day, last_day)
    ]


def _number(number: int) -> str:
    return (
        ngettext("%(number)d free time", "%(number)d free times", number) % {"number": number}
        if number
        else ""
    )
