"""The public page."""

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.audience import public_page
from services.operation import queries
from services.operation.choices import Light
from services.operation.queries import PublicStatus


@public_page
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Say in three lights whether the portal works, without details; 503 when it can't be used at all."""
    try:
        found = queries.public_status(timezone.now())
    except (OperationalError, InterfaceError):
        found = PublicStatus(pages=Light.RED, background=Light.RED, messages=Light.RED)
    code = 503 if found.pages is Light.RED else 200
    return render(request, "operation/status.html", {"found": found}, status=code)
