"""The week of one provider; the day of several is beside it (staff_views)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic_admin.guards import StaffRequest, staff_page
from clinic_admin.models import Clinic
from patients.choices import SeenIn
from patients.operations import note_listed
from portal.look.day import DayCalendar
from services.booking import policy
from services.booking.desk import queries
from services.booking.desk.moving import Sought, moving_of
from services.booking.staff import queries as staff_queries
from services.booking.staff.day import Contents, calendar_of_week, legend
from services.booking.staff.forms import DayForm
from services.booking.staff.queries import ProviderOfDay

WORKING_DAYS, ALL_DAYS = 5, 7


@require_safe
@staff_page
def week(request: StaffRequest) -> HttpResponse:
    """Five or seven days of one provider, side by side."""
    now, clinic = timezone.now(), request.clinic
    today = now.astimezone(clinic.zone).date()
    form = DayForm(request.GET if "day" in request.GET else {}, today=today)
    day = form.cleaned_data["day"] if form.is_valid() else today
    length = ALL_DAYS if request.GET.get("days") == str(ALL_DAYS) else WORKING_DAYS
    monday = policy.week_of(day)
    everyone = staff_queries.providers_of_day(clinic, day)
    provider = _chosen(everyone, request.GET.get("provider", ""))
    moving = moving_of(request)
    context: dict[str, Any] = {
        "form": form,
        "day": day,
        "monday": monday,
        "last": monday + timedelta(days=length - 1),
        "is_seven": length == ALL_DAYS,
        "everyone": everyone,
        "provider": provider,
        "moving": moving,
        "legend": legend(),
    }
    if provider is not None:
        context |= _addresses(clinic, provider, day, today, length, moving.query if moving else {})
        context["calendar"] = _calendar(request, provider, monday, length, moving)
    return render(request, "booking/desk/week.html", context)


def _calendar(
    request: StaffRequest, provider: ProviderOfDay, monday: date, length: int, moving: Sought | None
) -> DayCalendar:
    now, clinic, ids = timezone.now(), request.clinic, [provider.pk]
    last = monday + timedelta(days=length - 1)
    contents = Contents(
        slots=staff_queries.slots_of_day(clinic, monday, ids, days=length),
        appointments=staff_queries.appointments_of_day(clinic, monday, ids, days=length),
        guests=staff_queries.guests_of_day(clinic, monday, ids, days=length),
    )
    note_listed(
        clinic=clinic,
        patient_ids=contents.patient_ids,
        page=SeenIn.CALENDAR,
        actor=request.user,
        now=now,
    )
    days = [monday + timedelta(days=number) for number in range(length)]
    away = queries.days_away(clinic, provider.pk, monday, last)
    closed = queries.days_closed(clinic, monday, last)
    return calendar_of_week(
        clinic,
        days,
        provider=provider,
        contents=contents,
        away={day for day in days if any(first <= day <= end for first, end in away)},
        closed={day: why for day in days for first, end, why in closed if first <= day <= end},
        moving=moving.way if moving else None,
        now=now,
    )


def _chosen(everyone: Sequence[ProviderOfDay], word: str) -> ProviderOfDay | None:
    """Return the provider asked for, else the first; None when the clinic has none."""
    wanted = [one for one in everyone if word.isascii() and word.isdigit() and one.pk == int(word)]
    return next(iter([*wanted, *everyone]), None)


def _addresses(
    clinic: Clinic, provider: ProviderOfDay, day: date, today: date, length: int, move: dict[str, Any]
) -> dict[str, str]:
    def at(one: date, days: int = length, keeps: dict[str, Any] = move) -> str:
        query = {"day": one.isoformat(), "provider": provider.pk, "days": days, **keeps}
        return f"{reverse('desk:week', args=[clinic.portal_identifier])}?{urlencode(query)}"

    to_day = urlencode({"day": day.isoformat(), **move})
    new = urlencode({"day": day.isoformat(), "provider": provider.pk})
    return {
        "before": at(day - timedelta(days=7)),
        "after": at(day + timedelta(days=7)),
        "to_today": at(today),
        "stay": at(day, keeps={}),
        "other_length": at(day, WORKING_DAYS if length == ALL_DAYS else ALL_DAYS),
        "to_day": f"{reverse('booking_staff:calendar', args=[clinic.portal_identifier])}?{to_day}",
        "to_new": f"{reverse('desk:book', args=[clinic.portal_identifier])}?{new}",
        "to_block": f"{reverse('desk:block', args=[clinic.portal_identifier])}?{new}",
    }
