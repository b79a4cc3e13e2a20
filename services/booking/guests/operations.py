"""Changes of requests from people without an account: begun, confirmed, withdrawn, approved and refused."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.db.models import F

from clinic_admin.models import Clinic
from identity.by_code import code_stops
from identity.by_code.holders import Holder
from identity.national_id import NationalId, index
from notifications import operations as outbox
from notifications.choices import MessageKind
from patients import operations as patients
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.booking import freeing, own_times
from services.booking.choices import AppointmentStatus, BookingRefusal
from services.booking.desk.choices import Rule
from services.booking.guests import letters, policy, queries
from services.booking.guests.choices import GuestRefusal, GuestStatus, RefusedBecause
from services.booking.guests.letters import Code
from services.booking.models import Appointment, GuestRequest, Slot
from services.booking.operations import telling
from services.booking.operations.appointments import hold_times, take
from services.booking.operations.refusals import ONE_PER_PATIENT, TAKEN, fences
from services.booking.queries import open_slot


class GuestRefused(Refused):
    """Nothing was stored beyond a counted try; the reason is a GuestRefusal."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wrote in the form. Printing it shows nothing."""

    number: NationalId
    given_name: str
    family_name: str
    mobile: str
    """E.164, of the kind that codes go to."""
    reason: str
    language: str

    def __repr__(self) -> str:
        """Say nothing: this object must not show in logs and error reports."""
        return "<Wish>"


@dataclass(frozen=True, slots=True)
class Started:
    """A request that waits for its code, and the message that carries the code."""

    request_id: UUID
    message_id: UUID


_REASONS = {
    BookingRefusal.TAKEN: GuestRefusal.TAKEN,
    BookingRefusal.PAST: GuestRefusal.PAST,
}
_CLASHES = {**dict.fromkeys(TAKEN, GuestRefusal.CLASHES), ONE_PER_PATIENT: GuestRefusal.OWN_TIME}


# -- by the person -----------------------------------------------------------------------------------------
@transaction.atomic
def start(*, clinic: Clinic, slot_id: int, wish: Wish, now: datetime) -> Started:
    """Store what was written and queue a code to the mobile. The time is not held yet.

    No record is looked at, so that all people get the same answer. Raises GuestRefused: closed, or the time can't be
    asked for.
    """
    slot = _slot(clinic, slot_id, for_share=False, now=now)
    code = _new_code()
    guest = GuestRequest(
        clinic=clinic,
        provider_id=slot.provider_id,
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        given_name=wish.given_name,
        family_name=wish.family_name,
        national_id=wish.number.number,
        national_id_index=index(wish.number),
        birth_date=wish.number.birth_date,
        mobile=wish.mobile,
        reason=wish.reason,
        language=wish.language,
        created_at=now,
    )
    return Started(guest.pk, _give(guest, code, now))


@transaction.atomic
def send_again(*, clinic: Clinic, request_id: UUID, now: datetime) -> Started:
    """Queue another code; the older one is worth nothing from then on. Raises GuestRefused."""
    guest = _locked(clinic, request_id)
    refusal = policy.refuse_another_code(
        status=guest.status,
        created_at=guest.created_at,
        sent_at=guest.code_sent_at,
        sent=guest.codes_sent,
        now=now,
    )
    if refusal:
        raise GuestRefused(refusal)
    outbox.cancel_messages(subject=guest, now=now)
    guest.codes_sent += 1
    return Started(guest.pk, _give(guest, _new_code(), now))


def confirm(*, clinic: Clinic, request_id: UUID, code: str, now: datetime) -> GuestRequest:
    """Take the code, then the time; return the request, which waits for the clinic from now on. Twice is once.

    Every try counts, and is stored before the code is looked at: this must not run in a transaction that is rolled
    back. Raises GuestRefused; TAKEN and NOT_OFFERED leave the mobile confirmed, so that `choose` can take another time.
    """
    rows = GuestRequest.objects.filter(clinic=clinic, pk=request_id, status=GuestStatus.STARTED)
    if not rows.filter(code_tries_left__gt=0).update(code_tries_left=F("code_tries_left") - 1):
        return _done_or_over(clinic, request_id)
    guest = rows.first()
    if guest is None:
        return _done_or_over(clinic, request_id)
    if guest.confirmed_at is None:
        late = policy.refuse_code(
            status=guest.status, sent_at=guest.code_sent_at, tries_left=guest.code_tries_left + 1, now=now
        )
        if late:
            raise GuestRefused(late)
        if not check_password(_hashed_part(guest, code), guest.code_hash):
            raise GuestRefused(GuestRefusal.WRONG_CODE if guest.code_tries_left else GuestRefusal.OVER)
        if rows.filter(confirmed_at=None).update(confirmed_at=now, code_hash=""):
            code_stops.note_used(clinic, now=now)
    return _take_time(clinic, request_id, guest.slot_id, now)


def choose(*, clinic: Clinic, request_id: UUID, slot_id: int, now: datetime) -> GuestRequest:
    """Take another time for somebody whose mobile is confirmed and whose first wish was gone. Raises GuestRefused."""
    rows = GuestRequest.objects.filter(clinic=clinic, pk=request_id)
    guest = rows.filter(confirmed_at__isnull=False).first()
    if guest is None:
        raise GuestRefused(GuestRefusal.OVER)
    return _take_time(clinic, request_id, slot_id, now)


@transaction.atomic
def withdraw(*, clinic: Clinic, request_id: UUID, now: datetime) -> GuestRequest:
    """Take the request back and free its time. Twice is once. Raises GuestRefused when the clinic has decided."""
    guest = _locked(clinic, request_id)
    if guest.status == GuestStatus.WITHDRAWN:
        return guest
    _refuse_unless_waiting(guest)
    _end(guest, GuestStatus.WITHDRAWN, actor=None, now=now)
    audit.record(action="guest.withdrawn", subject=guest, actor=audit.SYSTEM, now=now)
    return guest


def set_up_for_demo(*, clinic: Clinic, slot_id: int, wish: Wish, now: datetime) -> GuestRequest:
    """Ask for a time as somebody who has written the right code, for the demo's clinics. Raises GuestRefused."""
    started = start(clinic=clinic, slot_id=slot_id, wish=wish, now=now)
    GuestRequest.objects.filter(pk=started.request_id).update(confirmed_at=now, code_hash="")
    return choose(clinic=clinic, request_id=started.request_id, slot_id=slot_id, now=now)


# -- by staff ----------------------------------------------------------------------------------------------
@transaction.atomic
def open_request(*, clinic: Clinic, request_id: UUID, actor: Any, now: datetime) -> GuestRequest | None:
    """Return the clinic's request and record that `actor` saw it; None if there is none, or nothing was confirmed."""
    guest = queries.request_of(clinic=clinic, request_id=request_id)
    if guest is None or guest.status == GuestStatus.STARTED:
        return None
    audit.record(action="guest.viewed", subject=guest, actor=actor, now=now, clinic_id=clinic.pk)
    return guest


def approve(
    *,
    clinic: Clinic,
    request_id: UUID,
    actor: Any,
    now: datetime,
    confirmed: Collection[str] = (),
    known: Collection[UUID] = (),
) -> GuestRequest:
    """Make it an appointment of the person's record, made now if there is none, and tell the person by SMS.

    `confirmed` are the rules that the page named and staff put aside: of these only Rule.OWN_TIME, that the patient has
    another appointment then, as far as it is among the `known` that the page showed. What is put aside is kept with the
    appointment and in the trail. Raises GuestRefused: decided already, the record is not active, the time has passed,
    the provider is taken, or such a rule; GuestRequest.DoesNotExist: not the clinic's.
    """
    with fences(_CLASHES, GuestRefused):
        return _approve(clinic, request_id, confirmed, known, actor=actor, now=now)


@transaction.atomic
def _approve(
    clinic: Clinic,
    request_id: UUID,
    confirmed: Collection[str],
    known: Collection[UUID],
    *,
    actor: Any,
    now: datetime,
) -> GuestRequest:
    guest = _locked(clinic, request_id)
    _refuse_unless_waiting(guest)
    if guest.starts_at <= now:
        raise GuestRefused(GuestRefusal.PAST)
    patient, is_new = patients.make_record(clinic=clinic, holder=_holder(guest), actor=actor, now=now)
    if not patient.is_active:
        raise GuestRefused(GuestRefusal.NOT_ACTIVE)
    overruled = _overruled(guest, patient, confirmed, known)
    appointment = Appointment(
        clinic=clinic,
        patient=patient,
        provider=guest.provider,
        slot=guest.slot,
        starts_at=guest.starts_at,
        ends_at=guest.ends_at,
        kind=guest.slot.kind if guest.slot else "portal",
        status=AppointmentStatus.BOOKED,
        reason=guest.reason,
        form_key=guest.pk,
        requested_at=guest.confirmed_at or now,
        requested_by=actor,
        decided_at=now,
        decided_by=actor,
        overruled=overruled,
    )
    guest.appointment = appointment
    guest.status, guest.decided_at, guest.decided_by = GuestStatus.APPROVED, now, actor
    appointment.save(force_insert=True)
    guest.save(update_fields=["appointment", "status", "decided_at", "decided_by"])
    audit.record(
        action="appointment.approved",
        subject=appointment,
        actor=actor,
        now=now,
        guest=True,
        overruled=overruled,
    )
    audit.record(
        action="guest.approved",
        subject=guest,
        actor=actor,
        now=now,
        patient_id=patient.pk,
        new_record=is_new,
    )
    letters.tell(guest, MessageKind.BOOKING_CONFIRMED, now=now)
    telling.tell(appointment, MessageKind.BOOKING_CONFIRMED, now=now, reminds=True, knows=guest.mobile)
    return guest


def _overruled(
    guest: GuestRequest, patient: Patient, confirmed: Collection[str], known: Collection[UUID]
) -> list[str]:
    """Return what staff put aside. Raises GuestRefused when the patient has an appointment then that they didn't see."""
    hold_times(patient)
    beside = set(own_times.beside(patient, guest.starts_at, guest.ends_at).values_list("pk", flat=True))
    if not beside:
        return []
    if Rule.OWN_TIME not in confirmed or not beside <= set(known):
        raise GuestRefused(GuestRefusal.OWN_TIME)
    return [Rule.OWN_TIME.value]


@transaction.atomic
def refuse(
    *,
    clinic: Clinic,
    request_id: UUID,
    actor: Any,
    now: datetime,
    because: RefusedBecause | None = None,
) -> GuestRequest:
    """Say no, free the time, and tell the person by SMS; the sentence of `because` stands on the person's page only.

    Raises GuestRefused when it is decided already: `found` is the request then; GuestRequest.DoesNotExist: not the clinic's.
    """
    guest = _locked(clinic, request_id)
    _refuse_unless_waiting(guest)
    guest.refused_because = because.value if because else ""
    _end(guest, GuestStatus.REFUSED, actor=actor, now=now)
    audit.record(action="guest.refused", subject=guest, actor=actor, now=now, because=guest.refused_because)
    letters.tell(guest, MessageKind.BOOKING_REFUSED, now=now)
    return guest


@transaction.atomic
def forget(*, now: datetime) -> int:
    """Delete what nobody finished within a day, what was decided a month ago, and what nobody ever answered a month
    after its time; return how many requests.
    """
    unfinished = GuestRequest.objects.filter(
        status=GuestStatus.STARTED, created_at__lt=now - policy.KEPT_UNFINISHED
    )
    decided = GuestRequest.objects.exclude(status__in=GuestStatus.open()).filter(
        decided_at__lt=now - policy.KEPT_DECIDED, created_at__lt=now - policy.KEPT_DECIDED
    )
    unanswered = GuestRequest.objects.filter(
        status=GuestStatus.WAITING, starts_at__lt=now - policy.KEPT_DECIDED
    )
    return sum(rows.delete()[0] for rows in (unfinished, decided, unanswered))


# -- parts -------------------------------------------------------------------------------------------------
def _new_code() -> Code:
    return Code(f"{secrets.randbelow(10**policy.CODE_DIGITS):0{policy.CODE_DIGITS}}")


def _give(guest: GuestRequest, code: Code, now: datetime) -> UUID:
    if code_stops.of_clinic(guest.clinic_id, now=now) is not None:
        raise GuestRefused(GuestRefusal.STOPPED)
    guest.code_hash = make_password(_hashed_part(guest, code.digits))
    guest.code_sent_at, guest.code_tries_left = now, policy.CODE_TRIES
    guest.save()
    message = letters.send_code(guest, code, now=now)
    code_stops.note_sent(guest.clinic, now=now)
    return message


def _hashed_part(guest: GuestRequest, code: str) -> str:
    return f"{guest.pk}:guest:{code}"


def _locked(clinic: Clinic, request_id: UUID) -> GuestRequest:
    guest = (
        GuestRequest.objects.select_for_update(of=("self",))
        .select_related("provider", "slot")
        .get(clinic=clinic, pk=request_id)
    )
    guest.clinic = clinic
    return guest


def _slot(clinic: Clinic, slot_id: int, *, for_share: bool, now: datetime) -> Slot:
    """Return the slot if it can be asked for now. Raises GuestRefused."""
    is_open = Clinic.objects.filter(pk=clinic.pk, is_active=True, books_without_account=True).exists()
    if not is_open:
        raise GuestRefused(GuestRefusal.CLOSED)
    slot = open_slot(clinic=clinic, slot_id=slot_id)
    if slot is None:
        raise GuestRefused(GuestRefusal.NOT_OFFERED)
    refusal = queries.refusal_of(slot, clinic=clinic, for_share=for_share, now=now)
    if refusal:
        raise GuestRefused(_REASONS.get(refusal, GuestRefusal.NOT_OFFERED))
    return slot


@transaction.atomic
def _take_time(clinic: Clinic, request_id: UUID, slot_id: int | None, now: datetime) -> GuestRequest:
    guest = _locked(clinic, request_id)
    if guest.status == GuestStatus.WAITING:
        return guest
    if not policy.is_open(status=guest.status, created_at=guest.created_at, now=now):
        raise GuestRefused(GuestRefusal.OVER)
    _hold_back_the_mobile(guest)
    slot = _slot(clinic, slot_id or 0, for_share=True, now=now)
    if not take(slot, None):
        raise GuestRefused(GuestRefusal.TAKEN)
    word = secrets.token_urlsafe(16)
    guest.slot, guest.provider_id = slot, slot.provider_id
    guest.starts_at, guest.ends_at = slot.starts_at, slot.ends_at
    guest.status, guest.link_hash = GuestStatus.WAITING, queries.link_hash(word)
    guest.save()
    audit.record(
        action="guest.requested",
        subject=guest,
        actor=audit.SYSTEM,
        now=now,
        slot=slot.pk,
        provider=slot.provider_id,
    )
    letters.tell(guest, MessageKind.BOOKING_REQUESTED, now=now, word=word)
    return guest


def _hold_back_the_mobile(guest: GuestRequest) -> None:
    """Let one mobile have two times at most, also when it asks for many at the same moment. Raises GuestRefused."""
    lock = queries.number_of_lock(guest)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
    waiting = GuestRequest.objects.filter(
        clinic=guest.clinic_id, mobile=guest.mobile, status=GuestStatus.WAITING
    )
    if waiting.count() >= policy.MOST_WAITING:
        raise GuestRefused(GuestRefusal.TWO_WAIT)


def _done_or_over(clinic: Clinic, request_id: UUID) -> GuestRequest:
    """Return the request that was confirmed already: the form was sent twice. Raises GuestRefused otherwise."""
    done = GuestRequest.objects.filter(clinic=clinic, pk=request_id, status=GuestStatus.WAITING).first()
    if done is None:
        raise GuestRefused(GuestRefusal.OVER)
    return done


def _refuse_unless_waiting(guest: GuestRequest) -> None:
    refusal = policy.refuse_decision(status=guest.status)
    if refusal:
        raise GuestRefused(refusal, found=guest)


def _end(guest: GuestRequest, status: GuestStatus, *, actor: Any, now: datetime) -> None:
    guest.status, guest.decided_at, guest.decided_by = status, now, actor
    guest.save(update_fields=["status", "decided_at", "decided_by", "refused_because"])
    if guest.slot_id is not None:
        freeing.free(guest.slot_id, clinic=guest.clinic, now=now)
    outbox.cancel_messages(subject=guest, now=now)


def _holder(guest: GuestRequest) -> Holder:
    return Holder(
        country=guest.clinic.country,
        national_id=guest.national_id or "",
        national_id_index=guest.national_id_index,
        given_name=guest.given_name,
        family_name=guest.family_name,
        birth_date=guest.birth_date,
        email="",
        mobile=guest.mobile,
        language=guest.language,
    )
