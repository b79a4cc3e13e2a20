"""Patients who sign in with password and a code: signing in, help, and the link that leads to a password."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin.countries import CodeChannel, rules_of
from clinic_admin.guards import ClinicRequest
from clinic_admin.models import Clinic
from clinic_admin.sms_price import sms_price
from identity import devices, national_id, policy
from identity import queries as identity_queries
from identity.by_code import code_sender, code_stops, codes, memberships
from identity.by_code import sign_in as code_sign_in
from identity.by_code.codes import CodeRefused
from identity.by_code.memberships import BadPassword, LinkRefused
from identity.by_code.password_tries import MustWait
from identity.choices import CodePurpose, CodeRefusal, LinkRefusal, MembershipState
from identity.models import ActionLink
from patients import contact_views
from patients import queries as patients
from patients.models import Patient
from portal import network_address
from portal.audience import signing_in_page
from services.home import code_queries
from services.home.code_forms import CodeForm, CodeSignInForm, PasswordForm, ResetForm

View = Callable[..., HttpResponse]
_RETRY_AFTER = 300
"""Seconds: the shorter of the windows in which a network address is counted."""
_QUESTION, _LINK_QUESTION, _LINK, _NEXT = "code_question", "link_question", "patient_link", "code_next"
"""Session keys: what this browser was asked a code for, which link it opened, where it was going."""


def code_page(view: View) -> View:
    """Let in whoever is on the way in, at clinics that offer codes; elsewhere the page does not exist."""

    @signing_in_page
    @wraps(view)
    def guarded(request: ClinicRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.clinic.is_active:
            return redirect("clinic_front", request.clinic.portal_identifier)
        if not memberships.offers_codes(request.clinic):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@code_page
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: ClinicRequest) -> HttpResponse:
    """Ask for national ID and password. What comes next is the same for everyone, known here or not (F3)."""
    clinic, now = request.clinic, timezone.now()
    if request.method != "POST":
        request.session[_NEXT] = policy.own_path(request.GET.get("next", ""))
        return _first_page(request, CodeSignInForm(country=clinic.country))
    form = CodeSignInForm(request.POST, country=clinic.country)
    if not form.is_valid():
        return _first_page(request, form, status=422)
    index = national_id.index(form.cleaned_data["number"])
    try:
        code_sign_in.check_limits(clinic=clinic, national_id_index=index, address=_address(request), now=now)
    except CodeRefused as refused:
        form.add_error(None, str(refused.message))
        page = _first_page(request, form, status=429)
        page["Retry-After"] = str(refused.seconds if isinstance(refused, MustWait) else _RETRY_AFTER)
        return page
    patient = patients.record_of(national_id_index=index, clinic=clinic)
    question = code_sign_in.begin(
        clinic=clinic,
        national_id_index=index,
        password=form.cleaned_data["password"],
        recipient=code_queries.registered_recipient(patient, clinic),
        no_eid=patient is not None and patient.no_eid_at is not None,
        is_child=code_queries.is_child(patient, clinic, now),
        language=code_queries.language_of(patient, clinic),
        now=now,
        device=devices.of(request),
    )
    code_sender.send_code_soon(question.pk)
    request.session[_QUESTION] = str(question.pk)
    return redirect("home:code_enter", clinic.portal_identifier)


@code_page
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: ClinicRequest) -> HttpResponse:
    """Ask for the code, and open the session when it is right."""
    clinic, now, question = request.clinic, timezone.now(), _id(request, _QUESTION)
    if question is None:
        return redirect("home:code_sign_in", clinic.portal_identifier)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _second_page(request, form, question)
    path = policy.own_path(str(request.session.get(_NEXT, "")))
    try:
        user = code_sign_in.finish(
            request, clinic=clinic, question_id=question, code=form.cleaned_data["code"], now=now
        )
    except CodeRefused as refused:
        form.add_error("code", str(refused.message))
        return _second_page(request, form, question)
    patient = patients.record_of(national_id_index=user.account.national_id_index, clinic=clinic)
    return contact_views.checked_first(request, patient, path, now=now) or redirect(
        path or reverse("home:start", args=[clinic.portal_identifier])
    )


@code_page
@require_POST
def again(request: ClinicRequest) -> HttpResponse:
    """Send another code; the older one is worth nothing from then on."""
    clinic = request.clinic
    question = _id(request, _QUESTION)
    if question is not None and not _send_again(request, question, _QUESTION, CodePurpose.SIGN_IN, None):
        return redirect("home:code_sign_in", clinic.portal_identifier)
    return redirect("home:code_enter", clinic.portal_identifier)


@code_page
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: ClinicRequest) -> HttpResponse:
    """Ask for what the clinic has registered; answer the same to everyone (F4)."""
    clinic, now = request.clinic, timezone.now()
    form = ResetForm(request.POST if request.method == "POST" else None, country=clinic.country)
    if not form.is_valid():
        return _forgotten_page(request, form, status=422 if form.is_bound else 200)
    index = national_id.index(form.cleaned_data["number"])
    try:
        code_sign_in.check_reset_limits(
            clinic=clinic, national_id_index=index, address=_address(request), now=now
        )
    except CodeRefused as refused:
        form.add_error(None, str(refused.message))
        return _forgotten_page(request, form, status=429)
    holder = code_queries.holder_who_fits(
        clinic=clinic,
        national_id_index=index,
        email=form.cleaned_data["email"],
        mobile=form.cleaned_data.get("mobile"),
        now=now,
    )
    link = memberships.ask_for_reset(clinic=clinic, holder=holder, now=now)
    code_sender.send_link_soon(link.pk)
    return redirect("home:code_forgotten_sent", clinic.portal_identifier)


@code_page
@require_safe
def forgotten_sent(request: ClinicRequest) -> HttpResponse:
    """Say what happens if what was written fits."""
    return render(request, "home/code/forgotten_sent.html")


@code_page
@require_safe
def link(request: ClinicRequest, token: str) -> HttpResponse:
    """Take the link's word out of the address before a page is shown. Nothing is used up."""
    request.session[_LINK] = memberships.hash_of(token)
    request.session.pop(_LINK_QUESTION, None)
    response = redirect("home:code_password", request.clinic.portal_identifier)
    # Only here: a browser that names no referrer sends forms without an origin, and those are refused.
    response["Referrer-Policy"] = "no-referrer"
    return response


@code_page
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: ClinicRequest) -> HttpResponse:
    """Send a code to the number that the clinic has, then ask for it and for a new password."""
    clinic, now = request.clinic, timezone.now()
    try:
        found, patient = _opened_link(request)
        if request.method == "POST" and request.POST.get("do") == "send":
            return _send_for_link(request, found, patient)
        question, by_sms = _id(request, _LINK_QUESTION), _codes_by_sms(clinic)
        form = PasswordForm(request.POST if request.method == "POST" else None, asks_for_code=by_sms)
        if (by_sms and question is None) or not form.is_valid():
            return _password_page(request, form, patient, question)
        state = memberships.choose_password(
            token_hash=str(request.session.get(_LINK, "")),
            question_id=question,
            code=form.cleaned_data.get("code", ""),
            password=form.cleaned_data["password"],
            clinic=clinic,
            context=code_queries.context_words(patient, clinic),
            needs_eid=code_queries.needs_eid(patient, clinic, now),
            patient_id=patient.pk,
            language=code_queries.language_of(patient, clinic),
            now=now,
        )
    except BadPassword as bad:
        form.add_error("password", str(bad.problem.label))
        return _password_page(request, form, patient, question)
    except CodeRefused as refused:
        form.add_error("code", str(refused.message))
        return _password_page(request, form, patient, question)
    except LinkRefused as refused:
        was_used = refused.reason == LinkRefusal.USED
        words = {"sentence": refused.message, "was_used": was_used}
        return render(request, "home/code/link_over.html", words, status=410)
    for key in (_LINK, _LINK_QUESTION):
        request.session.pop(key, None)
    if state is not MembershipState.ACTIVE or code_queries.needs_eid(patient, clinic, now):
        messages.success(
            request, _("Your password is chosen. Now sign in with MitID, so that we know it is you.")
        )
        return redirect("clinic_front", clinic.portal_identifier)
    messages.success(request, _("Your password is chosen. Sign in with it now."))
    return redirect("home:code_sign_in", clinic.portal_identifier)


def _first_page(request: ClinicRequest, form: CodeSignInForm, status: int = 200) -> HttpResponse:
    words = {
        "form": form,
        **_channel_words(request.clinic),
        **_stop_words(request.clinic),
    }
    return render(request, "home/code/sign_in.html", words, status=status)


def _forgotten_page(request: ClinicRequest, form: ResetForm, status: int) -> HttpResponse:
    """Where a code by SMS comes behind the link, say beforehand that none can be sent."""
    words = {"form": form, **(_stop_words(request.clinic) if _codes_by_sms(request.clinic) else {})}
    return render(request, "home/code/forgotten.html", words, status=status)


def _stop_words(clinic: Clinic) -> dict[str, Any]:
    """Return the stop of the clinic's codes that holds now, if any, and the ways in that need none. Two queries."""
    return {
        "eids": [choice.name for choice in identity_queries.sign_in_choices(clinic)],
        "stop": code_stops.of_clinic(clinic.pk, now=timezone.now()),
    }


def _second_page(request: ClinicRequest, form: CodeForm, question: UUID) -> HttpResponse:
    left = codes.tries_left(question, clinic=request.clinic, purpose=CodePurpose.SIGN_IN, now=timezone.now())
    words = {"form": form, "left": left, **_channel_words(request.clinic)}
    return render(request, "home/code/enter.html", words, status=422 if form.is_bound else 200)


def _password_page(
    request: ClinicRequest, form: PasswordForm, patient: Patient, question: UUID | None
) -> HttpResponse:
    is_asked = question is not None or not _codes_by_sms(request.clinic)
    left = codes.tries_left(question, clinic=request.clinic, purpose=CodePurpose.PASSWORD, now=timezone.now())
    words = {
        "form": form,
        "is_asked": is_asked,
        "left": left,
        "may_receive": not _codes_by_sms(request.clinic)
        or policy.may_receive_code(patient.mobile, request.clinic.code_countries),
        **_channel_words(request.clinic),
        **(_stop_words(request.clinic) if _codes_by_sms(request.clinic) and not is_asked else {}),
    }
    return render(
        request, "home/code/password.html", words, status=422 if is_asked and form.is_bound else 200
    )


def _opened_link(request: ClinicRequest) -> tuple[ActionLink, Patient]:
    """Return this browser's link and the record of its person. Raises LinkRefused."""
    found = memberships.open_link(
        str(request.session.get(_LINK, "")), clinic=request.clinic, now=timezone.now()
    )
    assert found.membership is not None
    patient = patients.record_of(
        national_id_index=found.membership.account.national_id_index, clinic=request.clinic
    )
    if patient is None or not patient.is_active:
        raise LinkRefused(LinkRefusal.OVER)
    return found, patient


def _send_for_link(request: ClinicRequest, found: ActionLink, patient: Patient) -> HttpResponse:
    clinic, now, question = request.clinic, timezone.now(), _id(request, _LINK_QUESTION)
    if not _codes_by_sms(clinic):
        return redirect("home:code_password", clinic.portal_identifier)
    if question is None or not _send_again(
        request, question, _LINK_QUESTION, CodePurpose.PASSWORD, patient.mobile
    ):
        asked = codes.ask(
            clinic=clinic,
            membership=found.membership,
            purpose=CodePurpose.PASSWORD,
            recipient=patient.mobile,
            language=code_queries.language_of(patient, clinic),
            now=now,
        )
        code_sender.send_code_soon(asked.pk)
        request.session[_LINK_QUESTION] = str(asked.pk)
    return redirect("home:code_password", clinic.portal_identifier)


def _send_again(
    request: ClinicRequest, question: UUID, key: str, purpose: CodePurpose, mobile: str | None
) -> bool:
    """Ask once more; return False when the question is over for good. The number is looked up anew for sign-in."""
    clinic, now = request.clinic, timezone.now()
    try:
        asked = codes.again(
            question,
            clinic=clinic,
            purpose=purpose,
            recipient=_current_recipient(request, question) if mobile is None else mobile,
            now=now,
        )
    except CodeRefused as refused:
        if refused.reason == CodeRefusal.TOO_SOON:
            messages.warning(request, str(refused.message))
            return True
        return False
    code_sender.send_code_soon(asked.pk)
    request.session[key] = str(asked.pk)
    messages.success(request, _("If the details are right, a new code is on its way. The older one is void."))
    return True


def _current_recipient(request: ClinicRequest, question: UUID) -> str:
    index = codes.person_of(question)
    patient = patients.record_of(national_id_index=index, clinic=request.clinic)
    return code_queries.registered_recipient(patient, request.clinic)


def _codes_by_sms(clinic: Clinic) -> bool:
    return rules_of(clinic.country).code_channel is CodeChannel.SMS


def _channel_words(clinic: Clinic) -> dict[str, Any]:
    rules = rules_of(clinic.country)
    return {
        "by_sms": rules.code_channel is CodeChannel.SMS,
        "price": sms_price(clinic) if rules.code_channel is CodeChannel.SMS else "",
        "child_confirms": rules.own_decisions_from if rules.child_signs_in else 0,
        "minutes": int(policy.CODE_LASTS[rules.code_channel].total_seconds() // 60),
    }


def _id(request: ClinicRequest, key: str) -> UUID | None:
    stored = request.session.get(key)
    return UUID(stored) if stored else None


def _address(request: ClinicRequest) -> str:
    """Return the network address of the visitor; what a proxy of ours did not write is not believed."""
    return network_address.of(request)
