"""Lets a signed-in patient of the clinic in, or someone who acts for one."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, cast, overload
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from clinic_admin.countries import rules_of
from clinic_admin.guards import ClinicRequest, View
from clinic_admin.models import Clinic
from identity import operations as identity
from identity import sessions
from identity.sessions import SignIn
from patients import policy, queries
from patients.guardianship import acting
from patients.guardianship import operations as guardianship
from patients.guardianship import queries as relations
from patients.guardianship.choices import ActingRefusal, Area
from patients.guardianship.queries import Acting
from patients.models import Patient
from portal import phone_numbers
from portal.audience import Audience, declare


class PatientRequest(ClinicRequest):
    """A request by a signed-in patient. `patient` is whom it is about; `user` is who acts."""

    patient: Patient
    sign_in: SignIn
    acting: Acting | None
    """By what right the user acts for somebody else; None: for themselves."""
    acting_patient: Patient
    """Whom the user acts for; there only when they do."""


class PersonRequest(ClinicRequest):
    """A request by someone signed in who may have no record here: they can act for somebody who has."""

    patient: Patient | None
    """The own record here, also while the session acts for somebody else."""
    sign_in: SignIn
    acting: Acting | None
    acting_patient: Patient


@overload
def patient_page(view: View) -> View: ...
@overload
def patient_page(*, area: Area) -> Callable[[View], View]: ...
def patient_page(view: View | None = None, *, area: Area | None = None) -> View | Callable[[View], View]:
    """Let in whoever is signed in as a patient with an active record at the clinic in the address.

    Nobody signed in: to the clinic's front page, and back here afterwards. The portal is off, or no active record here:
    a page that says so.
    Someone whom the clinic took the portal away from still comes in, to read what there is (002); the decision about
    services is what denies them anything new.

    Who acts for somebody else comes in as that patient, if the page names an `area` that the right is for; a page that
    names none is only for oneself. The right is asked anew at every request: one query more, two with a register's
    new answer (F18).
    """
    if view is None:
        return lambda inner: _patient_page(inner, area)
    return _patient_page(view, area)


def _patient_page(view: View, area: Area | None) -> View:
    @declare(Audience.PATIENT)
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        patient_request, now = cast(PatientRequest, request), timezone.now()
        clinic = patient_request.clinic
        sign_in = _sign_in(request, clinic)
        if sign_in is None:
            return _to_sign_in(request, clinic)
        if not clinic.is_active:
            return _shut(request, "patients/clinic_is_off.html", clinic)
        patient_request.sign_in, patient_request.acting = sign_in, None
        choice = acting.chosen(request, clinic)
        way_out = _as_other(patient_request, choice, area, now) if choice else _as_self(patient_request, now)
        return way_out or view(patient_request, *args, **kwargs)

    return guarded


def _as_self(request: PatientRequest, now: datetime) -> HttpResponse | None:
    """Put the person's own record on the request; the answer is the way out when there is none."""
    clinic, account = request.clinic, cast(Any, request.user).account
    patient = queries.record_of(national_id_index=account.national_id_index, clinic=clinic)
    if patient is None or not patient.is_active:
        if relations.people(clinic=clinic, adult=account, now=now):
            return redirect("acting:people", clinic.portal_identifier)
        return _shut(request, "patients/no_record.html", clinic)
    patient.clinic = clinic  # saves everyone below from reading it again
    is_registered = policy.is_registered(rules_of(clinic.country), patient.registered_at, patient.left_at)
    if request.sign_in.assurance.is_eid and not is_registered:
        return redirect("registration:here", clinic.portal_identifier)
    if _is_over(patient, request.sign_in, now):
        identity.sign_out(request, now=now)
        return _to_sign_in(request, clinic)
    request.patient = patient
    return None


def _as_other(
    request: PatientRequest, choice: acting.Choice, area: Area | None, now: datetime
) -> HttpResponse | None:
    """Put the patient for whom the person acts on the request, if the page is open to them."""
    stopped = _act(request, choice, now)
    if stopped is not None:
        return stopped
    request.patient, right = request.acting_patient, request.acting
    if area is None or right is None or not right.may(area):
        return render(request, "patients/only_for_oneself.html", {"area": area}, status=403)
    return None


def person_page(view: View) -> View:
    """Let in whoever is signed in as a patient and has a record here, or somebody here to act for."""

    @declare(Audience.PATIENT)
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person, now = cast(PersonRequest, request), timezone.now()
        clinic, user = person.clinic, cast(Any, request.user)
        sign_in = _sign_in(request, clinic)
        if sign_in is None:
            return _to_sign_in(request, clinic)
        if not clinic.is_active:
            return _shut(request, "patients/clinic_is_off.html", clinic)
        own = queries.record_of(national_id_index=user.account.national_id_index, clinic=clinic)
        own = own if own is not None and own.is_active else None
        if own is None and not relations.people(clinic=clinic, adult=user.account, now=now):
            return _shut(request, "patients/no_record.html", clinic)
        if own is not None:
            own.clinic = clinic
            if _is_over(own, sign_in, now):
                identity.sign_out(request, now=now)
                return _to_sign_in(request, clinic)
        person.sign_in, person.acting, person.patient = sign_in, None, own
        choice = acting.chosen(request, clinic)
        stopped = _act(person, choice, now) if choice is not None else None
        return stopped or view(person, *args, **kwargs)

    return guarded


def _sign_in(request: HttpRequest, clinic: Clinic) -> SignIn | None:
    """Return how the patient at the keyboard signed in, if the session is good for this clinic."""
    sign_in, user = sessions.of(request), cast(Any, request.user)
    if sign_in is None or not user.is_authenticated or user.kind != "patient":
        return None
    return sign_in if sign_in.clinic_scope in {None, clinic.pk} else None


def _act(
    request: PatientRequest | PersonRequest, choice: acting.Choice, now: datetime
) -> HttpResponse | None:
    """Put the patient and the right on the request; the answer is the way out when there is none any more."""
    clinic, user = request.clinic, cast(Any, request.user)
    patient, answer = acting.resolve(choice, clinic=clinic, account=user.account, now=now)
    if not request.sign_in.assurance.is_eid:
        answer = ActingRefusal.NEEDS_EID
    if patient is not None and isinstance(answer, Acting):
        request.acting_patient, request.acting = patient, answer
        return None
    reason = answer.value if isinstance(answer, ActingRefusal) else ActingRefusal.NOT_GUARDIAN.value
    guardianship.note_stopped(
        clinic=clinic, patient_id=patient.pk if patient else None, actor=user, reason=reason, now=now
    )
    acting.forget(request)
    messages.warning(request, str(ActingRefusal(reason).label))
    return redirect("acting:people", clinic.portal_identifier)


def _is_over(patient: Patient, sign_in: SignIn, now: datetime) -> bool:
    """Return whether the reason for a session by code is gone: the mark "no eID", being a child, being here (W5, F17)."""
    if patient.left_at is not None and not sign_in.assurance.is_eid:
        return True
    return not policy.session_holds(
        rules_of(patient.clinic.country),
        assurance=sign_in.assurance,
        no_eid=patient.no_eid_at is not None,
        birth_date=patient.birth_date,
        today=now.astimezone(patient.clinic.zone).date(),
    )


def _to_sign_in(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Lead to the clinic's front page, and after sign-in back to the page that was asked for (003, A5)."""
    front = reverse("clinic_front", args=[clinic.portal_identifier])
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseRedirect(front)
    return HttpResponseRedirect(f"{front}?{urlencode({'next': request.get_full_path()})}")


def _shut(request: HttpRequest, template: str, clinic: Clinic) -> HttpResponse:
    shown = phone_numbers.as_people_write(clinic.phone, clinic.country)
    return render(request, template, {"phone_shown": shown}, status=403)
