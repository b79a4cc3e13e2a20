"""Who comes in: those who run the installation."""

from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse

from clinic_admin.guards import StaffRequest, View, staff_page


def operators_page(view: View) -> View:
    """Let in the clinic's system administrators; to others the page does not exist."""

    @staff_page
    @wraps(view)
    def guarded(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.staff_member.is_system_administrator:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
