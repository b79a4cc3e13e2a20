"""What staff answer to requests that wait for approval."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from notifications.choices import MessageKind
from portal import audit
from services.booking import policy
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.operations import telling
from services.booking.operations.appointments import BookingRefused, end, locked


@transaction.atomic
def approve(*, clinic: Clinic, appointment_id: UUID, actor: Any, now: datetime) -> Appointment:
    """Book what the patient asked for, tell the patient, and queue the reminder.

    Raises Appointment.DoesNotExist for another clinic's, BookingRefused when someone has decided already.
    """
    appointment = _waiting(clinic, appointment_id)
    appointment.status = AppointmentStatus.BOOKED
    appointment.decided_at, appointment.decided_by = now, actor
    appointment.version += 1
    appointment.save(update_fields=["status", "decided_at", "decided_by", "version"])
    audit.record(action="appointment.approved", subject=appointment, actor=actor, now=now)
    telling.hush(appointment, now=now)
    telling.tell(appointment, MessageKind.BOOKING_CONFIRMED, now=now, reminds=True)
    return appointment


@transaction.atomic
def refuse_request(*, clinic: Clinic, appointment_id: UUID, actor: Any, now: datetime) -> Appointment:
    """Say no to what the patient asked for, free the time, and tell the patient.

    Raises Appointment.DoesNotExist for another clinic's, BookingRefused when someone has decided already.
    """
    appointment = _waiting(clinic, appointment_id)
    end(appointment, AppointmentStatus.REFUSED, actor=actor, now=now)
    audit.record(action="appointment.refused", subject=appointment, actor=actor, now=now)
    telling.tell(appointment, MessageKind.BOOKING_REFUSED, now=now)
    return appointment


def _waiting(clinic: Clinic, appointment_id: UUID) -> Appointment:
    appointment = locked(Appointment.objects.for_clinic(clinic), appointment_id)
    refusal = policy.refuse_answer(status=appointment.status)
    if refusal:
        raise BookingRefused(refusal)
    return appointment
