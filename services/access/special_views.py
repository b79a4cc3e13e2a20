"""Administration: patients whose rights differ from the standard. All staff may look, administrators save (000 §3.1)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic_admin.guards import StaffRequest, admin_page, dangerous
from clinic_admin.models import Provider
from patients.choices import SeenIn
from patients.operations import note_listed, open_page
from services.access import queries, special_editor, special_operations, special_queries
from services.access.choices import Column
from services.access.operations import RightsRefused
from services.access.special_choices import PatientType, SpecialRefusal
from services.access.special_forms import FilterForm, ResetForm


@admin_page
@require_safe
def special(request: StaffRequest) -> HttpResponse:
    """Show everyone with special rights, with filters and search."""
    return _list(request)


def _list(request: StaffRequest, refused: str = "", status: int = 200) -> HttpResponse:
    providers = queries.providers(request.clinic)
    form = FilterForm(request.GET, providers=providers)
    form.is_valid()
    chosen = form.chosen
    query = request.GET.copy()
    after = query.pop("after", [""])[-1]
    seen_from = next((one for one in providers if one.pk == chosen.provider_id), None)
    page = special_queries.exceptions(clinic=request.clinic, chosen=chosen, after=_uuid(after))
    note_listed(
        clinic=request.clinic,
        patient_ids=[row.patient.pk for row in page.rows],
        page=SeenIn.SPECIAL,
        actor=request.user,
        now=timezone.now(),
    )
    words: dict[str, Any] = {
        "form": form,
        "page": page,
        "is_first": not after,
        "is_filtered": bool(query.urlencode()),
        "query": query.urlencode(),
        "may_save": request.staff_member.is_administrator,
        "last_reset": special_queries.last_reset(request.clinic),
        "refused": refused,
        "seen_from": seen_from,
        "columns": [
            (column, special_queries.column_exceptions(seen_from, column))
            for column in Column
            if _is_asked(column, chosen.types, seen_from)
        ]
        if seen_from
        else [],
    }
    return render(request, "access/special.html", words, status=status)


def _is_asked(column: Column, types: frozenset[PatientType], provider: Provider) -> bool:
    """Return whether the column is about the patients of the filter. Without a list there is no first column."""
    if column is Column.WITHOUT_GP:
        return not types or PatientType.NONE in types
    return provider.has_patient_list and (not types or PatientType.OWN in types)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@admin_page
@require_http_methods(["GET", "HEAD", "POST"])
def special_patient(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show and save one patient's rights, with what a save would do."""
    now = timezone.now()
    if request.method == "POST":
        patient = queries.patient_of(clinic=request.clinic, patient_id=patient_id)
    else:
        patient = open_page(
            clinic=request.clinic, patient_id=patient_id, part="rights", actor=request.user, now=now
        )
    if patient is None:
        raise Http404
    editor = special_editor.edit(request, patient, may_save=request.staff_member.is_administrator, now=now)
    if editor.is_saved:
        messages.success(request, _("Saved. It applies from now on."))
        return redirect("access_admin:special", request.clinic.portal_identifier)
    if request.method == "POST":
        if request.htmx:
            return render(request, "access/special_effect.html", {"editor": editor})
        open_page(clinic=request.clinic, patient_id=patient_id, part="rights", actor=request.user, now=now)
    return render(request, "access/special_patient.html", {"editor": editor}, status=editor.status)


@admin_page
@dangerous(lambda sent: "sure" in sent)
@require_POST
def reset(request: StaffRequest) -> HttpResponse:
    """Put the chosen patients, or all that the filter shows, back to the standard. Asks once more, with the number."""
    form, filters = (
        ResetForm(request.POST),
        FilterForm(request.GET, providers=queries.providers(request.clinic)),
    )
    filters.is_valid()
    if not form.is_valid():
        return _list(request, str(SpecialRefusal.NOBODY.label), status=422)
    everyone = form.cleaned_data["everyone"]
    patient_ids = None if everyone else form.patient_ids
    number = special_queries.reset_count(
        clinic=request.clinic, chosen=filters.chosen, patient_ids=patient_ids
    )
    if not number:
        return _list(request, str(SpecialRefusal.NOBODY.label), status=422)
    refused = ""
    if form.cleaned_data["sure"]:
        try:
            done = special_operations.reset_all(
                clinic=request.clinic,
                chosen=filters.chosen,
                patient_ids=patient_ids,
                expected=form.cleaned_data["number"] or 0,
                actor=request.staff_member.user,
                now=timezone.now(),
            )
        except RightsRefused as stopped:
            refused = str(stopped.message)
        else:
            messages.success(
                request,
                ngettext(
                    "%(number)d patient has the standard rights again.",
                    "%(number)d patients have the standard rights again.",
                    done,
                )
                % {"number": done},
            )
            return redirect(_back(request))
    words = {
        "number": number,
        "everyone": everyone,
        "patient_ids": patient_ids or [],
        "query": request.GET.urlencode(),
        "back": _back(request),
        "refused": refused,
    }
    return render(request, "access/special_reset.html", words, status=422 if refused else 200)


def _back(request: StaffRequest) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    address = reverse("access_admin:special", args=[request.clinic.portal_identifier])
    return f"{address}?{query.urlencode()}" if query else address


@admin_page
@dangerous()
@require_http_methods(["GET", "HEAD", "POST"])
def undo_reset(request: StaffRequest, event_id: int) -> HttpResponse:
    """Say how many patients get their special rights back, and give them back."""
    clinic = request.clinic
    past = special_queries.past_reset(clinic=clinic, event_id=event_id)
    if past is None:
        raise Http404
    refused = ""
    if request.method == "POST":
        try:
            done = special_operations.undo_reset(
                clinic=clinic,
                event_id=event_id,
                expected=_number(request.POST.get("number", "")),
                actor=request.staff_member.user,
                now=timezone.now(),
            )
        except RightsRefused as stopped:
            refused = str(stopped.message)
        else:
            messages.success(request, _given_back(done or 0))
            return redirect("access_admin:special", clinic.portal_identifier)
    number = special_queries.to_give_back(clinic=clinic, past=past).count()
    words = {
        "past": past,
        "number": number,
        "kept": len(past.before) - number,
        "refused": refused,
        "may_save": request.staff_member.is_administrator,
    }
    return render(request, "access/special_undo.html", words, status=422 if refused else 200)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _given_back(number: int) -> str:
    return ngettext(
        "%(number)d patient has the special rights back.",
        "%(number)d patients have their special rights back.",
        number,
    ) % {"number": number}
