"""The appointments that an absence touches: move to the cover, keep, or tell the patient (C5)."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic_admin.guards import StaffRequest, staff_page
from delegation import queries as delegation
from delegation.models import Absence
from patients.choices import SeenIn
from patients.operations import note_listed
from portal.refusals import Refused
from services.booking.absences import operations, queries
from services.booking.models import Appointment
from services.booking.staff.forms import AnswerForm


@staff_page
@require_safe
def absence(request: StaffRequest, absence_id: int) -> HttpResponse:
    """Show the appointments on the days of an absence, and what was done about each."""
    found = _absence(request, absence_id)
    now = timezone.now()
    page = queries.affected(found, now=now)
    note_listed(
        clinic=request.clinic,
        patient_ids=[one.appointment.patient_id for one in (*page.waiting, *page.answered)],
        page=SeenIn.ABSENCE,
        actor=request.user,
        now=now,
    )
    return render(request, "booking/staff/absence.html", {"absence": found, "page": page})


@staff_page
@require_POST
def answer(request: StaffRequest, absence_id: int, appointment_id: UUID) -> HttpResponse:
    """Do what was chosen about one appointment, and return to the list."""
    found = _absence(request, absence_id)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        done = _act(request, found, appointment_id, form)
    except Appointment.DoesNotExist as absent:
        raise Http404 from absent
    except Refused as refused:
        more = _("Nothing is changed; look at the list again.")
        messages.warning(request, f"{refused.message} {more}")
    else:
        messages.success(request, done)
    return redirect("booking_staff:absence", request.clinic.portal_identifier, found.pk)


def _act(request: StaffRequest, found: Absence, appointment_id: UUID, form: AnswerForm) -> str:
    now, actor = timezone.now(), request.staff_member.user
    version = form.cleaned_data["version"]
    match form.cleaned_data["answer"]:
        case "move":
            if not queries.is_slot_of(request.clinic, form.cleaned_data["slot"]):
                raise Http404
            moved = operations.move_to_cover(
                absence=found,
                appointment_id=appointment_id,
                slot_id=form.cleaned_data["slot"] or 0,
                version=version,
                actor=actor,
                now=now,
            )
            return _("Moved. %(name)s is notified.") % {"name": moved.patient.full_name}
        case "keep":
            kept = operations.keep(
                absence=found, appointment_id=appointment_id, version=version, actor=actor, now=now
            )
            return _("%(name)s keeps the time.") % {"name": kept.patient.full_name}
        case _tell:
            told = operations.tell_patient(
                absence=found, appointment_id=appointment_id, version=version, actor=actor, now=now
            )
            return _("%(name)s is asked to choose another time or to phone.") % {
                "name": told.patient.full_name
            }


def _absence(request: StaffRequest, absence_id: int) -> Absence:
    found = delegation.absence_of(clinic=request.clinic, absence_id=absence_id)
    if found is None:
        raise Http404
    return found
