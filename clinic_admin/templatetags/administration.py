"""Parts of the administration's frame."""

from typing import Any

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse

register = template.Library()


@register.inclusion_tag("clinic_admin/clinic_switcher.html", takes_context=True)
def clinic_switcher(context: Context) -> dict[str, Any]:
    """Ways to the same page at the person's other clinics (A1). Nothing for those who work at one."""
    request = context.get("request")
    posts = getattr(request, "posts", [])
    others = [post.clinic for post in posts if post.clinic_id != request.clinic.pk] if request else []
    return {
        "clinic": context.get("clinic"),
        "others": [(one.name, _same_page(request, one.portal_identifier)) for one in others],
    }


def _same_page(request: Any, clinic: str) -> str:
    """Return the page's address at the other clinic; what has a number belongs to one clinic only."""
    match = request.resolver_match
    overview = reverse("clinic_admin:overview", args=[clinic])
    if match is None or not all(isinstance(value, str) for value in match.kwargs.values()):
        return overview
    try:
        return reverse(match.view_name, kwargs={**match.kwargs, "clinic": clinic})
    except NoReverseMatch:
        return overview
