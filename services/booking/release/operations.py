"""Prepares a draw, takes what patients ask, and holds the draw: once, whole, and by whoever comes first."""

import logging
import secrets
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any, NoReturn
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Length

from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from portal import audit
from portal.one_by_one import do_each
from portal.refusals import Refused
from services.booking import queries as booking
from services.booking.choices import BookingRefusal
from services.booking.models import Appointment, Draw, DrawRequest, Slot
from services.booking.operations import BookingRefused
from services.booking.operations.appointments import decide, refuse_over_limit, store, take
from services.booking.operations.refusals import fences
from services.booking.policy import overlap, refuse_another
from services.booking.release import letters, policy, queries
from services.booking.release.choices import DrawRefusal, Outcome
from services.booking.release.policy import PoolSlot
from services.booking.release.queries import Asker
from services.booking.reminders.price import promised_ore

log = logging.getLogger(__name__)


FORGOTTEN_AT_ONCE = 1000
_LOCK_CLASS = 0xD4A3
"""First half of the advisory lock's key: holding a draw. The second half is the clinic."""


class DrawRefused(Refused):
    """Nothing was stored; the reason is a DrawRefusal."""


# -- prepare and hold --------------------------------------------------------------------------------------
def keep_up(clinic: Clinic, now: datetime) -> None:
    """Hold the clinic's draws that are due, and prepare the next one.

    Called by the clock and by every page on which it matters, so that no worker is needed. No query where the clinic
    draws nothing; else one when there is nothing to do.
    """
    if clinic.draws_urgent:
        catch_up(clinic, now)


def catch_up(clinic: Clinic, now: datetime) -> None:
    """Do as keep_up does, also where a draw is left over from before the clinic switched it off."""
    waiting = queries.not_drawn(clinic)
    for draw in waiting:
        if queries.window_of_draw(clinic, draw).closes_at <= now:
            hold(clinic=clinic, day=draw.day, now=now)
    if not clinic.draws_urgent:
        return
    open_now = queries.window_now(clinic, now)
    upcoming = policy.next_day(now, release_at=clinic.urgent_release_at, zone=clinic.zone)
    known = {draw.day for draw in waiting}
    for day in [upcoming, *([open_now.day] if open_now else [])]:
        if day not in known:
            prepare(clinic, day, now=now)


@transaction.atomic
def prepare(clinic: Clinic, day: date, *, now: datetime) -> None:
    """Fix the seed of a day's draw, and with it the hash that everyone may see. Twice is once."""
    seed = secrets.token_hex(32)
    window = queries.window_of(clinic, day)
    draw, is_new = Draw.objects.get_or_create(
        clinic=clinic,
        day=day,
        defaults={
            "opens_at": window.opens_at,
            "closes_at": window.closes_at,
            "seed": seed,
            "seed_hash": policy.seed_hash(seed),
            "committed_at": now,
        },
    )
    if is_new:
        audit.record(
            action="draw.prepared",
            subject=draw,
            actor=audit.SYSTEM,
            now=now,
            clinic_id=clinic.pk,
            day=day.isoformat(),
            hash=draw.seed_hash,
        )


@transaction.atomic
def hold(*, clinic: Clinic, day: date, now: datetime) -> Draw | None:
    """Draw the day's urgent times among those who asked, and return the draw; None when somebody else is at it.

    In one transaction under the draw's own lock: killed in between nothing has happened, and the next who comes does
    it. Whoever finds the lock taken goes on without waiting. A draw that was held stays as it is. A clinic holds one
    draw at a time: each holds the times of many patients, in the order of its lots.
    """
    if not _alone(clinic):
        return None
    draw = (
        Draw.objects.filter(clinic=clinic, day=day, drawn_at=None)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("clinic")
        .first()
    )
    if draw is None:
        return None
    if draw.clinic.draws_urgent:
        window = queries.window_of(draw.clinic, day)
        draw.opens_at, draw.closes_at = window.opens_at, window.closes_at
    if now < draw.closes_at:
        return None
    pool = _lock_pool(draw, now)
    # First, because a time of a draw that was not held can't be booked: the rule holds for the draw itself, too.
    draw.drawn_at = now
    draw.save(update_fields=["opens_at", "closes_at", "drawn_at"])
    won, asked = _give_out(draw, pool, now)
    draw.pool = [[one.slot_id, one.provider_id, one.starts_at.isoformat()] for one in sorted(pool)]
    draw.save(update_fields=["pool"])
    audit.record(
        action="draw.held",
        subject=draw,
        actor=audit.SYSTEM,
        now=now,
        clinic_id=clinic.pk,
        day=day.isoformat(),
        hash=draw.seed_hash,
        times=len(draw.pool),
        asked=asked,
        won=won,
    )
    return draw


def _alone(clinic: Clinic) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, clinic.pk])
        return bool(cursor.fetchone()[0])


def _lock_pool(draw: Draw, now: datetime) -> dict[PoolSlot, Slot]:
    """Return the day's free times, held for this draw; one that staff are just taking is theirs."""
    slots = queries.free_slots(draw.clinic_id, draw.day, now).select_for_update(
        of=("self",), skip_locked=True
    )
    return {PoolSlot(slot.starts_at, slot.pk, slot.provider_id): slot for slot in slots.order_by("pk")}


def _give_out(draw: Draw, pool: dict[PoolSlot, Slot], now: datetime) -> tuple[int, int]:
    """Give the times out in the order of the lots; return how many got one, and how many asked.

    A time that turns out to be no time (the provider is booked over it by hand) leaves the pool.
    """
    askers = queries.askers(draw, {slot.provider_id for slot in pool})
    order = policy.in_order(draw.seed or "", askers)
    given: set[PoolSlot] = set()
    own = queries.own_times(draw, pool.values())
    for rank, request_id in enumerate(order, start=1):
        asker = askers[request_id]
        asker.request.rank = rank
        busy = _beside(own.get(asker.request.asker.pk, ()), pool)
        _give(draw, asker, pool, given, busy, now)
        asker.request.own_times = sorted(busy)
    requests = [askers[request_id].request for request_id in order]
    DrawRequest.objects.bulk_update(
        requests,
        ["rank", "outcome", "allowed", "own_times", "slot_number", "appointment", "reason"],
        batch_size=500,
    )
    losers = [one for one in requests if one.outcome != Outcome.WON]
    letters.tell_losers(draw, losers, now=now)
    return len(requests) - len(losers), len(requests)


def _beside(own: Iterable[Appointment], pool: dict[PoolSlot, Slot]) -> set[int]:
    """Return the slots of the pool that overlap one of these appointments."""
    return {slot.pk for slot in pool.values() if any(overlap(slot, one) for one in own)}


def _give(
    draw: Draw,
    asker: Asker,
    pool: dict[PoolSlot, Slot],
    given: set[PoolSlot],
    busy: set[int],
    now: datetime,
) -> None:
    """Give the earliest acceptable time that is left, if the decision still stands when it is asked again (I10).

    `busy` are slots at which the asker has another appointment; one that turns out to be is put to them.
    """
    request, allowed = asker.request, set(asker.allowed)
    request.asker.clinic = draw.clinic
    request.outcome = Outcome.NONE_LEFT
    while place := policy.first_for(pool.keys() - given, policy.acceptable(request.providers, allowed), busy):
        refusal = _win(request, pool[place], now)
        if refusal is None:
            request.outcome, request.slot_number, request.reason = Outcome.WON, place.slot_id, ""
            given.add(place)
            break
        if refusal in {BookingRefusal.TOO_MANY, BookingRefusal.TOO_MANY_URGENT}:
            request.outcome = Outcome.TOO_MANY
            break
        if refusal == BookingRefusal.NO_ACCESS:
            allowed.discard(place.provider_id)
        elif refusal == BookingRefusal.OWN_TIME:
            busy.add(place.slot_id)
        else:
            del pool[place]
    request.allowed = sorted(allowed)
    if request.outcome == Outcome.NONE_LEFT and pool and not policy.acceptable(request.providers, allowed):
        request.outcome = Outcome.NOT_ALLOWED
    elif request.outcome == Outcome.NONE_LEFT and policy.first_for(
        pool.keys() - given, policy.acceptable(request.providers, allowed)
    ):
        request.outcome = Outcome.OWN_TIME


def _win(request: DrawRequest, slot: Slot, now: datetime) -> BookingRefusal | None:
    """Book the slot for the patient as if they had done it now; return why that can't be, or None."""
    try:
        with fences():
            request.appointment = _book(request, slot, now)
    except BookingRefused as refused:
        return BookingRefusal(refused.reason)
    return None


@transaction.atomic
def _book(request: DrawRequest, slot: Slot, now: datetime) -> Appointment:
    patient = request.asker
    decision = decide(patient, slot, assurance=Assurance(request.assurance), now=now)
    refuse_over_limit(patient, slot.kind, now=now)
    if not take(slot, patient):
        raise BookingRefused(BookingRefusal.TAKEN)
    return store(
        patient,
        slot,
        decision,
        reason=request.reason or "",
        wants_reminder=request.wants_reminder,
        reminder_ore=request.reminder_ore,
        form_key=request.pk,
        actor=request.asked_by,
        now=now,
    )


# -- ask ---------------------------------------------------------------------------------------------------
@transaction.atomic
def ask(
    *,
    patient: Patient,
    reason: str,
    wants_reminder: bool,
    providers: Collection[int],
    assurance: Assurance,
    actor: Any,
    now: datetime,
) -> DrawRequest:
    """Store that the patient asks for an urgent time, and return the request. Asking again changes what was asked.

    `providers` are those with whom; nobody in particular means anyone. Raises DrawRefused: the window is not open,
    the patient may have nobody of these, or has as many appointments as the clinic allows.
    """
    clinic = patient.clinic
    window = queries.window_now(clinic, now)
    if window is None:
        _refuse(DrawRefusal.CLOSED)
    draw = _open_draw(clinic, window.day, now)
    choices = queries.whom_to_ask(patient=patient, day=window.day, assurance=assurance, now=now)
    known = {choice.provider_id for choice in choices}
    if not known or not known.issuperset(providers):
        _refuse(DrawRefusal.NO_ACCESS)
    _refuse_over_limit(patient, now)
    promised = promised_ore(patient, wants_reminder=wants_reminder)
    request, is_new = DrawRequest.objects.update_or_create(
        draw=draw,
        patient=patient,
        defaults={
            "asked_by": actor,
            "assurance": assurance,
            "reason": reason,
            "wants_reminder": wants_reminder,
            "reminder_ore": promised,
            "providers": sorted(set(providers)),
            "outcome": Outcome.WAITING,
        },
        create_defaults={
            "asked_at": now,
            "asked_by": actor,
            "assurance": assurance,
            "reason": reason,
            "wants_reminder": wants_reminder,
            "reminder_ore": promised,
            "providers": sorted(set(providers)),
        },
    )
    audit.record(
        action="draw.asked" if is_new else "draw.asked_again",
        subject=request,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        patient_id=patient.pk,
        day=window.day.isoformat(),
        providers=sorted(providers),
    )
    return request


def _open_draw(clinic: Clinic, day: date, now: datetime) -> Draw:
    """Return the day's draw, kept from being held until we are done. Who comes after the draw is too late."""
    prepare(clinic, day, now=now)
    with connection.cursor() as cursor:  # shared: those who ask at the same moment don't wait for one another
        cursor.execute(_HOLD_OFF, [clinic.pk, day])
    draw = Draw.objects.get(clinic=clinic, day=day)
    if draw.drawn_at is not None:
        _refuse(DrawRefusal.CLOSED)
    return draw


_HOLD_OFF = "SELECT FROM booking_draw WHERE clinic_id = %s AND day = %s FOR SHARE"


def _refuse_over_limit(patient: Patient, now: datetime) -> None:
    clinic = patient.clinic
    if clinic.most_upcoming is None and clinic.most_urgent is None:
        return
    held = booking.held(patient, now=now)
    if refuse_another(
        "urgent", held=held, most_upcoming=clinic.most_upcoming, most_urgent=clinic.most_urgent
    ):
        _refuse(DrawRefusal.TOO_MANY)


@transaction.atomic
def withdraw(*, patient: Patient, request_id: UUID, actor: Any, now: datetime) -> DrawRequest:
    """Take back what the patient asked, with what was written. Twice is once.

    Raises DrawRequest.DoesNotExist when it isn't the patient's, DrawRefused when the draw was held.
    """
    own = DrawRequest.objects.get(pk=request_id, patient=patient)
    draw = Draw.objects.select_for_update(of=("self",)).get(pk=own.draw_id)
    own.refresh_from_db()
    if own.outcome == Outcome.WITHDRAWN:
        return own
    if draw.drawn_at is not None:
        _refuse(DrawRefusal.CLOSED)
    own.outcome, own.reason = Outcome.WITHDRAWN, ""
    own.save(update_fields=["outcome", "reason"])
    audit.record(
        action="draw.withdrawn",
        subject=own,
        actor=actor,
        now=now,
        clinic_id=draw.clinic_id,
        patient_id=patient.pk,
    )
    return own


def _refuse(reason: DrawRefusal) -> NoReturn:
    raise DrawRefused(reason)


# -- by itself ---------------------------------------------------------------------------------------------
def keep_up_everywhere(now: datetime) -> None:
    """Hold and prepare the draws of all clinics. One that fails doesn't keep the others from theirs."""
    do_each(
        queries.clinics_that_draw(),
        lambda clinic: catch_up(clinic, now),
        log=log,
        failed="draws not kept up",
    )


def forget_reasons(now: datetime) -> int:
    """Empty what those wrote who got no time, once the day is over everywhere; return of how many. One statement."""
    over = DrawRequest.objects.filter(draw__closes_at__lt=now - policy.REASONS_KEPT)
    return over.annotate(length=Length("reason")).filter(length__gt=0).update(reason="")


def forget_people(now: datetime) -> int:
    """Take from the requests of draws that are KEPT old who they were of; return of how many. In batches.

    Request, place, what was asked and the slot stay, so that the draw can be checked as before.
    """
    old = DrawRequest.objects.filter(draw__closes_at__lt=now - policy.KEPT, patient__isnull=False)
    gone = 0
    while keys := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        gone += DrawRequest.objects.filter(pk__in=keys).update(
            patient=None, asked_by=None, appointment=None, reason="", wants_reminder=False
        )
    return gone
