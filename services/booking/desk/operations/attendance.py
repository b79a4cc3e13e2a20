"""Saying whether a patient came, and taking it back."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from identity.models import User
from portal import audit
from services.booking.desk import policy
from services.booking.models import Appointment, AttendanceMark
from services.booking.operations.appointments import locked
from services.booking.operations.refusals import refuse


@transaction.atomic
def mark(
    *, clinic: Clinic, appointment_id: UUID, mark: str, seen: str, actor: User, now: datetime
) -> Appointment:
    """Note that the patient arrived or did not attend; an empty mark takes that back. Twice is once.

    `seen` is the mark that the page showed. Raises Appointment.DoesNotExist, BookingRefused.
    """
    appointment = locked(Appointment.objects.for_clinic(clinic), appointment_id)
    refusal = policy.refuse_mark(
        mark=mark,
        status=appointment.status,
        current=appointment.attendance,
        seen=seen,
        starts_at=appointment.starts_at,
        day=appointment.starts_at.astimezone(clinic.zone).date(),
        today=now.astimezone(clinic.zone).date(),
        now=now,
    )
    if refusal:
        refuse(refusal)
    if appointment.attendance == mark:
        return appointment
    before, appointment.attendance = appointment.attendance, mark
    appointment.marked_at, appointment.marked_by = (now, actor) if mark else (None, None)
    appointment.save(update_fields=["attendance", "marked_at", "marked_by"])
    AttendanceMark.objects.create(appointment=appointment, mark=mark, at=now, by=actor)
    audit.record(
        action="appointment.marked", subject=appointment, actor=actor, now=now, before=before, after=mark
    )
    return appointment
