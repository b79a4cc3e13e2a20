"""The page for those who run the installation."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest
from services.operation import queries
from services.operation.guards import operators_page


@operators_page
@require_safe
def operation(request: StaffRequest) -> HttpResponse:
    """Show what works and what does not, with numbers and what to do (H4)."""
    return render(request, "operation/operation.html", {"found": queries.operation(timezone.now())})
