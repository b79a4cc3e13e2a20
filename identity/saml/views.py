"""Our addresses that SAML providers know, and the page beside them."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from identity import queries, views
from identity.choices import Protocol, SignInFault
from identity.models import IdentityProvider
from identity.operations import SignInCancelled, SignInRefused
from identity.providers import logout_views
from identity.providers.failed_answers import limited
from identity.saml import logout as saml_logout
from identity.saml import metadata as saml_metadata
from identity.saml import sign_in as saml_sign_in
from identity.saml.xml import MessageRefused
from portal.audience import signing_in_page


@signing_in_page
@csrf_exempt
@require_POST
@limited
def acs(request: HttpRequest, idp: str) -> HttpResponse:
    """Take the provider's answer, which another site posts, without a session; the next page has one."""
    known = _provider(idp)
    try:
        sign_in = saml_sign_in.receive(
            known,
            message=request.POST.get("SAMLResponse", ""),
            relay_state=request.POST.get("RelayState", ""),
            now=timezone.now(),
        )
    except SignInRefused as refused:
        return views.refusal_page(request, refused, refused.clinic)
    return views.see_other(reverse("identity_finish", args=[known.slug, sign_in.pk]))


@signing_in_page
@require_GET
@limited
def finish(request: HttpRequest, idp: str, sign_in_id: UUID) -> HttpResponse:
    """Go on with a sign-in that this browser began, or say what came of it."""
    try:
        clinic = saml_sign_in.go_on(request, _provider(idp), sign_in_id=sign_in_id, now=timezone.now())
    except SignInRefused as refused:
        return views.refusal_page(request, refused, refused.clinic)
    except SignInCancelled as cancelled:
        return views.cancelled_page(request, cancelled)
    return views.see_other(reverse("home:signed_in", args=[clinic.portal_identifier]))


@signing_in_page
@require_GET
@limited
def slo(request: HttpRequest, idp: str) -> HttpResponse:
    """Take the provider's logout request, or its answer to ours. No cookie is needed, only its signature."""
    known, now, query = _provider(idp), timezone.now(), request.META.get("QUERY_STRING", "")
    try:
        if "SAMLRequest" in request.GET:
            return views.see_other(saml_logout.receive_request(known, query, now))
        done = saml_logout.receive_answer(known, query, now)
    except MessageRefused:
        return views.refusal_page(request, SignInRefused(SignInFault.LOGOUT), None)
    return views.see_other(logout_views.after(known, done))


@signing_in_page
@require_GET
def metadata(request: HttpRequest, idp: str) -> HttpResponse:
    """Who we are, as the provider's operator reads it."""
    try:
        text = saml_metadata.own(_provider(idp))
    except MessageRefused:
        raise Http404 from None
    return HttpResponse(text, content_type="application/samlmetadata+xml")


def _provider(slug: str) -> IdentityProvider:
    found = queries.provider_by_slug(slug, Protocol.SAML)
    if found is None:
        raise Http404
    return found
