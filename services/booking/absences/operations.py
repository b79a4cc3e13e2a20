"""What staff do about appointments with someone who is away then."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Provider
from delegation.models import Absence
from identity.models import User
from notifications.choices import MessageKind
from portal import audit
from services.booking import freeing
from services.booking.absences import queries
from services.booking.choices import (
    AbsenceAnswerKind,
    AppointmentStatus,
    BookingRefusal,
    ReceiptKind,
    ReceiptRule,
)
from services.booking.desk.choices import DeskRefusal
from services.booking.models import AbsenceAnswer, Appointment, Slot
from services.booking.operations import BookingRefused, receipts, telling
from services.booking.operations.appointments import locked, place_of, take
from services.booking.operations.refusals import ONE_PER_PATIENT, TAKEN, fences

_CLASHES = {**dict.fromkeys(TAKEN, BookingRefusal.CLASHES), ONE_PER_PATIENT: DeskRefusal.OWN_TIME}


def move_to_cover(
    *,
    absence: Absence,
    appointment_id: UUID,
    slot_id: int,
    version: int,
    actor: User,
    now: datetime,
) -> Appointment:
    """Give the appointment this free time of whoever covers, tell the patient, and free the old time.

    One act: the old time is kept unless the new one is won. Sent twice it is moved once. Raises BookingRefused,
    Appointment.DoesNotExist when the appointment isn't the clinic's.
    """
    with fences(_CLASHES):
        return _move(
            absence=absence,
            appointment_id=appointment_id,
            slot_id=slot_id,
            version=version,
            actor=actor,
            now=now,
        )


@transaction.atomic
def _move(
    *,
    absence: Absence,
    appointment_id: UUID,
    slot_id: int,
    version: int,
    actor: User,
    now: datetime,
) -> Appointment:
    appointment = locked(Appointment.objects.for_clinic(absence.clinic), appointment_id)
    if appointment.slot_id == slot_id and _answer(absence, appointment) == AbsenceAnswerKind.MOVED:
        return appointment
    _refuse_changed(absence, appointment, version, now)
    cover = queries.cover_of(absence, appointment.kind)
    slot = _free(absence, cover, appointment, slot_id, now)
    if slot is None or not take(slot, appointment.patient):
        raise BookingRefused(BookingRefusal.TAKEN)
    before, was_at = place_of(appointment), appointment.starts_at
    _give(appointment, slot, now)
    receipts.write(appointment, ReceiptKind.MOVED, ReceiptRule.CLINIC, now=now, was_at=was_at, by=actor)
    _store(absence, appointment, AbsenceAnswerKind.MOVED, actor, now)
    audit.record(
        action="appointment.moved",
        subject=appointment,
        actor=actor,
        now=now,
        before=before,
        after=place_of(appointment),
        absence=absence.pk,
    )
    telling.hush(appointment, now=now)
    telling.tell(
        appointment,
        MessageKind.BOOKING_MOVED,
        now=now,
        reminds=appointment.status == AppointmentStatus.BOOKED,
    )
    return appointment


def _free(
    absence: Absence, cover: Provider | None, appointment: Appointment, slot_id: int, now: datetime
) -> Slot | None:
    if cover is None:
        return None
    free = queries.free_with(absence.clinic, [cover.pk], [appointment.kind], now=now)
    return free.filter(pk=slot_id).first()


def _give(appointment: Appointment, slot: Slot, now: datetime) -> None:
    """Put a locked appointment on a slot that was taken for it, and free its old one."""
    old = appointment.slot_id
    appointment.slot, appointment.provider_id = slot, slot.provider_id
    appointment.starts_at, appointment.ends_at = slot.starts_at, slot.ends_at
    appointment.version += 1
    appointment.save(update_fields=["slot", "provider", "starts_at", "ends_at", "version"])
    if old is not None:
        freeing.free(old, clinic=appointment.clinic, now=now)


@transaction.atomic
def keep(*, absence: Absence, appointment_id: UUID, version: int, actor: User, now: datetime) -> Appointment:
    """Note that the appointment stays as it is. Raises BookingRefused, Appointment.DoesNotExist."""
    appointment = locked(Appointment.objects.for_clinic(absence.clinic), appointment_id)
    _refuse_changed(absence, appointment, version, now)
    _store(absence, appointment, AbsenceAnswerKind.KEPT, actor, now)
    _record(absence, appointment, AbsenceAnswerKind.KEPT, actor, now)
    return appointment


@transaction.atomic
def tell_patient(
    *, absence: Absence, appointment_id: UUID, version: int, actor: User, now: datetime
) -> Appointment:
    """Ask the patient to choose another time or to phone; the appointment stays until then. Told once.

    Raises BookingRefused, Appointment.DoesNotExist.
    """
    appointment = locked(Appointment.objects.for_clinic(absence.clinic), appointment_id)
    _refuse_changed(absence, appointment, version, now)
    if _answer(absence, appointment) == AbsenceAnswerKind.TOLD:
        return appointment
    _store(absence, appointment, AbsenceAnswerKind.TOLD, actor, now)
    _record(absence, appointment, AbsenceAnswerKind.TOLD, actor, now)
    telling.tell(appointment, MessageKind.BOOKING_IN_DOUBT, now=now)
    return appointment


def _answer(absence: Absence, appointment: Appointment) -> str | None:
    return (
        AbsenceAnswer.objects.filter(absence=absence, appointment=appointment)
        .values_list("answer", flat=True)
        .first()
    )


def _refuse_changed(absence: Absence, appointment: Appointment, version: int, now: datetime) -> None:
    """Raise BookingRefused for an appointment that the absence doesn't touch (any more), or that was changed."""
    if not queries.of_absence(absence, now=now).filter(pk=appointment.pk).exists():
        raise BookingRefused(BookingRefusal.ALREADY_ENDED)
    if appointment.version != version:
        raise BookingRefused(BookingRefusal.CHANGED_MEANWHILE)


def _store(
    absence: Absence, appointment: Appointment, answer: AbsenceAnswerKind, actor: User, now: datetime
) -> None:
    AbsenceAnswer.objects.update_or_create(
        absence=absence, appointment=appointment, defaults={"answer": answer, "at": now, "by": actor}
    )


def _record(
    absence: Absence, appointment: Appointment, answer: AbsenceAnswerKind, actor: User, now: datetime
) -> None:
    audit.record(
        action="appointment.absence_answered",
        subject=appointment,
        actor=actor,
        now=now,
        absence=absence.pk,
        answer=answer.value,
    )
