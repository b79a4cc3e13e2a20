"""Patients register: with the form and eID, or with one press when eID has proven who they are already."""

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.choices import SelfRegistration
from clinic_admin.guards import ClinicRequest
from identity import operations as identity
from identity import queries as identity_queries
from identity.by_code import passwords
from identity.operations import SignInRefused
from identity.views import refusal_page
from patients import queries as records
from patients.models import Patient
from portal import network_address, phone_numbers, throttle
from portal.audience import signing_in_page
from portal.throttle import Limit
from services.registration import operations, proven, registrant, typed
from services.registration.choices import TERMS_VERSION, Outcome, RegistrationRefusal
from services.registration.forms import ContactPart, RegisterForm
from services.registration.operations import RegistrationRefused
from services.registration.proven import Proven
from services.registration.registrant import Registrant

_FORM = "registration"
"""The form's name among what is kept of forms."""
PER_ADDRESS = Limit("register-address", 5, timedelta(hours=1))
PER_PERSON = Limit("register-person", 3, timedelta(days=1))


@signing_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: ClinicRequest) -> HttpResponse:
    """Ask for everything, then for eID. The page is the same for everyone, known here or not (003)."""
    clinic, now = request.clinic, timezone.now()
    if not clinic.is_active:
        return redirect("clinic_front", clinic.portal_identifier)
    if clinic.self_registration == SelfRegistration.OFF:
        return _refused(request, RegistrationRefusal.CLOSED, status=200)
    is_post = request.method == "POST"
    form = RegisterForm(
        request.POST if is_post else None,
        initial=typed.of(request, _FORM, clinic_id=clinic.pk, now=now),
        country=clinic.country,
        clinic_name=clinic.name,
    )
    if not form.is_valid():
        return _form_page(request, form, status=422 if is_post else 200)
    who = _registrant(form, clinic.language)
    if _too_many(request, who.index, now):
        return render(request, "429.html", status=429)
    if not identity_queries.sign_in_choices(clinic):
        operations.register(clinic=clinic, who=who, is_proven=False, now=now)
        return redirect("registration:sent", clinic.portal_identifier)
    return _to_eid(request, who, now)


@signing_in_page
@require_safe
def finish(request: ClinicRequest) -> HttpResponse:
    """Go on when the eID has answered: it must be about the person who was written in the form (S37)."""
    clinic, now = request.clinic, timezone.now()
    who, person = registrant.take(request, clinic_id=clinic.pk, now=now), proven.of_sign_in(request)
    if person is None and typed.of(request, _FORM, clinic_id=clinic.pk, now=now):
        return redirect("registration:register", clinic.portal_identifier)
    if person is None or who is None:
        return _refused(request, RegistrationRefusal.OVER)
    if person.index != who.index:
        identity.abandon_sign_in(request, reason="another person than registered", now=now)
        return _refused(request, RegistrationRefusal.OTHER_PERSON)
    return _done(request, person.named(who), person, now)


@signing_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def here(request: ClinicRequest) -> HttpResponse:
    """Register someone whom eID has proven with one press: at a further clinic, or for the first time (D2)."""
    clinic, now = request.clinic, timezone.now()
    person = proven.of(request)
    if person is None or not clinic.is_active:
        return redirect("clinic_front", clinic.portal_identifier)
    record = records.record_of(national_id_index=person.index, clinic=clinic)
    if operations.is_registered(clinic, record):
        return _go_on(request, person, now)
    is_shut = clinic.self_registration == SelfRegistration.OFF
    if is_shut and not operations.comes_back_alone(clinic, record):
        identity.abandon_sign_in(request, reason="not registered here", now=now)
        return _refused(request, RegistrationRefusal.CLOSED)
    if request.method != "POST":
        known = person.contact(clinic, record)
        mobile = phone_numbers.as_people_write(known["mobile"], clinic.country)
        initial = known | {"email_again": known["email"], "mobile": mobile}
        form = ContactPart(initial=initial, country=clinic.country)
        return _here_page(request, person, form, record)
    form = ContactPart(request.POST, country=clinic.country)
    if not form.is_valid():
        return _here_page(request, person, form, record, status=422)
    if _too_many(request, person.index, now):
        return render(request, "429.html", status=429)
    who = Registrant(
        number=person.number,
        given_name=person.given_name,
        family_name=person.family_name,
        email=form.cleaned_data["email"],
        mobile=form.cleaned_data["mobile"],
        language=get_language() or clinic.language,
        terms=TERMS_VERSION,
    )
    return _done(request, who, person, now)


@signing_in_page
@require_safe
def sent(request: ClinicRequest) -> HttpResponse:
    """Say that the clinic decides, and how the person hears of it."""
    return render(request, "registration/sent.html")


@signing_in_page
@require_safe
def terms(request: ClinicRequest) -> HttpResponse:
    """Show what a person agrees to."""
    return render(request, "registration/terms.html", {"version": TERMS_VERSION})


def _to_eid(request: ClinicRequest, who: Registrant, now: datetime) -> HttpResponse:
    """Keep the form and send the browser to the eID that was chosen."""
    clinic = request.clinic
    provider = identity_queries.provider_of(clinic=clinic, slug=request.POST.get("provider", ""))
    if provider is None:
        raise Http404
    try:
        address = identity.start_sign_in(
            request,
            clinic=clinic,
            provider=provider,
            next_path=reverse("registration:finish", args=[clinic.portal_identifier]),
            language=get_language() or clinic.language,
            now=now,
        )
    except SignInRefused as refused:
        return refusal_page(request, refused, clinic)
    registrant.keep(request, who, clinic_id=clinic.pk, now=now)
    typed.keep(request, _FORM, request.POST, clinic_id=clinic.pk, now=now)
    answer = redirect(address)
    answer.status_code = 303
    return answer


def _done(request: ClinicRequest, who: Registrant, person: Proven, now: datetime) -> HttpResponse:
    """Register, then open the session or say that the clinic decides."""
    clinic = request.clinic
    try:
        result = operations.register(clinic=clinic, who=who, is_proven=True, now=now)
    except RegistrationRefused as refused:
        identity.abandon_sign_in(request, reason="not registered here", now=now)
        return _refused(request, RegistrationRefusal(refused.reason.value))
    typed.forget(request)
    if result.outcome == Outcome.BY_HAND:
        identity.abandon_sign_in(request, reason="waits for the clinic", now=now, action="auth.waits")
        return redirect("registration:sent", clinic.portal_identifier)
    return _go_on(request, person, now)


def _go_on(request: ClinicRequest, person: Proven, now: datetime) -> HttpResponse:
    if person.waits_for_session:
        identity.open_patient_session(request, now=now)
    return redirect("home:start", request.clinic.portal_identifier)


def _registrant(form: RegisterForm, language: str) -> Registrant:
    values = form.cleaned_data
    return Registrant(
        number=values["number"],
        given_name=values["given_name"],
        family_name=values["family_name"],
        email=values["email"],
        mobile=values["mobile"],
        language=get_language() or language,
        terms=TERMS_VERSION,
        password=passwords.hashed(values["password"]),
    )


def _too_many(request: ClinicRequest, index: str, now: datetime) -> bool:
    address = network_address.of(request)
    by_address = throttle.is_exceeded_from(address, PER_ADDRESS, now=now)
    return throttle.is_exceeded(PER_PERSON, key=f"{request.clinic.pk}:{index}", now=now) or by_address


def _refused(request: ClinicRequest, reason: RegistrationRefusal, status: int = 403) -> HttpResponse:
    return render(request, "registration/refused.html", {"reason": reason}, status=status)


def _form_page(request: ClinicRequest, form: RegisterForm, status: int) -> HttpResponse:
    choices = identity_queries.sign_in_choices(request.clinic)
    return _page(request, "registration/register.html", {"form": form, "choices": choices}, status)


def _here_page(
    request: ClinicRequest, person: Proven, form: ContactPart, record: Patient | None, status: int = 200
) -> HttpResponse:
    has_left = record is not None and record.left_at is not None
    words = {"form": form, "person": person, "has_left": has_left, "choices": []}
    return _page(request, "registration/here.html", words, status)


def _page(request: ClinicRequest, template: str, words: dict[str, Any], status: int) -> HttpResponse:
    response = render(request, template, words, status=status)
    origins = tuple({choice.origin for choice in words["choices"] if choice.origin})
    response.form_action_origins = origins  # type: ignore[attr-defined]
    return response
