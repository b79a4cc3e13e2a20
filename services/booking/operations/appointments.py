"""What patients do: take a time, and give it back."""

import hashlib
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from clinic_admin.choices import Service
from clinic_admin.models import Closure
from delegation import queries as delegation
from delegation.choices import Topic
from identity.choices import Assurance
from notifications.choices import MessageKind
from patients.models import Patient
from portal import audit
from portal.ready import Given, Ready
from portal.together import Change, NotChanged, fresh, one_act
from services.access import queries as access
from services.access.choices import Approval
from services.access.policy import Decision
from services.access.queries import Seen
from services.booking import freeing, own_times, policy, queries
from services.booking.choices import (
    AppointmentStatus,
    BookingRefusal,
    ReceiptKind,
    ReceiptRule,
    SlotKind,
    SlotState,
)
from services.booking.models import Appointment, AppointmentQuerySet, Slot
from services.booking.operations import receipts, telling
from services.booking.operations.refusals import TAKEN, BookingRefused, constraint_of, or_refused, refuse
from services.booking.release import queries as release
from services.booking.reminders.price import promised_ore

_ONCE_PER_FORM = "appointment_once_per_form"


def book(
    *,
    patient: Patient,
    slot_id: int,
    reason: str,
    wants_reminder: bool,
    form_key: UUID,
    assurance: Assurance,
    actor: Any,
    now: datetime,
    seen: Slot | None = None,
) -> Appointment:
    """Take the slot for the patient and return the appointment, booked or waiting for approval.

    The same form_key again gives the same appointment. Of those who want the same slot one wins; the others are
    told at once, without waiting for the winner. `seen` is the slot where it was looked at just now (`look`).
    Raises BookingRefused; nothing is stored then.
    """
    slot = seen or look(patient, slot_id, form_key)
    made = settled(slot, patient, form_key, now)
    if slot is None or made is not None:
        return or_refused(made or BookingRefused(BookingRefusal.NOT_OFFERED))
    wanted = _Wanted(patient, reason, wants_reminder, form_key, assurance, actor, now)
    try:
        made = _book_as_seen(slot, wanted) or _book(slot, wanted)
    except IntegrityError as error:
        return _after_fence(error, patient=patient, form_key=form_key)
    except BookingRefused as refused:
        made = refused
    if isinstance(made, BookingRefused):  # perhaps by what the same form, sent twice at once, has just made
        made = same_form(patient, form_key) or made
    return or_refused(made)


def look(patient: Patient, slot_id: int, form_key: UUID | None) -> Slot | None:
    """Read the slot as the act needs it. One query, no transaction, no lock."""
    return OPEN_SLOT.first(id=slot_id, clinic=patient.clinic_id, patient=patient.pk, form_key=form_key)


def settled(
    slot: Slot | None, patient: Patient, form_key: UUID | None, now: datetime
) -> Appointment | BookingRefused | None:
    """Return what the form has made already, or why the slot that `look` gave can't be had; None where it is free.

    Most who come at once leave by this.
    """
    state = slot.state_at(now) if slot is not None else None
    if slot is not None and state == SlotState.FREE:
        return None
    return _of_the_form(slot, patient, form_key) or _why_not_free(slot, state)


def _of_the_form(slot: Slot | None, patient: Patient, form_key: UUID | None) -> Appointment | None:
    return same_form(patient, form_key) if slot is None or slot.has_form else None  # type: ignore[attr-defined]


def _why_not_free(slot: Slot | None, state: str | None) -> BookingRefused:
    if slot is None or state != SlotState.TAKEN:
        return BookingRefused(BookingRefusal.NOT_OFFERED, **({"slot": slot} if slot else {}))
    # Perhaps they have it themselves, from another tab: then nobody was quicker.
    reason = BookingRefusal.OWN_TIME if slot.is_beside_own else BookingRefusal.TAKEN  # type: ignore[attr-defined]
    return BookingRefused(reason, slot=slot)


class _Wanted(NamedTuple):
    """Who asks for a time, for what, and how."""

    patient: Patient
    reason: str
    wants_reminder: bool
    form_key: UUID
    assurance: Assurance
    actor: Any
    now: datetime

    def stored(self, slot: Slot, decision: Decision, seen: Seen | None = None) -> Appointment:
        """Take the slot and store the appointment. Raises NotChanged when it is gone, or not as `seen` any more."""
        return store(
            self.patient,
            slot,
            decision,
            reason=self.reason,
            wants_reminder=self.wants_reminder,
            form_key=self.form_key,
            actor=self.actor,
            now=self.now,
            after=taking(slot, self.patient, seen),
        )


def _book_as_seen(slot: Slot, wanted: _Wanted) -> Appointment | None:
    """Return the appointment, stored by one statement if all that allows it is still as it was read just before.

    That statement is a transaction of its own: two ways to Postgres instead of five. None where it did not work, or
    where something must be counted under lock: then the careful way (`_book`) is to be gone, which says what is wrong.
    """
    patient, service = wanted.patient, policy.service_of(slot.kind)
    is_drawn = slot.kind == SlotKind.URGENT and patient.clinic.draws_urgent
    if service is None or is_drawn or _has_limit(patient, slot.kind) or slot.is_beside_own:  # type: ignore[attr-defined]
        return None
    seen = access.seen(
        patient=patient,
        service=service,
        provider_id=slot.provider_id,
        assurance=wanted.assurance,
        day=slot.day,
    )
    if _refusal(patient, slot, seen.decision, wanted.now):
        return None
    with one_act():
        try:
            return wanted.stored(slot, seen.decision, seen)
        except NotChanged:
            return None


@transaction.atomic
def _book(slot: Slot, wanted: _Wanted) -> Appointment | BookingRefused:
    """Return the appointment on the slot that was seen to be free, or what a loser is told: see or_refused.

    The same form, sent twice at once, meets itself where the patient's times are held: it waits there for its first.
    """
    decision = decide(wanted.patient, slot, assurance=wanted.assurance, now=wanted.now)
    if slot.is_beside_own:  # type: ignore[attr-defined]
        return BookingRefused(BookingRefusal.OWN_TIME)
    refuse_over_limit(wanted.patient, slot.kind, now=wanted.now)
    try:
        return wanted.stored(slot, decision)
    except NotChanged:
        return BookingRefused(BookingRefusal.TAKEN)


def store(
    patient: Patient,
    slot: Slot,
    decision: Decision,
    *,
    reason: str,
    wants_reminder: bool,
    form_key: UUID,
    actor: Any,
    now: datetime,
    replaces: Appointment | None = None,
    after: Change | None = None,
    reminder_ore: int | None = None,
) -> Appointment:
    """Store the appointment with its receipt, event and messages on a slot that was taken for the patient.

    Or that is taken by the same statement (`after`: taking). Raises NotChanged when it is gone. `reminder_ore` is what
    the reminder costs where that was told earlier.
    """
    is_booked = decision.approval == Approval.AUTOMATIC
    recipient = None if is_booked else delegation.recipient_of(patient.clinic, Topic.UNCONFIRMED_BOOKING)
    appointment = fresh(
        Appointment,
        clinic_id=slot.clinic_id,
        patient_id=patient.pk,
        provider_id=slot.provider_id,
        slot_id=slot.pk,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        kind=slot.kind,
        status=AppointmentStatus.BOOKED if is_booked else AppointmentStatus.REQUESTED,
        reason=reason,
        wants_reminder=wants_reminder,
        reminder_ore=promised_ore(patient, wants_reminder=wants_reminder)
        if reminder_ore is None
        else reminder_ore,
        form_key=form_key,
        requested_at=now,
        requested_by_id=actor.pk if actor else None,
        assigned_to_id=recipient.pk if recipient else None,
        decided_at=now if is_booked else None,
        replaces_id=replaces.pk if replaces else None,
    )
    appointment.clinic, appointment.patient = patient.clinic, patient
    receipt = receipts.receipt(
        appointment,
        ReceiptKind.BOOKED if is_booked else ReceiptKind.REQUESTED,
        ReceiptRule.AUTOMATIC if is_booked else ReceiptRule.BY_HAND,
        now=now,
    )
    event = audit.event(
        action="appointment.booked" if is_booked else "appointment.requested",
        subject=appointment,
        actor=actor,
        now=now,
        slot=slot.pk,
        provider=slot.provider_id,
    )
    telling.tell(
        appointment,
        MessageKind.BOOKING_CONFIRMED if is_booked else MessageKind.BOOKING_REQUESTED,
        now=now,
        reminds=is_booked,
        beside=[appointment, receipt, event],
        after=after,
    )
    return appointment


def open_slot(*, clinic: Any, patient: Any) -> QuerySet[Slot]:
    """Return the clinic's slot on a day that isn't closed, with two answers.

    has_form: the form has made an appointment already; who took the slot with it is seen as soon as the slot is seen to
    be taken. is_beside_own: the patient has another appointment then. Clinic and patient are keys, or expressions.
    """
    closed = Closure.objects.filter(
        clinic=clinic, first_day__lte=OuterRef("day"), last_day__gte=OuterRef("day")
    )
    own = Slot.objects.filter(~Exists(closed), pk=Given("id"), clinic=clinic).select_related("provider")
    made = Appointment.objects.filter(patient=patient, form_key=Given("form_key"))
    return own.annotate(has_form=Exists(made), is_beside_own=Exists(own_times.beside_slot(patient)))


OPEN_SLOT = Ready(lambda: open_slot(clinic=Given("clinic"), patient=Given("patient")))


def hold_form(patient: Patient, form_key: UUID) -> Appointment | None:
    """Let the same form, sent twice, wait for its first until our transaction ends; return what that has made."""
    _wait_for(_form_lock(patient, form_key))
    return same_form(patient, form_key)


def _wait_for(lock: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def _form_lock(patient: Patient, form_key: UUID) -> int:
    digest = hashlib.sha256(patient.pk.bytes + form_key.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def decide(patient: Patient, slot: Slot, *, assurance: Assurance, now: datetime) -> Decision:
    """Ask again at the moment of the act; what allows it stays as it is until the transaction ends (I10)."""
    service = policy.service_of(slot.kind)
    if service is None:
        refuse(BookingRefusal.NOT_OFFERED)
    clinic = patient.clinic
    decision = access.decision(
        patient=patient,
        service=service,
        provider_id=slot.provider_id,
        assurance=assurance,
        day=slot.day,
        for_share=True,
    )
    refusal = _refusal(patient, slot, decision, now)
    if refusal is None and slot.kind == SlotKind.URGENT and clinic.draws_urgent:
        refusal = BookingRefusal.NOT_OFFERED if release.waits_for_draw(clinic, slot.day) else None
    if refusal:
        refuse(refusal)
    return decision


def _refusal(patient: Patient, slot: Slot, decision: Decision, now: datetime) -> BookingRefusal | None:
    clinic = patient.clinic
    return policy.refuse_booking(
        kind=slot.kind,
        state=slot.state_at(now),
        day=slot.day,
        starts_at=slot.starts_at,
        allowed=decision.allowed,
        urgent_until=policy.released_until(
            now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
        ),
        last_day=policy.last_day(now, zone=clinic.zone),
        now=now,
    )


_TAKE = """
UPDATE booking_slot SET state = 'taken', held_until = NULL
WHERE id = (
    SELECT slot.id FROM times CROSS JOIN booking_slot slot
    WHERE slot.id = %s AND slot.state = 'free' AND slot.held_until IS NOT DISTINCT FROM %s
    FOR UPDATE OF slot SKIP LOCKED
)
RETURNING id
"""
_TAKE_NOW = f"WITH times AS MATERIALIZED (SELECT pg_advisory_xact_lock(%s)) {_TAKE}"
"""First the patient's times, then the slot: in one statement, because every booking passes here."""
_TAKE_IF_STILL_SO = f"""
WITH {Seen.STILL_SO},
times AS MATERIALIZED (SELECT pg_advisory_xact_lock(%s) FROM still_so)
{_TAKE}
"""  # noqa: S608 - put together from our own words only
"""Before them what allows it, as everyone locks it."""


def take(slot: Slot, patient: Patient | None) -> bool:
    """Take the slot if it is free and nobody is just taking it; return whether that was so."""
    change = taking(slot, patient)
    with connection.cursor() as cursor:
        cursor.execute(change.sql, change.values)
        return bool(cursor.rowcount == 1)


def taking(slot: Slot, patient: Patient | None, seen: Seen | None = None) -> Change:
    """Return the change that takes the slot. Losers find nothing to change, and don't queue behind the winner's lock.

    It holds the patient's times (hold_times); None is somebody without a record. A slot that was held for somebody since
    it was read is not taken. With `seen` it takes the slot only if what allows it is still so.
    """
    wanted = [None if patient is None else _patient_lock(patient), slot.pk, slot.held_until]
    return Change(_TAKE_NOW, wanted) if seen is None else Change(_TAKE_IF_STILL_SO, [*seen.values, *wanted])


def hold_times(patient: Patient) -> None:
    """Let two acts that give one patient times wait for each other until their transactions end.

    Without it both could store overlapping appointments at once, and the constraint would have each wait for the other.
    """
    _wait_for(_patient_lock(patient))


def refuse_beside_own(patient: Patient, slot: Slot, *, moved: Appointment | None = None) -> None:
    """Raise BookingRefused when the patient has another appointment at the slot's time. One query.

    `moved` is given up for the new one.
    """
    if own_times.beside(patient, slot.starts_at, slot.ends_at, moved=moved).exists():
        refuse(BookingRefusal.OWN_TIME)


def refuse_over_limit(
    patient: Patient, kind: str, *, now: datetime, moved: Appointment | None = None
) -> None:
    """Raise BookingRefused when the patient holds as many appointments as the clinic allows online.

    `moved` is one that is given up for the new one. Parallel bookings of one patient wait for each other, where there
    are limits.
    """
    clinic = patient.clinic
    if not _has_limit(patient, kind):
        return
    hold_times(patient)
    held = queries.held(patient, now=now, apart_from=moved.pk if moved else None)
    refusal = policy.refuse_another(
        kind, held=held, most_upcoming=clinic.most_upcoming, most_urgent=clinic.most_urgent
    )
    if refusal:
        refuse(refusal)


def _has_limit(patient: Patient, kind: str) -> bool:
    clinic = patient.clinic
    return clinic.most_upcoming is not None or (kind == SlotKind.URGENT and clinic.most_urgent is not None)


def _patient_lock(patient: Patient) -> int:
    digest = hashlib.sha256(b"times" + patient.pk.bytes).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def same_form(patient: Patient, form_key: UUID | None) -> Appointment | None:
    """Return the appointment that this form has made already."""
    return _OF_FORM.first(patient=patient.pk, form_key=form_key)


_OF_FORM = Ready(lambda: Appointment.objects.filter(patient=Given("patient"), form_key=Given("form_key")))


def _after_fence(error: IntegrityError, *, patient: Patient, form_key: UUID) -> Appointment:
    """Say what it means that a constraint stopped a booking; raise what no booking should ever meet."""
    constraint = constraint_of(error)
    if constraint == _ONCE_PER_FORM:
        existing = same_form(patient, form_key)
        if existing is not None:
            return existing
    if constraint in TAKEN:
        raise BookingRefused(TAKEN[constraint]) from error
    raise error


@transaction.atomic
def cancel(
    *, patient: Patient, appointment_id: UUID, assurance: Assurance, actor: Any, now: datetime
) -> Appointment:
    """Cancel the patient's own appointment and free its time at once. Twice gives the same result.

    Whether cancelling is allowed stands with the rights, also when booking is no longer allowed (access-model).
    Raises Appointment.DoesNotExist when it isn't the patient's, BookingRefused when it can't be cancelled.
    """
    appointment = locked(Appointment.objects.for_patient(patient), appointment_id)
    if appointment.status == AppointmentStatus.CANCELLED:
        return appointment
    decision = decision_about(appointment, patient, assurance=assurance)
    refusal = policy.refuse_cancellation(
        status=appointment.status,
        starts_at=appointment.starts_at,
        until=queries.cancellable_until(appointment, patient.clinic),
        may_cancel=decision.may_cancel,
        now=now,
    )
    if refusal:
        refuse(refusal)
    receipts.write_giving_up(appointment, ReceiptKind.CANCELLED, now=now)
    end(appointment, AppointmentStatus.CANCELLED, actor=actor, now=now)
    audit.record(action="appointment.cancelled", subject=appointment, actor=actor, now=now)
    telling.tell(appointment, MessageKind.BOOKING_CANCELLED, now=now)
    return appointment


def decision_about(appointment: Appointment, patient: Patient, *, assurance: Assurance) -> Decision:
    """Return what the patient may do about their own appointment; it stays so until the transaction ends."""
    return access.decision(
        patient=patient,
        service=policy.service_of(appointment.kind) or Service.BOOKING,
        provider_id=appointment.provider_id,
        assurance=assurance,
        day=appointment.starts_at.astimezone(patient.clinic.zone).date(),
        for_share=True,
    )


@transaction.atomic
def drop_reminders(*, patient: Patient, now: datetime) -> int:
    """Take back the reminders that the patient chose for coming appointments; return for how many.

    Those that the clinic sends everyone stay. For a patient who leaves the portal, whose event tells of it.
    """
    coming = Appointment.objects.for_patient(patient).live().filter(starts_at__gt=now, wants_reminder=True)
    chosen = list(coming.select_for_update().defer("reason"))
    Appointment.objects.filter(pk__in=[one.pk for one in chosen]).update(wants_reminder=False)
    if not patient.clinic.reminds_everyone:
        for appointment in chosen:
            telling.hush(appointment, kinds=[MessageKind.REMINDER], now=now)
    return len(chosen)


def locked(appointments: AppointmentQuerySet, appointment_id: UUID) -> Appointment:
    """Return the appointment of this set, locked, with clinic, patient and provider."""
    found: Appointment = (
        appointments.select_related("clinic", "patient", "provider")
        .select_for_update(of=("self",))
        .get(pk=appointment_id)
    )
    return found


def hold_replaced(appointments: AppointmentQuerySet, appointment_id: UUID) -> None:
    """Lock what the appointment of this set is to replace, if anything: everyone locks the older one first."""
    appointments.filter(replacements=appointment_id).select_for_update(of=("self",)).order_by().first()


def place_of(appointment: Appointment) -> dict[str, Any]:
    """Return where the appointment is, for the trail."""
    return {
        "slot": appointment.slot_id,
        "provider": appointment.provider_id,
        "starts_at": appointment.starts_at.isoformat(),
    }


def end(appointment: Appointment, status: AppointmentStatus, *, actor: Any, now: datetime) -> None:
    """Store that a locked appointment was cancelled or refused, free its slot, and take back unsent messages."""
    appointment.status = status
    if status == AppointmentStatus.CANCELLED:
        appointment.cancelled_at, appointment.cancelled_by = now, actor
    else:
        appointment.decided_at, appointment.decided_by = now, actor
    appointment.version += 1
    appointment.save(
        update_fields=["status", "cancelled_at", "cancelled_by", "decided_at", "decided_by", "version"]
    )
    if appointment.slot_id is not None:
        freeing.free(appointment.slot_id, clinic=appointment.clinic, now=now)
    telling.hush(appointment, now=now)
