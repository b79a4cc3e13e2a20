"""Changes of earlier times: join and leave, offer and pass on, accept and decline."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.booking import queries as booking
from services.booking.choices import LIVE, BookingRefusal, SlotKind, SlotState
from services.booking.earlier import letters, policy, queries, wakeup
from services.booking.earlier.choices import EarlierRefusal, OfferStatus, PartOfDay, PassedReason, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish, PassedOver
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from services.booking.operations.appointments import (
    decide,
    hold_replaced,
    locked,
    refuse_beside_own,
    refuse_over_limit,
    store,
    take,
)
from services.booking.operations.moving import put_onto, refuse_giving_up
from services.booking.operations.refusals import fences, refuse
from services.booking.reminders.price import promised_ore

_LOCK_CLASS = 0xEA51
"""First half of the advisory lock's key: passing times on. The second half is the clinic."""


FORGOTTEN_AT_ONCE = 500


class EarlierRefused(Refused):
    """Nobody was put on the list, or an offer is over. The reason is an EarlierRefusal."""


@dataclass(frozen=True, slots=True)
class Suits:
    """Which times would suit. Days are the clinic's, both included; no provider is anyone."""

    provider_ids: tuple[int, ...]
    weekdays: tuple[str, ...]
    part: PartOfDay
    first_day: date
    last_day: date


# -- by the patient ----------------------------------------------------------------------------------------
@transaction.atomic
def join(
    *,
    patient: Patient,
    suits: Suits,
    appointment: Appointment | None,
    reason: str,
    wants_reminder: bool,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> EarlierWish:
    """Put the patient on the list, or change what suits: the place in the line stays. Returns the wish.

    `appointment` is the patient's own that is to be moved; then reason and reminder are the appointment's. Raises
    EarlierRefused when the clinic has no list, or the appointment can't be moved.
    """
    clinic = patient.clinic
    if not Clinic.objects.filter(pk=clinic.pk, offers_earlier=True).exists():
        raise EarlierRefused(EarlierRefusal.OFF)
    if suits.last_day < max(suits.first_day, now.astimezone(clinic.zone).date()):
        raise EarlierRefused(EarlierRefusal.DAYS)
    if appointment is not None and not _is_movable(appointment, patient, assurance, now):
        raise EarlierRefused(EarlierRefusal.NOT_MOVABLE)
    _hold(patient, mode="NO KEY UPDATE")  # a form that was sent twice waits for its first
    wish = queries.wish_about(patient, appointment)
    is_new = wish is None
    wish = wish or EarlierWish(clinic=clinic, patient=patient, appointment=appointment, joined_at=now)
    wish.provider_ids, wish.weekdays = sorted(suits.provider_ids), sorted(suits.weekdays)
    wish.part, wish.first_day, wish.last_day = suits.part, suits.first_day, suits.last_day
    if appointment is None:
        wish.reason, wish.wants_reminder = reason, wants_reminder
        wish.reminder_ore = promised_ore(patient, wants_reminder=wants_reminder)
    wish.save()
    audit.record(action="earlier.joined" if is_new else "earlier.changed", subject=wish, actor=actor, now=now)
    return wish


def _is_movable(appointment: Appointment, patient: Patient, assurance: Assurance, now: datetime) -> bool:
    if appointment.kind != SlotKind.PORTAL or appointment.status not in LIVE:
        return False
    found = booking.movable(patient=patient, appointment_id=appointment.pk, assurance=assurance, now=now)
    return found is not None and found.refusal is None


def _hold(patient: Patient, *, mode: Literal["SHARE", "NO KEY UPDATE"]) -> None:
    """Lock the patient's row, before any of what hangs on it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM patients_patient WHERE id = %s FOR {mode}", [patient.pk])


@transaction.atomic
def leave(*, patient: Patient, wish_id: UUID, actor: Any, now: datetime) -> EarlierWish:
    """Take the patient from the list; an open offer is passed on. Twice is once.

    Raises EarlierWish.DoesNotExist when it isn't the patient's.
    """
    wish = EarlierWish.objects.select_for_update(no_key=True).get(patient=patient, pk=wish_id)
    if wish.status != WishStatus.WAITING:
        return wish
    offer = EarlierOffer.objects.filter(wish=wish, status=OfferStatus.OPEN).select_for_update().first()
    if offer is not None:
        _end(offer, OfferStatus.DECLINED, actor=actor, now=now)
    _end_wish(wish, WishStatus.LEFT, now=now)
    audit.record(action="earlier.left", subject=wish, actor=actor, now=now)
    return wish


@transaction.atomic
def decline(*, patient: Patient, offer_id: UUID, actor: Any, now: datetime) -> EarlierOffer:
    """Let an offered time go; the next in line is asked, and the patient stays on the list. Twice is once.

    Raises EarlierOffer.DoesNotExist when it isn't the patient's, EarlierRefused when it is over.
    """
    offer = _locked(patient, offer_id)
    if offer.status == OfferStatus.DECLINED:
        return offer
    if offer.status != OfferStatus.OPEN:
        raise EarlierRefused(EarlierRefusal.OVER)
    _end(offer, OfferStatus.DECLINED, actor=actor, now=now)
    return offer


def accept(
    *, patient: Patient, offer_id: UUID, assurance: Assurance, actor: Any, now: datetime
) -> Appointment:
    """Take the offered time: one act that books it, or moves the appointment to it. Twice is once.

    The patient's rights are asked anew. Raises EarlierOffer.DoesNotExist when it isn't the patient's, EarlierRefused
    when it is over; BookingRefused when the time can't be had any more: then it is passed on, nothing else is changed.
    Whoever has booked something else at that time meanwhile keeps the offer until its limit, to move the other.
    """
    try:
        with fences():
            return _accept(patient=patient, offer_id=offer_id, assurance=assurance, actor=actor, now=now)
    except BookingRefused as refused:
        if refused.reason != BookingRefusal.OWN_TIME:
            _give_up(patient, offer_id, now)
        raise


@transaction.atomic
def _accept(
    *, patient: Patient, offer_id: UUID, assurance: Assurance, actor: Any, now: datetime
) -> Appointment:
    moved = _moved(patient, offer_id)
    _hold(patient, mode="SHARE")
    wishes = EarlierWish.objects.select_for_update(no_key=True)
    wish = wishes.filter(offers=offer_id, patient=patient).first()
    offer = _locked(patient, offer_id)
    if offer.status == OfferStatus.ACCEPTED and offer.appointment is not None:
        return offer.appointment
    is_over = offer.status != OfferStatus.OPEN or now >= offer.expires_at
    if is_over or wish is None or wish.status != WishStatus.WAITING:
        raise EarlierRefused(EarlierRefusal.OVER)
    slot = _released(offer, patient.clinic)
    if moved is None:
        appointment = _book(offer, slot, patient, assurance=assurance, actor=actor, now=now)
    else:
        appointment = _move(offer, slot, moved, patient, assurance=assurance, actor=actor, now=now)
    offer.appointment = appointment
    _store_end(offer, OfferStatus.ACCEPTED, now=now)
    _end_wish(wish, WishStatus.FULFILLED, now=now)
    audit.record(
        action="earlier.accepted", subject=offer, actor=actor, now=now, appointment=str(appointment.pk)
    )
    return appointment


def _moved(patient: Patient, offer_id: UUID) -> Appointment | None:
    """Lock what the offer would move, if anything.

    Everyone locks in this order: appointment, patient, wish, offer, slot.
    """
    wish = EarlierWish.objects.filter(offers=offer_id, patient=patient).first()
    if wish is None or wish.appointment_id is None:
        return None
    hold_replaced(Appointment.objects.for_patient(patient), wish.appointment_id)
    return locked(Appointment.objects.for_patient(patient), wish.appointment_id)


def _released(offer: EarlierOffer, clinic: Clinic) -> Slot:
    """Take the hold from the slot, which stays locked for us until the transaction ends. Raises BookingRefused."""
    slot = booking.open_slot(clinic=clinic, slot_id=offer.slot_id or 0)
    if slot is None:
        refuse(BookingRefusal.NOT_OFFERED)
    if not _hold_until(slot.pk, None):
        refuse(BookingRefusal.TAKEN)
    slot.held_until = None
    return slot


def _book(
    offer: EarlierOffer, slot: Slot, patient: Patient, *, assurance: Assurance, actor: Any, now: datetime
) -> Appointment:
    decision = decide(patient, slot, assurance=assurance, now=now)
    refuse_beside_own(patient, slot)
    refuse_over_limit(patient, slot.kind, now=now)
    if not take(slot, patient):
        refuse(BookingRefusal.TAKEN)
    return store(
        patient,
        slot,
        decision,
        reason=offer.wish.reason or "",
        wants_reminder=offer.wish.wants_reminder,
        reminder_ore=offer.wish.reminder_ore,
        form_key=offer.pk,
        actor=actor,
        now=now,
    )


def _move(
    offer: EarlierOffer,
    slot: Slot,
    moved: Appointment,
    patient: Patient,
    *,
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> Appointment:
    if moved.starts_at <= slot.starts_at:
        refuse(BookingRefusal.CHANGED_MEANWHILE)
    refuse_giving_up(moved, patient, assurance=assurance, now=now)
    return put_onto(moved, slot, patient, form_key=offer.pk, assurance=assurance, actor=actor, now=now)


@transaction.atomic
def _give_up(patient: Patient, offer_id: UUID, now: datetime) -> None:
    """Pass on what the patient could not take: the right is gone, or the appointment, or the clinic used the time."""
    offer = _locked(patient, offer_id)
    if offer.status == OfferStatus.OPEN:
        _end(offer, OfferStatus.FAILED, actor=audit.SYSTEM, now=now)


# -- by the clinic -----------------------------------------------------------------------------------------
def end_offers_of(slot_ids: Collection[int], *, now: datetime) -> None:
    """End the open offers of slots that the clinic has just taken for itself. One query, more for those there are.

    One that is being answered at this moment is passed over: whoever answers finds the slot taken, and ends it.
    """
    offers = EarlierOffer.objects.filter(slot__in=slot_ids, status=OfferStatus.OPEN)
    for offer in offers.select_for_update(of=("self",), skip_locked=True):
        _end(offer, OfferStatus.FAILED, actor=audit.SYSTEM, now=now)


def give_by_hand(
    slot: Slot, patient: Patient, *, moved: Appointment | None, actor: Any, now: datetime
) -> None:
    """End the open offer of a time that staff are about to give to the patient, in their transaction.

    Offered to this patient it counts as taken, and the wish is fulfilled when it was about what the time is for
    (`moved`, or a new appointment). Offered to somebody else it has failed, and they go on waiting.
    """
    wishes = EarlierWish.objects.select_for_update(no_key=True)
    wish = wishes.filter(offers__slot=slot, offers__status=OfferStatus.OPEN).first()
    offer = EarlierOffer.objects.select_for_update().filter(slot=slot, status=OfferStatus.OPEN).first()
    if wish is None or offer is None:
        return
    letters.hush(offer, now=now)
    if offer.patient_id != patient.pk:
        _store_end(offer, OfferStatus.FAILED, now=now)
        audit.record(action="earlier.failed", subject=offer, actor=actor, now=now)
        return
    _store_end(offer, OfferStatus.ACCEPTED, now=now)
    if wish.appointment_id == (moved.pk if moved else None) and wish.status == WishStatus.WAITING:
        _end_wish(wish, WishStatus.FULFILLED, now=now)
    audit.record(action="earlier.accepted", subject=offer, actor=actor, now=now)


# -- by the clock ------------------------------------------------------------------------------------------
@transaction.atomic
def pass_on(*, clinic: Clinic, now: datetime) -> int:
    """Offer each time of the clinic that came free to the next in line; return how many were offered.

    One worker at a time for a clinic: whoever comes second does nothing. Offers and wishes that are over are ended
    first. A time that nobody wants is open to all from then on.
    """
    if not _alone(clinic):
        return 0
    _end_what_is_over(clinic, now)
    if not clinic.offers_earlier:
        return 0
    if not EarlierWish.objects.filter(clinic=clinic, status=WishStatus.WAITING).exists():
        _open_to_all(Slot.objects.filter(clinic=clinic, state=SlotState.FREE, freed_at__isnull=False))
        return 0
    freed = list(queries.to_pass_on(clinic, now)[: queries.MOST_AT_ONCE])
    return sum(_offer_to_next(slot, clinic, now) for slot in freed)


def _alone(clinic: Clinic) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, clinic.pk])
        return bool(cursor.fetchone()[0])


def _end_what_is_over(clinic: Clinic, now: datetime) -> None:
    today = now.astimezone(clinic.zone).date()
    gone = Q(appointment__isnull=False) & (
        ~Q(appointment__status__in=LIVE) | Q(appointment__starts_at__lte=now)
    )
    over = EarlierWish.objects.filter(Q(last_day__lt=today) | gone, clinic=clinic, status=WishStatus.WAITING)
    offers = EarlierOffer.objects.filter(Q(expires_at__lte=now) | Q(wish__in=over), status=OfferStatus.OPEN)
    for offer in offers.filter(clinic=clinic).select_for_update(of=("self",), skip_locked=True):
        is_late = offer.expires_at <= now
        _end(offer, OfferStatus.EXPIRED if is_late else OfferStatus.FAILED, actor=audit.SYSTEM, now=now)
    for wish in over.select_for_update(of=("self",), skip_locked=True):
        _end_wish(wish, WishStatus.OVER, now=now)


def _offer_to_next(slot: Slot, clinic: Clinic, now: datetime) -> int:
    """Offer a locked time to the first in line who can have it, and note who was passed over and why."""
    times = policy.offer_times(
        now, starts_at=slot.starts_at, minutes=clinic.earlier_minutes, zone=clinic.zone
    )
    if times is None:
        _open_to_all(Slot.objects.filter(pk=slot.pk))
        return 0
    passed: list[tuple[EarlierWish, PassedReason]] = []
    for wish in queries.next_in_line(slot, clinic):
        reason = queries.why_passed_over(wish, slot, clinic, now)
        if reason is None:
            _note_passed(slot, passed, _offer(slot, wish, clinic, times, now), now)
            return 1
        passed.append((wish, reason))
    _note_passed(slot, passed, None, now)
    if len(passed) < queries.LINE:
        _open_to_all(Slot.objects.filter(pk=slot.pk))
    else:
        Slot.objects.filter(pk=slot.pk).update(held_until=now + policy.GRACE)
        wakeup.wake_after_commit()
    return 0


def _offer(
    slot: Slot, wish: EarlierWish, clinic: Clinic, times: policy.OfferTimes, now: datetime
) -> EarlierOffer:
    offer = EarlierOffer.objects.create(
        clinic=clinic,
        wish=wish,
        patient=wish.patient,
        provider_id=slot.provider_id,
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        offered_at=now,
        expires_at=times.expires_at,
    )
    Slot.objects.filter(pk=slot.pk).update(held_until=times.expires_at + policy.GRACE)
    audit.record(
        action="earlier.offered", subject=offer, actor=audit.SYSTEM, now=now, slot=slot.pk, wish=str(wish.pk)
    )
    letters.tell(offer, at=times.tell_at, now=now)
    return offer


def _note_passed(
    slot: Slot, passed: list[tuple[EarlierWish, PassedReason]], offer: EarlierOffer | None, now: datetime
) -> None:
    PassedOver.objects.bulk_create(
        PassedOver(
            clinic_id=slot.clinic_id,
            wish=wish,
            slot=slot,
            offer=offer,
            starts_at=slot.starts_at,
            reason=reason,
            at=now,
        )
        for wish, reason in passed
    )


def forget(now: datetime) -> int:
    """Delete wishes that ended KEPT ago, with their offers and who was passed over; return how many wishes.

    In batches, each a transaction of its own: killed in between, the next night goes on.
    """
    old = EarlierWish.objects.filter(ended_at__lt=now - policy.KEPT).order_by("ended_at")
    gone = 0
    while keys := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        with transaction.atomic():
            EarlierOffer.objects.filter(wish__in=keys).delete()
            EarlierWish.objects.filter(pk__in=keys).delete()
        gone += len(keys)
    return gone


# -- parts -------------------------------------------------------------------------------------------------
def _locked(patient: Patient, offer_id: UUID) -> EarlierOffer:
    rows = EarlierOffer.objects.select_related("wish", "appointment", "clinic")
    return rows.select_for_update(of=("self",)).get(patient=patient, pk=offer_id)


_ENDED = {
    OfferStatus.DECLINED: "earlier.declined",
    OfferStatus.EXPIRED: "earlier.expired",
    OfferStatus.FAILED: "earlier.failed",
}


def _end(offer: EarlierOffer, status: OfferStatus, *, actor: Any, now: datetime) -> None:
    """End an offer that was not accepted. Its time stays held a moment for the next in line.

    Not where somebody has the time locked: who takes or removes it needs no hold, and else it is passed on as it is.
    """
    _store_end(offer, status, now=now)
    _hold_until(offer.slot_id or 0, now + policy.GRACE)
    wakeup.wake_after_commit()
    audit.record(action=_ENDED[status], subject=offer, actor=actor, now=now)


def _hold_until(slot_id: int, until: datetime | None) -> bool:
    """Set the hold of a free slot; return whether that was done. One statement.

    Whoever has an offer never waits for its slot: who removes the slot has it, and waits for the offer.
    """
    free = Slot.objects.filter(pk=slot_id, state=SlotState.FREE)
    mine = free.select_for_update(skip_locked=True, no_key=True).values("pk")
    return bool(Slot.objects.filter(pk__in=mine).update(held_until=until))


def _store_end(offer: EarlierOffer, status: OfferStatus, *, now: datetime) -> None:
    offer.status, offer.ended_at = status, now
    offer.save(update_fields=["status", "ended_at", "appointment"])
    letters.hush(offer, now=now)


def _end_wish(wish: EarlierWish, status: WishStatus, *, now: datetime) -> None:
    wish.status, wish.ended_at, wish.reason = status, now, ""
    wish.save(update_fields=["status", "ended_at", "reason"])


def _open_to_all(slots: Any) -> None:
    slots.update(freed_at=None, held_until=None)
