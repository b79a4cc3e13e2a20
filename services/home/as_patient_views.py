"""Staff: the portal as one patient sees it. Nothing in it can be done, and the patient sees who looked."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page
from identity.by_code import memberships
from identity.choices import Assurance
from patients.models import Patient
from services.access import special_queries
from services.access.own_answer import own_answer
from services.booking import choosing, free_times
from services.booking import queries as booking
from services.booking.choices import SlotKind
from services.booking.earlier.queries import offered_now
from services.booking.release.news import news_of
from services.booking.views import EARLIER_PER_PAGE
from services.home import code_queries, patient_views, queries
from services.home.still_page import still


class Seen(NamedTuple):
    """Who looks at what, as whom."""

    patient: Patient
    assurance: Assurance
    query: QueryDict
    """What the staff member chose: provider, week, part of day."""
    address: str
    now: datetime


@staff_page
@require_safe
def as_patient(request: StaffRequest, patient_id: UUID, part: str = "start") -> HttpResponse:
    """Show a page in the patient's language, as after signing in with eID, or with a code (`?by=code`)."""
    if part not in _PAGES:
        raise Http404
    patient, clinic, now = (
        patient_views.opened_patient(request, patient_id, "as-patient"),
        request.clinic,
        timezone.now(),
    )
    may_use_codes = memberships.offers_codes(clinic) and not code_queries.needs_eid(patient, clinic, now)
    by_code = may_use_codes and request.GET.get("by") == "code"
    assurance = Assurance.TWO_FACTORS if by_code else Assurance.HIGH
    picture = special_queries.picture(patient=patient, day=now.astimezone(clinic.zone).date())
    seen = Seen(patient, assurance, request.GET, request.path, now)
    words = {
        "asked": patient,
        "part": part,
        "may_use_codes": may_use_codes,
        "by_code": by_code,
        "hindrances": picture.hindrances,
        "shown": None if picture.hindrances else _shown(seen, part),
        "shown_language": code_queries.language_of(patient, clinic),
    }
    return render(request, "home/staff/as_patient.html", words)


def _shown(seen: Seen, part: str) -> SafeString:
    """Return what the patient's page shows, with nothing to press but other people, weeks and parts of the day."""
    carries = "by=code" if seen.assurance == Assurance.TWO_FACTORS else ""
    with translation.override(code_queries.language_of(seen.patient, seen.patient.clinic)):
        html = _PAGES[part](seen)
    return mark_safe(still(html, leads_on=seen.address, carries=carries))  # noqa: S308  our own, escaped


def _start(seen: Seen) -> str:
    page = queries.start_page(patient=seen.patient, assurance=seen.assurance, now=seen.now)
    return _rendered("home/start_main.html", seen, page=page, **_news(seen))


def _times(seen: Seen) -> str:
    found = choosing.words(
        seen.query,
        clinic=seen.patient.clinic,
        page=seen.address,
        offer_of=partial(free_times.offer, patient=seen.patient, assurance=seen.assurance),
        now=seen.now,
    )
    offer = found["offer"]
    has_urgent = any(slot.kind == SlotKind.URGENT for slot in offer.times)
    answer = None if offer.providers else _why_nothing(seen)
    return _rendered(
        "booking/find.html#main", seen, **found, own_answer=answer, has_urgent=has_urgent, **_news(seen)
    )


def _why_nothing(seen: Seen) -> object:
    return own_answer(
        patient=seen.patient,
        services=free_times.SERVICES,
        assurance=seen.assurance,
        day=seen.now.astimezone(seen.patient.clinic.zone).date(),
    )


def _appointments(seen: Seen) -> str:
    earlier = Paginator(booking.earlier(seen.patient, seen.now), EARLIER_PER_PAGE)
    return _rendered(
        "booking/appointments.html#main",
        seen,
        upcoming=booking.all_upcoming(seen.patient, seen.now),
        page=earlier.get_page(seen.query.get("page")),
        **_news(seen),
    )


def _news(seen: Seen) -> dict[str, object]:
    return {
        "news": news_of(seen.patient, seen.assurance, seen.now),
        "offered": offered_now(seen.patient, seen.now),
    }


def _rendered(template: str, seen: Seen, **words: object) -> str:
    return render_to_string(template, {"clinic": seen.patient.clinic, "patient": seen.patient, **words})


_PAGES: dict[str, Callable[[Seen], str]] = {"start": _start, "times": _times, "appointments": _appointments}
