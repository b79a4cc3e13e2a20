"""Where links to e-consultations and renewals lead: with whom they are open to the patient, or why not (003, A5)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_admin.choices import Service
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from services.access import queries as access
from services.access.own_answer import own_answer


@patient_page(area=Area.LETTERS)
@require_safe
def consultation(request: PatientRequest) -> HttpResponse:
    """Show with whom the patient may have e-consultations today, or why with nobody."""
    return _page(request, Service.CONSULTATION)


@patient_page(area=Area.RENEWALS)
@require_safe
def renewal(request: PatientRequest) -> HttpResponse:
    """Show who renews the patient's prescriptions today, or why nobody does."""
    return _page(request, Service.RENEWAL)


def _page(request: PatientRequest, service: Service) -> HttpResponse:
    patient, assurance = request.patient, request.sign_in.assurance
    today = timezone.now().astimezone(request.clinic.zone).date()
    choices = access.with_whom(patient=patient, service=service, assurance=assurance, day=today)
    words = {
        "service": service,
        "choices": choices,
        "own_answer": None
        if choices
        else own_answer(patient=patient, services=(service,), assurance=assurance, day=today),
    }
    return render(request, "home/service.html", words)
