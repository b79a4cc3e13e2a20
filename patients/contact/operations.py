"""Every change of how a patient is reached. All are keyword-only and audited; `actor` is a User or audit.SYSTEM."""

import contextlib
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F

from clinic_admin import ages
from clinic_admin.code_countries import all_names
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity.by_code import code_sender, code_stops, codes, memberships
from identity.choices import StopReason
from identity.policy import CODE_DIGITS, may_receive_code
from notifications import operations as outbox
from patients import own_changes
from patients import policy as rules
from patients.contact import letters, policy, queries
from patients.contact.choices import ContactKind, ContactRefusal
from patients.contact.letters import Moved
from patients.contact.models import ContactChange, ContactWord
from patients.models import DataChange, Patient
from portal import audit, throttle
from portal.refusals import Refused
from portal.throttle import Limit

PER_QUARTER = Limit("contact-quarter", 3, timedelta(minutes=15))
PER_DAY = Limit("contact-day", 8, timedelta(days=1))
"""Links and codes per patient and kind; per address and number the limits of sign-in codes count along."""
CHANGES_ARE_KEPT = timedelta(days=30)


class ContactRefused(Refused):
    """Nothing was changed; the reason is a ContactRefusal, its details what the sentence names."""

    @property
    def message(self) -> str:
        """Return the sentence for the user."""
        return str(super().message) % self.details


@transaction.atomic
def change_contact(
    *, patient: Patient, mobile: str, email: str, language: str, actor: Any, now: datetime
) -> frozenset[str]:
    """Store how the clinic reaches the patient (mobile in E.164; empty is allowed) and in which language.

    It counts at once: for what staff write, and for what the patient has confirmed. Codes and links that went to what
    stood there before end, and the old address is told. Returns the names of the fields that changed; they alone are
    recorded, never what stands in them.
    """
    return _store(patient, {"mobile": mobile, "email": email, "language": language}, actor, now)


@transaction.atomic
def wish(
    *, patient: Patient, mobile: str, email: str, language: str, actor: Any, now: datetime
) -> tuple[ContactKind, ...]:
    """Take what the patient wrote: the language counts at once, an emptied value is removed, a new one waits.

    What is as in the record is left alone, with what waits in its place. Returns what waits after it. Raises
    ContactRefused, with `kind` among its details.
    """
    waits = []
    for kind, value in ((ContactKind.EMAIL, email), (ContactKind.MOBILE, mobile)):
        if value == getattr(patient, kind):
            continue
        if not value:
            remove(patient=patient, kind=kind, actor=actor, now=now)
        elif ask(patient=patient, kind=kind, value=value, actor=actor, now=now) is not None:
            waits.append(kind)
    _store(patient, {"language": language}, actor, now)
    return tuple(waits)


@transaction.atomic
def change_language(*, patient: Patient, language: str, actor: Any, now: datetime) -> None:
    """Store the language of messages; empty is the clinic's."""
    _store(patient, {"language": language}, actor, now)


@transaction.atomic
def remove(*, patient: Patient, kind: ContactKind, actor: Any, now: datetime) -> None:
    """Take an address or number out of the record at the patient's own wish, and what waits in its place."""
    _end_waiting(patient, kind, "removed", actor, now)
    ContactWord.objects.filter(patient=patient, kind=kind).delete()
    _store(patient, {kind.value: ""}, actor, now)


@transaction.atomic
def decide(
    *, patient: Patient, seen: str, own: Mapping[ContactKind, str], actor: Any, now: datetime
) -> tuple[ContactKind, ...]:
    """Note that the patient says the record is right, as it was shown (`seen`: queries.seen_mark).

    But for what is in `own`: there the patient's earlier word is, and waits to be confirmed like any new value. Returns
    what waits. Raises ContactRefused: the record was changed meanwhile, or nothing more can be sent.
    """
    stored = _locked(patient)
    if queries.seen_mark(stored) != seen:
        raise ContactRefused(ContactRefusal.CHANGED_MEANWHILE)
    kept = []
    for kind in ContactKind:
        value = getattr(stored, kind)
        if kind in own:
            continue
        if value:
            _note_word(stored, kind, value, now)
            kept.append(kind.value)
        else:
            ContactWord.objects.filter(patient=stored, kind=kind).delete()
    if kept:
        audit.record(
            action="contact.kept", subject=stored, actor=actor, now=now, patient_id=stored.pk, fields=kept
        )
    asked = [
        kind
        for kind, value in own.items()
        if ask(patient=stored, kind=kind, value=value, actor=actor, now=now)
    ]
    return tuple(asked)


@transaction.atomic
def ask(
    *, patient: Patient, kind: ContactKind, value: str, actor: Any, now: datetime
) -> ContactChange | None:
    """Let the patient's new address or number wait until it is confirmed, and send it a link or a code.

    The one it replaces goes on being used. Writing what stands in the record already only takes back what waits; None
    then. Nothing tells whether anybody else has the address. Raises ContactRefused.
    """
    stored = _locked(patient)
    waiting = queries.waiting_of(stored, kind)
    if waiting is not None and waiting.value == value and waiting.is_open(now):
        return waiting
    _end_waiting(stored, kind, "replaced", actor, now)
    if getattr(stored, kind) == value:
        _note_word(stored, kind, value, now)
        return None
    if kind is ContactKind.MOBILE and not may_receive_code(value, stored.clinic.code_countries):
        names = all_names(stored.clinic.code_countries)
        raise ContactRefused(ContactRefusal.NUMBER, kind=kind, countries=names)
    change = ContactChange(
        clinic=stored.clinic, patient=stored, kind=kind, value=value, asked_by=actor, created_at=now
    )
    _send(change, now)
    audit.record(
        action="contact.asked",
        subject=change,
        actor=actor,
        now=now,
        clinic_id=stored.clinic_id,
        patient_id=stored.pk,
        kind=kind.value,
    )
    return change


@transaction.atomic
def note_given(*, patient: Patient, email: str, mobile: str, actor: Any, now: datetime) -> None:
    """Take what someone gave who has just registered. What the record lacks is filled in; what differs waits.

    A number that no code can reach, or one message too many, leaves the record as it is: registering goes on.
    """
    for kind, value in ((ContactKind.EMAIL, email), (ContactKind.MOBILE, mobile)):
        there = getattr(patient, kind)
        if not value:
            continue
        if there in {"", value}:
            _note_word(patient, kind, value, now)
            _store(patient, {kind.value: value}, actor, now)
            continue
        with contextlib.suppress(ContactRefused), transaction.atomic():
            ask(patient=patient, kind=kind, value=value, actor=actor, now=now)


@transaction.atomic
def send_again(*, patient: Patient, kind: ContactKind, actor: Any, now: datetime) -> None:
    """Send a new link or code, which ends the older one. Raises ContactRefused: too soon, too often, nothing waits."""
    change = _waiting(patient, kind)
    if now < change.sent_at + policy.COOL_DOWN:
        raise ContactRefused(ContactRefusal.TOO_SOON)
    change.patient = _locked(patient)
    change.asked_by = actor
    outbox.cancel_messages(subject=change, now=now)
    _send(change, now)
    audit.record(
        action="contact.sent_again",
        subject=change,
        actor=actor,
        now=now,
        clinic_id=change.clinic_id,
        patient_id=patient.pk,
        kind=kind.value,
    )


@transaction.atomic
def cancel(*, patient: Patient, kind: ContactKind, actor: Any, now: datetime) -> None:
    """Take back what waits. Twice is once."""
    _locked(patient)
    _end_waiting(patient, kind, "cancelled", actor, now)


def use_code(*, patient: Patient, code: str, actor: Any, now: datetime) -> None:
    """Confirm the number that waits with the code that was sent to it. Of two parallel calls one does it.

    Only the login that asked can. Every try counts, and is stored before the code is looked at: this must not run in a
    transaction that is rolled back. Raises ContactRefused.
    """
    live = ContactChange.objects.filter(
        patient=patient,
        kind=ContactKind.MOBILE,
        asked_by=actor,
        confirmed_at__isnull=True,
        ended_at__isnull=True,
        expires_at__gt=now,
    )
    if not live.filter(attempts_left__gt=0).update(attempts_left=F("attempts_left") - 1):
        raise ContactRefused(ContactRefusal.CODE_OVER)
    change = live.select_related("clinic").first()
    if change is None or not check_password(_hashed_part(change, code), change.code_hash):
        if change is not None:
            _note_wrong(change, actor, now)
        has_more = change is not None and change.attempts_left
        raise ContactRefused(ContactRefusal.WRONG if has_more else ContactRefusal.CODE_OVER)
    with transaction.atomic():
        stored = _locked(patient)
        if not live.filter(pk=change.pk, code_hash=change.code_hash).update(confirmed_at=now):
            raise ContactRefused(ContactRefusal.CODE_OVER)
        _confirm(stored, change, actor, now)
        code_stops.note_used(change.clinic, now=now)


def open_link(token_hash: str, *, clinic: Clinic, now: datetime) -> ContactChange:
    """Return the clinic's change if its link can be used at this instant. Looking changes nothing. Raises ContactRefused."""
    return _usable(queries.change_of_link(token_hash, clinic=clinic), now)


@transaction.atomic
def confirm_by_link(token_hash: str, *, clinic: Clinic, now: datetime) -> ContactChange:
    """Use the link up: from now on the new address counts. Raises ContactRefused."""
    found = open_link(token_hash, clinic=clinic, now=now)
    found.patient.clinic = clinic
    stored = _locked(found.patient)
    change = ContactChange.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if change.token_hash != token_hash:
        raise ContactRefused(ContactRefusal.LINK_OVER)
    _usable(change, now)
    change.confirmed_at = now
    change.save(update_fields=["confirmed_at"])
    _confirm(stored, change, found.asked_by, now)
    return found


@transaction.atomic
def disown_by_link(token_hash: str, *, clinic: Clinic, now: datetime) -> None:
    """End the change because the address's holder knows nothing of it. Raises ContactRefused."""
    found = open_link(token_hash, clinic=clinic, now=now)
    found.patient.clinic = clinic
    _locked(found.patient)
    _end_waiting(found.patient, ContactKind.EMAIL, "disowned", audit.SYSTEM, now)


def hash_of(token: str) -> str:
    """Return what is stored of the word in a link."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def sweep(*, now: datetime) -> None:
    """Delete changes that have had their time. Their trail is in the audit log."""
    ContactChange.objects.filter(expires_at__lt=now - CHANGES_ARE_KEPT).delete()


@transaction.atomic
def note_word_for_demo(*, patient: Patient, kind: ContactKind, value: str, at: datetime) -> None:
    """Let one of the demo's people have confirmed this value at that time."""
    _note_word(patient, kind, value, at)


# -- what they share ---------------------------------------------------------------------------------------
def _locked(patient: Patient) -> Patient:
    stored = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    stored.clinic = patient.clinic
    return stored


def _store(patient: Patient, wanted: Mapping[str, str], actor: Any, now: datetime) -> frozenset[str]:
    stored = _locked(patient)
    before = {name: getattr(stored, name) for name in wanted}
    changes = rules.differences(before, wanted)
    moved = [
        Moved(kind, getattr(stored, kind), str(changes[kind])) for kind in ContactKind if kind in changes
    ]
    for name, value in changes.items():
        setattr(stored, name, value)
    for name, value in wanted.items():
        setattr(patient, name, value)
    if not changes:
        return frozenset()
    stored.save(update_fields=[*changes, "updated_at"])
    event = audit.record(
        action="patient.contact_changed",
        subject=stored,
        actor=actor,
        now=now,
        patient_id=stored.pk,
        fields=sorted(changes),
    )
    DataChange.objects.bulk_create(own_changes.kept(event.pk, stored.pk, before, changes))
    if moved:
        letters.tell_the_old(stored, moved, now=now)
        memberships.contact_changed(
            clinic=stored.clinic, national_id_index=stored.national_id_index, email=stored.email, now=now
        )
    return frozenset(changes)


def _confirm(patient: Patient, change: ContactChange, actor: Any, now: datetime) -> None:
    kind, value = ContactKind(change.kind), change.value or ""
    _note_word(patient, kind, value, now)
    _store(patient, {kind.value: value}, actor, now)
    audit.record(
        action="contact.confirmed",
        subject=change,
        actor=actor,
        now=now,
        clinic_id=patient.clinic_id,
        patient_id=patient.pk,
        kind=kind.value,
    )


def _note_word(patient: Patient, kind: ContactKind, value: str, now: datetime) -> None:
    ContactWord.objects.update_or_create(
        patient=patient, kind=kind, defaults={"value": value, "said_at": now}
    )


def _waiting(patient: Patient, kind: ContactKind) -> ContactChange:
    rows = ContactChange.objects.select_for_update(of=("self",)).select_related("clinic")
    found = rows.filter(patient=patient, kind=kind, confirmed_at=None, ended_at=None).first()
    if found is None:
        raise ContactRefused(ContactRefusal.NOTHING_WAITS)
    return found


def _end_waiting(patient: Patient, kind: ContactKind, reason: str, actor: Any, now: datetime) -> None:
    rows = ContactChange.objects.select_for_update(of=("self",))
    for change in rows.filter(patient=patient, kind=kind, confirmed_at=None, ended_at=None):
        outbox.cancel_messages(subject=change, now=now)
        change.ended_at = now
        change.save(update_fields=["ended_at"])
        audit.record(
            action="contact.ended",
            subject=change,
            actor=actor,
            now=now,
            clinic_id=change.clinic_id,
            patient_id=patient.pk,
            kind=kind.value,
            reason=reason,
        )


def _send(change: ContactChange, now: datetime) -> None:
    """Make a link or a code, which takes the place of an older one, and queue its message."""
    _check_limits(change, now)
    change.sends += 1
    change.sent_at = now
    if change.kind == ContactKind.EMAIL:
        token = secrets.token_urlsafe(32)
        change.token_hash, change.expires_at = hash_of(token), now + policy.LINK_LASTS
        change.save()
        letters.queue_link(change, token, is_child=_is_child_sign_in(change, now), now=now)
        return
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    change.code_hash, change.expires_at = make_password(_hashed_part(change, code)), now + policy.CODE_LASTS
    change.attempts_left = policy.CODE_TRIES
    change.save()
    code_sender.send_message_soon(letters.queue_code(change, code, now=now))
    code_stops.note_sent(change.clinic, now=now)


def _is_child_sign_in(change: ContactChange, now: datetime) -> bool:
    """Return whether this is the address of a child that signs in on its own where nothing else has stood before."""
    clinic, patient = change.clinic, change.patient
    country = rules_of(clinic.country)
    today = now.astimezone(clinic.zone).date()
    is_child = ages.is_below(patient.birth_date, country.own_decisions_from, today)
    return country.child_signs_in and is_child and not patient.email


def _check_limits(change: ContactChange, now: datetime) -> None:
    of_patient, of_address = f"{change.patient_id}:{change.kind}", f"number:{change.value}"
    if change.kind == ContactKind.MOBILE and (stop := code_stops.of_clinic(change.clinic_id, now=now)):
        is_budget = stop.reason == StopReason.BUDGET
        raise ContactRefused(ContactRefusal.BUDGET if is_budget else ContactRefusal.STOPPED, kind=change.kind)
    counted = [
        (PER_QUARTER, of_patient),
        (PER_DAY, of_patient),
        (codes.PER_QUARTER, of_address),
        (codes.PER_DAY, of_address),
    ]
    if any(throttle.is_exceeded(limit, key=key, now=now) for limit, key in counted):
        raise ContactRefused(ContactRefusal.TOO_OFTEN, kind=change.kind)
    of_clinic = f"clinic:{change.clinic_id}"
    if change.kind == ContactKind.MOBILE and throttle.is_exceeded(codes.PER_CLINIC, key=of_clinic, now=now):
        raise ContactRefused(ContactRefusal.BUDGET, kind=change.kind)


def _usable(change: ContactChange | None, now: datetime) -> ContactChange:
    if change is not None and change.confirmed_at is not None:
        raise ContactRefused(ContactRefusal.USED)
    if change is None or not change.is_open(now) or not change.patient.is_active:
        raise ContactRefused(ContactRefusal.LINK_OVER)
    return change


@transaction.atomic
def _note_wrong(change: ContactChange, actor: Any, now: datetime) -> None:
    audit.record(
        action="contact.code_wrong" if change.attempts_left else "contact.code_locked",
        subject=change,
        actor=actor,
        now=now,
        clinic_id=change.clinic_id,
        patient_id=change.patient_id,
    )


def _hashed_part(change: ContactChange, code: str) -> str:
    return f"{change.pk}:contact:{code}"
