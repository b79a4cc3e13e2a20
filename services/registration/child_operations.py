"""A guardian makes or confirms a child's sign-in, after the eID has answered; and what staff decide about those who wait."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from clinic_admin.choices import SelfRegistration
from clinic_admin.models import Clinic
from identity import national_id
from identity.by_code import child_memberships, memberships
from identity.by_code.holders import Holder
from identity.choices import MembershipState
from identity.models import User
from identity.national_id import NationalId
from patients import operations as patients
from patients import queries as records
from patients.contact import operations as contact
from patients.contact.choices import ContactKind
from patients.contact.operations import ContactRefused
from patients.guardianship import children
from patients.guardianship import operations as guardianship
from patients.guardianship.children import ChildRefusal
from patients.guardianship.children import Outcome as Answered
from patients.guardianship.operations import Adult, GuardianRefused
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.inbox import operations as inbox
from services.inbox.choices import ItemKind
from services.registration import child_letters, letters, own_gp, policy
from services.registration.child_pending import Pending
from services.registration.choices import Outcome, RegistrationRefusal, RequestKind, RequestState
from services.registration.models import LoginRequest


class ChildRefused(Refused):
    """There is no sign-in for the child; the reason is a ChildRefusal."""


class NotAccepted(Refused):
    """Staff can't accept the request as it is; the reason is a RegistrationRefusal."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    outcome: Answered
    """OPEN: the sign-in is made or confirmed. BY_HAND: it waits in the clinic's inbox."""
    needs_proof: bool = False
    """Whether the guardian must show the clinic that they are it."""
    proves_email: bool = False
    """Whether a link went to the address, which has to be opened before codes go there."""


def finish(*, clinic: Clinic, pending: Pending, proven: Adult, now: datetime) -> Done:
    """Do what was asked if the guardian is proven, or let it wait for staff: what no source knows is theirs to decide.

    A new sign-in is a registration: the clinic's switch for it, and its rule about the own GP, hold for children, too
    (002, 003). Confirming one that is there is not. Raises ChildRefused.
    """
    child = national_id.parse(pending.child, clinic.country, allow_synthetic=True)
    guardian = national_id.parse(pending.guardian, clinic.country, allow_synthetic=True)
    is_new = bool(pending.password)
    record = records.record_of(national_id_index=national_id.index(child), clinic=clinic)
    mode = _mode(clinic, record) if is_new else Outcome.AT_ONCE
    if mode == Outcome.CLOSED:
        raise ChildRefused(ChildRefusal.CLOSED)
    answer = children.answer(
        clinic=clinic, child=child, guardian=guardian, proven=proven, actor=audit.SYSTEM, now=now
    )
    if answer.outcome is Answered.REFUSED:
        raise ChildRefused(answer.refusal or ChildRefusal.NOT_POSSIBLE)
    if answer.outcome is Answered.OPEN and mode == Outcome.AT_ONCE:
        if is_new:
            return Done(
                Answered.OPEN, proves_email=_make(clinic, _holder(clinic, child, pending), pending, now)
            )
        _confirm(clinic, national_id.index(child), now)
        return Done(Answered.OPEN)
    needs_proof = answer.outcome is Answered.BY_HAND
    _ask_the_clinic(clinic, child, record, pending, proven, needs_proof=needs_proof, now=now)
    return Done(Answered.BY_HAND, needs_proof=needs_proof)


@transaction.atomic
def accept(*, asked: LoginRequest, proof: str, actor: User, now: datetime) -> Patient:
    """Do what the guardian asked for, now that staff have decided; the proof they saw is noted as the clinic's word.

    Raises NotAccepted: no proof was written, this adult can't be the guardian, or there is no sign-in to confirm.
    """
    clinic = asked.clinic
    if asked.needs_guardian_proof and not proof.strip():
        raise NotAccepted(RegistrationRefusal.PROOF)
    child = national_id.parse(asked.national_id or "", clinic.country, allow_synthetic=True)
    if asked.kind == RequestKind.CONFIRM:
        patient = records.record_of(national_id_index=asked.national_id_index, clinic=clinic)
        if patient is None:
            raise NotAccepted(RegistrationRefusal.NO_SIGN_IN)
        patient.clinic = clinic
        _note_proof(asked, patient, proof, actor, now)
        try:
            _confirm(clinic, asked.national_id_index, now)
        except ChildRefused:
            raise NotAccepted(RegistrationRefusal.NO_SIGN_IN) from None
        tell = (
            letters.child_confirmed
            if child_letters.may_name_the_child(asked)
            else letters.decided_about_a_child
        )
        tell(clinic=clinic, subject=asked, to=asked.email, language=asked.language, now=now)
        return patient
    holder = Holder(
        country=clinic.country,
        national_id=child.number,
        national_id_index=asked.national_id_index,
        given_name=asked.given_name,
        family_name=asked.family_name,
        birth_date=child.birth_date,
        email=asked.email,
        mobile=asked.mobile,
        language=asked.language,
    )
    patient = _register(clinic, holder, actor=actor, now=now)
    _note_proof(asked, patient, proof, actor, now)
    _give_sign_in(patient, holder, asked.password, asked.terms, now)
    return patient


def _mode(clinic: Clinic, record: Patient | None) -> Outcome:
    """Return what a registration of this child leads to by the clinic's settings, if its guardian is proven."""
    return policy.outcome(
        SelfRegistration(clinic.self_registration),
        needs_own_gp=clinic.requires_own_gp,
        own_gp=own_gp.SOURCE.answer(record),
        proven=True,
        has_inactive_record=record is not None and not record.is_active,
    )


@transaction.atomic
def _make(clinic: Clinic, holder: Holder, pending: Pending, now: datetime) -> bool:
    patient = _register(clinic, holder, actor=None, now=now)
    return _give_sign_in(patient, holder, pending.password, pending.terms, now)


def _register(clinic: Clinic, holder: Holder, *, actor: User | None, now: datetime) -> Patient:
    """Return the child's record, made now if there is none. The address waits for its link; a number fills a gap only."""
    there = records.record_of(national_id_index=holder.national_id_index, clinic=clinic)
    mobile = "" if there is not None and there.mobile else holder.mobile
    account = memberships.account_of(holder, actor=actor, now=now)
    return patients.register(
        clinic=clinic,
        holder=replace(holder, email="", mobile=mobile),
        actor=actor or account.user,
        now=now,
    )


def _give_sign_in(patient: Patient, holder: Holder, password: str, terms: str, now: datetime) -> bool:
    """Make the sign-in, and prove the address by a link unless the clinic has this one; return whether a link went out."""
    clinic = patient.clinic
    child_memberships.make(
        clinic=clinic,
        holder=replace(holder, email=patient.email if patient.email == holder.email else ""),
        password=password,
        terms=terms,
        now=now,
    )
    if patient.email == holder.email:
        return False
    try:
        return (
            contact.ask(patient=patient, kind=ContactKind.EMAIL, value=holder.email, actor=None, now=now)
            is not None
        )
    except ContactRefused:  # too many messages: the guardian asks for it again under the child's details
        return False


def _confirm(clinic: Clinic, index: str, now: datetime) -> None:
    found = memberships.membership_of(clinic=clinic, national_id_index=index)
    if found is None or found.state != MembershipState.ACTIVE:
        raise ChildRefused(ChildRefusal.NOT_POSSIBLE)
    child_memberships.confirm(membership=found, now=now)


def _note_proof(asked: LoginRequest, patient: Patient, proof: str, actor: User, now: datetime) -> None:
    if not asked.needs_guardian_proof:
        return
    number = national_id.parse(asked.guardian_national_id or "", asked.clinic.country, allow_synthetic=True)
    try:
        guardianship.confirm_guardian(
            patient=patient,
            adult=Adult(number, asked.guardian_name),
            proof=proof.strip(),
            until=None,
            actor=actor,
            now=now,
        )
    except GuardianRefused:
        raise NotAccepted(RegistrationRefusal.GUARDIAN) from None


@transaction.atomic
def _ask_the_clinic(
    clinic: Clinic,
    child: NationalId,
    record: Patient | None,
    pending: Pending,
    proven: Adult,
    *,
    needs_proof: bool,
    now: datetime,
) -> None:
    """Put the guardian's request into the inbox, once. One about a sign-in that isn't there goes nowhere, unseen."""
    is_new, index = bool(pending.password), national_id.index(child)
    if not is_new:
        membership = memberships.membership_of(clinic=clinic, national_id_index=index)
        if record is None or membership is None or membership.state != MembershipState.ACTIVE:
            return
    values: dict[str, Any] = {
        "kind": RequestKind.CHILD if is_new else RequestKind.CONFIRM,
        "national_id": child.number,
        "given_name": pending.given_name or (record.given_name if record else ""),
        "family_name": pending.family_name or (record.family_name if record else ""),
        "email": pending.email or (record.email if record else ""),
        "mobile": pending.mobile,
        "language": clinic.language,
        "password": pending.password,
        "terms": pending.terms,
        "is_proven": True,
        "guardian_national_id": proven.number.number,
        "guardian_name": proven.name[:160],
        "needs_guardian_proof": needs_proof,
        "created_at": now,
    }
    asked, is_first = LoginRequest.objects.get_or_create(
        clinic=clinic,
        national_id_index=index,
        guardian_index=proven.national_id_index,
        state=RequestState.WAITING,
        defaults=values,
    )
    if not is_first:
        return
    inbox.open_item(
        clinic=clinic, kind=ItemKind.REGISTRATION, subject_id=asked.pk, who=asked.full_name, now=now
    )
    letters.received(clinic=clinic, subject=asked, to=asked.email, language=asked.language, now=now)
    audit.record(
        action="register.requested",
        subject=asked,
        actor=audit.SYSTEM,
        now=now,
        proven=True,
        kind=asked.kind,
        needs_guardian_proof=needs_proof,
    )


def _holder(clinic: Clinic, child: NationalId, pending: Pending) -> Holder:
    return Holder(
        country=clinic.country,
        national_id=child.number,
        national_id_index=national_id.index(child),
        given_name=pending.given_name,
        family_name=pending.family_name,
        birth_date=child.birth_date,
        email=pending.email,
        mobile=pending.mobile,
        language=clinic.language,
    )
