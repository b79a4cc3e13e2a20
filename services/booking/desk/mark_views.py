"""Saying whether a patient came."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic_admin.guards import StaffRequest, staff_page
from services.booking.desk import operations
from services.booking.desk.choices import Attendance
from services.booking.desk.forms import MarkForm
from services.booking.desk.origin import origin_of
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.booking.staff.day import page_of


@require_POST
@staff_page
def mark(request: StaffRequest, appointment_id: UUID) -> HttpResponse:
    """Note it, or take it back, and return to the appointment."""
    form = MarkForm(request.POST)
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
        messages.warning(request, str(refused.message))
    else:
        messages.success(request, _told(done))
    return redirect(page_of(request.clinic, appointment_id, origin_of(request.GET).query))


def _told(done: Appointment) -> str:
    if done.attendance == Attendance.ARRIVED:
        return _("%(name)s has arrived.") % {"name": done.patient.full_name}
    if done.attendance == Attendance.MISSED:
        return _("Noted: %(name)s did not attend.") % {"name": done.patient.full_name}
    return _("The mark is taken back.")
