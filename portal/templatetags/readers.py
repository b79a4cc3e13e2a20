"""What a page says to whom: to the patient, or to who acts for them."""

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from portal import readers
from portal.refusals import Refusal

register = template.Library()


def _name(context: dict[str, Any]) -> str:
    """Return the given name of whom the reader acts for; empty for the patient."""
    return str(context["patient"].given_name) if context.get("acting_for") else ""


@register.simple_tag(takes_context=True)
def said(context: dict[str, Any], refusal: Refusal) -> str:
    """Return the refusal's sentence. The page's `patient` is named where the reader acts for them (`acting_for`)."""
    return refusal.sentence(_name(context))


@register.simple_tag(takes_context=True)
def to_whom(
    context: dict[str, Any], to_patient: str | Promise, to_other: str | Promise, **values: Any
) -> SafeString:
    """Return the first sentence to the patient, the second, with {name}, to who acts for them: both in _()."""
    return readers.to_whom(_name(context), to_patient, to_other, **values)
