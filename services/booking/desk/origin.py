"""Which view of the calendar one came from, so that one lands there again after booking, moving or blocking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse

from clinic_admin.models import Clinic
from portal.look.day import MOST_COLUMNS, entry_name
from services.booking.staff.forms import ALL_DAYS, WORKING_DAYS, numbers

WEEK, SHOWN = "week", "shown"
"""Words of addresses: how many days the week had, and which providers had been chosen."""
FROM_CALENDAR = "calendar"
"""Word of the address of a page that is reached from a list as well: that one came from the calendar."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The day, or a week of so many days, of the providers chosen there."""

    days: int = 0
    """0: the day."""
    shown: Sequence[int] = ()

    @property
    def pairs(self) -> list[tuple[str, int]]:
        """Return what addresses and forms carry of it; nothing for the day of everyone."""
        week = [(WEEK, self.days)] if self.days else []
        return [*week, *((SHOWN, pk) for pk in self.shown)]

    @property
    def query(self) -> str:
        """Return the same as a part of an address."""
        return urlencode(self.pairs)

    def address(self, clinic: Clinic, day: date, *, goal: UUID | None = None, **more: Any) -> str:
        """Return the address of the view around the day; with the appointment `goal` it is shown and marked there.

        On a day of the weekend the week shows it, also where it was shown without.
        """
        if not self.days:
            found = day_address(clinic, day, self.shown, **more)
        else:
            length = ALL_DAYS if goal and day.weekday() >= WORKING_DAYS else self.days
            found = week_address(clinic, day, self.shown, days=length, **more)
        return f"{found}#{entry_name(goal)}" if goal else found


def origin_of(query: QueryDict) -> Origin:
    """Return what an address says; unknown words say the day."""
    days = query.get(WEEK, "")
    return Origin(
        int(days) if days in {str(WORKING_DAYS), str(ALL_DAYS)} else 0,
        numbers(query.getlist(SHOWN))[:MOST_COLUMNS],
    )


def day_address(clinic: Clinic, day: date, provider_ids: Sequence[int] = (), **more: Any) -> str:
    """Return the address of the day in the calendar, of these providers; of everyone when none is given."""
    query = [("day", day.isoformat()), *(("provider", pk) for pk in provider_ids), *more.items()]
    return f"{reverse('booking_staff:calendar', args=[clinic.portal_identifier])}?{urlencode(query)}"


def week_address(clinic: Clinic, day: date, provider_ids: Sequence[int], **more: Any) -> str:
    """Return the address of the week of these providers; of the first one when none is given."""
    query = [("day", day.isoformat()), *(("provider", pk) for pk in provider_ids), *more.items()]
    return f"{reverse('desk:week', args=[clinic.portal_identifier])}?{urlencode(query)}"
