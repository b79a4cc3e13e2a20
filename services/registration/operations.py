"""Registering, and the clinic's decision about those who wait."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.choices import SelfRegistration
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity import national_id
from identity.by_code import memberships, registering
from identity.by_code.holders import Holder
from identity.by_code.memberships import MembershipRefused
from identity.models import User
from patients import operations as patients
from patients import policy as patient_rules
from patients import queries as records
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.inbox import operations as inbox
from services.inbox.choices import ItemKind
from services.registration import child_letters, child_operations, letters, own_gp, policy
from services.registration.child_operations import NotAccepted
from services.registration.choices import Outcome, RegistrationRefusal, RequestState
from services.registration.models import LoginRequest
from services.registration.registrant import Registrant

_ACTIONS = {
    RequestState.ACCEPTED: "register.approved",
    RequestState.REFUSED: "register.refused",
    RequestState.SET_ASIDE: "register.set_aside",
}


class RegistrationRefused(Refused):
    """Nothing was stored; the reason is a RegistrationRefusal."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a registration."""

    outcome: Outcome
    is_new: bool
    """False when it had been done before: pressed twice, or registered already."""


@transaction.atomic
def register(*, clinic: Clinic, who: Registrant, is_proven: bool, now: datetime) -> Result:
    """Register the person at the clinic, or ask the clinic to (002, 003). Twice is once.

    `is_proven`: eID has confirmed that it is this person. Raises RegistrationRefused where the clinic registers its
    patients itself.
    """
    settings = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    record = records.record_of(national_id_index=who.index, clinic=clinic)
    if is_proven and is_registered(clinic, record):
        return Result(Outcome.AT_ONCE, is_new=False)
    if is_proven and comes_back_alone(clinic, record):
        outcome = Outcome.AT_ONCE
    else:
        outcome = policy.outcome(
            SelfRegistration(settings.self_registration),
            needs_own_gp=settings.requires_own_gp,
            own_gp=own_gp.SOURCE.answer(record),
            proven=is_proven,
            has_inactive_record=record is not None and not record.is_active,
        )
    if outcome == Outcome.CLOSED:
        raise RegistrationRefused(RegistrationRefusal.CLOSED)
    if outcome == Outcome.BY_HAND:
        return Result(outcome, is_new=_ask_the_clinic(clinic, who, is_proven, now))
    patient = _let_in(clinic, who, actor=None, now=now)
    registering.give_password(
        clinic=clinic,
        holder=_reached(who, patient),
        password=who.password,
        patient_id=patient.pk,
        is_proven=True,
        now=now,
    )
    letters.accepted(
        clinic=clinic,
        subject=patient,
        version=int(now.timestamp()),
        to=who.email,
        language=who.language,
        now=now,
    )
    audit.record(
        action="register.approved",
        subject=patient,
        actor=audit.SYSTEM,
        now=now,
        patient_id=patient.pk,
        automatic=True,
    )
    return Result(outcome, is_new=True)


def is_offered(clinic: Clinic) -> bool:
    """Return whether people may register themselves at the clinic."""
    return clinic.is_active and clinic.self_registration != SelfRegistration.OFF


def may_register(clinic: Clinic, record: Patient | None) -> bool:
    """Return whether this person could register now: it is offered, and they are not registered already."""
    is_open = is_offered(clinic) or (clinic.is_active and comes_back_alone(clinic, record))
    return is_open and not is_registered(clinic, record)


def comes_back_alone(clinic: Clinic, record: Patient | None) -> bool:
    """Return whether the person left this portal and comes back with one press, whatever registration needs here."""
    if record is None or not record.is_active:
        return False
    return patient_rules.comes_back_alone(rules_of(clinic.country), record.left_at)


def is_registered(clinic: Clinic, record: Patient | None) -> bool:
    """Return whether the person can use this clinic's portal already."""
    if record is None or not record.is_active:
        return False
    return patient_rules.is_registered(rules_of(clinic.country), record.registered_at, record.left_at)


@transaction.atomic
def accept(*, clinic: Clinic, request_id: UUID, proof: str = "", actor: User, now: datetime) -> LoginRequest:
    """Let the person in: make the record if there is none, and the account. The person is told by e-mail.

    Someone whom no eID has proven gets a link to activate the account instead of access. `proof`: what the guardian of a
    child has shown, where that is needed. Raises RegistrationRefused: decided already, the record here is not active, or
    the guardian can't be accepted; LoginRequest.DoesNotExist: not the clinic's.
    """
    asked = _undecided(clinic, request_id)
    record = records.record_of(national_id_index=asked.national_id_index, clinic=clinic)
    if record is not None and not record.is_active:
        raise RegistrationRefused(RegistrationRefusal.NOT_ACTIVE)
    if asked.is_about_child:
        try:
            child = child_operations.accept(asked=asked, proof=proof, actor=actor, now=now)
        except NotAccepted as why:
            raise RegistrationRefused(why.reason) from None
        _decide(asked, RequestState.ACCEPTED, "", actor, now, patient_id=child.pk)
        return asked
    who = _registrant_of(asked, clinic)
    patient = _let_in(clinic, who, actor=actor, now=now)
    if not asked.is_proven and _sends_link(clinic, who, patient, actor, now):
        pass  # the link is the news
    else:
        if asked.is_proven:
            registering.give_password(
                clinic=clinic,
                holder=_reached(who, patient),
                password=who.password,
                patient_id=patient.pk,
                is_proven=True,
                now=now,
            )
        letters.accepted(
            clinic=clinic, subject=asked, version=2, to=asked.email, language=asked.language, now=now
        )
    _decide(asked, RequestState.ACCEPTED, "", actor, now, patient_id=patient.pk)
    return asked


@transaction.atomic
def refuse(*, clinic: Clinic, request_id: UUID, reason: str, actor: User, now: datetime) -> LoginRequest:
    """Refuse, and tell the person why. Raises as accept does."""
    asked = _undecided(clinic, request_id)
    to, language = asked.email, asked.language
    if child_letters.may_name_the_child(asked):
        letters.refused(clinic=clinic, subject=asked, to=to, language=language, reason=reason, now=now)
    else:
        letters.decided_about_a_child(clinic=clinic, subject=asked, to=to, language=language, now=now)
    _decide(asked, RequestState.REFUSED, reason, actor, now, patient_id=None)
    return asked


@transaction.atomic
def set_aside(*, clinic: Clinic, request_id: UUID, actor: User, now: datetime) -> LoginRequest:
    """Take a request out of what waits without an answer: a mistake, a duplicate, somebody else's name.

    Nobody is told, and it can be put back. Raises as accept does.
    """
    asked = _undecided(clinic, request_id)
    _decide(asked, RequestState.SET_ASIDE, "", actor, now, patient_id=None)
    return asked


@transaction.atomic
def put_back(*, clinic: Clinic, request_id: UUID, actor: User, now: datetime) -> LoginRequest:
    """Let a request that was put aside wait again. Raises RegistrationRefused when it wasn't, or a newer one waits."""
    asked = LoginRequest.objects.select_for_update(of=("self",)).get(clinic=clinic, pk=request_id)
    newer = LoginRequest.objects.filter(
        clinic=clinic,
        national_id_index=asked.national_id_index,
        guardian_index=asked.guardian_index,
        state=RequestState.WAITING,
    )
    if asked.state != RequestState.SET_ASIDE or newer.exists():
        raise RegistrationRefused(RegistrationRefusal.DECIDED)
    asked.clinic = clinic
    asked.state, asked.decided_at, asked.decided_by = RequestState.WAITING, None, None
    asked.save(update_fields=["state", "decided_at", "decided_by"])
    inbox.reopen_item(clinic=clinic, kind=ItemKind.REGISTRATION, subject_id=asked.pk)
    audit.record(action="register.put_back", subject=asked, actor=actor, now=now)
    return asked


def _ask_the_clinic(clinic: Clinic, who: Registrant, is_proven: bool, now: datetime) -> bool:
    """Put the request into the inbox, once; return whether it is new there.

    Whoever is not proven must not learn from the answer, its time or the letters that the person waits already: the
    same is done for them again, and only the first request's words are kept (identity research, C11).
    """
    asked, is_new = _waiting(clinic, who, is_proven, now)
    if is_proven and not is_new:
        return False
    inbox.open_item(
        clinic=clinic, kind=ItemKind.REGISTRATION, subject_id=asked.pk, who=asked.full_name, now=now
    )
    letters.received(clinic=clinic, subject=asked, to=who.email, language=who.language, now=now)
    audit.record(
        action="register.requested",
        subject=asked,
        actor=audit.SYSTEM,
        now=now,
        proven=is_proven,
        again=not is_new,
    )
    return is_new


def _waiting(clinic: Clinic, who: Registrant, is_proven: bool, now: datetime) -> tuple[LoginRequest, bool]:
    """Return the person's request that waits, and whether what is in it is new. As many statements in either case."""
    mine = LoginRequest(
        clinic=clinic,
        national_id=who.number.number,
        national_id_index=who.index,
        given_name=who.given_name,
        family_name=who.family_name,
        email=who.email,
        mobile=who.mobile,
        language=who.language,
        password=who.password,
        terms=who.terms,
        is_proven=is_proven,
        created_at=now,
    )
    LoginRequest.objects.bulk_create([mine], ignore_conflicts=True)
    asked = LoginRequest.objects.get(
        clinic=clinic, national_id_index=who.index, guardian_index="", state=RequestState.WAITING
    )
    if asked.pk == mine.pk:
        return asked, True
    if not is_proven or asked.is_proven:
        return asked, False
    # The proven person's own words take the place of what somebody unproven wrote in their name.
    for name in _OWN_WORDS:
        setattr(asked, name, getattr(mine, name))
    asked.save(update_fields=_OWN_WORDS)
    return asked, True


_OWN_WORDS = (
    "national_id",
    "given_name",
    "family_name",
    "email",
    "mobile",
    "language",
    "password",
    "terms",
    "is_proven",
    "created_at",
)


def _reached(who: Registrant, patient: Patient) -> Holder:
    """Return the person with the address and number that count: what differs from the record waits to be confirmed."""
    return replace(who.as_holder(), email=patient.email, mobile=patient.mobile)


def _let_in(clinic: Clinic, who: Registrant, *, actor: User | None, now: datetime) -> Patient:
    holder = who.as_holder()
    account = memberships.account_of(holder, actor=actor, now=now)
    return patients.register(clinic=clinic, holder=holder, actor=actor or account.user, now=now)


def _sends_link(clinic: Clinic, who: Registrant, patient: Patient, actor: User, now: datetime) -> bool:
    try:
        with transaction.atomic():
            memberships.create(
                clinic=clinic, holder=who.as_holder(), patient_id=patient.pk, actor=actor, now=now
            )
    except MembershipRefused:
        return False
    return True


def _undecided(clinic: Clinic, request_id: UUID) -> LoginRequest:
    asked = LoginRequest.objects.select_for_update().get(clinic=clinic, pk=request_id)
    if asked.state != RequestState.WAITING:
        raise RegistrationRefused(RegistrationRefusal.DECIDED)
    asked.clinic = clinic
    return asked


def _decide(
    asked: LoginRequest,
    state: RequestState,
    reason: str,
    actor: User,
    now: datetime,
    *,
    patient_id: UUID | None,
) -> None:
    asked.state, asked.reason = state, reason
    if state != RequestState.SET_ASIDE:
        asked.password = ""
    asked.decided_at, asked.decided_by = now, actor
    asked.save(update_fields=["state", "reason", "password", "decided_at", "decided_by"])
    inbox.close_item(
        clinic=asked.clinic, kind=ItemKind.REGISTRATION, subject_id=asked.pk, actor=actor, now=now
    )
    audit.record(action=_ACTIONS[state], subject=asked, actor=actor, now=now, patient_id=patient_id)


def _registrant_of(asked: LoginRequest, clinic: Clinic) -> Registrant:
    return Registrant(
        number=national_id.parse(asked.national_id or "", clinic.country, allow_synthetic=True),
        given_name=asked.given_name,
        family_name=asked.family_name,
        email=asked.email,
        mobile=asked.mobile,
        language=asked.language,
        terms=asked.terms,
        password=asked.password,
    )
