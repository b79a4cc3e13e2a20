"""Contact details that wait to be confirmed, and the question at sign-in whether they are still right (F14)."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin.guards import ClinicRequest, clinic_page
from identity import sessions, step_up
from identity.choices import Purpose
from identity.policy import own_path
from patients.contact import operations, queries
from patients.contact.choices import ContactKind, ContactRefusal, ContactState
from patients.contact.operations import ContactRefused
from patients.contact.queries import Point
from patients.forms import CheckForm, CodeForm
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from patients.models import Patient
from patients.views import details_page
from portal import phone_numbers

_NEXT, _LINK = "contact_next", "contact_link"
"""Session keys: where a patient was going at sign-in, which link this browser opened."""


def checked_first(
    request: ClinicRequest, patient: Patient | None, path: str, *, now: datetime
) -> HttpResponse | None:
    """Return the way to the question whether the contact details are right, if it is to be asked, else None.

    Call it once a session has been opened; `path` is where the patient goes after it. Two queries.
    """
    sign_in = sessions.of(request)
    if patient is None or not patient.is_active or sign_in is None:
        return None
    if not queries.needs_check(patient, may_correct=sign_in.assurance.is_eid, now=now):
        return None
    request.session[_NEXT] = own_path(path)
    return redirect("patients:check", request.clinic.portal_identifier)


@patient_page
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: PatientRequest) -> HttpResponse:
    """Ask whether e-mail and mobile are still right: yes, correct them, or later. It never stands in the way (D11)."""
    points = queries.points(request.patient, now=timezone.now())
    form = _check_form(request, points)
    if request.method != "POST":
        return _check_page(request, points, form)
    act = request.POST.get("act", "")
    if act in {"later", "correct"}:
        return (
            _go_on(request)
            if act == "later"
            else redirect("patients:details", request.clinic.portal_identifier)
        )
    if not form.is_valid():
        return _check_page(request, points, form, status=422)
    if "word" in form.cleaned_data.values() and (
        stopped := step_up.way(request, Purpose.CONTACT, now=timezone.now())
    ):
        return stopped
    try:
        return _decide(request, points, form)
    except ContactRefused as refused:
        messages.warning(request, str(refused.message))
        return redirect("patients:check", request.clinic.portal_identifier)


@patient_page(area=Area.CONTACT)
@require_POST
def waiting(request: PatientRequest) -> HttpResponse:
    """Send the link or code again, take the change back, or confirm the new number with its code."""
    act, now = request.POST.get("act", ""), timezone.now()
    if act == "code":
        return _use_code(request, now)
    kind = request.POST.get("kind", "")
    if act not in {"again", "cancel"} or kind not in ContactKind.values:
        raise Http404
    do = operations.send_again if act == "again" else operations.cancel
    try:
        do(patient=request.patient, kind=ContactKind(kind), actor=request.user, now=now)
    except ContactRefused as refused:
        messages.warning(request, str(refused.message))
    else:
        done = (
            _("Sent again. The older one is void.")
            if act == "again"
            else _("Taken back. Nothing was changed.")
        )
        messages.success(request, done)
    return redirect("patients:details", request.clinic.portal_identifier)


@clinic_page
@require_safe
def link(request: ClinicRequest, token: str) -> HttpResponse:
    """Take the link's word out of the address before a page is shown. Nothing is used up."""
    request.session[_LINK] = operations.hash_of(token)
    response = redirect("patients:contact_confirm", request.clinic.portal_identifier)
    # Only here: a browser that names no referrer sends forms without an origin, and those are refused.
    response["Referrer-Policy"] = "no-referrer"
    return response


@clinic_page
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: ClinicRequest) -> HttpResponse:
    """Let whoever reads the mail of a new address confirm it, or say that they know nothing of it."""
    clinic, now, token_hash = request.clinic, timezone.now(), str(request.session.get(_LINK, ""))
    try:
        if request.method != "POST":
            change = operations.open_link(token_hash, clinic=clinic, now=now)
            return render(request, "patients/contact_link.html", {"masked": queries.masked_of(change)})
        if request.POST.get("act") == "disown":
            operations.disown_by_link(token_hash, clinic=clinic, now=now)
        else:
            operations.confirm_by_link(token_hash, clinic=clinic, now=now)
    except ContactRefused as refused:
        words = {"sentence": refused.message, "was_used": refused.reason == ContactRefusal.USED}
        return render(request, "patients/contact_link_over.html", words, status=410)
    request.session.pop(_LINK, None)
    words = {"is_disowned": request.POST.get("act") == "disown"}
    return render(request, "patients/contact_link_done.html", words)


def _check_form(request: PatientRequest, points: tuple[Point, ...]) -> CheckForm:
    """Return the choices between record and word; in a session by code there are none, for it can't move anything."""
    may_choose = request.sign_in.assurance.is_eid
    country = request.clinic.country
    differing = [
        (point.kind.value, point.kind.label, _shown(point.value, country), _shown(point.word.value, country))
        for point in points
        if may_choose and point.state is ContactState.DIFFERS and not point.waiting
    ]
    return CheckForm(request.POST if request.method == "POST" else None, differing=differing)


def _shown(value: str, country: str) -> str:
    return phone_numbers.as_people_write(value, country) if value.startswith("+") else value


def _decide(request: PatientRequest, points: tuple[Point, ...], form: CheckForm) -> HttpResponse:
    """Keep the record where it is right, and let the patient's own word wait for its link or code where it isn't."""
    words = {point.kind: point.word.value for point in points}
    own = tuple(kind for kind in ContactKind if form.cleaned_data.get(kind) == "word")
    waits = operations.decide(
        patient=request.patient,
        seen=request.POST.get("seen", ""),
        own={kind: words[kind] for kind in own},
        actor=request.user,
        now=timezone.now(),
    )
    if waits:
        messages.success(request, _("Confirm what you chose: we have sent you a link or a code."))
        return redirect("patients:details", request.clinic.portal_identifier)
    messages.success(request, _("Thank you. Your contact details are noted as right."))
    return _go_on(request)


def _go_on(request: PatientRequest) -> HttpResponse:
    path = own_path(str(request.session.pop(_NEXT, "")))
    return redirect(path or reverse("home:start", args=[request.clinic.portal_identifier]))


def _check_page(
    request: PatientRequest, points: tuple[Point, ...], form: CheckForm, status: int = 200
) -> HttpResponse:
    words: dict[str, Any] = {
        "points": points,
        "form": form,
        "seen": queries.seen_mark(request.patient),
        "has_eid": request.sign_in.assurance.is_eid,
        "has_something": any(point.value for point in points),
    }
    return render(request, "patients/check.html", words, status=status)


def _use_code(request: PatientRequest, now: datetime) -> HttpResponse:
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            operations.use_code(
                patient=request.patient, code=form.cleaned_data["code"], actor=request.user, now=now
            )
        except ContactRefused as refused:
            form.add_error("code", str(refused.message))
        else:
            messages.success(request, _("The new number is confirmed. It counts from now on."))
            return redirect("patients:details", request.clinic.portal_identifier)
    return details_page(request, code_form=form)
