"""My page: who has seen or changed my data, my sign-ins, ways in, clinics."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from portal import session_reference
from services.own import clinic_queries, log_queries, sign_in_queries
from services.own.forms import LogForm


@patient_page
@require_safe
def page(request: PatientRequest) -> HttpResponse:
    """Show what there is about oneself."""
    return render(request, "own/page.html")


@patient_page(area=Area.INSIGHT)
@require_safe
def log(request: PatientRequest) -> HttpResponse:
    """Show who has seen or changed the data, by person and month. Guardians see it for the child."""
    now, patient = timezone.now(), request.patient
    viewer = None if request.acting else cast(Any, request.user).pk
    filters = log_queries.filters_of(patient, viewer=viewer, now=now)
    form = LogForm(request.GET, filters=filters)
    if not form.is_valid():
        return render(request, "own/log.html", {"form": form}, status=422)
    asked = form.asked(event_after(request))
    words = {
        "form": form,
        "found": log_queries.log_of(patient, asked, viewer=viewer),
        "is_first": asked.before is None,
        "is_narrowed": bool(asked.person or asked.by_itself or asked.month),
    }
    return render(request, "own/log.html", words)


@patient_page
@require_safe
def sign_ins(request: PatientRequest) -> HttpResponse:
    """Show when and how somebody signed in as the patient, or tried to."""
    before = event_after(request)
    user = cast(Any, request.user)
    found = sign_in_queries.sign_ins_of(
        user.pk, scope=request.sign_in.clinic_scope, here=session_reference.of(request), before=before
    )
    return render(request, "own/sign_ins.html", {"found": found, "is_first": before is None})


@patient_page
@require_safe
def ways_in(request: PatientRequest) -> HttpResponse:
    """Show how the patient can sign in here."""
    account = cast(Any, request.user).account
    ways = sign_in_queries.ways_in(account, request.clinic, timezone.now())
    return render(request, "own/ways_in.html", {"ways": ways})


@patient_page
@require_safe
def clinics(request: PatientRequest) -> HttpResponse:
    """Show at which clinics the patient is, and where else they can register."""
    account = cast(Any, request.user).account
    found = clinic_queries.clinics_of(account, scope=request.sign_in.clinic_scope)
    words = {"found": found, "is_bound": request.sign_in.clinic_scope is not None}
    return render(request, "own/clinics.html", words)


def event_after(request: HttpRequest) -> int | None:
    """Return after which event of the trail the page begins; nonsense is the beginning."""
    before = request.GET.get("before", "")
    return int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
