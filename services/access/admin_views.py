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

from clinic_admin import history
from clinic_admin.choices import Service
from clinic_admin.guards import StaffRequest, admin_page, dangerous, staff_page
from clinic_admin.models import Provider
from identity.choices import Assurance
from patients.models import Patient
from patients.operations import open_page
from services.access import operations, past_queries, queries, undo_queries, words
from services.access.choices import AccessRefusal, SignedIn
from services.access.forms import QuestionForm, services_forms
from services.access.operations import RightsRefused
from services.access.policy import Services
from services.access.queries import Explanation


@admin_page
@require_safe
def services(request: StaffRequest) -> HttpResponse:
    """Show every provider with what they offer, and warn where patients are left with nobody (C2)."""
    states = queries.provider_states(clinic=request.clinic, day=_today(request))
    return render(request, "access/services.html", {"states": states})


@admin_page
@dangerous(lambda sent: "back" not in sent)
@require_http_methods(["GET", "HEAD", "POST"])
def provider(request: StaffRequest, provider_id: int) -> HttpResponse:
    """Show and save what one provider offers (000 §3, figures 1 and 2)."""
    found = queries.provider_of(clinic=request.clinic, provider_id=provider_id)
    if found is None:
        raise Http404
    page = _services_page(request, found)
    access, columns = page["access"], page["columns"]
    if request.method != "POST":
        return render(request, "access/provider.html", page)
    if not all([access.is_valid(), *(form.is_valid() for _column, form in columns)]):
        return render(request, "access/provider.html", page, status=422)
    if "back" in request.POST:
        return render(request, "access/provider.html", page)
    try:
        operations.save_services(
            clinic=request.clinic,
            provider_id=found.pk,
            allowed=access.cleaned_data["allowed"],
            columns={column: form.rights for column, form in columns},
            seen=access.cleaned_data["seen"] or None,
            actor=request.staff_member.user,
            now=timezone.now(),
        )
    except RightsRefused as refused:
        if refused.reason == AccessRefusal.CHANGED_MEANWHILE:
            return _changed_meanwhile(request, found, page)
        access.add_error(None, str(refused.message))
        return render(request, "access/provider.html", page, status=422)
    messages.success(request, _("Saved. It applies from now on."))
    return redirect("access_admin:provider", request.clinic.portal_identifier, found.pk)


def _services_page(request: StaffRequest, found: Provider, sent: Any = None) -> dict[str, Any]:
    """Return what the page shows: as sent, as it was before the last save (`?undo=`), or as stored."""
    may_save = request.staff_member.is_administrator
    stored = Services(found.has_portal_access, queries.columns_of(found))
    last = undo_queries.last_services(request.clinic, found)
    undoing = history.undoing(request.GET.get("undo"), last) if request.method != "POST" else None
    access, columns = services_forms(
        (sent or request.POST) if request.method == "POST" else None,
        provider=found,
        stored=stored.columns,
        may_save=may_save,
        shown=undo_queries.services_before(undoing.last_save, stored)
        if undoing and undoing.last_save
        else None,
    )
    return {
        "provider": found,
        "access": access,
        "columns": list(columns.items()),
        "last": last,
        "undoing": undoing,
        "may_save": may_save,
    }


def _changed_meanwhile(request: StaffRequest, found: Provider, page: dict[str, Any]) -> HttpResponse:
    """Show what was chosen beside what someone else saved; saving again is then done knowingly."""
    found.refresh_from_db(fields=["has_portal_access"])
    stored = Services(found.has_portal_access, queries.columns_of(found))
    again = request.POST.copy()
    again["seen"] = stored.token
    wanted = Services(
        page["access"].cleaned_data["allowed"],
        {**stored.columns, **{column: form.rights for column, form in page["columns"]}},
    )
    more = {"differences": words.services_lines(stored, wanted)}
    return render(request, "access/provider.html", _services_page(request, found, again) | more, status=409)


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
    answer: dict[str, Any] = {"asked": patient, "form": form}
    if form.is_valid():
        answer["explanation"] = _explanation(form, patient)
    return render(request, "access/explain.html", answer, status=422 if form.errors else 200)


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
    found = open_page(
        clinic=request.clinic,
        patient_id=patient_id,
        part="explain",
        actor=request.user,
        now=timezone.now(),
    )
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
