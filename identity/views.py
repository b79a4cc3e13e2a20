"""Patients on the way in and out."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import activate, get_language
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from clinic_admin.guards import ClinicRequest
from clinic_admin.models import Clinic
from identity import operations, policy, queries, sessions
from identity import step_up as step_up_rules
from identity.by_code import memberships
from identity.choices import Assurance, Protocol, Purpose
from identity.operations import Answer, SignInCancelled, SignInRefused
from identity.providers import logout as provider_logout
from identity.providers import sign_in_starts
from identity.providers.failed_answers import limited, too_many
from identity.session.sign_out_page import ask_to_sign_out
from portal import network_address, request_id
from portal.audience import signing_in_page

_ALSO = {"also_at": "at", "not_at": "not-at"}
"""What the page after signing out says of the provider, by the name in its address."""


@signing_in_page
@require_POST
def sign_in(request: ClinicRequest, provider: str) -> HttpResponse:
    """Send the browser to the provider that the patient chose."""
    return _start(request, provider, required=Assurance.SUBSTANTIAL, step_up=False)


@signing_in_page
@require_POST
def step_up(request: ClinicRequest, provider: str) -> HttpResponse:
    """Let a signed-in patient prove anew, and surely, who they are."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("clinic_front", args=[request.clinic.portal_identifier]))
    return _start(request, provider, required=_step_up_to(request), step_up=True)


def _step_up_to(request: ClinicRequest) -> Assurance:
    """Return how sure the proof must be: as the purpose asks, with eID, and never less than the session is now."""
    purpose, now = request.POST.get("for", ""), sessions.of(request)
    asked = step_up_rules.need_of(request.clinic, Purpose(purpose)).at_least if purpose in Purpose else None
    before = now.assurance if now else Assurance.NONE
    return max(asked or Assurance.HIGH, before, Assurance.SUBSTANTIAL)


@signing_in_page
@require_safe
def prove_again(request: ClinicRequest) -> HttpResponse:
    """Say why a recent or surer sign-in is needed, and lead to it and back; nothing is lost meanwhile."""
    clinic, sign_in = request.clinic, sessions.of(request)
    onward, purpose = policy.own_path(request.GET.get("next", "")), request.GET.get("for", "")
    if sign_in is None or not request.user.is_authenticated or purpose not in Purpose:
        return HttpResponseRedirect(reverse("clinic_front", args=[clinic.portal_identifier]))
    choices, need = queries.sign_in_choices(clinic), step_up_rules.need_of(clinic, Purpose(purpose))
    may_use_code = not sign_in.assurance.is_eid and not need.at_least.is_eid
    parts = {
        "purpose": Purpose(purpose),
        "next": onward,
        "choices": choices,
        "by_code": not sign_in.assurance.is_eid,
        "needs_high": need.at_least is Assurance.HIGH and sign_in.assurance is Assurance.SUBSTANTIAL,
        "code": may_use_code and memberships.offers_codes(clinic),
    }
    response = render(request, "identity/prove_again.html", parts)
    response.form_action_origins = tuple({choice.origin for choice in choices if choice.origin})  # type: ignore[attr-defined]
    return response


def _start(request: ClinicRequest, slug: str, *, required: Assurance, step_up: bool) -> HttpResponse:
    provider = queries.provider_of(clinic=request.clinic, slug=slug)
    if provider is None:
        raise Http404
    if not request.clinic.is_active:
        return HttpResponseRedirect(reverse("clinic_front", args=[request.clinic.portal_identifier]))
    if sign_in_starts.are_too_many(network_address.of(request), now=timezone.now()):
        return too_many(request)
    try:
        address = operations.start_sign_in(
            request,
            clinic=request.clinic,
            provider=provider,
            next_path=request.POST.get("next", ""),
            language=get_language() or request.clinic.language,
            now=timezone.now(),
            required=required,
            step_up=step_up,
        )
    except SignInRefused as refused:
        return _refused(request, refused)
    return see_other(address)


@signing_in_page
@require_GET
@limited
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the browser back from the provider; home decides where a verified person goes."""
    known = queries.provider_by_slug(provider, Protocol.OIDC)
    if known is None:
        raise Http404
    answer = Answer(
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        error=request.GET.get("error", ""),
        issuer=request.GET.get("iss"),
    )
    try:
        clinic = operations.receive_answer(request, provider=known, answer=answer, now=timezone.now())
    except SignInRefused as refused:
        return _refused(request, refused)
    except SignInCancelled as cancelled:
        return cancelled_page(request, cancelled)
    return see_other(reverse("home:signed_in", args=[clinic.portal_identifier]))


@signing_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: ClinicRequest) -> HttpResponse:
    """End the session, then say so; or go on to sign out at the provider that vouched for it, too. A link only asks."""
    if request.method != "POST":
        return ask_to_sign_out(
            request, reverse("identity:signed_out", args=[request.clinic.portal_identifier])
        )
    now = timezone.now()
    leaving = provider_logout.begin(request, clinic=request.clinic, now=now)
    operations.sign_out(request, now=now, may_return=True)
    if leaving is not None:
        sessions.note_leaving(request, str(leaving.pk))
        return _after_sign_out(reverse("identity_leave", args=[leaving.provider.slug, leaving.pk]))
    return _after_sign_out(reverse("identity:signed_out", args=[request.clinic.portal_identifier]))


@signing_in_page
@require_GET
def signed_out(request: ClinicRequest) -> HttpResponse:
    """Say that the person is signed out, where, and how to be safe on a shared computer."""
    parts = {name: queries.provider_name(request.GET.get(field, "")) for name, field in _ALSO.items()}
    return render(request, "identity/signed_out.html", parts)


def cancelled_page(request: HttpRequest, cancelled: SignInCancelled) -> HttpResponse:
    """Return the friendly page of someone who changed their mind at the provider."""
    speak_as(request, cancelled.clinic)
    words = {"clinic": cancelled.clinic, **_way_back(request, cancelled.clinic, cancelled.back)}
    return render(request, "identity/sign_in_cancelled.html", words)


def refusal_page(request: HttpRequest, refused: SignInRefused, clinic: Clinic | None) -> HttpResponse:
    """Return the one page for all failed sign-ins: what happened in a sentence, a reference, and the way on."""
    speak_as(request, clinic)
    parts = {
        "reason": refused.reason,
        "reference": refused.reference or request_id.current(),
        "clinic": clinic,
        **_way_back(request, clinic, refused.back),
    }
    return render(request, "identity/sign_in_failed.html", parts, status=400)


def _way_back(request: HttpRequest, clinic: Clinic | None, back: str) -> dict[str, Any]:
    """Return whether the person is still signed in, and where they go on: a proof that fails takes nothing away."""
    stays = request.user.is_authenticated and sessions.of(request) is not None
    if clinic is None:
        return {"stays": stays, "back": reverse("front")}
    page = "home:start" if stays else "clinic_front"
    return {"stays": stays, "back": back or reverse(page, args=[clinic.portal_identifier])}


def _refused(request: HttpRequest, refused: SignInRefused) -> HttpResponse:
    return refusal_page(request, refused, refused.clinic or getattr(request, "clinic", None))


def see_other(address: str) -> HttpResponse:
    """Return the redirect after something was done (303)."""
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def speak_as(request: HttpRequest, clinic: Clinic | None) -> None:
    """Speak the clinic's language at addresses outside it too, unless the reader chose another."""
    if clinic is not None and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        activate(clinic.language)


def _after_sign_out(address: str) -> HttpResponse:
    """Return the redirect that also makes the browser forget what it stored of our pages."""
    response = see_other(address)
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response
