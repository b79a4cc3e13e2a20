"""How long the session lasts, staying signed in, and throwing away what was kept."""

from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from identity import operations, policy, step_up
from identity.session import kept_forms
from portal.audience import signing_in_page


@signing_in_page
@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Say how long the session still lasts, without making it last longer: for the warning, and for other tabs."""
    return _left(request)


left.leaves_the_clock = True  # type: ignore[attr-defined]  # see identity.middleware


@signing_in_page
@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """Count as use now. Without scripts: back to the page."""
    if request.user.is_authenticated:
        operations.stay_signed_in(request, now=timezone.now())
    if "application/json" in request.headers.get("Accept", ""):
        return _left(request)
    return _back(request)


@signing_in_page
@require_POST
def drop(request: HttpRequest, kept_id: UUID) -> HttpResponse:
    """Throw away what was kept of a form, and show the page as it is."""
    if request.user.is_authenticated:
        kept_forms.drop(request, [str(kept_id)])
    return _back(request)


def _left(request: HttpRequest) -> JsonResponse:
    left = operations.time_left(request, now=timezone.now())
    if left is None:
        return JsonResponse({"left": 0})
    return JsonResponse({"left": max(int(left.time.total_seconds()), 0), "final": left.is_final})


def _back(request: HttpRequest) -> HttpResponse:
    page = step_up.page_of(request)
    own = page if policy.own_path(page) and urlsplit(page).path != request.path else "/"
    response = HttpResponseRedirect(own)
    response.status_code = 303
    return response
