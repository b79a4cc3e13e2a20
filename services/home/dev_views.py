"""The list of people one can be. Never outside development."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from identity.session import clock as session_clock
from portal.audience import development_page
from services.home import demo_people

SHORT_SECONDS = 30


@development_page
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show who one can sign in as, with passwords and the codes that their code apps show right now."""
    return render(request, "dev/people.html", {"page": demo_people.page(timezone.now())})


@development_page
@require_POST
def short_session(request: HttpRequest) -> HttpResponse:
    """Let the session of this browser end after half a minute without use, to look at the warning."""
    if request.user.is_authenticated:
        session_clock.shorten(request, SHORT_SECONDS)
    return redirect("dev:people")
