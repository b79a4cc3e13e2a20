"""Says what a weekly calendar makes, and what saving it did."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic_admin.choices import Weekday
from clinic_admin.models import Clinic
from portal import moments
from services.booking.choices import SlotKind
from services.booking.models import CalendarTemplate
from services.booking.weekly.operations import Clash, Saved
from services.booking.weekly.policy import WeekBlock
from services.booking.weekly.queries import Yield


@dataclass(frozen=True, slots=True)
class Preview:
    """What a weekly calendar makes, in words."""

    per_week: int
    per_kind: list[tuple[str, int]]
    per_weekday: list[tuple[str, int]]
    first: list[tuple[str, str]]
    """The first times and their kinds."""


def preview(clinic: Clinic, makes: Yield) -> Preview:
    """Return the preview for the page, times by the clinic's clock."""
    return Preview(
        per_week=makes.per_week,
        per_kind=[(str(SlotKind(kind).label), number) for kind, number in makes.per_kind.items()],
        per_weekday=[
            (str(Weekday(str(day)).label), number) for day, number in enumerate(makes.per_weekday) if number
        ],
        first=[
            (moments.day_and_clock(slot.starts_at, clinic.zone), str(SlotKind(slot.kind).label))
            for slot in makes.first
        ],
    )


def calendar_lines(template: CalendarTemplate, blocks: Sequence[WeekBlock]) -> list[str]:
    """Return a stored weekly calendar line by line: name and days, then its rows."""
    return [f"{template.name}: {_validity(template)}"] + [
        _("%(weekday)s %(times)s, %(minutes)s minutes, %(kind)s")
        % {
            "weekday": capfirst(str(Weekday(str(block.weekday)).label)),
            "times": moments.period(block.starts_at, block.ends_at),
            "minutes": block.minutes,
            "kind": str(SlotKind(block.kind).label).lower(),
        }
        for block in blocks
    ]


def _validity(template: CalendarTemplate) -> str:
    until = moments.full_date(template.valid_until) if template.valid_until else _("until further notice")
    return f"{moments.full_date(template.valid_from)} – {until}"


def clash(found: Clash) -> str:
    """Return which calendar is in a row's way, and what to do about it."""
    words = _(
        "“%(name)s” (%(days)s) has %(times)s on this weekday. Choose other hours, or let one calendar end before the other "
        "begins."
    )
    return words % {
        "name": found.other.name,
        "days": _validity(found.other),
        "times": moments.period(found.others.starts_at, found.others.ends_at),
    }


def done(saved: Saved) -> str:
    """Return how many times came, went, and stayed because somebody has them."""
    added, removed, kept = saved.change.added, saved.change.removed, saved.kept
    words = [
        ngettext("%(number)d time added", "%(number)d times added", added) % {"number": added},
        ngettext("%(number)d free time removed", "%(number)d free times removed", removed)
        % {"number": removed},
        ngettext("%(number)d booked or blocked time kept", "%(number)d booked or blocked times kept", kept)
        % {"number": kept},
    ]
    return f"{', '.join(words)}."


def left_out(clinic: Clinic, saved: Saved) -> str:
    """Return which times could not be made because something stands there; empty when all could."""
    slots = saved.change.left_out
    if not slots:
        return ""
    first = moments.day_and_clock(slots[0].starts_at, clinic.zone)
    words = ngettext(
        "%(number)d time was not made, because an appointment is in its way: %(first)s.",
        "%(number)d times were not made, because appointments are in their way. The first is %(first)s.",
        len(slots),
    )
    return words % {"number": len(slots), "first": first}
