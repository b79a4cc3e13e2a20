"""Who changed a setting last, for any page of the administration."""

from typing import Any

from django import template
from django.db.models import Model
from django.template import Context

from services.reports import queries
from services.reports.choices import ChangeKind

register = template.Library()


@register.inclusion_tag("reports/last_change.html", takes_context=True)
def last_changed(context: Context, kind: str, subject: Model | None = None) -> dict[str, Any]:
    """Say who made the last change of this kind, and lead to all of them: `{% last_changed "matrix" %}`.

    With a subject (`{% last_changed "services" provider %}`) only changes of that very thing count. Nothing was
    changed yet: nothing is said.
    """
    clinic = context["clinic"]
    change = queries.last_change(clinic, kind=ChangeKind(kind), subject=subject)
    return {"change": change, "kind": kind, "clinic": clinic}
