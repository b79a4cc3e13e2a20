"""Staff move an appointment: one act that gives the old time up only when the new one is won."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from identity.models import User
from notifications.choices import MessageKind
from portal import audit
from services.booking import freeing, own_times
from services.booking.choices import AppointmentStatus, ReceiptKind, ReceiptRule
from services.booking.desk import policy
from services.booking.desk.operations.places import FENCES, look_again, overrule, win
from services.booking.desk.queries import Place
from services.booking.models import Appointment, Slot
from services.booking.operations import receipts, telling
from services.booking.operations.appointments import locked, place_of
from services.booking.operations.refusals import fences, refuse


def move(
    *,
    clinic: Clinic,
    appointment_id: UUID,
    place: Place,
    version: int,
    tells: bool,
    confirmed: Collection[str],
    known: Collection[UUID] = (),
    actor: User,
    now: datetime,
) -> Appointment:
    """Put the clinic's appointment on another place and return it. A request stays one.

    `version` is the one that the page showed: who comes second changes nothing. Sent twice it is moved once. `confirmed`
    and `known` are what `book` takes. Raises Appointment.DoesNotExist, RuleInTheWay, BookingRefused; nothing is changed
    then.
    """
    with fences(FENCES), transaction.atomic():
        appointment = locked(Appointment.objects.for_clinic(clinic), appointment_id)
        appointment.clinic = appointment.patient.clinic = clinic
        if _is_there(appointment, place):
            return appointment
        refusal = policy.refuse_move(
            status=appointment.status,
            attendance=appointment.attendance,
            version=appointment.version,
            seen=version,
        )
        if refusal:
            refuse(refusal)
        if place.slot is None:
            _hold_own(appointment)
        overruled = overrule(appointment.patient, place, confirmed, now=now, moved=appointment)
        _put(appointment, place, overruled, known, tells=tells, actor=actor, now=now)
        return appointment


def _hold_own(appointment: Appointment) -> None:
    """Lock the slot that will be given up before another is made: who blocks both waits here, and not for half of it."""
    Slot.objects.filter(pk=appointment.slot_id or 0).select_for_update().order_by().first()


def _is_there(appointment: Appointment, place: Place) -> bool:
    return (appointment.provider_id, appointment.starts_at, appointment.ends_at) == (
        place.provider.pk,
        place.starts_at,
        place.ends_at,
    )


def _put(
    appointment: Appointment,
    place: Place,
    overruled: list[str],
    known: Collection[UUID],
    *,
    tells: bool,
    actor: User,
    now: datetime,
) -> None:
    before, was_at, old = place_of(appointment), appointment.starts_at, appointment.slot_id
    slot = _slot(appointment, place, actor, now)
    look_again(appointment.patient, slot, overruled, known, moved=appointment)
    appointment.slot, appointment.provider = slot, slot.provider
    appointment.starts_at, appointment.ends_at, appointment.kind = slot.starts_at, slot.ends_at, slot.kind
    appointment.overruled = sorted({*own_times.marks_of_moved(appointment), *overruled})
    appointment.version += 1
    appointment.save(
        update_fields=["slot", "provider", "starts_at", "ends_at", "kind", "overruled", "version"]
    )
    if old is not None:
        freeing.free(old, clinic=appointment.clinic, now=now)
    receipts.write(appointment, ReceiptKind.MOVED, ReceiptRule.CLINIC, now=now, was_at=was_at, by=actor)
    audit.record(
        action="appointment.moved",
        subject=appointment,
        actor=actor,
        now=now,
        before=before,
        after=place_of(appointment),
        by_hand=True,
        overruled=overruled,
        tells=tells,
    )
    _tell(appointment, tells=tells, now=now)


def _slot(appointment: Appointment, place: Place, actor: User, now: datetime) -> Slot:
    """Win the place; the appointment's own time goes first where both overlap, so that it is no obstacle to itself.

    Where the weekly calendar made that time, it makes it again when the new one is given up.
    """
    if place.slot is None and appointment.slot_id is not None:
        own = Slot.objects.filter(pk=appointment.slot_id, provider=place.provider)
        own.filter(starts_at__lt=place.ends_at, ends_at__gt=place.starts_at).delete()
    return win(place, appointment.patient, actor=actor, now=now, moved=appointment)


def _tell(appointment: Appointment, *, tells: bool, now: datetime) -> None:
    telling.hush(appointment, now=now)
    is_booked = appointment.status == AppointmentStatus.BOOKED
    if tells:
        kind = MessageKind.BOOKING_MOVED if is_booked else MessageKind.BOOKING_REQUESTED
        telling.tell(appointment, kind, now=now, reminds=is_booked)
    elif is_booked:
        telling.remind(appointment, now=now)
