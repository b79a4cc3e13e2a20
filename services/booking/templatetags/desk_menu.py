"""How many requests wait, for the menu on every staff page."""

from typing import Any

from django import template

from clinic_admin.models import Clinic
from services.booking import staff_queries

register = template.Library()


@register.simple_tag(takes_context=True)
def waiting_total(context: Any) -> int:
    """Return how many requests wait for an answer, as the page knows it, else by one query; none outside a clinic."""
    if "waiting_count" in context:
        return int(context["waiting_count"])
    clinic = context.get("clinic")
    return staff_queries.waiting_counts(clinic).total if isinstance(clinic, Clinic) else 0
