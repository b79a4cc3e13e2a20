"""A guardian makes a child's sign-in: the form, the guardian's own eID, and what becomes of it (003, 004)."""

from datetime import datetime, timedelta

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.countries import rules_of
from clinic_admin.guards import ClinicRequest
from identity import operations as identity
from identity import queries as identity_queries
from identity.by_code import passwords
from patients.guardianship import children
from patients.guardianship.children import ChildRefusal
from patients.guardianship.operations import Adult
from portal import network_address, throttle
from portal.audience import signing_in_page
from portal.throttle import Limit
from services.registration import child_operations, child_pending, operations, typed
from services.registration.child_forms import TERMS, ConfirmChildForm, MakeChildForm
from services.registration.child_operations import ChildRefused
from services.registration.child_pending import Pending

_FORM = "child"
"""The form's name among what is kept of forms."""
_FIELD_OF = {
    ChildRefusal.NOT_A_CHILD: "child",
    ChildRefusal.SAME_PERSON: "guardian",
    ChildRefusal.TOO_YOUNG: "guardian",
}
"""Where a refusal of the two numbers is said."""
PER_ADDRESS = Limit("child-sign-in-address", 20, timedelta(hours=1))
"""Sent forms per network address."""
PER_GUARDIAN = Limit("child-sign-in-guardian", 5, timedelta(days=1))
"""Sent forms per guardian."""


@signing_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: ClinicRequest) -> HttpResponse:
    """Make a sign-in for a child, where people may register themselves (002)."""
    _open_here(request)
    if not operations.is_offered(request.clinic):
        return render(request, "registration/child_refused.html", {"reason": ChildRefusal.CLOSED})
    if request.method != "POST":
        written = typed.of(request, _FORM, clinic_id=request.clinic.pk, now=timezone.now())
        return _form_page(
            request, MakeChildForm(initial=written, country=request.clinic.country), is_new=True
        )
    form = MakeChildForm(request.POST, country=request.clinic.country)
    return _send(request, form, is_new=True)


@signing_in_page
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: ClinicRequest) -> HttpResponse:
    """Confirm a child's sign-in that is there: before its first use after the rule came (004)."""
    _open_here(request)
    if request.method != "POST":
        return _form_page(request, ConfirmChildForm(country=request.clinic.country), is_new=False)
    return _send(request, ConfirmChildForm(request.POST, country=request.clinic.country), is_new=False)


def _open_here(request: ClinicRequest) -> None:
    """Let nobody in where children have no sign-in of their own, or while the portal is off."""
    if not request.clinic.is_active or not rules_of(request.clinic.country).child_signs_in:
        raise Http404


def _send(request: ClinicRequest, form: ConfirmChildForm, *, is_new: bool) -> HttpResponse:
    """Check the form, keep it, and send the guardian to the eID."""
    clinic, now = request.clinic, timezone.now()
    if not form.is_valid():
        return _form_page(request, form, is_new=is_new, status=422)
    values = form.cleaned_data
    refusal = children.refuse_form(clinic=clinic, child=values["child"], guardian=values["guardian"], now=now)
    if refusal:
        form.add_error(_FIELD_OF.get(refusal), str(refusal.label))
        return _form_page(request, form, is_new=is_new, status=422)
    if _too_many(request, values["guardian"].number, now):
        return render(request, "429.html", status=429)
    provider = identity_queries.provider_of(clinic=clinic, slug=request.POST.get("provider", ""))
    if provider is None:
        raise Http404
    address = identity.start_sign_in(
        request,
        clinic=clinic,
        provider=provider,
        next_path=reverse("child:finish", args=[clinic.portal_identifier]),
        language=get_language() or clinic.language,
        now=now,
    )
    pending = Pending(
        clinic_id=clinic.pk,
        child=values["child"].number,
        guardian=values["guardian"].number,
        given_name=values.get("given_name", ""),
        family_name=values.get("family_name", ""),
        email=values.get("email", ""),
        mobile=values.get("mobile", ""),
        password=passwords.hashed(values["password"]) if is_new else "",
        terms=TERMS if is_new else "",
    )
    child_pending.keep(request, pending, now=now)
    if is_new:
        typed.keep(request, _FORM, request.POST, clinic_id=clinic.pk, now=now)
    answer = redirect(address)
    answer.status_code = 303
    return answer


def _too_many(request: ClinicRequest, guardian: str, now: datetime) -> bool:
    address = network_address.of(request)
    by_address = throttle.is_exceeded_from(address, PER_ADDRESS, now=now)
    return throttle.is_exceeded(PER_GUARDIAN, key=guardian, now=now) or by_address


@signing_in_page
@require_safe
def finish(request: ClinicRequest) -> HttpResponse:
    """Say what became of it. No session is opened: neither the guardian's nor the child's."""
    clinic, now = request.clinic, timezone.now()
    person, number = identity_queries.verified_person(request), identity_queries.verified_national_id(request)
    pending = child_pending.take(request, clinic_id=clinic.pk, now=now)
    if person is None and typed.of(request, _FORM, clinic_id=clinic.pk, now=now):
        return redirect("child:make", clinic.portal_identifier)
    if person is None or number is None or pending is None:
        return redirect("clinic_front", clinic.portal_identifier)
    adult = Adult(number, person.full_name)
    identity.abandon_sign_in(request, reason="guardian of a child", now=now, action="auth.guardian")
    try:
        done = child_operations.finish(clinic=clinic, pending=pending, proven=adult, now=now)
    except ChildRefused as refused:
        return render(request, "registration/child_refused.html", {"reason": refused.reason}, status=403)
    typed.forget(request)
    return render(request, "registration/child_done.html", {"done": done, "is_new": bool(pending.password)})


def _form_page(request: ClinicRequest, form: forms.Form, *, is_new: bool, status: int = 200) -> HttpResponse:
    choices = identity_queries.sign_in_choices(request.clinic)
    words = {"form": form, "choices": choices, "is_new": is_new}
    response = render(request, "registration/child_form.html", words, status=status)
    response.form_action_origins = tuple({choice.origin for choice in choices if choice.origin})  # type: ignore[attr-defined]
    return response
