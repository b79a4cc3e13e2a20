"""Pages and acts that ask for a sure, or a recent, sign-in: the guard, and the way to the proof and back."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from clinic_admin.countries import rules_of
from clinic_admin.guards import ClinicRequest
from clinic_admin.models import Clinic
from identity import policy, sessions
from identity.choices import Purpose
from identity.policy import Need
from identity.session import kept_forms

V = TypeVar("V", bound=Callable[..., HttpResponse])


def proven(purpose: Purpose) -> Callable[[V], V]:
    """Guard a patient's view: only a sign-in that is sure and recent enough for the purpose comes in.

    Stands below the guard that lets patients in: `@patient_page`, then `@proven(Purpose.DOWNLOAD)`. Everyone else goes to
    the page that says why, proves it with one press, and comes back. For acts that only sometimes need it, see `way`.
    """

    def guard(view: V) -> V:
        @wraps(view)
        def guarded(request: ClinicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return way(request, purpose, now=timezone.now()) or view(request, *args, **kwargs)

        return guarded  # type: ignore[return-value]

    return guard


def way(request: ClinicRequest, purpose: Purpose, *, now: datetime) -> HttpResponse | None:
    """Return None if the session's sign-in is enough for the purpose now, else the way to proving it.

    What is being sent is kept and comes back on its page. Whoever acts for somebody else proves who they are
    themselves (G9).
    """
    sign_in = sessions.of(request)
    if sign_in is not None and need_of(request.clinic, purpose).is_met(sign_in.assurance, sign_in.at, now):
        return None
    if request.method == "POST":
        kept_forms.keep_for_session(request, page=page_of(request), now=now)
    address = reverse("identity:prove_again", args=[request.clinic.portal_identifier])
    return _go(request, f"{address}?{urlencode({'for': purpose.value, 'next': page_of(request)})}")


def need_of(clinic: Clinic, purpose: Purpose) -> Need:
    """Return what the purpose asks for at this clinic."""
    return policy.need_of(
        purpose, rules_of(clinic.country), letters_need_eid=clinic.requires_eid_for_consultation
    )


def page_of(request: HttpRequest) -> str:
    """Return the path of the page that the person looks at: of a form, the page that it stands on."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    parts = urlsplit(request.headers.get("Referer", ""))
    came_from = f"{parts.path}?{parts.query}" if parts.query else parts.path
    is_own = parts.netloc == request.get_host()
    return (policy.own_path(came_from) if is_own else "") or request.path


def _go(request: ClinicRequest, address: str) -> HttpResponse:
    """Lead the whole page there, also when only a part of it was asked for."""
    if request.htmx:
        return HttpResponse(status=403, headers={"HX-Redirect": address})
    response = HttpResponseRedirect(address)
    response.status_code = 302 if request.method in {"GET", "HEAD"} else 303
    return response
