"""The product's front page, each clinic's front page, and the patient's start page."""

from datetime import datetime
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from clinic_admin import queries as clinics
from clinic_admin.countries import rules_of
from clinic_admin.guards import ClinicRequest, clinic_page
from clinic_admin.models import Clinic
from clinic_admin.sms_price import sms_price
from identity import operations as identity_operations
from identity import queries as identity_queries
from identity import sessions
from identity.by_code import memberships
from identity.providers.verified import VerifiedPerson
from patients import contact_views
from patients import queries as patients
from patients.guardianship import acting
from patients.guardianship import operations as guardianship
from patients.guardianship import queries as relations
from patients.guardianship.choices import Area
from patients.guardianship.operations import Adult
from patients.guardianship.queries import Person
from patients.guards import PatientRequest, patient_page
from portal.audience import public_page, signing_in_page
from services.booking.earlier.queries import offered_now
from services.booking.release.news import news_of
from services.home import queries
from services.home.choices import SERVICE_PAGES
from services.registration import operations as registration


@public_page
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """Show which clinics there are."""
    return render(request, "home/front.html", {"clinics": clinics.active_clinics()})


@public_page
@require_safe
def legacy_login(request: HttpRequest) -> HttpResponse:
    """Lead the links on clinics' own sites to the same clinic (001, A4), and to the service they name (003, A5)."""
    given = {key.lower(): str(value) for key, value in request.GET.items()}
    clinic = clinics.clinic_by_any_identifier(given.get("clinicid", ""))
    if clinic is None:
        raise Http404
    page = SERVICE_PAGES.get(given.get("service", "").casefold(), "clinic_front")
    return redirect(page, clinic.portal_identifier, permanent=True)


@clinic_page
@require_safe
def clinic_front(request: ClinicRequest) -> HttpResponse:
    """Show the clinic, when it is open, what to do when it is urgent, and the ways to sign in."""
    clinic, now = request.clinic, timezone.now()
    if not clinic.is_active:
        return render(request, "home/clinic_is_off.html")
    choices, rules = identity_queries.sign_in_choices(clinic), rules_of(clinic.country)
    may_register = registration.is_offered(clinic)
    response = render(
        request,
        "home/clinic_front.html",
        {
            "choices": choices,
            "may_register": may_register,
            "sms_price": sms_price(clinic),
            "codes": rules_of(clinic.country) if memberships.offers_codes(clinic) else None,
            "days": queries.opening_hours(clinic, now),
            "is_open": clinics.is_open(clinic, now),
            "makes_children": may_register and choices and rules.child_signs_in and rules.own_decisions_from,
            "urgent": queries.urgent_help(clinic),
            "sign_in": sessions.of(request),
            "next": request.GET.get("next", ""),
        },
    )
    response.form_action_origins = tuple({choice.origin for choice in choices if choice.origin})  # type: ignore[attr-defined]
    return response


@signing_in_page
@require_safe
def signed_in(request: ClinicRequest) -> HttpResponse:
    """Decide where a proven identity may go: to the start page, or to a page that says there is no record here.

    Whether someone is a patient here shows only now, after the identity is proven (identity research, F1).
    """
    clinic, now = request.clinic, timezone.now()
    person = identity_queries.verified_person(request)
    if person is None:
        return redirect("clinic_front", clinic.portal_identifier)
    if person.next_path in _answers_elsewhere(clinic):
        return redirect(person.next_path)
    record = patients.record_of(national_id_index=person.national_id_index, clinic=clinic)
    if registration.may_register(clinic, record) and not _has_someone_here(request, person, now):
        return redirect("registration:here", clinic.portal_identifier)
    has_record = record is not None and record.is_active
    if not clinic.is_active or not (has_record or _has_someone_here(request, person, now)):
        identity_operations.abandon_sign_in(request, reason="no active record", now=now)
        return render(request, "home/no_record.html", status=403)
    was_signed_in = request.user.is_authenticated
    user = identity_operations.open_patient_session(request, now=now)
    if record is not None:
        memberships.confirm_identity(
            clinic=clinic,
            national_id_index=person.national_id_index,
            patient_id=record.pk,
            actor=user,
            now=now,
        )
    path = person.next_path if url_has_allowed_host_and_scheme(person.next_path, allowed_hosts=None) else ""
    # Who only proves anew who they are is in the middle of something: they were asked when they came.
    question = None if was_signed_in else contact_views.checked_first(request, record, path, now=now)
    return question or redirect(path or reverse("home:start", args=[clinic.portal_identifier]))


def _answers_elsewhere(clinic: Clinic) -> set[str]:
    """Return the paths that go on with a proven identity before any session is opened: registration, a child's sign-in."""
    return {
        reverse(name, args=[clinic.portal_identifier]) for name in ("child:finish", "registration:finish")
    }


def _has_someone_here(request: ClinicRequest, person: VerifiedPerson, now: datetime) -> bool:
    """Return whether the person, who is no patient here, may act for somebody who is: a child's guardian, a proxy."""
    number = identity_queries.verified_national_id(request)
    if number is None:
        return False
    adult = Adult(number, person.full_name)
    guardianship.look_up(clinic=request.clinic, adult=adult, now=now)
    return bool(relations.people(clinic=request.clinic, adult=adult, now=now))


@patient_page(area=Area.START)
@require_safe
def start(request: PatientRequest) -> HttpResponse:
    """Show the patient what is next and what they can do."""
    now = timezone.now()
    page = queries.start_page(patient=request.patient, assurance=request.sign_in.assurance, now=now)
    may_see = request.acting is None or request.acting.may(Area.APPOINTMENTS)
    context = {
        "page": page,
        "people": _people(request, now),
        "news": news_of(request.patient, request.sign_in.assurance, now) if may_see else None,
        "offered": offered_now(request.patient, now) if may_see else None,
    }
    return render(request, "home/start.html", context)


def _people(request: PatientRequest, now: datetime) -> list[Person]:
    """Return whom the person can act for, if they are themselves now and signed in with eID. Two queries."""
    if request.acting is not None or not request.sign_in.assurance.is_eid:
        return []
    account = cast(Any, request.user).account
    acting.look_up_once(request, request.clinic, account, now=now)
    return relations.people(clinic=request.clinic, adult=account, now=now)
