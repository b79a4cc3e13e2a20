"""The patient's page of the first free urgent time, whoever has it."""

from collections.abc import Hashable
from datetime import datetime
from math import ceil
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from clinic_admin.models import Clinic
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from services.booking import free_times, in_place, operations, own_times, queries
from services.booking.choices import BookingRefusal, SlotKind
from services.booking.forms import BookForm, key_of
from services.booking.free_times import UrgentNow
from services.booking.operations import BookingRefused
from services.booking.release.news import news_of
from services.booking.release.views import keeps_up
from services.booking.reminders.words import choice_for


@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_http_methods(["GET", "HEAD", "POST"])
def any_urgent(request: PatientRequest) -> HttpResponse:
    """Ask why, and take the first free urgent time. When none is left, what was written stays on the page."""
    now = timezone.now()
    is_sent = request.method == "POST"
    if is_sent:
        left = free_times.look_for_urgent(request.patient, key_of(request.POST), now)
        if not left.is_left:
            return _none(request, BookingRefusal.TAKEN, now, opens_at=left.opens_at)
    reminder = choice_for(request.patient, request.clinic, now=now)
    if not is_sent:
        return _before_any(request, BookForm(reminder=reminder), now)
    form = BookForm(request.POST, reminder=reminder)
    if not form.is_valid():
        return _any_page(request, form, None, _urgent_now(request, now), now=now, status=422)
    try:
        appointment = operations.book_any_urgent(
            patient=request.patient,
            reason=form.cleaned_data["reason"],
            wants_reminder=form.cleaned_data.get("wants_reminder", False),
            form_key=form.key,
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except BookingRefused as refused:
        return _none(request, BookingRefusal(refused.reason), now)
    return in_place.go_to(request, "booking:appointment", request.clinic.portal_identifier, appointment.pk)


def _none(
    request: PatientRequest, refusal: BookingRefusal, now: datetime, *, opens_at: datetime | None = None
) -> HttpResponse:
    """Say that there is none to be had. Most leave here, so no more is read than what is shown."""
    found = _urgent_now(request, now) if refusal == BookingRefusal.OWN_TIME else None
    if request.htmx:
        return _none_in_place(request, refusal, found, opens_at)
    form = BookForm(request.POST, reminder=choice_for(request.patient, request.clinic, now=now))
    form.is_valid()
    return _any_page(request, form, refusal, found, opens_at=opens_at, now=now, status=422)


def _before_any(request: PatientRequest, form: BookForm, now: datetime) -> HttpResponse:
    """Say which one it would be, and before anything is written whether there is none to be had.

    Where the next ones come out later today, one can write beforehand: then all that is left to do is to press.
    """
    found = _urgent_now(request, now)
    opens_at = _opens_at(found, request.clinic, now)
    refusal = None if opens_at else found.refusal
    refusal = refusal or queries.over_limit(request.patient, SlotKind.URGENT, now=now)
    return _any_page(
        request, form, refusal, found, opens_at=opens_at, now=now, status=409 if refusal else 200
    )


def _opens_at(found: UrgentNow, clinic: Clinic, now: datetime) -> datetime | None:
    """Return when urgent times come out today for which one can only wait; lots are drawn elsewhere (release)."""
    opening = found.opening if found.refusal == BookingRefusal.TAKEN else None
    if opening is None or clinic.draws_urgent or not opening.is_today(now, clinic):
        return None
    return opening.opens_at


def _urgent_now(request: PatientRequest, now: datetime) -> UrgentNow:
    return free_times.urgent_now(patient=request.patient, assurance=request.sign_in.assurance, now=now)


def _any_page(
    request: PatientRequest,
    form: BookForm,
    refusal: BookingRefusal | None,
    found: UrgentNow | None,
    *,
    opens_at: datetime | None = None,
    now: datetime,
    status: int,
) -> HttpResponse:
    first = found.first if found else None
    is_gone, draws = refusal == BookingRefusal.TAKEN, request.clinic.draws_urgent
    context = {
        **_none_left(request, refusal, found),
        "opens_at": opens_at,
        "opens_in": ceil((opens_at - now).total_seconds()) if opens_at else None,
        "had": queries.next_urgent(request.patient, now) if opens_at or is_gone else None,
        "news": news_of(request.patient, request.sign_in.assurance, now) if is_gone and draws else None,
        "form": form,
        "is_sent": form.is_bound,
        "first": first,
        "is_too_near": first is not None and now > queries.cancellable_until(first, request.clinic),
    }
    return in_place.page(request, "booking/any_urgent.html", context, status=status)


def _none_in_place(
    request: PatientRequest, refusal: BookingRefusal, found: UrgentNow | None, opens_at: datetime | None
) -> HttpResponse:
    """Say that there is none: the same words for all, unless something of their own is in the way."""
    words = {**_none_left(request, refusal, found), "opens_at": opens_at, "is_sent": True}
    is_personal = words["own"] is not None or request.acting is not None
    same_for = None if is_personal else _same_for(request.clinic, refusal, opens_at)
    return in_place.part(NONE_LEFT, words, same_for=same_for)


def nothing_left(clinic: Clinic, opens_at: datetime | None, language: str) -> HttpResponse:
    """Say in place that the clinic has no urgent time left, and when today the next come out: the same words for all."""
    gone = BookingRefusal.TAKEN
    words = {"clinic": clinic, "refusal": gone, "is_gone": True, "opens_at": opens_at, "is_sent": True}
    return in_place.part_for(
        language, clinic.time_zone, NONE_LEFT, words, same_for=_same_for(clinic, gone, opens_at)
    )


NONE_LEFT = "booking/none_left.html"


def _same_for(clinic: Clinic, refusal: BookingRefusal, opens_at: datetime | None) -> tuple[Hashable, ...]:
    return refusal, opens_at, clinic.portal_identifier, clinic.phone, clinic.country


def _none_left(
    request: PatientRequest, refusal: BookingRefusal | None, found: UrgentNow | None
) -> dict[str, Any]:
    """Return what is said when no urgent time can be had, or an earlier one is passed over."""
    passed_over = found.passed_over if found else None
    return {
        "clinic": request.clinic,
        "patient": request.patient,
        "acting_for": request.acting,
        "refusal": refusal,
        "is_gone": refusal == BookingRefusal.TAKEN,
        "is_own_time": refusal == BookingRefusal.OWN_TIME,
        "own": own_times.first_beside(request.patient, passed_over) if passed_over else None,
    }
