"""Patients move what they have: one act that gives the old time up only when the new one is won."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from delegation import queries as delegation
from delegation.choices import Topic
from identity.choices import Assurance
from notifications.choices import MessageKind
from patients.models import Patient
from portal import audit
from services.access.choices import Approval
from services.access.policy import Decision
from services.booking import freeing, own_times, policy, queries
from services.booking.choices import AppointmentStatus, BookingRefusal, ReceiptKind, ReceiptRule
from services.booking.models import Appointment, Slot
from services.booking.operations import receipts, telling
from services.booking.operations.answers import give_up_replaced
from services.booking.operations.appointments import (
    decide,
    decision_about,
    end,
    hold_replaced,
    locked,
    place_of,
    refuse_beside_own,
    refuse_over_limit,
    store,
    take,
)
from services.booking.operations.refusals import fences, refuse


def move(
    *,
    patient: Patient,
    appointment_id: UUID,
    slot_id: int,
    version: int,
    form_key: UUID,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> Appointment:
    """Put the patient's appointment on another time; return the appointment that holds it. Twice is once.

    A booked one whose new time the clinic approves by hand stays until then: a request is returned that replaces it.
    `version` is the one that the page showed. Raises Appointment.DoesNotExist when it isn't the patient's,
    BookingRefused when the old time can't be given up or the new one can't be had; nothing is changed then.
    """
    with fences():
        return _move(
            patient=patient,
            appointment_id=appointment_id,
            slot_id=slot_id,
            version=version,
            form_key=form_key,
            assurance=assurance,
            actor=actor,
            now=now,
        )


@transaction.atomic
def _move(
    *,
    patient: Patient,
    appointment_id: UUID,
    slot_id: int,
    version: int,
    form_key: UUID,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> Appointment:
    hold_replaced(Appointment.objects.for_patient(patient), appointment_id)
    appointment = locked(Appointment.objects.for_patient(patient), appointment_id)
    done = _done_already(appointment, slot_id)
    if done is not None:
        return done
    if appointment.version != version:
        refuse(BookingRefusal.CHANGED_MEANWHILE)
    refuse_giving_up(appointment, patient, assurance=assurance, now=now)
    slot = queries.open_slot(clinic=patient.clinic, slot_id=slot_id)
    if slot is None:
        refuse(BookingRefusal.NOT_OFFERED)
    return put_onto(appointment, slot, patient, form_key=form_key, assurance=assurance, actor=actor, now=now)


def put_onto(
    appointment: Appointment,
    slot: Slot,
    patient: Patient,
    *,
    form_key: UUID,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> Appointment:
    """Win the slot for the patient's locked appointment, which may be given up; return the one that holds it.

    Raises BookingRefused when it can't be had.
    """
    decision = decide(patient, slot, assurance=assurance, now=now)
    refuse_beside_own(patient, slot, moved=appointment)
    if slot.kind != appointment.kind:
        refuse_over_limit(patient, slot.kind, now=now, moved=appointment)
    if not take(slot, patient):
        refuse(BookingRefusal.TAKEN)
    if decision.approval == Approval.BY_HAND and appointment.status == AppointmentStatus.BOOKED:
        return _ask_instead(appointment, slot, decision, form_key=form_key, actor=actor, now=now)
    _put(appointment, slot, decision, actor=actor, now=now)
    return appointment


def _done_already(appointment: Appointment, slot_id: int) -> Appointment | None:
    live = {AppointmentStatus.REQUESTED, AppointmentStatus.BOOKED}
    if appointment.slot_id == slot_id and appointment.status in live:
        return appointment
    return appointment.replacements.live().filter(slot=slot_id).first()


def refuse_giving_up(
    appointment: Appointment, patient: Patient, *, assurance: Assurance, now: datetime
) -> None:
    """Raise BookingRefused when the patient can't give the locked appointment's time up now."""
    decision = decision_about(appointment, patient, assurance=assurance)
    refusal = policy.refuse_giving_up(
        status=appointment.status,
        starts_at=appointment.starts_at,
        until=queries.cancellable_until(appointment, patient.clinic),
        may_cancel=decision.may_cancel,
        now=now,
    )
    if refusal is None and appointment.attendance:
        refusal = BookingRefusal.TOO_LATE  # the patient is there: what is noted belongs to this time
    if refusal:
        refuse(refusal)


def _ask_instead(
    appointment: Appointment,
    slot: Slot,
    decision: Decision,
    *,
    form_key: UUID,
    actor: Any,
    now: datetime,
) -> Appointment:
    """Ask for the new time and keep the old one until the clinic has answered. An earlier such request ends."""
    for earlier in appointment.replacements.filter(status=AppointmentStatus.REQUESTED).select_for_update():
        end(earlier, AppointmentStatus.CANCELLED, actor=actor, now=now)
    return store(
        appointment.patient,
        slot,
        decision,
        reason=appointment.reason or "",
        wants_reminder=appointment.wants_reminder,
        reminder_ore=appointment.reminder_ore,
        form_key=form_key,
        actor=actor,
        now=now,
        replaces=appointment,
    )


def _put(appointment: Appointment, slot: Slot, decision: Decision, *, actor: Any, now: datetime) -> None:
    """Put a locked appointment on a slot that was taken for it, free its old one, and tell the patient."""
    before, was_at, old = place_of(appointment), appointment.starts_at, appointment.slot_id
    is_booked = decision.approval == Approval.AUTOMATIC
    if is_booked and appointment.status == AppointmentStatus.REQUESTED:
        appointment.status, appointment.decided_at = AppointmentStatus.BOOKED, now
    if not is_booked:
        appointment.assigned_to = delegation.recipient_of(appointment.clinic, Topic.UNCONFIRMED_BOOKING)
    appointment.slot, appointment.provider = slot, slot.provider
    appointment.starts_at, appointment.ends_at, appointment.kind = slot.starts_at, slot.ends_at, slot.kind
    appointment.overruled = own_times.marks_of_moved(appointment)
    appointment.version += 1
    if appointment.status == AppointmentStatus.BOOKED:  # first: booked, it may not overlap what it replaces
        give_up_replaced(appointment, ReceiptRule.AUTOMATIC, actor=actor, now=now)
    appointment.save(
        update_fields=[
            *("slot", "provider", "starts_at", "ends_at", "kind"),
            *("status", "decided_at", "assigned_to", "overruled", "version", "reminder_ore"),
        ]
    )
    if old is not None:
        freeing.free(old, clinic=appointment.clinic, now=now)
    audit.record(
        action="appointment.moved",
        subject=appointment,
        actor=actor,
        now=now,
        before=before,
        after=place_of(appointment),
    )
    receipts.write_giving_up(appointment, ReceiptKind.MOVED, now=now, was_at=was_at, by=actor)
    telling.hush(appointment, now=now)
    kind = (
        MessageKind.BOOKING_MOVED
        if appointment.status == AppointmentStatus.BOOKED
        else MessageKind.BOOKING_REQUESTED
    )
    telling.tell(appointment, kind, now=now, reminds=appointment.status == AppointmentStatus.BOOKED)
