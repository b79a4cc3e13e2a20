"""Staff reading patients' records. Reading is recorded, in the transaction that hands the record out."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic, StaffMember
from identity.models import User
from patients.models import Patient
from portal import audit
from services.booking.models import Appointment
from services.booking.staff import queries
from services.booking.staff.queries import Cursor, WaitingPage

VIEWED = "appointment.viewed"


@transaction.atomic
def open_appointment(
    *, clinic: Clinic, appointment_id: UUID, actor: User, now: datetime
) -> Appointment | None:
    """Return the clinic's appointment and record that `actor` saw it; None if the clinic has no such one."""
    appointment = queries.appointment_of(clinic, appointment_id)
    if appointment is not None:
        audit.record(action=VIEWED, subject=appointment, actor=actor, now=now)
    return appointment


@transaction.atomic
def open_waiting(
    *, clinic: Clinic, after: Cursor | None, mine: StaffMember | None, actor: User, now: datetime
) -> WaitingPage:
    """Return a page of requests, and record that `actor` saw each: the reasons are part of the record.

    With `mine`, only requests that message delegation gave to this staff member.
    """
    page = queries.waiting(clinic, now=now, after=after, mine=mine)
    audit.record_many(
        action=VIEWED,
        patients=[
            (
                Patient(pk=request.patient_id, clinic=clinic),
                {"appointment": str(request.pk), "page": "waiting"},
            )
            for request in page.requests
        ],
        actor=actor,
        now=now,
    )
    return page
