"""Where links to e-consultations and renewals lead: with whom they are open to the patient, or why not (003, A5)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_admin.choices import Service
from identity import step_up
from identity.choices import Purpose
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from services.access import queries as access
from services.access.own_answer import own_answer
from services.access.special_choices import OwnReason


@patient_page(area=Area.LETTERS)
@require_safe
def consultation(request: PatientRequest) -> HttpResponse:
    """Show with whom the patient may have e-consultations today, or why with nobody.

    Where only the eID is missing, and before anything about e-consultations is shown: to the proof, and back (C16).
    """
    words = _words(request, Service.CONSULTATION)
    if words["choices"] or words["own_answer"] == OwnReason.EID:
        stopped = step_up.way(request, Purpose.READ_LETTERS, now=timezone.now())
        if stopped is not None:
            return stopped
    return render(request, "home/service.html", words)


@patient_page(area=Area.RENEWALS)
@require_safe
def renewal(request: PatientRequest) -> HttpResponse:
    """Show who renews the patient's prescriptions today, or why nobody does."""
    return render(request, "home/service.html", _words(request, Service.RENEWAL))


def _words(request: PatientRequest, service: Service) -> dict[str, object]:
    patient, assurance = request.patient, request.sign_in.assurance
    today = timezone.now().astimezone(request.clinic.zone).date()
    choices = access.with_whom(patient=patient, service=service, assurance=assurance, day=today)
    return {
        "service": service,
        "choices": choices,
        "own_answer": None
        if choices
        else own_answer(patient=patient, services=(service,), assurance=assurance, day=today),
    }
