"""Signing out at the demo's providers: asked for by the portal, or chosen in the list of who is signed in."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from identity.demo_idp import logout, open_sessions, saml_operations, views
from identity.demo_idp.operations import OAuthError
from identity.demo_idp.realms import REALMS, Realm
from identity.demo_idp.saml_messages import BadMessage
from portal.audience import development_page


@development_page
@csrf_exempt
@require_http_methods(["GET", "POST"])
def end_session(request: HttpRequest, realm: str) -> HttpResponse:
    """RP-Initiated Logout: end the session that the ID token names, and send the browser back."""
    found = _realm(realm)
    form = (request.POST if request.method == "POST" else request.GET).dict()
    try:
        return views.go(logout.end_session(found, form))
    except OAuthError:
        return render(request, "demo_idp/signed_out.html", {"realm": found, "done": False}, status=400)


@development_page
@require_GET
def sessions(request: HttpRequest, realm: str) -> HttpResponse:
    """List who is signed in at the provider."""
    found = _realm(realm)
    known = open_sessions.latest(found, now=timezone.now())
    return render(request, "demo_idp/sessions.html", {"realm": found, "sessions": known})


@development_page
@require_POST
def end(request: HttpRequest, realm: str, session_id: UUID) -> HttpResponse:
    """Sign someone out at the provider, and so of the portal: through the browser, or by calling it."""
    found, now = _realm(realm), timezone.now()
    session = open_sessions.find(found, session_id)
    if session is None:
        raise Http404
    open_sessions.end(found, session.session_index)
    if logout.speaks_saml(found):
        try:
            return views.go(saml_operations.tell_portal(found, session, now=now))
        except BadMessage:
            raise Http404 from None
    done = logout.tell_portal(found, session, now=now)
    return render(request, "demo_idp/signed_out.html", {"realm": found, "done": done})


def _realm(slug: str) -> Realm:
    if slug not in REALMS:
        raise Http404
    return REALMS[slug]
