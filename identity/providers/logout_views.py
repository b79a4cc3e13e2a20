"""The pages around signing out at a provider, and the address at which an OpenID Connect provider ends sessions."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from clinic_admin.models import Clinic
from identity import queries, views
from identity.choices import Protocol, SignInFault
from identity.models import IdentityProvider, ProviderLogout
from identity.oidc import logout as oidc_logout
from identity.oidc.http import ProviderUnreachable
from identity.oidc.token import TokenRefused
from identity.operations import SignInRefused
from identity.providers import logout as provider_logout
from identity.providers.failed_answers import limited
from identity.providers.logout import SignedOut
from identity.saml import logout as saml_logout
from portal.audience import signing_in_page


@signing_in_page
@require_GET
def leave(request: HttpRequest, idp: str, logout_id: UUID) -> HttpResponse:
    """Say that the person is signed out here, and lead on to sign out at the provider.

    A redirect would not do: browsers hold the whole way of the form that signed out to our own addresses.
    """
    known = queries.any_provider(idp)
    leaving = provider_logout.waiting(request, known, logout_id) if known else None
    if known is None or leaving is None:
        raise Http404
    views.speak_as(request, leaving.clinic)
    return (_leave_saml if known.protocol == Protocol.SAML else _leave_oidc)(request, known, leaving)


def _leave_saml(request: HttpRequest, known: IdentityProvider, leaving: ProviderLogout) -> HttpResponse:
    address = saml_logout.request_address(leaving, timezone.now())
    if not address:
        return views.see_other(_signed_out(leaving.clinic))
    parts = {"address": address, "provider": known, "clinic": leaving.clinic}
    response = render(request, "identity/leaving.html", parts)
    response["Refresh"] = f"1; url={address}"
    return response


def _leave_oidc(request: HttpRequest, known: IdentityProvider, leaving: ProviderLogout) -> HttpResponse:
    try:
        form = oidc_logout.request_form(leaving, timezone.now())
    except ProviderUnreachable:
        return views.see_other(f"{_signed_out(leaving.clinic)}?not-at={known.slug}")
    if form is None:
        return views.see_other(_signed_out(leaving.clinic))
    parts = {"form": form, "provider": known, "clinic": leaving.clinic}
    response = render(request, "identity/leaving.html", parts)
    response.form_action_origins = form.origins  # type: ignore[attr-defined]
    return response


@signing_in_page
@require_GET
@limited
def logged_out(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the browser back from an OpenID Connect provider that signed the person out."""
    known = _openid(provider)
    done = oidc_logout.receive_return(known, request.GET.get("state", ""), timezone.now())
    if done is None:
        return views.refusal_page(request, SignInRefused(SignInFault.LOGOUT), None)
    return views.see_other(after(known, done))


@signing_in_page
@csrf_exempt
@require_POST
@limited
def back_channel(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the provider's own call that someone signed out there. It needs no cookie, only its signature."""
    try:
        oidc_logout.receive_token(_openid(provider), request.POST.get("logout_token", ""), timezone.now())
    except (TokenRefused, ProviderUnreachable):
        return JsonResponse({"error": "invalid_request"}, status=400)
    return HttpResponse(status=200)


def after(provider: IdentityProvider, done: SignedOut) -> str:
    """Return the address of the page that says what came of signing out at the provider."""
    return f"{_signed_out(done.clinic)}?{'at' if done.everywhere else 'not-at'}={provider.slug}"


def _signed_out(clinic: Clinic) -> str:
    return reverse("identity:signed_out", args=[clinic.portal_identifier])


def _openid(slug: str) -> IdentityProvider:
    found = queries.provider_by_slug(slug, Protocol.OIDC)
    if found is None:
        raise Http404
    return found
