"""Staff: who may act for a patient – guardians of a child, proxies – and on what it rests."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from patients.guardianship import operations, queries
from patients.guardianship.operations import GuardianRefused
from patients.models import Guardian, Patient, Proxy
from services.home.guardian_forms import GuardianForm, ProxyForm
from services.home.patient_views import opened_patient, patient_for, tab_page


@staff_page
@require_safe
def guardians(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show who may act for the patient, since when, until when, and why."""
    return _page(request, opened_patient(request, patient_id, "guardians"))


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Note that the clinic has seen proof of a guardian."""
    if request.method != "POST":
        return _back(request, patient_id)
    patient = patient_for(request, patient_id)
    form = GuardianForm(request.POST, country=request.clinic.country)
    if not form.is_valid():
        return _page(request, patient, guardian_form=form, status=422)
    try:
        operations.confirm_guardian(
            patient=patient,
            adult=form.adult,
            proof=form.cleaned_data["proof"],
            until=form.cleaned_data["until"],
            actor=request.user,
            now=timezone.now(),
        )
    except GuardianRefused as refused:
        form.add_error(None, str(refused.message))
        return _page(request, patient, guardian_form=form, status=422)
    messages.success(request, _("The guardian can act for the child from now on."))
    return _back(request, patient_id)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def add_proxy(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Register a proxy that the patient asked for."""
    if request.method != "POST":
        return _back(request, patient_id)
    patient = patient_for(request, patient_id)
    form = ProxyForm(request.POST, country=request.clinic.country)
    if not form.is_valid():
        return _page(request, patient, proxy_form=form, status=422)
    try:
        operations.add_proxy(
            patient=patient,
            adult=form.adult,
            areas=form.cleaned_data["areas"],
            last_day=form.cleaned_data["last_day"],
            proof=form.cleaned_data["proof"],
            actor=request.user,
            now=timezone.now(),
        )
    except GuardianRefused as refused:
        form.add_error(None, str(refused.message))
        return _page(request, patient, proxy_form=form, status=422)
    messages.success(request, _("The proxy is registered."))
    return _back(request, patient_id)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Do what was pressed: end, block, let in again, open or close."""
    if request.method != "POST":
        return _back(request, patient_id)
    patient = patient_for(request, patient_id)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    try:
        act(request, patient)
    except GuardianRefused as refused:
        messages.warning(request, str(refused.message))
    else:
        messages.success(request, _("Saved. It applies from now on."))
    return _back(request, patient_id)


def _relation(request: StaffRequest, patient: Patient, *, proxy: bool = False) -> Any:
    """Return the relation that the form names, if it is this patient's; else 404."""
    try:
        relation_id = UUID(request.POST.get("relation", ""))
    except ValueError:
        raise Http404 from None
    find: Callable[..., Guardian | Proxy | None] = queries.proxy_of if proxy else queries.guardian_of
    found = find(clinic=request.clinic, relation_id=relation_id)
    if found is None or found.patient_id != patient.pk:
        raise Http404
    return found


def _end(request: StaffRequest, patient: Patient) -> None:
    relation = _relation(request, patient)
    operations.end_guardian(
        clinic=request.clinic, relation_id=relation.pk, actor=request.user, now=timezone.now()
    )


def _block(request: StaffRequest, patient: Patient) -> None:
    _set_blocked(request, patient, blocked=True)


def _unblock(request: StaffRequest, patient: Patient) -> None:
    _set_blocked(request, patient, blocked=False)


def _set_blocked(request: StaffRequest, patient: Patient, *, blocked: bool) -> None:
    relation = _relation(request, patient)
    operations.set_blocked(
        clinic=request.clinic,
        relation_id=relation.pk,
        blocked=blocked,
        actor=request.user,
        now=timezone.now(),
    )


def _end_proxy(request: StaffRequest, patient: Patient) -> None:
    relation = _relation(request, patient, proxy=True)
    operations.end_proxy(
        clinic=request.clinic,
        relation_id=relation.pk,
        actor=request.user,
        why="by-clinic",
        now=timezone.now(),
    )


def _close(request: StaffRequest, patient: Patient) -> None:
    operations.set_closed(patient=patient, closed=True, actor=request.user, now=timezone.now())


def _allow(request: StaffRequest, patient: Patient) -> None:
    operations.set_closed(patient=patient, closed=False, actor=request.user, now=timezone.now())


def _open_letters(request: StaffRequest, patient: Patient) -> None:
    operations.set_letters_open(patient=patient, is_open=True, actor=request.user, now=timezone.now())


def _close_letters(request: StaffRequest, patient: Patient) -> None:
    operations.set_letters_open(patient=patient, is_open=False, actor=request.user, now=timezone.now())


_ACTS: dict[str, Callable[[StaffRequest, Patient], None]] = {
    "end": _end,
    "block": _block,
    "unblock": _unblock,
    "end-proxy": _end_proxy,
    "close": _close,
    "allow": _allow,
    "open-letters": _open_letters,
    "close-letters": _close_letters,
}


def _page(
    request: StaffRequest,
    patient: Patient,
    *,
    guardian_form: GuardianForm | None = None,
    proxy_form: ProxyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    country = request.clinic.country
    words = {
        "view": queries.staff_view(patient, now=timezone.now()),
        "guardian_form": guardian_form or GuardianForm(country=country),
        "proxy_form": proxy_form or ProxyForm(country=country),
        "refused_form": guardian_form or proxy_form,
    }
    return tab_page(request, patient, "guardians", words, status=status)


def _back(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    return redirect("patients_staff:guardians", request.clinic.portal_identifier, patient_id)
