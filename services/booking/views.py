"""The patient's pages: find a time, book it, see it, give it back."""

from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from identity.models import User
from patients.guardianship import words
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from portal.headers import sent_by_page
from services.access.own_answer import own_answer
from services.access.special_choices import OwnReason
from services.booking import choosing, free_times, in_place, operations, own_times, policy, queries, times
from services.booking.calendar_file import calendar_file as file_of
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind
from services.booking.earlier.queries import offered_now, wish_about
from services.booking.forms import BookForm, key_of
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from services.booking.release.news import news_of
from services.booking.release.views import keeps_up
from services.booking.reminders.views import reminder_words
from services.booking.reminders.words import Choice, choice_for

EARLIER_PER_PAGE = 20


# -- find --------------------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_safe
def find(request: PatientRequest) -> HttpResponse:
    """Show whom the patient may book, and a week of free times."""
    clinic, now = request.clinic, timezone.now()
    found = choosing.words(
        request.GET,
        clinic=clinic,
        page=reverse("booking:find", args=[clinic.portal_identifier]),
        offer_of=partial(free_times.offer, patient=request.patient, assurance=request.sign_in.assurance),
        now=now,
        for_other=request.acting is not None,
    )
    if quiet := choosing.answer_quietly(request, found):
        return quiet
    offer = found["offer"]
    context = {
        **found,
        "own_answer": None if offer.providers else _why_nothing(request, now),
        # Where everyone comes at once, nothing is asked about draws at a clinic that holds none, and has none left over.
        "news": news_of(request.patient, request.sign_in.assurance, now)
        if clinic.may_draw(now.astimezone(clinic.zone).date())
        else None,
        "offered": offered_now(request.patient, now),
        "has_urgent": any(slot.kind == SlotKind.URGENT for slot in offer.times),
    }
    part = "#offer" if choosing.wants_part(request.htmx) else ""
    return render(request, f"booking/find.html{part}", context)


def _why_nothing(request: PatientRequest, now: datetime) -> OwnReason | None:
    return own_answer(
        patient=request.patient,
        services=free_times.SERVICES,
        assurance=request.sign_in.assurance,
        day=now.astimezone(request.clinic.zone).date(),
    )


# -- book --------------------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: PatientRequest, slot: int) -> HttpResponse:
    """Ask why, and take the time. A time lost to someone else keeps what was typed and shows the nearest ones."""
    now = timezone.now()
    if request.method != "POST":
        return _ask_why(request, slot, now)
    key = key_of(request.POST)
    seen = operations.look(request.patient, slot, key)
    match operations.settled(seen, request.patient, key, now):
        case Appointment() as made:
            return _to_appointment(request, made.pk)
        case BookingRefused() as refused:
            return _lost_page(request, slot, refused, now)
    form = BookForm(request.POST, reminder=_reminder(request, now))
    if not form.is_valid():
        return _considered_page(request, form, _consider(request, slot, now), now)
    try:
        appointment = operations.book(
            patient=request.patient,
            slot_id=slot,
            reason=form.cleaned_data["reason"],
            wants_reminder=form.cleaned_data.get("wants_reminder", False),
            form_key=form.key,
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
            seen=seen,
        )
    except BookingRefused as refused:
        return _lost_page(request, slot, refused, now)
    return _to_appointment(request, appointment.pk)


def _lost_page(request: PatientRequest, slot_id: int, refused: BookingRefused, now: datetime) -> HttpResponse:
    """Say that the time can't be had. Where everyone comes at once, most leave here: no more is read than is shown."""
    lost = refused.details.get("slot") or queries.slot_of(request.patient, slot_id)
    reason = BookingRefusal(refused.reason)
    if lost and sent_by_page(request):
        return _lost_in_place(request, lost, reason)
    form = BookForm(request.POST, reminder=_reminder(request, now))
    form.is_valid()
    return _refused_page(request, form, lost, reason, now, status=422 if lost else 404)


@patient_page(area=Area.APPOINTMENTS)
@require_safe
def nearest(request: PatientRequest, slot: int) -> HttpResponse:
    """Show the free times nearest to one that was lost, within the form that asked for it."""
    now = timezone.now()
    lost = queries.slot_of(request.patient, slot)
    if lost is None:
        raise Http404
    if not request.htmx:  # it is a part of the form's page, and nothing by itself
        return redirect("booking:book", request.clinic.portal_identifier, slot)
    refusal = queries.over_limit(request.patient, SlotKind.URGENT, now=now)
    context = {
        "nearest": _nearest(request, lost, refusal, now),
        "clinic": request.clinic,
        "patient": request.patient,
        "acting_for": request.acting,
        "slot": lost,
        "refusal": refusal,
    }
    return HttpResponse(render_to_string("booking/nearest.html", {**context, "in_place": True}))


def _ask_why(request: PatientRequest, slot_id: int, now: datetime) -> HttpResponse:
    seen = _consider(request, slot_id, now)
    if seen is not None and seen.own is not None:
        return _to_appointment(request, seen.own)
    return _considered_page(request, BookForm(reminder=_reminder(request, now, seen)), seen, now)


def _consider(request: PatientRequest, slot_id: int, now: datetime) -> queries.Consideration | None:
    return queries.consider(
        patient=request.patient, slot_id=slot_id, assurance=request.sign_in.assurance, now=now
    )


def _reminder(request: PatientRequest, now: datetime, seen: queries.Consideration | None = None) -> Choice:
    starts_at = seen.slot.starts_at if seen else None
    return choice_for(request.patient, request.clinic, starts_at=starts_at, now=now)


def _to_appointment(request: PatientRequest, appointment_id: UUID) -> HttpResponse:
    return in_place.go_to(request, "booking:appointment", request.clinic.portal_identifier, appointment_id)


def _considered_page(
    request: PatientRequest, form: BookForm, seen: queries.Consideration | None, now: datetime
) -> HttpResponse:
    """Show the time with the form, and its errors, or why the time can't be had."""
    if seen is None:
        return _refused_page(request, form, None, BookingRefusal.NOT_OFFERED, now, status=404)
    if seen.refusal is not None and not form.is_bound:
        return _refused_page(request, form, seen.slot, seen.refusal, now, status=409)
    context = {"form": form, "seen": seen, "slot": seen.slot}
    return in_place.page(request, "booking/book.html", context, status=422 if form.is_bound else 200)


def _refused_page(
    request: PatientRequest,
    form: BookForm,
    slot: Slot | None,
    refusal: BookingRefusal,
    now: datetime,
    *,
    status: int,
) -> HttpResponse:
    """Show why the time can't be had, with the nearest free ones, and what was written."""
    context = {
        **_lost(request, slot, refusal),
        "form": form,
        "keeps_text": form.is_bound,
        "nearest": _nearest(request, slot, refusal, now),
    }
    return render(request, "booking/book.html", context, status=status)


def _lost_in_place(request: PatientRequest, slot: Slot, refusal: BookingRefusal) -> HttpResponse:
    """Say that the time can't be had: the same words for all who wanted it, unless something of their own is in the way."""
    clinic, words = request.clinic, _lost(request, slot, refusal)
    same_for = (refusal, clinic.portal_identifier, clinic.name, clinic.phone, slot.pk, slot.starts_at)
    is_personal = words["own"] is not None or request.acting is not None
    return in_place.part(
        "booking/lost.html", words, same_for=None if is_personal else (*same_for, slot.provider.name)
    )


def _lost(request: PatientRequest, slot: Slot | None, refusal: BookingRefusal) -> dict[str, Any]:
    """Return what is said about a time that can't be had."""
    is_own = slot is not None and refusal == BookingRefusal.OWN_TIME
    return {
        "clinic": request.clinic,
        "patient": request.patient,
        "acting_for": request.acting,
        "slot": slot,
        "refusal": refusal,
        "own": own_times.first_beside(request.patient, slot) if slot and is_own else None,
    }


def _nearest(
    request: PatientRequest, lost: Slot | None, refusal: BookingRefusal | None, now: datetime
) -> list[Any]:
    """Return free times near the lost one, as the page shows them; none that would be refused for the same reason."""
    if refusal == BookingRefusal.TOO_MANY:
        return []
    page = reverse("booking:find", args=[request.clinic.portal_identifier])
    found = free_times.nearest_free(
        patient=request.patient,
        assurance=request.sign_in.assurance,
        to=max(lost.starts_at, now) if lost else now,
        provider_id=lost.provider_id if lost else None,
        now=now,
    )
    return [
        {
            "slot": slot,
            "look": times.choice_of(slot, zone=request.clinic.zone, page=page, names_provider=True),
        }
        for slot in found
        if refusal != BookingRefusal.TOO_MANY_URGENT or slot.kind != SlotKind.URGENT
    ]


# -- what one has ------------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@require_safe
def appointments(request: PatientRequest) -> HttpResponse:
    """Show the patient's appointments, coming and earlier."""
    now = timezone.now()
    pages = Paginator(queries.earlier(request.patient, now), EARLIER_PER_PAGE)
    return render(
        request,
        "booking/appointments.html",
        {
            "upcoming": queries.all_upcoming(request.patient, now),
            "page": pages.get_page(request.GET.get("page")),
            "news": news_of(request.patient, request.sign_in.assurance, now),
            "offered": offered_now(request.patient, now),
        },
    )


@patient_page(area=Area.APPOINTMENTS)
@require_safe
def appointment(request: PatientRequest, appointment: UUID) -> HttpResponse:
    """Show one appointment: when, where, with whom, how it stands."""
    now = timezone.now()
    found = _own(request, appointment)
    return render(
        request,
        "booking/appointment.html",
        {
            "appointment": found,
            "is_over": found.ends_at <= now,
            "is_live": found.status in {AppointmentStatus.REQUESTED, AppointmentStatus.BOOKED},
            "may_cancel": queries.may_cancel(appointment=found, assurance=request.sign_in.assurance, now=now),
            "until": queries.cancellable_until(found, request.clinic),
            "is_too_late": now > queries.cancellable_until(found, request.clinic),
            "receipts": [(one, _other(request, one.by, one.at)) for one in queries.receipts_of(found)],
            "replacement": queries.replacement_of(found),
            "requested_for": _other(request, found.requested_by, found.requested_at),
            "cancelled_for": _other(request, found.cancelled_by, found.cancelled_at),
            "may_see_reason": _may_see_reason(request, found),
            **reminder_words(request, found, now),
        },
    )


def _other(request: PatientRequest, user: User | None, at: datetime | None) -> str:
    """Return who did it for the patient, with the role; empty when the patient or the clinic did."""
    if user is None or at is None or not words.acted_for(request.patient, user):
        return ""
    return words.name_and_role(request.patient, user, at)


def _may_see_reason(request: PatientRequest, appointment: Appointment) -> bool:
    """Return whether the reason may be read: others read what they wrote themselves, and what letters are open to."""
    if request.acting is None or request.acting.may(Area.LETTERS):
        return True
    return bool(appointment.requested_by_id == cast(Any, request.user).pk)


def _own(request: PatientRequest, appointment_id: UUID) -> Appointment:
    found = queries.appointment_of(patient=request.patient, appointment_id=appointment_id)
    if found is None:
        raise Http404
    return found


@patient_page(area=Area.APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: PatientRequest, appointment: UUID) -> HttpResponse:
    """Ask once more, and give the time back."""
    now = timezone.now()
    found = _own(request, appointment)
    if request.method != "POST":
        if found.status == AppointmentStatus.CANCELLED:
            return _to_appointment(request, found.pk)
        may = queries.may_cancel(appointment=found, assurance=request.sign_in.assurance, now=now)
        refusal = None if may else _why_not(found, now)
        return _cancel_page(request, found, refusal, status=409 if refusal else 200)
    try:
        operations.cancel(
            patient=request.patient,
            appointment_id=appointment,
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except BookingRefused as refused:
        return _cancel_page(request, found, BookingRefusal(refused.reason), status=422)
    return _to_appointment(request, appointment)


def _why_not(appointment: Appointment, now: datetime) -> BookingRefusal | None:
    until = queries.cancellable_until(appointment, appointment.clinic)
    return policy.refuse_cancellation(
        status=appointment.status,
        starts_at=appointment.starts_at,
        until=until,
        may_cancel=now > until,
        now=now,
    )


def _cancel_page(
    request: PatientRequest, appointment: Appointment, refusal: BookingRefusal | None, *, status: int
) -> HttpResponse:
    shown = {
        "appointment": appointment,
        "refusal": refusal,
        "wish": None if refusal else wish_about(request.patient, appointment),
    }
    return render(request, "booking/cancel.html", shown, status=status)


@patient_page(area=Area.APPOINTMENTS)
@require_safe
def calendar_file(request: PatientRequest, appointment: UUID) -> HttpResponse:
    """Hand out the appointment as a file for the patient's own calendar."""
    found = _own(request, appointment)
    page = reverse("booking:appointment", args=[request.clinic.portal_identifier, found.pk])
    host = settings.BASE_URL.split("/")[2].split(":")[0]
    response = HttpResponse(
        file_of(found, host=host, address=settings.BASE_URL + page, now=timezone.now()),
        content_type="text/calendar; charset=utf-8",
    )
    response["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response
