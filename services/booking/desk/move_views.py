"""Moving an appointment: one page, whether the time was chosen by key, by pointer or in the form."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic_admin.guards import StaffRequest, staff_page
from services.booking.choices import BookingRefusal
from services.booking.desk import operations, policy, queries
from services.booking.desk.forms import ActForm, VersionForm
from services.booking.desk.operations import RuleInTheWay
from services.booking.desk.origin import origin_of
from services.booking.desk.places import Asked, asked_place, asking_anew
from services.booking.desk.queries import Place
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.booking.operations.telling import can_tell
from services.booking.queries import receipts_of
from services.booking.staff.story import with_moves


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page
def move(request: StaffRequest, appointment_id: UUID) -> HttpResponse:
    """Ask for the new time, show both, and move.

    The address carries the version that the calendar showed: who comes second is told what has changed meanwhile.
    """
    now = timezone.now()
    appointment = queries.appointment_of(clinic=request.clinic, appointment_id=appointment_id)
    if appointment is None:
        raise Http404
    asked = asked_place(request, now=now, moved=appointment)
    seen = _version(request, appointment)
    if request.method != "POST" or asked.place is None:
        return _page(request, appointment, asked, ActForm(), seen)
    form = ActForm(request.POST)
    form.full_clean()
    try:
        moved = operations.move(
            clinic=request.clinic,
            appointment_id=appointment_id,
            place=asked.place,
            version=seen,
            tells=form.cleaned_data["tells"],
            confirmed=form.put_aside.rules,
            known=form.put_aside.beside,
            actor=request.staff_member.user,
            now=now,
        )
    except RuleInTheWay as stopped:
        return _page(request, appointment, asked, form, seen, stopped=stopped)
    except BookingRefused as refused:
        fresh = queries.appointment_of(clinic=request.clinic, appointment_id=appointment_id)
        return _page(request, fresh or appointment, asked, form, seen, refused=refused)
    is_told = form.cleaned_data["tells"] and can_tell(moved.patient, moved.starts_at, now=now)
    words = _("Moved. %(name)s is notified.") if is_told else _("%(name)s is moved.")
    messages.success(request, words % {"name": moved.patient.full_name})
    return redirect(origin_of(request.GET).address(request.clinic, asked.place.day, goal=moved.pk))


def _is_there(appointment: Appointment, place: Place | None) -> bool:
    """Return whether the appointment stands at the place that is asked for."""
    return place is not None and (appointment.provider_id, appointment.starts_at, appointment.ends_at) == (
        place.provider.pk,
        place.starts_at,
        place.ends_at,
    )


def _version(request: StaffRequest, appointment: Appointment) -> int:
    """Return the version that the address names, else the present one."""
    form = VersionForm(request.GET)
    return int(form.cleaned_data["version"]) if form.is_valid() else appointment.version


def _page(
    request: StaffRequest,
    appointment: Appointment,
    asked: Asked,
    form: ActForm,
    seen: int,
    *,
    stopped: RuleInTheWay | None = None,
    refused: BookingRefused | None = None,
) -> HttpResponse:
    reason = policy.refuse_move(
        status=appointment.status,
        attendance=appointment.attendance,
        version=appointment.version,
        seen=seen,
    )
    is_there = _is_there(appointment, asked.place)
    if is_there and reason == BookingRefusal.CHANGED_MEANWHILE:
        reason = None  # whoever goes back after moving finds it done
    is_changed = reason == BookingRefusal.CHANGED_MEANWHILE
    clinic = request.clinic
    query = request.GET.copy()
    query["version"] = str(appointment.version)
    day = appointment.starts_at.astimezone(clinic.zone).date()
    choosing: dict[str, Any] = {"move": appointment.pk, "version": appointment.version}
    origin = origin_of(request.GET)
    context = {
        "appointment": appointment,
        "place": asked.place,
        "has_begun": asked.place is not None and asked.place.starts_at <= timezone.now(),
        "time_form": asked.form,
        "form": form,
        **asking_anew(form, stopped, appointment.patient, asked.place, moved=appointment),
        "refusal": reason or (refused.reason if refused else None),
        "is_changed": is_changed,
        "is_there": is_there and not reason,
        "moves": with_moves((), appointment, receipts_of(appointment)[:1]) if is_changed else (),
        "anew": f"?{query.urlencode()}",
        "version": seen,
        "to_calendar": origin.address(clinic, asked.day if asked.place else day, **choosing),
        "back": origin.address(clinic, day),
        "keeps": origin.pairs,
        "query": urlencode(choosing),
    }
    status = 409 if is_changed else 422 if reason or refused or stopped or asked.is_wrong else 200
    return render(request, "booking/desk/move.html", context, status=status)
