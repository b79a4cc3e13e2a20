"""Staff: the list of patients, and one patient's page with its tabs."""

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from patients import operations, staff_queries
from patients.choices import SeenIn
from patients.contact import operations as contact_operations
from patients.contact import queries as contact_queries
from patients.forms import ContactForm
from patients.models import Patient
from patients.operations import PatientRefused
from patients.search_form import SearchForm
from services.access import special_editor
from services.home import account_card, patient_history, patient_queries
from services.home.patient_forms import PortalAccessForm

TABS = ("patient", "contact", "guardians", "portal", "appointments", "history")


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def patients(request: StaffRequest) -> HttpResponse:
    """List the clinic's patients, and find one.

    The search is posted. Names and dates come back in the address, so that pages can be turned; a phone number or a
    national ID never does: those are answered at once, a national ID with the patient's page.
    """
    is_post = request.method == "POST"
    form = SearchForm(
        request.POST if is_post else request.GET, country=request.clinic.country, today=_today(request)
    )
    if not form.is_valid():
        return _list_page(request, form, rows=None, status=422)
    wanted = form.wanted
    if not is_post and not wanted.may_stand_in_an_address:
        form.wanted = type(wanted)()
        return _list_page(request, SearchForm(country=form.country, today=form.today), rows=None)
    if is_post and wanted.may_stand_in_an_address:
        query = f"?{urlencode({'q': form.cleaned_data['q']})}" if form.cleaned_data["q"] else ""
        return redirect(reverse("patients_staff:list", args=[request.clinic.portal_identifier]) + query)
    after = _uuid(request.GET.get("after", ""))
    found = patient_queries.patient_list(clinic=request.clinic, wanted=wanted, after=after)
    if wanted.national_id_index and len(found.rows) == 1:
        return redirect("patients_staff:patient", request.clinic.portal_identifier, found.rows[0].patient.pk)
    operations.note_listed(
        clinic=request.clinic,
        patient_ids=[row.patient.pk for row in found.rows],
        page=SeenIn.LIST,
        actor=request.user,
        now=timezone.now(),
    )
    return _list_page(request, form, rows=found, is_first=after is None)


def _list_page(
    request: StaffRequest,
    form: SearchForm,
    *,
    rows: patient_queries.PatientList | None,
    is_first: bool = True,
    status: int = 200,
) -> HttpResponse:
    words = {
        "form": form,
        "page": rows,
        "is_first": is_first,
        "may_turn": form.is_bound and form.wanted.may_stand_in_an_address,
    }
    return render(request, "home/staff/patients.html", words, status=status)


@staff_page
@require_safe
def general(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show who the patient is."""
    patient = _opened(request, patient_id, "general")
    return _general_page(request, patient, staff_queries.shown_id(patient))


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def national_id(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show the national ID in full, on this one answer. Whoever loads the address again sees the page without it."""
    if request.method != "POST":
        return redirect("patients_staff:patient", request.clinic.portal_identifier, patient_id)
    patient = _patient(request, patient_id)
    try:
        number = operations.show_national_id(patient=patient, actor=request.user, now=timezone.now())
    except PatientRefused as refused:
        messages.warning(request, str(refused.message))
        number = ""
    return _general_page(request, patient, number, is_shown=bool(number))


def _general_page(
    request: StaffRequest, patient: Patient, number: str, *, is_shown: bool = False
) -> HttpResponse:
    words = {
        "number": number,
        "is_shown": is_shown,
        "age": staff_queries.age(patient.birth_date, _today(request)),
    }
    return _page(request, patient, "patient", words)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show and correct how the clinic reaches the patient (D12)."""
    if request.method != "POST":
        patient = _opened(request, patient_id, "contact")
        return _contact_page(request, patient, ContactForm.of(patient))
    patient = _patient(request, patient_id)
    form = ContactForm(request.POST, country=request.clinic.country)
    if not form.is_valid():
        return _contact_page(request, patient, form, status=422)
    contact_operations.change_contact(
        patient=patient,
        mobile=form.cleaned_data["mobile"],
        email=form.cleaned_data["email"],
        language=form.cleaned_data["language"],
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(request, _("The contact details are saved."))
    return redirect("patients_staff:contact", request.clinic.portal_identifier, patient.pk)


def _contact_page(
    request: StaffRequest, patient: Patient, form: ContactForm, status: int = 200
) -> HttpResponse:
    """Show the form beside what the patient has confirmed, said otherwise, or changed (D12, F14)."""
    changes = contact_queries.last_changes(patient)
    points = [
        (point, changes.get(point.kind)) for point in contact_queries.points(patient, now=timezone.now())
    ]
    return _page(request, patient, "contact", {"form": form, "points": points}, status)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def portal(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show what the patient may do in the portal, and give other rights than the standard (B4)."""
    is_post = request.method == "POST"
    patient = _patient(request, patient_id) if is_post else _opened(request, patient_id, "portal")
    editor = special_editor.edit(request, patient, may_save=True, now=timezone.now())
    if editor.is_saved:
        messages.success(request, _("Saved. It applies from now on."))
        return redirect("patients_staff:portal", request.clinic.portal_identifier, patient.pk)
    if is_post and request.htmx:
        return render(request, "access/special_effect.html", {"editor": editor})
    card = account_card.card_of(patient, now=timezone.now())
    return _page(request, patient, "portal", {"editor": editor, "card": card}, status=editor.status)


@staff_page
@require_http_methods(["GET", "HEAD", "POST"])
def portal_access(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Take the portal from the patient, after asking once more, or give it back (002)."""
    if request.method != "POST":
        return redirect("patients_staff:portal", request.clinic.portal_identifier, patient_id)
    patient, form = _patient(request, patient_id), PortalAccessForm(request.POST)
    if not form.is_valid():
        raise Http404
    withdraw = form.cleaned_data["act"] == "withdraw"
    if withdraw and not form.cleaned_data["sure"]:
        return _page(request, patient, "portal", {"asks_to_withdraw": True})
    try:
        operations.set_portal_withdrawn(
            patient=patient, withdrawn=withdraw, actor=request.user, now=timezone.now()
        )
    except PatientRefused as refused:
        messages.warning(request, str(refused.message))
    else:
        done = (
            _("The patient can't use the portal any more.")
            if withdraw
            else _("The patient has the portal again.")
        )
        messages.success(request, done)
    return redirect("patients_staff:portal", request.clinic.portal_identifier, patient.pk)


@staff_page
@require_safe
def appointments(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show coming and earlier appointments."""
    patient = _opened(request, patient_id, "appointments")
    found = patient_queries.appointments_of(
        patient=patient, now=timezone.now(), after=_uuid(request.GET.get("after", ""))
    )
    words = {"found": found, "is_first": "after" not in request.GET}
    return _page(request, patient, "appointments", words)


@staff_page
@require_safe
def history(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show who saw and changed what."""
    patient = _opened(request, patient_id, "history")
    before = request.GET.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    found = patient_history.history_of(patient=patient, before=number)
    return _page(request, patient, "history", {"found": found, "is_first": number is None})


def _page(
    request: StaffRequest, patient: Patient, tab: str, words: dict[str, Any], status: int = 200
) -> HttpResponse:
    if request.method == "POST":
        _opened(request, patient.pk, tab)  # an answer with the page is an opening, too
    special = patient_queries.has_special_rights(patient)
    frame = {
        "asked": patient,
        "tab": tab,
        "states": patient_queries.states(patient, special),
        "tabs": [
            (
                number,
                name,
                word,
                reverse(f"patients_staff:{name}", args=[request.clinic.portal_identifier, patient.pk]),
            )
            for number, (name, word) in enumerate(zip(TABS, _tab_words(), strict=True), start=1)
        ],
    }
    return render(request, f"home/staff/patient_{tab}.html", frame | words, status=status)


def _tab_words() -> tuple[str, ...]:
    return (_("General"), _("Contact"), _("Guardians"), _("Portal"), _("Appointments"), _("History"))


def _opened(request: StaffRequest, patient_id: UUID, part: str) -> Patient:
    """Return the patient whose page is opened, and record who opened it; 404 for another clinic's."""
    found = operations.open_page(
        clinic=request.clinic, patient_id=patient_id, part=part, actor=request.user, now=timezone.now()
    )
    if found is None:
        raise Http404
    return found


def _patient(request: StaffRequest, patient_id: UUID) -> Patient:
    found = staff_queries.patient_of(clinic=request.clinic, patient_id=patient_id)
    if found is None:
        raise Http404
    found.clinic = request.clinic
    return found


def _today(request: StaffRequest) -> date:
    return timezone.now().astimezone(request.clinic.zone).date()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


tab_page, opened_patient, patient_for = _page, _opened, _patient
"""For the views of tabs that have a file of their own."""
