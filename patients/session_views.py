"""Where a patient is signed in."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from identity.session import own_sessions
from patients.guards import PersonRequest, person_page


@person_page
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: PersonRequest) -> HttpResponse:
    """Show where the person is signed in, at all clinics, and end it there, or everywhere."""
    now, identifier = timezone.now(), request.clinic.portal_identifier
    if request.method != "POST":
        return render(request, "patients/sessions.html", {"sessions": own_sessions.listed(request, now=now)})
    if own_sessions.act(request, now=now):
        return redirect("identity:signed_out", identifier)
    return redirect("my_sessions:list", identifier)
