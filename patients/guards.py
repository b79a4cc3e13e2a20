"""Lets a signed-in patient of the clinic in."""

from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from clinic_admin.countries import rules_of
from clinic_admin.guards import ClinicRequest, View
from clinic_admin.models import Clinic
from identity import sessions
from identity.sessions import SignIn
from patients import policy, queries
from patients.models import Patient
from portal import phone_numbers
from portal.audience import Audience, declare


class PatientRequest(ClinicRequest):
    """A request by a signed-in patient. `patient` is whom it is about; `user` is who acts."""

    patient: Patient
    sign_in: SignIn


def patient_page(view: View) -> View:
    """Let in whoever is signed in as a patient with an active record at the clinic in the address.

    Nobody signed in: to the clinic's front page, and back here afterwards. The portal is off, or no active record here:
    a page that says so.
    Someone whom the clinic took the portal away from still comes in, to read what there is (002); the decision about
    services is what denies them anything new.
    """

    @declare(Audience.PATIENT)
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient_request = cast(PatientRequest, request)
        clinic = patient_request.clinic
        sign_in = sessions.of(request)
        user: Any = request.user
        if sign_in is None or not user.is_authenticated or user.kind != "patient":
            return _to_sign_in(request, clinic)
        if sign_in.clinic_scope not in {None, clinic.pk}:
            return _to_sign_in(request, clinic)
        patient = queries.record_of(national_id_index=user.account.national_id_index, clinic=clinic)
        if not clinic.is_active:
            return _shut(request, "patients/clinic_is_off.html", clinic)
        if patient is None or not patient.is_active:
            return _shut(request, "patients/no_record.html", clinic)
        if not policy.session_holds(
            rules_of(clinic.country),
            assurance=sign_in.assurance,
            no_eid=patient.no_eid_at is not None,
            birth_date=patient.birth_date,
            today=timezone.now().astimezone(clinic.zone).date(),
        ):
            return _to_sign_in(request, clinic)
        patient.clinic = clinic  # saves everyone below from reading it again
        patient_request.patient = patient
        patient_request.sign_in = sign_in
        return view(patient_request, *args, **kwargs)

    return guarded


def _to_sign_in(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Lead to the clinic's front page, and after sign-in back to the page that was asked for (003, A5)."""
    front = reverse("clinic_front", args=[clinic.portal_identifier])
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseRedirect(front)
    return HttpResponseRedirect(f"{front}?{urlencode({'next': request.get_full_path()})}")


def _shut(request: HttpRequest, template: str, clinic: Clinic) -> HttpResponse:
    shown = phone_numbers.as_people_write(clinic.phone, clinic.country)
    return render(request, template, {"phone_shown": shown}, status=403)
