"""Free times as the pages show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import moments
from portal.look.times import TimeChoice, TimeDay, TimeState
from services.booking import generation
from services.booking.choices import SlotKind
from services.booking.queries import FreeSlot

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of the list, and the ways to those before and after."""

    first_day: date
    last_day: date
    earlier: str
    """Address of the week before; empty at the beginning."""
    later: str
    """Address of the week after; empty at the end of the horizon."""


def week_from(asked: date | None, *, today: date, last_day: date, provider_id: int | None, page: str) -> Week:
    """Return the seven days from the day asked for, within today and the last day that can be booked."""
    first = min(max(asked or today, today), last_day)

    def address(day: date) -> str:
        return find_address(page, provider_id=provider_id, first_day=None if day <= today else day)

    return Week(
        first_day=first,
        last_day=min(first + WEEK - timedelta(days=1), last_day),
        earlier=address(max(first - WEEK, today)) if first > today else "",
        later=address(first + WEEK) if first + WEEK <= last_day else "",
    )


def find_address(page: str, *, provider_id: int | None, first_day: date | None) -> str:
    """Return the booking page's address for a provider (None: anyone) and a first day (None: today)."""
    asked = {"provider": provider_id, "from": first_day}
    query = urlencode({name: str(value) for name, value in asked.items() if value is not None})
    return f"{page}?{query}" if query else page


def choice_of(slot: FreeSlot, *, zone: ZoneInfo, page: str, names_provider: bool) -> TimeChoice:
    """Return a free time as a link to its confirm page, which is below the booking page."""
    clock = moments.clock(slot.starts_at, zone)
    spoken = _("%(when)s with %(name)s") % {
        "when": capfirst(moments.day_at(slot.day, clock)),
        "name": slot.provider_name,
    }
    initials = [slot.provider_initials] if names_provider else []
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
) -> Sequence[TimeDay]:
    """Return every day from first to last (both included) with its times. `page` is the booking page's address."""
    by_day: dict[date, list[TimeChoice]] = {}
    for slot in slots:
        choice = choice_of(slot, zone=zone, page=page, names_provider=names_provider)
        by_day.setdefault(slot.day, []).append(choice)
    return [
        TimeDay(day, by_day.get(day, ()), note=_number(len(by_day.get(day, ()))))
        for day in generation.days_between(first_day, last_day)
    ]


def _number(number: int) -> str:
    return (
        ngettext("%(number)d free time", "%(number)d free times", number) % {"number": number}
        if number
        else ""
    )
