"""Administration: what each provider offers, and why a patient can or can't. All staff may look, administrators save."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.choices import Service
from clinic_admin.guards import StaffRequest, admin_page, staff_page
from clinic_admin.models import Provider
from delegation import queries as delegation
from identity.choices import Assurance
from patients.models import Patient
from services.access import operations, past_queries, queries
from services.access.choices import Column, SignedIn
from services.access.forms import ColumnForm, PortalAccessForm, QuestionForm, services_forms
from services.access.operations import RightsRefused
from services.access.queries import Explanation


@admin_page
@require_safe
def services(request: StaffRequest) -> HttpResponse:
    """Show every provider with what they offer, and warn where patients are left with nobody (C2)."""
    states = queries.provider_states(clinic=request.clinic, day=_today(request))
    return render(request, "access/services.html", {"states": states})


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Show and save what one provider offers (000 §3, figures 1 and 2)."""
    found = queries.provider_of(clinic=request.clinic, provider_id=provider_id)
    if found is None:
        raise Http404
    access, columns = _forms(request, found)
    if request.method != "POST":
        return _provider_page(request, found, access, columns)
    if not all([access.is_valid(), *(form.is_valid() for form in columns.values())]):
        return _provider_page(request, found, access, columns, status=422)
    if "back" in request.POST:
        return _provider_page(request, found, access, columns)
    try:
        operations.save_services(
            clinic=request.clinic,
            provider_id=found.pk,
            allowed=access.cleaned_data["allowed"],
            columns={column: form.rights for column, form in columns.items()},
            actor=request.staff_member.user,
            now=timezone.now(),
        )
    except RightsRefused as refused:
        access.add_error(None, str(refused.message))
        return _provider_page(request, found, access, columns, status=422)
    messages.success(request, _("Saved. It applies from now on."))
    return redirect("access_admin:provider", request.clinic.portal_identifier, found.pk)


def _forms(request: StaffRequest, found: Provider) -> tuple[PortalAccessForm, dict[Column, ColumnForm]]:
    return services_forms(
        request.POST if request.method == "POST" else None,
        provider=found,
        stored=queries.columns_of(found),
        may_save=request.staff_member.is_administrator,
    )


def _provider_page(
    request: StaffRequest,
    found: Provider,
    access: PortalAccessForm,
    columns: dict[Column, ColumnForm],
    status: int = 200,
) -> HttpResponse:
    words = {
        "provider": found,
        "access": access,
        "columns": list(columns.items()),
        "last": delegation.last_change(
            clinic=request.clinic,
            actions=["rights.changed", "portal_access.changed"],
            subject_id=str(found.pk),
        ),
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "access/provider.html", words, status=status)


@staff_page
@require_safe
def explain(request: StaffRequest) -> HttpResponse:
    """Answer "why can't this patient…?" with all rules, and lead to each setting. The patient is named by id only."""
    if "patient" not in request.GET:
        return render(request, "access/explain.html", {"asked": None})
    now = timezone.now()
    patient = _patient(request)
    patient.clinic = request.clinic
    providers = queries.everyone(request.clinic)
    form = QuestionForm(_question(request, patient, providers), providers=providers, now=now)
    words = {"asked": patient, "form": form}
    if form.is_valid():
        words["explanation"] = _explanation(form, patient)
    return render(request, "access/explain.html", words, status=422 if form.errors else 200)


def _explanation(form: QuestionForm, patient: Patient) -> Explanation | None:
    """Return the rules' answers, now or at the moment asked about; without any the form says why."""
    asked = form.cleaned_data
    by_code = asked["signed_in"] == SignedIn.CODE
    question: dict[str, Any] = {
        "patient": patient,
        "service": Service(asked["service"]),
        "provider_id": int(asked["provider"]),
        "assurance": Assurance.ONE_FACTOR if by_code else Assurance.HIGH,
        "day": asked["day"],
    }
    if asked["at"] is None:
        return queries.explanation(**question)
    try:
        found = past_queries.explanation_at(**question, moment=asked["at"])
    except past_queries.TooFarBack:
        form.add_error("at", _("Too much has changed since then. Choose a later moment."))
        return None
    if found is None:
        form.add_error(
            "at", _("The clinic or the patient's record was not here yet then. Choose a later moment.")
        )
    return found


def _patient(request: StaffRequest) -> Patient:
    try:
        patient_id = UUID(request.GET["patient"])
    except ValueError:
        raise Http404 from None
    found = queries.patient_of(clinic=request.clinic, patient_id=patient_id)
    if found is None:
        raise Http404
    return found


def _question(request: StaffRequest, patient: Patient, providers: list[Provider]) -> dict[str, str]:
    """Return what was asked; what is left out is booking, with the own GP or the first in the list, today."""
    first = patient.gp_id if patient.gp_id in {provider.pk for provider in providers} else None
    usual = {
        "service": Service.BOOKING.value,
        "provider": str(first or (providers[0].pk if providers else "")),
        "day": _today(request).isoformat(),
        "signed_in": SignedIn.EID.value,
        "at": "",
    }
    return {name: request.GET.get(name, value) for name, value in usual.items()}


def _today(request: StaffRequest) -> date:
    return timezone.now().astimezone(request.clinic.zone).date()
