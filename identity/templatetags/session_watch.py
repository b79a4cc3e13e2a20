"""The warning before a session ends, as a tag of the frame."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.utils import timezone

from identity import operations

register = template.Library()


@register.inclusion_tag("identity/session_watch.html", takes_context=True)
def session_watch(context: Context) -> dict[str, Any]:
    """Show nothing but to whoever is signed in; scripts open the warning in time. No query of its own."""
    request = context.get("request")
    if not isinstance(request, HttpRequest) or not hasattr(request, "user"):
        return {}
    left = operations.time_left(request, now=timezone.now())
    if left is None or left.is_over:
        return {}
    return {
        "left": int(left.time.total_seconds()),
        "is_final": left.is_final,
        "warned_before": int(left.warned_before.total_seconds()),
        "clinic": getattr(request, "clinic", None),
        "is_staff": request.user.kind == "staff",  # type: ignore[union-attr]
        "csrf_token": context.get("csrf_token"),
    }
