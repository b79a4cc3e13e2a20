"""Months of the clinic's calendar, and who may leave the portal, as pure functions."""

from datetime import date, datetime, time, tzinfo

from clinic_admin import ages
from clinic_admin.countries import CountryRules

MOST_MONTHS = 120


def bounds_of_month(first_day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants at which the local month begins and the next one does."""
    return _midnight(first_day, zone), _midnight(_next_month(first_day), zone)


def months_between(first: datetime, last: datetime, zone: tzinfo) -> list[date]:
    """Return the first days of the local months from `first` to `last`, the latest first, at most ten years."""
    month = last.astimezone(zone).date().replace(day=1)
    earliest = first.astimezone(zone).date().replace(day=1)
    found: list[date] = []
    while month >= earliest and len(found) < MOST_MONTHS:
        found.append(month)
        month = _month_before(month)
    return found


def may_leave(rules: CountryRules, birth_date: date | None, today: date) -> bool:
    """Return whether the patient decides alone, and so can leave the portal: children can't, nor others for them."""
    return not ages.is_below(birth_date, rules.own_decisions_from, today)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


def _next_month(day: date) -> date:
    return date(day.year + 1, 1, 1) if day.month == 12 else date(day.year, day.month + 1, 1)


def _month_before(day: date) -> date:
    return date(day.year - 1, 12, 1) if day.month == 1 else date(day.year, day.month - 1, 1)
