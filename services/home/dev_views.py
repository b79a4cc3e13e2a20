"""The list of people one can be. Never outside development."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.audience import development_page
from services.home import demo_people


@development_page
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show who one can sign in as, with passwords and the codes that their code apps show right now."""
    return render(request, "dev/people.html", {"page": demo_people.page(timezone.now())})
