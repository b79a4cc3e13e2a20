"""How much waits, for the menu on every staff page."""

from django import template

from clinic_admin.models import Clinic
from services.inbox import queries

register = template.Library()


@register.simple_tag
def inbox_count(clinic: Clinic) -> int:
    """Return how many items wait at the clinic. One query."""
    return queries.waiting_count(clinic)


@register.simple_tag
def login_requests_word(count: int) -> str:
    """Return the count as the menu shows it: beyond 99 nobody counts on."""
    return str(count) if count <= queries.MOST_COUNTED else f"{queries.MOST_COUNTED}+"
