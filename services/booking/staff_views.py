"""The staff's calendar, the requests that wait, and one appointment."""

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from clinic_admin.models import Clinic
from notifications.queries import ledger_of
from patients.choices import SeenIn
from patients.operations import note_listed
from portal.refusals import Refused
from services.booking import operations, staff_operations, staff_queries
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.staff_appointment import history_of, look_of, told
from services.booking.staff_calendar import MOST_PROVIDERS, calendar_of_day, legend, neighbours
from services.booking.staff_forms import Back, DayForm, Decision, DecisionForm
from services.booking.staff_queries import Cursor, ProviderOfDay


@require_safe
@staff_page
def calendar(request: StaffRequest) -> HttpResponse:
    """A day of the clinic, providers side by side."""
    now = timezone.now()
    clinic = request.clinic
    today = now.astimezone(clinic.zone).date()
    form = DayForm(request.GET if "day" in request.GET else {}, today=today)
    day = form.cleaned_data["day"] if form.is_valid() else today
    everyone = staff_queries.providers_of_day(clinic, day)
    chosen = _numbers(request.GET.getlist("provider"))
    providers = _shown(everyone, chosen)
    provider_ids = [provider.pk for provider in providers]
    appointments = staff_queries.appointments_of_day(clinic, day, provider_ids)
    note_listed(
        clinic=clinic,
        patient_ids=[one.patient_id for one in appointments],
        page=SeenIn.CALENDAR,
        actor=request.user,
        now=now,
    )
    slots = staff_queries.slots_of_day(clinic, day, provider_ids)
    guests = staff_queries.guests_of_day(clinic, day, provider_ids)
    facts = staff_queries.day_facts(clinic, day, now)
    before, after = neighbours(day)
    context = {
        "form": form,
        "day": day,
        "today": today,
        "before": _address(clinic, before, chosen),
        "after": _address(clinic, after, chosen),
        "to_today": _address(clinic, today, chosen),
        "everyone": everyone,
        "chosen": [pk for pk in provider_ids if pk in chosen],
        "away": [provider for provider in providers if provider.is_absent],
        "legend": legend(),
        "left_out": len(everyone) - len(providers) if not chosen else 0,
        "is_empty": not slots and not appointments,
        "facts": facts,
        "waiting_count": facts.waiting,
        "requests": _with_providers(appointments, providers, now),
        "calendar": calendar_of_day(
            clinic,
            day,
            providers=providers,
            slots=slots,
            appointments=appointments,
            guests=guests,
            now=now,
        ),
    }
    return render(request, "booking/staff/calendar.html", context)


@require_safe
@staff_page
def waiting(request: StaffRequest) -> HttpResponse:
    """Everything that waits for approval, oldest first; `?mine=1` only what was given to whoever asks (C4)."""
    is_mine = request.GET.get("mine") == "1"
    page = staff_operations.open_waiting(
        clinic=request.clinic,
        mine=request.staff_member if is_mine else None,
        after=Cursor.parse(request.GET.get("after", "")),
        actor=request.user,  # type: ignore[arg-type]
        now=timezone.now(),
    )
    counts = staff_queries.waiting_counts(request.clinic)
    context = {
        "page": page,
        "is_first": "after" not in request.GET,
        "is_all": not is_mine,
        "is_mine": is_mine,
        "is_guests": False,
        "mine_count": staff_queries.waiting_for(request.staff_member),
        "waiting_count": counts.total,
        "request_count": counts.requests,
        "guest_count": counts.guests,
    }
    return render(request, "booking/staff/waiting.html", context)


@require_safe
@staff_page
def appointment(request: StaffRequest, appointment_id: UUID) -> HttpResponse:
    """One appointment: what was asked, who did what when, and the messages about it."""
    now = timezone.now()
    found = staff_operations.open_appointment(
        clinic=request.clinic,
        appointment_id=appointment_id,
        actor=request.user,  # type: ignore[arg-type]
        now=now,
    )
    if found is None:
        raise Http404
    context = {
        "appointment": found,
        "day": found.starts_at.astimezone(request.clinic.zone).date(),
        "waits": found.status == AppointmentStatus.REQUESTED,
        "has_passed": found.starts_at <= now,
        "look": look_of(found),
        "history": history_of(found),
        "ledger": told(ledger_of(found)),
        "waiting_count": staff_queries.waiting_counts(request.clinic).total,
    }
    return render(request, "booking/staff/appointment.html", context)


@require_POST
@staff_page
def decide(request: StaffRequest, appointment_id: UUID) -> HttpResponse:
    """Approve or refuse a request, and return to where the button stood."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        raise Http404
    act = (
        operations.approve if form.cleaned_data["decision"] == Decision.APPROVE else operations.refuse_request
    )
    try:
        decided = act(
            clinic=request.clinic,
            appointment_id=appointment_id,
            actor=request.user,
            now=timezone.now(),
        )
    except Appointment.DoesNotExist as absent:
        raise Http404 from absent
    except Refused as refused:
        messages.warning(request, f"{refused.message} {refused.reason.next_step.label}.")
    else:
        messages.success(request, _told(decided))
    return redirect(_back(request, form.cleaned_data["back"], appointment_id))


def _told(decided: Appointment) -> str:
    if decided.status == AppointmentStatus.BOOKED:
        return _("Approved. %(name)s is notified.") % {"name": decided.patient.full_name}
    return _("Refused. %(name)s is notified, and the time is free again.") % {
        "name": decided.patient.full_name
    }


def _back(request: StaffRequest, back: Back, appointment_id: UUID) -> str:
    clinic = request.clinic
    if back == Back.APPOINTMENT:
        return reverse("booking_staff:appointment", args=[clinic.portal_identifier, appointment_id])
    if back == Back.CALENDAR:
        form = DayForm(request.POST, today=timezone.now().astimezone(clinic.zone).date())
        day = form.cleaned_data["day"] if form.is_valid() else form.today
        return _address(clinic, day, _numbers(request.POST.getlist("provider")))
    return reverse("booking_staff:waiting", args=[clinic.portal_identifier])


def _address(clinic: Clinic, day: date, provider_ids: list[int]) -> str:
    query: list[tuple[str, Any]] = [("day", day.isoformat()), *(("provider", pk) for pk in provider_ids)]
    return f"{reverse('booking_staff:calendar', args=[clinic.portal_identifier])}?{urlencode(query)}"


def _numbers(words: list[str]) -> list[int]:
    return [int(word) for word in words if word.isascii() and word.isdigit()]


def _shown(everyone: tuple[ProviderOfDay, ...], chosen: list[int]) -> list[ProviderOfDay]:
    """Those asked for, or everyone when nobody of the clinic was; as many as fit side by side."""
    wanted = [provider for provider in everyone if provider.pk in chosen]
    return (wanted or list(everyone))[:MOST_PROVIDERS]


def _with_providers(
    appointments: tuple[staff_queries.AppointmentOfDay, ...],
    providers: list[ProviderOfDay],
    now: datetime,
) -> list[dict[str, Any]]:
    names = {provider.pk: provider.name for provider in providers}
    return [
        {"row": row, "provider": names[row.provider_id], "has_passed": row.starts_at <= now}
        for row in appointments
        if row.status == AppointmentStatus.REQUESTED
    ]
