"""Forms that were open in other tabs while the same person signed in again.

Django changes the secret behind forms at each sign-in. When the same person returns to the browser in which their
session ended, the secret stays, so that their open pages can still be sent. Not so if they acted for somebody else then:
a form for a child must never be sent for oneself. Such a form is refused, and kept for the child's page.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware import csrf
from django.utils import timezone

from clinic_admin import queries as clinics
from identity import step_up
from identity.session import kept_forms
from identity.sessions import Before
from portal import error_pages
from portal.audience import Audience, audience_of, public_page

_KEY = "forms_before"
_COOKIE = "CSRF_COOKIE"


def secret_of(request: HttpRequest) -> str:
    """Return the secret behind the browser's forms; empty if it has none."""
    return str(request.META.get(_COOKIE) or "")


def carry(request: HttpRequest, *, user: Any, before: Before | None, secret: str) -> None:
    """After a sign-in: let forms of before be sent, or at least kept, if they are the same person's."""
    if before is None or before.user_id != user.pk or not secret:
        return
    if before.acted_by is None:
        request.META[_COOKIE] = secret
    else:
        request.session[_KEY] = {"secret": secret, "acted_by": str(before.acted_by)}


@public_page
def failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Keep a form of before for whom it was meant, and say so on its page; refuse all others.

    Who sent it from a page of ours finds there what they wrote, to be copied; what another site sends is never shown.
    """
    before, match = request.session.get(_KEY), request.resolver_match
    token = request.POST.get("csrfmiddlewaretoken", "")
    if before and match and _is_patients(match.func) and request.user.is_authenticated:
        clinic = clinics.clinic_by_any_identifier(match.kwargs.get("clinic", ""))
        if clinic is not None and csrf._does_token_match(token, before["secret"]):  # type: ignore[attr-defined]
            user: Any = request.user
            whose, page, now = (
                Before(user.pk, UUID(before["acted_by"])),
                step_up.page_of(request),
                timezone.now(),
            )
            kept_forms.keep(clinic, whose, request.POST, page=page, action=request.path, now=now)
            kept_forms.remember(request, user.pk, now)
            response = HttpResponseRedirect(page)
            response.status_code = 303
            return response
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        return error_pages.csrf_failure(request, reason)
    typed = kept_forms.written(kept_forms.fields_of(request.POST))
    return error_pages.csrf_failure(request, reason, typed=typed, page=step_up.page_of(request))


def _is_patients(view: object) -> bool:
    return audience_of(view) == Audience.PATIENT
