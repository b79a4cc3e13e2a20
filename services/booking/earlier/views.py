"""The patient's pages of earlier times: see, join, leave, and answer an offer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from portal.readers import to_whom
from portal.refusals import Refusal
from services.access import queries as access
from services.access.choices import Approval
from services.booking import own_times
from services.booking import policy as booking_policy
from services.booking import queries as booking
from services.booking.choices import BookingRefusal
from services.booking.earlier import operations, queries, words
from services.booking.earlier.choices import OfferStatus
from services.booking.earlier.forms import JoinForm
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.earlier.operations import EarlierRefused
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.booking.reminders.words import choice_for


# -- the list ----------------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@require_safe
def mine(request: PatientRequest) -> HttpResponse:
    """Show what the patient waits for, and what they are offered now."""
    found = queries.of_patient(request.patient, timezone.now())
    names = {provider.pk: provider.name for provider in access.everyone(request.clinic)}
    context = {
        "wishes": [{"wish": wish, "suits": words.suits(wish, names)} for wish in found.wishes],
        "offers": found.offers,
    }
    return render(request, "booking/earlier/mine.html", context)


@patient_page(area=Area.APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: PatientRequest, appointment: UUID | None = None) -> HttpResponse:
    """Ask what suits, and put the patient on the list; who is on it already changes what suits."""
    if not request.clinic.offers_earlier:
        raise Http404
    now = timezone.now()
    moved = _own(request, appointment) if appointment else None
    form = _form(request, moved, now)
    if request.method != "POST":
        return _join_page(request, form, moved, status=200)
    if not form.is_valid():
        return _join_page(request, form, moved, status=422)
    try:
        operations.join(
            patient=request.patient,
            suits=form.suits(),
            appointment=moved,
            reason=form.cleaned_data.get("reason", ""),
            wants_reminder=form.cleaned_data.get("wants_reminder", False),
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except EarlierRefused as refused:
        form.add_error(None, _sentence(refused.reason))
        return _join_page(request, form, moved, status=422)
    _tell(
        request,
        _("You are on the list. When a time that suits comes free, you are told."),
        _("{name} is on the list. When a time that suits comes free, a message is sent."),
    )
    return redirect("earlier:mine", request.clinic.portal_identifier)


def _own(request: PatientRequest, appointment_id: UUID) -> Appointment:
    found = booking.appointment_of(patient=request.patient, appointment_id=appointment_id)
    if found is None:
        raise Http404
    return found


def _form(request: PatientRequest, moved: Appointment | None, now: datetime) -> JoinForm:
    clinic, is_post = request.clinic, request.method == "POST"
    today = now.astimezone(clinic.zone).date()
    appointment_on = moved.starts_at.astimezone(clinic.zone).date() if moved else None
    last = appointment_on or today + booking_policy.HORIZON
    known = None if is_post else queries.wish_about(request.patient, moved)
    return JoinForm(
        request.POST if is_post else None,
        initial=_initial(known) if known else {"first_day": today, "last_day": last},
        choices=queries.with_whom(request.patient, request.sign_in.assurance, now),
        today=today,
        appointment_on=appointment_on,
        reminder=choice_for(request.patient, clinic, now=now),
    )


def _initial(wish: EarlierWish) -> dict[str, Any]:
    return {
        "providers": [str(one) for one in wish.provider_ids],
        "weekdays": wish.weekdays,
        "part": wish.part,
        "first_day": wish.first_day,
        "last_day": wish.last_day,
        "reason": wish.reason,
        "wants_reminder": wish.wants_reminder,
    }


def _join_page(
    request: PatientRequest, form: JoinForm, moved: Appointment | None, *, status: int
) -> HttpResponse:
    context = {"form": form, "appointment": moved}
    return render(request, "booking/earlier/join.html", context, status=status)


@patient_page(area=Area.APPOINTMENTS)
@require_POST
def leave(request: PatientRequest, wish_id: UUID) -> HttpResponse:
    """Take the patient from the list."""
    try:
        operations.leave(patient=request.patient, wish_id=wish_id, actor=request.user, now=timezone.now())
    except EarlierWish.DoesNotExist:
        raise Http404 from None
    _tell(request, _("You have left the list."), _("{name} is no longer on the list."))
    return redirect("earlier:mine", request.clinic.portal_identifier)


# -- the offer ---------------------------------------------------------------------------------------------
@patient_page(area=Area.APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: PatientRequest, offer_id: UUID) -> HttpResponse:
    """Show an offered time, and take it or let it go."""
    now = timezone.now()
    found = queries.offer_of(request.patient, offer_id)
    if found is None:
        raise Http404
    if found.status == OfferStatus.ACCEPTED and found.appointment_id is not None:
        return redirect("booking:appointment", request.clinic.portal_identifier, found.appointment_id)
    if request.method == "POST":
        return _answer(request, found, now)
    return _offer_page(request, found, None, now=now, status=200)


def _answer(request: PatientRequest, found: EarlierOffer, now: datetime) -> HttpResponse:
    identifier, act = request.clinic.portal_identifier, request.POST.get("act")
    if act not in {"accept", "decline"}:
        raise Http404
    try:
        if act == "decline":
            operations.decline(patient=request.patient, offer_id=found.pk, actor=request.user, now=now)
            _tell(
                request,
                _("The time was passed on. You stay on the list."),
                _("The time was passed on. {name} stays on the list."),
            )
            return redirect("earlier:mine", identifier)
        appointment = operations.accept(
            patient=request.patient,
            offer_id=found.pk,
            assurance=request.sign_in.assurance,
            actor=request.user,
            now=now,
        )
    except (BookingRefused, EarlierRefused) as refused:
        return _offer_page(request, found, refused.reason, now=now, status=422)
    return redirect("booking:appointment", identifier, appointment.pk)


def _offer_page(
    request: PatientRequest, found: EarlierOffer, refusal: Refusal | None, *, now: datetime, status: int
) -> HttpResponse:
    is_over = found.status != OfferStatus.OPEN or found.expires_at <= now
    stands = refusal == BookingRefusal.OWN_TIME  # who moves the other one can still take it
    own = own_times.beside(request.patient, found.starts_at, found.ends_at, moved=found.wish.appointment)
    context = {
        "offer": found,
        "refusal": refusal,
        "is_over": is_over or (refusal is not None and not stands),
        "own_time": BookingRefusal.OWN_TIME,
        "own": None if is_over else own.select_related("provider").first(),
        "moved": found.wish.appointment,
        "is_too_near": now > booking.cancellable_until(found, request.clinic),
        "is_by_hand": not is_over
        and queries.approval_of(found, request.patient, request.sign_in.assurance) == Approval.BY_HAND,
    }
    return render(request, "booking/earlier/offer.html", context, status=status)


def _tell(request: PatientRequest, to_patient: str, to_other: str) -> None:
    """Say on the next page what was done."""
    name = request.patient.given_name if request.acting else ""
    messages.success(request, to_whom(name, to_patient, to_other))


def _sentence(reason: Refusal) -> str:
    return f"{reason.label} {reason.next_step.label}."
