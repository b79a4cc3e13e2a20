"""Days and times as people write them. Instants are shown in the zone in force, which is the clinic's."""

from datetime import date, datetime, tzinfo

from django import template
from django.utils import timezone

from portal import moments

register = template.Library()


def _zone() -> tzinfo:
    return timezone.get_current_timezone()


@register.filter
def as_moment(value: datetime | None) -> str:
    """Return "tirsdag 24. november kl. 10.20", nothing for nothing."""
    return moments.day_and_clock(value, _zone()) if value else ""


@register.filter
def as_clock(value: datetime | None) -> str:
    """Return "10.20", nothing for nothing."""
    return moments.clock(value, _zone()) if value else ""


@register.filter
def as_day(value: date | None) -> str:
    """Return "tirsdag 24. november", nothing for nothing."""
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return moments.day(value) if value else ""
