"""What staff answer to requests that wait for approval."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from notifications.choices import MessageKind
from portal import audit
from services.booking import policy
from services.booking.choices import AppointmentStatus, ReceiptKind, ReceiptRule
from services.booking.models import Appointment, RefusalWords
from services.booking.operations import receipts, telling
from services.booking.operations.appointments import end, hold_replaced, locked, place_of
from services.booking.operations.refusals import refuse
from services.booking.reminders.price import is_owed


@transaction.atomic
def approve(*, clinic: Clinic, appointment_id: UUID, actor: Any, now: datetime) -> Appointment:
    """Book what the patient asked for, tell the patient, and queue the reminder.

    Raises Appointment.DoesNotExist for another clinic's, BookingRefused when it is decided already:
    `found` is the appointment then.
    """
    appointment = _waiting(clinic, appointment_id)
    appointment.status = AppointmentStatus.BOOKED
    appointment.decided_at, appointment.decided_by = now, actor
    appointment.version += 1
    # First: booked, it may not overlap what it replaces.
    is_moved = give_up_replaced(appointment, ReceiptRule.BY_HAND, actor=actor, now=now)
    appointment.save(update_fields=["status", "decided_at", "decided_by", "version", "reminder_ore"])
    receipts.write(appointment, ReceiptKind.APPROVED, ReceiptRule.BY_HAND, now=now)
    audit.record(action="appointment.approved", subject=appointment, actor=actor, now=now)
    telling.hush(appointment, now=now)
    kind = MessageKind.BOOKING_MOVED if is_moved else MessageKind.BOOKING_CONFIRMED
    telling.tell(appointment, kind, now=now, reminds=True)
    return appointment


def give_up_replaced(appointment: Appointment, rule: ReceiptRule, *, actor: Any, now: datetime) -> bool:
    """End what the booked appointment replaces (hold_replaced); its time is free then. Returns whether there was one.

    The caller stores `reminder_ore`: a reminder that was chosen once is paid once.
    """
    if appointment.replaces_id is None:
        return False
    try:
        old = locked(Appointment.objects.for_clinic(appointment.clinic).live(), appointment.replaces_id)
    except Appointment.DoesNotExist:
        _pay_once(appointment)
        return False  # cancelled meanwhile: the new time stands for itself
    end(old, AppointmentStatus.CANCELLED, actor=appointment.requested_by, now=now)
    _pay_once(appointment)
    receipts.write(
        old,
        ReceiptKind.MOVED,
        rule,
        now=now,
        was_at=old.starts_at,
        starts_at=appointment.starts_at,
        by=appointment.requested_by,
    )
    audit.record(
        action="appointment.moved",
        subject=old,
        actor=actor,
        now=now,
        before=place_of(old),
        after=place_of(appointment),
    )
    return True


def _pay_once(appointment: Appointment) -> None:
    if appointment.reminder_ore and appointment.replaces and is_owed(appointment.replaces):
        appointment.reminder_ore = 0


@transaction.atomic
def refuse_request(
    *, clinic: Clinic, appointment_id: UUID, actor: Any, now: datetime, words: str = ""
) -> Appointment:
    """Say no to what the patient asked for, free the time, and tell the patient; `words` are read in the portal only.

    Raises Appointment.DoesNotExist for another clinic's, BookingRefused when it is decided already:
    `found` is the appointment then.
    """
    appointment = _waiting(clinic, appointment_id)
    end(appointment, AppointmentStatus.REFUSED, actor=actor, now=now)
    if words:
        RefusalWords.objects.create(appointment=appointment, words=words)
    audit.record(
        action="appointment.refused", subject=appointment, actor=actor, now=now, has_words=bool(words)
    )
    telling.tell(appointment, MessageKind.BOOKING_REFUSED, now=now)
    return appointment


def _waiting(clinic: Clinic, appointment_id: UUID) -> Appointment:
    hold_replaced(Appointment.objects.for_clinic(clinic), appointment_id)
    appointment = locked(Appointment.objects.for_clinic(clinic), appointment_id)
    refusal = policy.refuse_answer(status=appointment.status)
    if refusal:
        refuse(refusal, found=appointment)
    return appointment
