"""What a clinic wrote, on the pages of others: `{% load clinic_texts %}{% guidance "booking" %}`."""

from functools import lru_cache
from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from clinic_admin import markup, text_queries
from clinic_admin.choices import Service

register = template.Library()


@register.inclusion_tag("clinic_admin/guidance.html", takes_context=True)
def guidance(context: Context, service: str) -> dict[str, Any]:
    """The clinic's guidance on a service, in the page's language; nothing when the clinic has none. One query."""
    clinic = context["clinic"]
    text = text_queries.guidance(clinic, Service(service), get_language() or clinic.language)
    return {"guidance": _rendered(text)}


@lru_cache(maxsize=256)
def _rendered(text: str) -> SafeString:
    """Return what everybody at the clinic reads; it is made once."""
    return markup.rendered(text)
