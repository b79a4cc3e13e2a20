"""How much waits, for the menu on every staff page."""

from typing import Any

from django import template

from clinic_admin.models import Clinic
from services.inbox import queries

register = template.Library()


@register.simple_tag
def inbox_count(clinic: Any) -> int:
    """Return how many items wait at the clinic. One query; none where the page only looks like a clinic's (the gallery)."""
    return queries.waiting_count(clinic) if isinstance(clinic, Clinic) else 0
