"""Saying whether a patient came."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic_admin.guards import StaffRequest, staff_page
from portal import moments
from services.booking.choices import BookingRefusal
from services.booking.desk import operations
from services.booking.desk.choices import Attendance
from services.booking.desk.forms import MarkForm
from services.booking.desk.origin import origin_of
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.booking.staff import queries
from services.booking.staff.day import page_of
from services.booking.staff.forms import DayForm


@require_POST
@staff_page
def mark(request: StaffRequest, appointment_id: UUID) -> HttpResponse:
    """Note it, or take it back, and return to where the button stood: the calendar, or the appointment's own page."""
    form = MarkForm({"seen": request.GET.get("seen", "")} | request.POST.dict())
    if not form.is_valid():
        raise Http404
    try:
        done = operations.mark(
            clinic=request.clinic,
            appointment_id=appointment_id,
            mark=form.cleaned_data["mark"],
            seen=form.cleaned_data["seen"],
            actor=request.staff_member.user,
            now=timezone.now(),
        )
    except Appointment.DoesNotExist as absent:
        raise Http404 from absent
    except BookingRefused as refused:
        messages.warning(request, f"{refused.message} {_noted(request, appointment_id, refused)}".strip())
    else:
        messages.success(request, _told(done))
    return redirect(_back(request, appointment_id))


def _back(request: StaffRequest, appointment_id: UUID) -> str:
    """Return the day or week that the calendar showed, at the appointment; else the appointment's own page."""
    clinic, origin = request.clinic, origin_of(request.GET)
    form = DayForm(request.POST, today=timezone.now().astimezone(clinic.zone).date())
    if request.POST.get("day") and form.is_valid():
        return origin.address(clinic, form.cleaned_data["day"], goal=appointment_id)
    return page_of(clinic, appointment_id, origin.query)


def _noted(request: StaffRequest, appointment_id: UUID, refused: BookingRefused) -> str:
    """Return what a colleague noted meanwhile, who and when; empty when that is not why it was refused."""
    found = queries.appointment_of(request.clinic, appointment_id)
    if refused.reason != BookingRefusal.CHANGED_MEANWHILE or found is None:
        return ""
    if found.marked_by is None or found.marked_at is None:
        return _("The mark is taken back.")
    return _("%(name)s noted %(when)s: %(mark)s.") % {
        "name": found.marked_by.name,
        "when": moments.day_and_clock(found.marked_at, request.clinic.zone),
        "mark": found.get_attendance_display(),
    }


def _told(done: Appointment) -> str:
    if done.attendance == Attendance.ARRIVED:
        return _("%(name)s has arrived.") % {"name": done.patient.full_name}
    if done.attendance == Attendance.MISSED:
        return _("Noted: %(name)s did not attend.") % {"name": done.patient.full_name}
    return _("The mark is taken back.")
