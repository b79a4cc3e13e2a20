"""Phone numbers as people write them."""

from django import template

from portal import phone_numbers

register = template.Library()


@register.filter
def as_phone(e164: str, country: str | None = None) -> str:
    """Return "21 56 00 00" for a number of the country, "+45 86 10 00 00" for another's."""
    return phone_numbers.as_people_write(e164, country) if e164 else ""
