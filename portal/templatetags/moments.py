"""Days and times as people write them. Instants are shown in the zone in force, which is the clinic's."""

from datetime import date, datetime, time, tzinfo

from django import template
from django.utils import timezone

from portal import moments

register = template.Library()


def _zone() -> tzinfo:
    return timezone.get_current_timezone()


@register.filter
def as_moment(value: datetime | None) -> str:
    """Return "tirsdag 24. november kl. 10.20", nothing for nothing. No line ends between "kl." and the time."""
    return moments.day_and_clock(value, _zone()).replace("kl. ", "kl.\N{NO-BREAK SPACE}") if value else ""


@register.filter
def as_clock(value: datetime | time | None) -> str:
    """Return "10.20" of a moment or of a time of day, nothing for nothing."""
    if isinstance(value, time):
        return moments.time_of_day(value)
    return moments.clock(value, _zone()) if value else ""


@register.filter
def as_day(value: date | None) -> str:
    """Return "tirsdag 24. november", nothing for nothing."""
    return moments.day(_local(value)) if value else ""


@register.filter
def as_day_of_month(value: date | None) -> str:
    """Return "24. november", nothing for nothing."""
    return moments.day_of_month(_local(value)) if value else ""


@register.filter
def as_date(value: date | None) -> str:
    """Return "24. november 2026", nothing for nothing."""
    return moments.full_date(_local(value)) if value else ""


def _local(value: date) -> date:
    return value.astimezone(_zone()).date() if isinstance(value, datetime) else value
