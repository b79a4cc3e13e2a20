"""The patient's own details."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from identity import step_up
from identity.choices import Purpose
from patients.choices import PatientRefusal
from patients.contact import operations, queries
from patients.contact.choices import ContactKind
from patients.contact.operations import ContactRefused
from patients.forms import CodeForm, ContactForm, LanguageForm
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page


@patient_page(area=Area.CONTACT)
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: PatientRequest) -> HttpResponse:
    """Show who the patient is at the clinic, and change how the clinic reaches them (D12)."""
    if request.method != "POST":
        return details_page(request)
    if not request.sign_in.assurance.is_eid and not {"mobile", "email"} & request.POST.keys():
        return _language(request)
    patient = request.patient
    form = ContactForm(request.POST, country=request.clinic.country)
    if not form.is_valid():
        return details_page(request, form)
    if not request.sign_in.assurance.is_eid and form.moves_contact_of(patient):
        # Codes and links go there: whoever has the password and one code must not be able to keep the account.
        form.add_error(None, str(PatientRefusal.CONTACT_BY_CODE.label))
        return details_page(request, form)
    if form.moves_contact_of(patient) and (
        stopped := step_up.way(request, Purpose.CONTACT, now=timezone.now())
    ):
        return stopped
    try:
        waits = operations.wish(
            patient=patient,
            mobile=form.cleaned_data["mobile"],
            email=form.cleaned_data["email"],
            language=form.cleaned_data["language"],
            actor=request.user,
            now=timezone.now(),
        )
    except ContactRefused as refused:
        form.add_error(refused.details["kind"], str(refused.message))
        return details_page(request, form)
    messages.success(request, _said(waits))
    return redirect("patients:details", request.clinic.portal_identifier)


def details_page(
    request: PatientRequest, form: Form | None = None, code_form: CodeForm | None = None
) -> HttpResponse:
    """Return the page; the forms are ones that were sent and refused."""
    patient, has_eid = request.patient, request.sign_in.assurance.is_eid
    empty = ContactForm.of(patient) if has_eid else LanguageForm(initial={"language": patient.language})
    points = queries.points(patient, now=timezone.now())
    words = {
        "form": form or empty,
        "points": points,
        "has_eid": has_eid,
        "code_form": code_form or CodeForm(),
        "waits": any(point.waiting for point in points),
    }
    is_refused = form is not None or code_form is not None
    return render(request, "patients/details.html", words, status=422 if is_refused else 200)


def _language(request: PatientRequest) -> HttpResponse:
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return details_page(request, form)
    operations.change_language(
        patient=request.patient,
        language=form.cleaned_data["language"],
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(request, _("The details are saved."))
    return redirect("patients:details", request.clinic.portal_identifier)


def _said(waits: tuple[ContactKind, ...]) -> str:
    if ContactKind.MOBILE in waits and ContactKind.EMAIL in waits:
        return _(
            "We have sent a link by e-mail and a code by SMS. Confirm both: until then the old ones count."
        )
    if ContactKind.MOBILE in waits:
        return _("We have sent a code to the new number. Write it below: until then the old number counts.")
    if ContactKind.EMAIL in waits:
        return _(
            "We have sent a link to the new address. Open it within a day: until then the old address counts."
        )
    return _("The details are saved.")
