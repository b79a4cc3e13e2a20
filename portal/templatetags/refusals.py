"""What a refusal says to whom: to the patient, or to who acts for them."""

from typing import Any

from django import template

from portal.refusals import Refusal

register = template.Library()


@register.simple_tag(takes_context=True)
def said(context: dict[str, Any], refusal: Refusal) -> str:
    """Return the refusal's sentence. The page's `patient` is named where the reader acts for them (`acting_for`)."""
    return refusal.sentence(context["patient"].given_name if context.get("acting_for") else "")
