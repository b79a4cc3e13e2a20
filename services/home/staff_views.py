"""Where staff come in who know only the clinic's address."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page


@staff_page
@require_safe
def desk(request: StaffRequest) -> HttpResponse:
    """Lead to the calendar, where the day begins."""
    return redirect("booking_staff:calendar", request.clinic.portal_identifier)
