"""The staff's calendar, the requests that wait, and one appointment."""

from datetime import date, datetime
from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from clinic_admin.models import Clinic
from clinic_admin.sms_price import in_crowns
from notifications.queries import ledger_of
from patients.choices import SeenIn
from patients.operations import note_listed
from portal.refusals import Refused
from services.booking import operations
from services.booking.choices import AppointmentStatus
from services.booking.desk import policy as desk
from services.booking.desk.choices import Rule
from services.booking.desk.fingerprint import fingerprint
from services.booking.desk.live import answer_quietly, live_of, nothing_new
from services.booking.desk.moving import moving_of
from services.booking.desk.origin import Origin, day_address, origin_of, week_address
from services.booking.models import Appointment
from services.booking.queries import receipts_of
from services.booking.reminders.price import owed_ore
from services.booking.reminders.queries import outlook_of
from services.booking.staff import decided, queries
from services.booking.staff import operations as staff_operations
from services.booking.staff.day import (
    MOST_PROVIDERS,
    Contents,
    calendar_of_day,
    legend,
    mover_of,
    neighbours,
    page_of,
    requests_within,
)
from services.booking.staff.forms import (
    ALL_DAYS,
    WORKING_DAYS,
    Back,
    DayForm,
    Decision,
    DecisionForm,
    numbers,
)
from services.booking.staff.queries import Cursor, ProviderOfDay
from services.booking.staff.story import colour_of, history_of, look_of, told, with_moves


@require_safe
@staff_page
def calendar(request: StaffRequest) -> HttpResponse:
    """A day of the clinic, providers side by side."""
    now = timezone.now()
    clinic = request.clinic
    today = now.astimezone(clinic.zone).date()
    form = DayForm(request.GET if "day" in request.GET else {}, today=today)
    day = form.cleaned_data["day"] if form.is_valid() else today
    chosen = numbers(request.GET.getlist("provider"))
    version = fingerprint(clinic, day, chosen=chosen, now=now)
    if quiet := nothing_new(request, version):
        return quiet
    everyone = queries.providers_of_day(clinic, day)
    providers = _shown(everyone, chosen)
    provider_ids = [provider.pk for provider in providers]
    appointments = queries.appointments_of_day(clinic, day, provider_ids)
    slots = queries.slots_of_day(clinic, day, provider_ids)
    guests = queries.guests_of_day(clinic, day, provider_ids)
    contents = Contents(slots, appointments, guests)
    facts = queries.day_facts(clinic, day, now)
    live = live_of(
        clinic,
        contents,
        days={(one.pk, day): f"{one.is_absent} {one.cover} {facts.closed_because}" for one in providers},
        facts=facts,
        version=version,
        now=now,
    )
    if quiet := answer_quietly(request, live):
        return quiet
    note_listed(
        clinic=clinic,
        patient_ids=contents.patient_ids,
        page=SeenIn.CALENDAR,
        actor=request.user,
        now=now,
    )
    origin = Origin(shown=[pk for pk in provider_ids if pk in chosen])
    moving = moving_of(request, origin.query)
    keeps = moving.query if moving else {}
    before, after = neighbours(day)
    context = {
        "form": form,
        "day": day,
        "today": today,
        "before": day_address(clinic, before, chosen, **keeps),
        "after": day_address(clinic, after, chosen, **keeps),
        "to_today": day_address(clinic, today, chosen, **keeps),
        "everyone": everyone,
        "chosen": origin.shown,
        "away": [provider for provider in providers if provider.is_absent],
        "legend": legend(),
        "left_out": len(everyone) - len(providers) if not chosen else 0,
        "misses_reminders": any(one.reminder_failed for one in appointments),
        "is_empty": not slots and not appointments,
        "facts": facts,
        "live": live,
        "requests": requests_within(clinic, appointments, providers, origin.query, now),
        "moving": moving,
        "stay": day_address(clinic, day, chosen),
        "to_week": week_address(clinic, day, origin.shown, **keeps),
        **_ways(clinic, day, providers, origin),
        "calendar": calendar_of_day(
            clinic,
            day,
            providers=providers,
            contents=contents,
            is_closed=facts.closed_because is not None,
            moving=moving.way if moving else None,
            keeps="" if moving else origin.query,
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
    counts = queries.waiting_counts(request.clinic)
    context = {
        "page": page,
        "is_first": "after" not in request.GET,
        "is_all": not is_mine,
        "is_mine": is_mine,
        "is_guests": False,
        "mine_count": queries.waiting_for(request.staff_member),
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
    ledger = ledger_of(found)
    origin = origin_of(request.GET)
    day = found.starts_at.astimezone(request.clinic.zone).date()
    context = {
        "appointment": found,
        "day": day,
        "origin": origin,
        "to_calendar": origin.address(request.clinic, day, goal=found.pk),
        "waits": found.status == AppointmentStatus.REQUESTED,
        "has_passed": found.starts_at <= now,
        "is_reachable": bool(found.patient.mobile or found.patient.email),
        "look": look_of(found),
        "marks": desk.possible_marks(
            found.status, found.attendance, found.starts_at, request.clinic.zone, now=now
        ),
        "mover": _mover(request, found, origin),
        "overruled": [Rule(rule).label for rule in found.overruled],
        "history": with_moves(history_of(found, queries.marks_of(found)), found, receipts_of(found)),
        "ledger": told(ledger),
        "owed": in_crowns(request.clinic, owed_ore(ledger)),
        "reminder": (reminder := outlook_of(found, now)),
        "reminder_colour": colour_of(reminder),
    }
    return render(request, "booking/staff/appointment.html", context)


def _mover(request: StaffRequest, found: Appointment, origin: Origin) -> str:
    """Return where the appointment is moved, and leads back to where one came from; empty when it can't be."""
    refusal = desk.refuse_move(
        status=found.status, attendance=found.attendance, version=found.version, seen=found.version
    )
    mover = mover_of(request.clinic, found.pk, found.version)
    return "" if refusal else f"{mover}&{origin.query}".removesuffix("&")


@require_POST
@staff_page
def decide(request: StaffRequest, appointment_id: UUID) -> HttpResponse:
    """Approve or refuse a request, and return to where the button stood."""
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _decide_again(request, form, appointment_id)
    is_approval = form.cleaned_data["decision"] == Decision.APPROVE
    act = (
        operations.approve
        if is_approval
        else partial(operations.refuse_request, words=form.cleaned_data["words"])
    )
    now = timezone.now()
    try:
        done = act(clinic=request.clinic, appointment_id=appointment_id, actor=request.user, now=now)
    except Appointment.DoesNotExist as absent:
        raise Http404 from absent
    except Refused as refused:
        _say_late(request, refused, form.cleaned_data["decision"], now)
    else:
        messages.success(request, decided.told(done, now=now))
    return redirect(_back(request, form.cleaned_data["back"], appointment_id))


def _decide_again(request: StaffRequest, form: DecisionForm, appointment_id: UUID) -> HttpResponse:
    """Show what was written to the patient with its fault; a form that holds no decision is none of ours."""
    found = queries.appointment_of(request.clinic, appointment_id)
    if found is None or set(form.errors) != {"words"}:
        raise Http404
    carried = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name in {"back", "day", "days", "provider", "decision"}
    ]
    words = {"form": form, "appointment": found, "carried": carried}
    return render(request, "booking/staff/refuse.html", words, status=422)


def _say_late(request: StaffRequest, refused: Refused, decision: str, now: datetime) -> None:
    """Tell who decided meanwhile; whoever pressed twice reads what the first press did."""
    found = refused.details.get("found")
    if found is None:
        messages.warning(request, f"{refused.message} {refused.reason.next_step.label}.")
    elif decided.is_done(found, decision, actor_id=request.staff_member.user_id):
        messages.success(request, decided.told(found, now=now))
    else:
        messages.warning(request, f"{refused.message} {decided.by_whom(found, request.clinic.zone)}".strip())


def _back(request: StaffRequest, back: Back, appointment_id: UUID) -> str:
    clinic = request.clinic
    if back == Back.APPOINTMENT:
        return page_of(clinic, appointment_id, origin_of(request.GET).query)
    if back in {Back.CALENDAR, Back.WEEK}:
        form = DayForm(request.POST, today=timezone.now().astimezone(clinic.zone).date())
        day = form.cleaned_data["day"] if form.is_valid() else form.today
        chosen = numbers(request.POST.getlist("provider"))
        if back == Back.CALENDAR:
            return day_address(clinic, day, chosen)
        length = ALL_DAYS if request.POST.get("days") == str(ALL_DAYS) else WORKING_DAYS
        return week_address(clinic, day, chosen, days=length)
    return reverse("booking_staff:waiting", args=[clinic.portal_identifier])


def _ways(clinic: Clinic, day: date, providers: list[ProviderOfDay], origin: Origin) -> dict[str, str]:
    """Return the addresses of booking by hand and of blocking, with day and provider filled in."""
    provider = [("provider", one.pk) for one in providers[:1]]
    query = urlencode([("day", day.isoformat()), *provider, *origin.pairs])
    names = {"to_new": "desk:book", "to_block": "desk:block"}
    return {word: f"{reverse(name, args=[clinic.portal_identifier])}?{query}" for word, name in names.items()}


def _shown(everyone: tuple[ProviderOfDay, ...], chosen: list[int]) -> list[ProviderOfDay]:
    """Those asked for, or everyone when nobody of the clinic was; as many as fit side by side."""
    wanted = [provider for provider in everyone if provider.pk in chosen]
    return (wanted or list(everyone))[:MOST_PROVIDERS]
