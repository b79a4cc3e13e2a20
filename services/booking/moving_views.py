"""The patient's pages of moving an appointment, and of taking any free urgent time."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from services.booking import choosing, free_times, in_place, operations, own_times, queries, times
from services.booking.choices import BookingRefusal, SlotKind
from services.booking.forms import BookForm, MoveForm, key_of
from services.booking.free_times import UrgentNow
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.booking.release.views import keeps_up
from services.booking.reminders.words import choice_for


# -- move --------------------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_safe
def move_find(request: PatientRequest, appointment: UUID) -> HttpResponse:
    """Show the times to which the appointment can be moved; the old one stays until a new one is won."""
    clinic, now = request.clinic, timezone.now()
    found = _movable(request, appointment)
    if found.refusal is not None:
        return _stopped(request, found.appointment, found.refusal, status=409)
    context = choosing.words(
        request.GET,
        clinic=clinic,
        page=reverse("booking:move", args=[clinic.portal_identifier, appointment]),
        offer_of=partial(
            free_times.offer,
            patient=request.patient,
            assurance=request.sign_in.assurance,
            moved=found.appointment,
        ),
        now=now,
        for_other=request.acting is not None,
    )
    if quiet := choosing.answer_quietly(request, context):
        return quiet
    part = "#offer" if choosing.wants_part(request.htmx) else ""
    return render(request, f"booking/move.html{part}", {**context, "appointment": found.appointment})


@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_http_methods(["GET", "HEAD", "POST"])
def move_to(request: PatientRequest, appointment: UUID, slot: int) -> HttpResponse:
    """Ask once more with both times side by side, and move."""
    now = timezone.now()
    found = _movable(request, appointment)
    if request.method == "POST":
        return _move(request, found.appointment, slot, now)
    if found.refusal is not None:
        return _stopped(request, found.appointment, found.refusal, status=409)
    return _confirm_page(request, found.appointment, slot, None, now=now, status=200)


def _move(request: PatientRequest, appointment: Appointment, slot_id: int, now: datetime) -> HttpResponse:
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _confirm_page(
            request, appointment, slot_id, BookingRefusal.CHANGED_MEANWHILE, now=now, status=422
        )
    try:
        moved = operations.move(
            patient=request.patient,
            appointment_id=appointment.pk,
            slot_id=slot_id,
            version=form.cleaned_data["version"],
            form_key=form.cleaned_data["form_key"],
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except BookingRefused as refused:
        reason = BookingRefusal(refused.reason)
        if reason in _ABOUT_THE_OLD:
            return _stopped(request, appointment, reason, status=422)
        return _confirm_page(request, appointment, slot_id, reason, now=now, status=422)
    return redirect("booking:appointment", request.clinic.portal_identifier, moved.pk)


_ABOUT_THE_OLD = {BookingRefusal.ALREADY_ENDED, BookingRefusal.CANNOT_CANCEL, BookingRefusal.TOO_LATE}


def _movable(request: PatientRequest, appointment_id: UUID) -> queries.Movable:
    found = queries.movable(
        patient=request.patient,
        appointment_id=appointment_id,
        assurance=request.sign_in.assurance,
        now=timezone.now(),
    )
    if found is None:
        raise Http404
    return found


def _stopped(
    request: PatientRequest, appointment: Appointment, refusal: BookingRefusal, *, status: int
) -> HttpResponse:
    context = {"appointment": appointment, "refusal": refusal}
    return render(request, "booking/move_stopped.html", context, status=status)


def _is_done(appointment: Appointment, own: UUID | None) -> bool:
    """Return whether what the patient has at the time is this appointment, or the request to move it there."""
    if own is None or own == appointment.pk:
        return own is not None
    replacement = queries.replacement_of(appointment)
    return replacement is not None and replacement.pk == own


def _why(refusal: BookingRefusal | None, seen: queries.Consideration | None) -> BookingRefusal | None:
    """Return what is in the way; a time that the patient has taken with another appointment is not said to be lost."""
    if seen is None:
        return refusal or BookingRefusal.NOT_OFFERED
    is_own = refusal == BookingRefusal.TAKEN and seen.refusal == BookingRefusal.OWN_TIME
    return seen.refusal if is_own or refusal is None else refusal


def _confirm_page(
    request: PatientRequest,
    appointment: Appointment,
    slot_id: int,
    refusal: BookingRefusal | None,
    *,
    now: datetime,
    status: int,
) -> HttpResponse:
    clinic = request.clinic
    seen = queries.consider(
        patient=request.patient,
        slot_id=slot_id,
        assurance=request.sign_in.assurance,
        moved=appointment,
        now=now,
    )
    if seen is not None and _is_done(appointment, seen.own):  # whoever goes back after moving finds it done
        return redirect("booking:appointment", clinic.portal_identifier, seen.own)
    refusal = _why(refusal, seen)
    page = reverse("booking:move", args=[clinic.portal_identifier, appointment.pk])
    context: dict[str, Any] = {
        "appointment": appointment,
        "seen": seen,
        "refusal": refusal,
        "form": MoveForm(initial={"version": appointment.version}),
        "page_url": page,
    }
    if refusal is not None:
        status = status if status != 200 else 409 if seen else 404
        if seen is not None and refusal == BookingRefusal.OWN_TIME:
            context["own"] = own_times.first_beside(request.patient, seen.slot, moved=appointment)
        context["nearest"] = [
            {"slot": slot, "look": times.choice_of(slot, zone=clinic.zone, page=page, names_provider=True)}
            for slot in free_times.nearest_free(
                patient=request.patient,
                assurance=request.sign_in.assurance,
                to=max(seen.slot.starts_at, now) if seen else now,
                provider_id=seen.slot.provider_id if seen else None,
                moved=appointment,
                now=now,
            )
        ]
    return render(request, "booking/move_to.html", context, status=status)


# -- any urgent time ---------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@keeps_up
@require_http_methods(["GET", "HEAD", "POST"])
def any_urgent(request: PatientRequest) -> HttpResponse:
    """Ask why, and take the first free urgent time. When none is left, what was written stays on the page."""
    now = timezone.now()
    is_sent = request.method == "POST"
    if is_sent and not queries.is_urgent_left(request.patient, key_of(request.POST), now):
        return _none(request, BookingRefusal.TAKEN, now)
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
            form_key=form.cleaned_data["form_key"],
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except BookingRefused as refused:
        return _none(request, BookingRefusal(refused.reason), now)
    return in_place.go_to(request, "booking:appointment", request.clinic.portal_identifier, appointment.pk)


def _none(request: PatientRequest, refusal: BookingRefusal, now: datetime) -> HttpResponse:
    """Say that there is none to be had. Most leave here, so no more is read than what is shown."""
    found = _urgent_now(request, now) if refusal == BookingRefusal.OWN_TIME else None
    if request.htmx:
        return _none_in_place(request, refusal, found)
    form = BookForm(request.POST, reminder=choice_for(request.patient, request.clinic, now=now))
    form.is_valid()
    return _any_page(request, form, refusal, found, now=now, status=422)


def _before_any(request: PatientRequest, form: BookForm, now: datetime) -> HttpResponse:
    """Say which one it would be, and before anything is written whether there is none to be had."""
    found = _urgent_now(request, now)
    refusal = found.refusal or queries.over_limit(request.patient, SlotKind.URGENT, now=now)
    return _any_page(request, form, refusal, found, now=now, status=409 if refusal else 200)


def _urgent_now(request: PatientRequest, now: datetime) -> UrgentNow:
    return free_times.urgent_now(patient=request.patient, assurance=request.sign_in.assurance, now=now)


def _any_page(
    request: PatientRequest,
    form: BookForm,
    refusal: BookingRefusal | None,
    found: UrgentNow | None,
    *,
    now: datetime,
    status: int,
) -> HttpResponse:
    first = found.first if found else None
    context = {
        **_none_left(request, refusal, found),
        "form": form,
        "is_sent": form.is_bound,
        "first": first,
        "is_too_near": first is not None and now > queries.cancellable_until(first, request.clinic),
    }
    return in_place.page(request, "booking/any_urgent.html", context, status=status)


def _none_in_place(request: PatientRequest, refusal: BookingRefusal, found: UrgentNow | None) -> HttpResponse:
    """Say that there is none: the same words for all, unless something of their own is in the way."""
    clinic, words = request.clinic, _none_left(request, refusal, found)
    same_for = (refusal, clinic.portal_identifier, clinic.phone, clinic.country)
    is_personal = words["own"] is not None or request.acting is not None
    return in_place.part(
        "booking/none_left.html", {**words, "is_sent": True}, same_for=None if is_personal else same_for
    )


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
