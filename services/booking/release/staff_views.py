"""Staff see what opens next and for whom, and what happened when it opened."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page
from clinic_admin.models import Clinic
from patients.choices import SeenIn
from patients.operations import note_listed
from services.booking.release import operations, policy, queries
from services.booking.release.policy import Window
from services.booking.staff.forms import DayForm


@require_safe
@staff_page
def release(request: StaffRequest) -> HttpResponse:
    """Show the release of a day: still ahead, what it will bring; past, what happened. `?day=` is the slots' day."""
    clinic, now = request.clinic, timezone.now()
    operations.keep_up(clinic, now)
    coming = queries.coming(clinic=clinic, now=now)
    upcoming = policy.next_day(now, release_at=clinic.urgent_release_at, zone=clinic.zone)
    form = DayForm(request.GET if request.GET.get("day") else {}, today=now.astimezone(clinic.zone).date())
    asked = form.cleaned_data["day"] if request.GET.get("day") and form.is_valid() else None
    open_now = queries.window_now(clinic, now)
    day = asked or (open_now.day if open_now else coming[0].day if coming else upcoming)
    window = queries.window_of(clinic, day)
    context: dict[str, Any] = {
        "form": form,
        "day": day,
        "window": window,
        "coming": coming,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "is_ahead": now < window.opens_at,
        "is_open": clinic.draws_urgent and window.is_open(now),
        "draws": queries.latest_draws(clinic=clinic),
    }
    if now < window.closes_at or context["is_ahead"]:
        context["rehearsal"] = queries.rehearsal(clinic=clinic, day=day, now=now)
        context["draw"] = queries.draw_of(clinic=clinic, day=day)
    else:
        context |= _past(request, clinic, day, now)
    return render(request, "booking/staff/release.html", context)


def _past(request: StaffRequest, clinic: Clinic, day: date, now: datetime) -> dict[str, Any]:
    report = queries.report(clinic=clinic, day=day)
    draw = report.draw
    note_listed(
        clinic=clinic,
        patient_ids=sorted(
            {one.patient_id for one in report.requests if one.patient_id}
            | {one.appointment.patient_id for one in report.taken}
        ),
        page=SeenIn.DRAW,
        actor=request.user,
        now=now,
    )
    is_held = draw is not None and draw.drawn_at is not None
    window = queries.window_of(clinic, day)
    if draw is not None and is_held:  # as it was then, whatever the settings say now
        window = Window(day, draw.opens_at, draw.closes_at)
    return {
        "window": window,
        "report": report,
        "draw": draw,
        "faults": queries.faults_of(draw) if draw is not None and is_held else [],
        "is_held": is_held,
        "still_asked": queries.number_asked(draw) if draw is not None and not is_held else 0,
    }
