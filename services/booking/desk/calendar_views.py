"""The week of one provider or several; the day is beside it (staff_views)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
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
from portal.look.day import MOST_IN_WEEK
from services.booking import policy
from services.booking.desk import queries
from services.booking.desk.fingerprint import fingerprint
from services.booking.desk.live import answer_quietly, live_of, nothing_new
from services.booking.desk.moving import moving_of
from services.booking.desk.origin import Origin, week_address
from services.booking.staff import queries as staff_queries
from services.booking.staff.day import Contents, calendar_of_week, legend, requests_within
from services.booking.staff.forms import ALL_DAYS, WORKING_DAYS, DayForm, numbers
from services.booking.staff.queries import ProviderOfDay


@dataclass(frozen=True)
class Shown:
    """Which week of whom the page shows."""

    clinic: Clinic
    day: date
    length: int
    providers: Sequence[ProviderOfDay]
    chosen: Sequence[int]
    """Those of them who were asked for; empty when nobody was."""

    @property
    def days(self) -> list[date]:
        """Return its days, from Monday on."""
        monday = _monday(self.day, self.length)
        return [monday + timedelta(days=number) for number in range(self.length)]

    def address(self, day: date, keeps: dict[str, Any]) -> str:
        """Return the address of another week with the same choice."""
        return week_address(self.clinic, day, self.chosen, days=self.length, **keeps)

    @property
    def origin(self) -> Origin:
        """Return what leads back here."""
        return Origin(self.length, self.chosen)


def _monday(day: date, length: int) -> date:
    """Return the Monday of the day's week; of the week to come where the day is of a weekend that isn't shown."""
    monday = policy.week_of(day)
    return monday + timedelta(weeks=1) if day.weekday() >= length else monday


@require_safe
@staff_page
def week(request: StaffRequest) -> HttpResponse:
    """Five or seven days of one provider or several, side by side."""
    now, clinic = timezone.now(), request.clinic
    today = now.astimezone(clinic.zone).date()
    form = DayForm(request.GET if "day" in request.GET else {}, today=today)
    day = form.cleaned_data["day"] if form.is_valid() else today
    wanted = numbers(request.GET.getlist("provider"))
    length = ALL_DAYS if request.GET.get("days") == str(ALL_DAYS) else WORKING_DAYS
    version = fingerprint(clinic, _monday(day, length), days=length, chosen=wanted, now=now)
    if quiet := nothing_new(request, version):
        return quiet
    everyone = staff_queries.providers_of_day(clinic, day)
    asked = [one for one in everyone if one.pk in wanted]
    shown = Shown(
        clinic=clinic,
        day=day,
        length=length,
        providers=(asked or everyone[:1])[:MOST_IN_WEEK],
        chosen=[one.pk for one in asked[:MOST_IN_WEEK]],
    )
    facts = staff_queries.day_facts(clinic, day, now)
    contents = _contents(shown)
    away, closed = _away(shown), _closed(shown)
    live = live_of(
        clinic,
        contents,
        days={
            (one.pk, day): f"{(one.pk, day) in away} {closed.get(day, '-')}"
            for one in shown.providers
            for day in shown.days
        },
        facts=facts,
        version=version,
        now=now,
    )
    if quiet := answer_quietly(request, live):
        return quiet
    _note(request, contents, now)
    moving = moving_of(request, shown.origin.query)
    context: dict[str, Any] = {
        "form": form,
        "day": day,
        "first": shown.days[0],
        "last": shown.days[-1],
        "is_seven": shown.length == ALL_DAYS,
        "days": shown.length,
        "everyone": everyone,
        "providers": shown.providers,
        "chosen": [one.pk for one in shown.providers],
        "left_out": len(asked) - len(shown.providers) if asked else 0,
        "most": MOST_IN_WEEK,
        "misses_reminders": any(one.reminder_failed for one in contents.appointments),
        "moving": moving,
        "legend": legend(),
        "facts": facts,
        "live": live,
        "requests": requests_within(contents.appointments, shown.providers, now),
        **_addresses(shown, today, moving.query if moving else {}),
        "calendar": calendar_of_week(
            clinic,
            shown.days,
            providers=shown.providers,
            contents=contents,
            away=away,
            closed=closed,
            moving=moving.way if moving else None,
            keeps="" if moving else shown.origin.query,
            now=now,
        ),
    }
    return render(request, "booking/desk/week.html", context)


def _contents(shown: Shown) -> Contents:
    """Return what lies within the week: three queries, however many providers there are."""
    asked = (shown.clinic, shown.days[0], [one.pk for one in shown.providers])
    return Contents(
        slots=staff_queries.slots_of_day(*asked, days=shown.length),
        appointments=staff_queries.appointments_of_day(*asked, days=shown.length),
        guests=staff_queries.guests_of_day(*asked, days=shown.length),
    )


def _note(request: StaffRequest, contents: Contents, now: datetime) -> None:
    """Record whom the page names: as the day does, and under the same word."""
    note_listed(
        clinic=request.clinic,
        patient_ids=contents.patient_ids,
        page=SeenIn.CALENDAR,
        actor=request.user,
        now=now,
    )


def _away(shown: Shown) -> set[tuple[int, date]]:
    ids, days = [one.pk for one in shown.providers], shown.days
    absences = queries.days_away(shown.clinic, ids, days[0], days[-1])
    return {(pk, day) for day in days for pk, first, end in absences if first <= day <= end}


def _closed(shown: Shown) -> dict[date, str]:
    days = shown.days
    closures = queries.days_closed(shown.clinic, days[0], days[-1])
    return {day: why for day in days for first, end, why in closures if first <= day <= end}


def _addresses(shown: Shown, today: date, move: dict[str, Any]) -> dict[str, str]:
    clinic, day = shown.clinic, shown.day
    to_day = urlencode([("day", day.isoformat()), *(("provider", pk) for pk in shown.chosen), *move.items()])
    provider = [("provider", one.pk) for one in shown.providers[:1]]
    new = urlencode([("day", day.isoformat()), *provider, *shown.origin.pairs])
    return {
        "before": shown.address(day - timedelta(days=7), move),
        "after": shown.address(day + timedelta(days=7), move),
        "to_today": shown.address(today, move),
        "stay": shown.address(day, {}),
        "to_day": f"{reverse('booking_staff:calendar', args=[clinic.portal_identifier])}?{to_day}",
        "to_new": f"{reverse('desk:book', args=[clinic.portal_identifier])}?{new}",
        "to_block": f"{reverse('desk:block', args=[clinic.portal_identifier])}?{new}",
    }
