"""How much waits, for the menu on every staff page."""

from typing import Any

from django import template

from clinic_admin.models import Clinic
from services.booking.staff import queries as staff_queries

register = template.Library()


@register.simple_tag(takes_context=True)
def menu_counts(context: Any) -> staff_queries.MenuCounts:
    """Return how many requests and inbox items wait. One query; none where no clinic is (the gallery)."""
    clinic = context.get("clinic")
    return staff_queries.menu_counts(clinic) if isinstance(clinic, Clinic) else staff_queries.MenuCounts(0, 0)
