"""The patient's pages of moving an appointment."""

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
from services.booking import choosing, free_times, operations, own_times, queries, times
from services.booking.choices import BookingRefusal
from services.booking.forms import MoveForm
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.booking.release.views import keeps_up


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
            form_key=form.key,
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
