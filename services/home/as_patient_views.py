"""Staff: the portal's start page as one patient sees it. Nothing in it can be pressed, and the patient sees who looked."""

import re
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page
from identity import memberships
from identity.choices import Assurance
from patients.models import Patient
from services.access import special_queries
from services.home import code_queries, patient_views, queries

_LINK = re.compile(r'(<a\b[^>]*?) href="[^"]*"')
"""A link without an address is read, and neither pressed nor reached by keyboard; pictures keep theirs."""


@staff_page
@require_safe
def as_patient(request: StaffRequest, patient_id: UUID) -> HttpResponse:
    """Show the start page in the patient's language, as after signing in with eID, or with a code (`?by=code`)."""
    patient, clinic, now = (
        patient_views.opened_patient(request, patient_id, "as-patient"),
        request.clinic,
        timezone.now(),
    )
    may_use_codes = memberships.offers_codes(clinic) and not code_queries.needs_eid(patient, clinic, now)
    by_code = may_use_codes and request.GET.get("by") == "code"
    picture = special_queries.picture(patient=patient, day=now.astimezone(clinic.zone).date())
    words = {
        "asked": patient,
        "may_use_codes": may_use_codes,
        "by_code": by_code,
        "hindrances": picture.hindrances,
        "shown": None if picture.hindrances else _shown(patient, by_code=by_code),
        "shown_language": code_queries.language_of(patient, clinic),
    }
    return render(request, "home/staff/as_patient.html", words)


def _shown(patient: Patient, *, by_code: bool) -> SafeString:
    """Return what the start page's template makes of it, without anything to press."""
    clinic = patient.clinic
    page = queries.start_page(
        patient=patient, assurance=Assurance.TWO_FACTORS if by_code else Assurance.HIGH, now=timezone.now()
    )
    with translation.override(code_queries.language_of(patient, clinic)):
        html = render_to_string("home/start_main.html", {"clinic": clinic, "patient": patient, "page": page})
    return mark_safe(_LINK.sub(r"\1", html))  # noqa: S308  from our own template, which escapes
