"""The patient's own details."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from identity import step_up
from identity.choices import Purpose
from patients import operations
from patients.choices import PatientRefusal
from patients.forms import ContactForm
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page


@patient_page(area=Area.CONTACT)
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: PatientRequest) -> HttpResponse:
    """Show who the patient is at the clinic, and change how the clinic reaches them (D12)."""
    patient = request.patient
    if request.method != "POST":
        return render(request, "patients/details.html", {"form": ContactForm.of(patient)})
    form = ContactForm(request.POST, country=request.clinic.country)
    if not form.is_valid():
        return render(request, "patients/details.html", {"form": form}, status=422)
    if not request.sign_in.assurance.is_eid and form.moves_contact_of(patient):
        # Codes and links go there: whoever has the password and one code must not be able to keep the account.
        form.add_error(None, str(PatientRefusal.CONTACT_BY_CODE.label))
        return render(request, "patients/details.html", {"form": form}, status=422)
    stopped = form.moves_contact_of(patient) and step_up.way(request, Purpose.CONTACT, now=timezone.now())
    if stopped:
        return stopped
    operations.change_contact(
        patient=patient,
        mobile=form.cleaned_data["mobile"],
        email=form.cleaned_data["email"],
        language=form.cleaned_data["language"],
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(request, _("Your details are saved."))
    return redirect("patients:details", request.clinic.portal_identifier)
