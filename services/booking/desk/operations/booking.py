"""Booking by hand."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity.models import User
from notifications.choices import MessageKind
from patients.models import Patient
from portal import audit
from services.booking.choices import AppointmentStatus, ReceiptKind, ReceiptRule
from services.booking.desk.operations.places import FENCES, RuleInTheWay, look_again, overrule, win
from services.booking.desk.queries import Place
from services.booking.models import Appointment, Slot
from services.booking.operations import receipts, telling
from services.booking.operations.appointments import hold_form
from services.booking.operations.refusals import fences

__all__ = ["RuleInTheWay", "book"]


def book(
    *,
    patient: Patient,
    place: Place,
    reason: str,
    tells: bool,
    confirmed: Collection[str],
    known: Collection[UUID] = (),
    form_key: UUID,
    actor: User,
    now: datetime,
) -> Appointment:
    """Book the place for the clinic's patient and return the appointment; the same form twice is one.

    `tells` queues the confirmation; a reminder goes as for everyone. `confirmed` are the rules that staff put aside
    knowingly, `known` the patient's other appointments at that time that the page showed: what is put aside is kept
    with the appointment and in the trail. Raises RuleInTheWay when there are others, BookingRefused when the time is
    gone; nothing is stored then.
    """
    with fences(FENCES), transaction.atomic():
        done = hold_form(patient, form_key)
        if done is not None:
            return done
        overruled = overrule(patient, place, confirmed, now=now)
        slot = win(place, patient, actor=actor, now=now)
        look_again(patient, slot, overruled, known)
        appointment = _store(patient, slot, reason, overruled, form_key=form_key, actor=actor, now=now)
        receipts.write(appointment, ReceiptKind.BOOKED, ReceiptRule.CLINIC, now=now)
        audit.record(
            action="appointment.booked",
            subject=appointment,
            actor=actor,
            now=now,
            slot=slot.pk,
            provider=slot.provider_id,
            by_hand=True,
            overruled=overruled,
            tells=tells,
        )
        if tells:
            telling.tell(appointment, MessageKind.BOOKING_CONFIRMED, now=now, reminds=True)
        else:
            telling.remind(appointment, now=now)
        return appointment


def _store(
    patient: Patient,
    slot: Slot,
    reason: str,
    overruled: list[str],
    *,
    form_key: UUID,
    actor: User,
    now: datetime,
) -> Appointment:
    appointment = Appointment(
        clinic=patient.clinic,
        patient=patient,
        provider=slot.provider,
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        kind=slot.kind,
        status=AppointmentStatus.BOOKED,
        reason=reason,
        form_key=form_key,
        requested_at=now,
        requested_by=actor,
        decided_at=now,
        decided_by=actor,
        overruled=overruled,
    )
    appointment.save(force_insert=True)
    return appointment
