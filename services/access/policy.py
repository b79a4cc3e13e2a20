"""Who may do what with whom: the one decision of the product, as values and six rules.

docs/adr/0004-one-decision.md tells where the rules come from. Everything asks `decide`; `explain` is the same
six answers with their reasons, so the two can't disagree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from clinic_admin.choices import Service
from delegation.policy import Away, Presence, Tick, presence, stretches
from identity.choices import Assurance
from services.access.choices import Approval, Column, Reason, Right, Rule

RIGHT_OF = {
    Service.BOOKING: Right.BOOKING,
    Service.URGENT: Right.BOOKING,
    Service.CONSULTATION: Right.CONSULTATION,
    Service.RENEWAL: Right.RENEWAL,
}
"""Which right a service needs (R3)."""


# -- facts -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ClinicFacts:
    """What the clinic's settings say."""

    is_active: bool
    requires_eid_for_consultation: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """One column of a provider's rights, or what a patient ends up with."""

    renewal: bool = False
    consultation: bool = False
    booking: bool = False
    approval: Approval = Approval.BY_HAND
    cancelling: bool = False


NO_RIGHTS = Rights()


@dataclass(frozen=True, slots=True)
class SpecialRights:
    """What one patient has instead of the standard, right by right; None means as standard."""

    renewal: bool | None = None
    consultation: bool | None = None
    booking: bool | None = None
    approval: Approval | None = None
    cancelling: bool | None = None


AS_STANDARD = SpecialRights()


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """A provider of the clinic. One who no longer works there has no portal access, whatever was stored."""

    id: int
    has_portal_access: bool
    with_gp: Rights = NO_RIGHTS
    without_gp: Rights = NO_RIGHTS


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What the record says. `gp_id` is a provider of this clinic, or None."""

    is_active: bool
    has_national_id: bool
    is_withdrawn: bool
    gp_id: int | None
    special: SpecialRights = AS_STANDARD


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """Everything that decides for one patient on the days that were loaded."""

    clinic: ClinicFacts
    patient: PatientFacts
    providers: Mapping[int, ProviderFacts] = field(default_factory=dict)
    ticks: frozenset[Tick] = frozenset()
    absences: tuple[Away, ...] = ()


# -- answers -----------------------------------------------------------------------------------------------
class Finding(NamedTuple):
    """One rule's answer: whether it holds, why, and which setting says so."""

    rule: Rule
    holds: bool
    reason: Reason
    provider_id: int | None = None
    """Whose setting: the provider with the column or the switch, or the one who is away."""
    column: Column | None = None
    right: Right | None = None
    tick: Tick | None = None
    """The box of the matrix that decides."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Allowed when no rule failed. Approval and cancelling stand where the right stands (R3)."""

    failed: tuple[Rule, ...]
    approval: Approval
    may_cancel: bool

    @property
    def allowed(self) -> bool:
        """Return whether all six rules hold."""
        return not self.failed


class Question(NamedTuple):
    """May the patient of `facts` use `service` with this provider on the day of `today`, signed in like this?"""

    facts: AccessFacts
    today: Presence
    service: Service
    provider_id: int
    assurance: Assurance


# -- the six rules -----------------------------------------------------------------------------------------
_CLINIC_ON = Finding(Rule.CLINIC, holds=True, reason=Reason.CLINIC_ON)
_CLINIC_OFF = Finding(Rule.CLINIC, holds=False, reason=Reason.CLINIC_OFF)
_RECORD_IN_ORDER = Finding(Rule.PATIENT, holds=True, reason=Reason.RECORD_IN_ORDER)
_RECORD_INACTIVE = Finding(Rule.PATIENT, holds=False, reason=Reason.RECORD_INACTIVE)
_NO_NATIONAL_ID = Finding(Rule.PATIENT, holds=False, reason=Reason.NO_NATIONAL_ID)
_WITHDRAWN = Finding(Rule.PATIENT, holds=False, reason=Reason.PORTAL_WITHDRAWN)
_EID_NOT_NEEDED = Finding(Rule.ASSURANCE, holds=True, reason=Reason.EID_NOT_NEEDED)
_EID = Finding(Rule.ASSURANCE, holds=True, reason=Reason.SIGNED_IN_WITH_EID)
_NO_EID = Finding(Rule.ASSURANCE, holds=False, reason=Reason.NOT_SIGNED_IN_WITH_EID)


def _clinic(question: Question) -> Finding:
    return _CLINIC_ON if question.facts.clinic.is_active else _CLINIC_OFF


def _patient(question: Question) -> Finding:
    patient = question.facts.patient
    if not patient.is_active:
        return _RECORD_INACTIVE
    if not patient.has_national_id:
        return _NO_NATIONAL_ID
    return _WITHDRAWN if patient.is_withdrawn else _RECORD_IN_ORDER


def _right(question: Question) -> Finding:
    facts, right = question.facts, RIGHT_OF[question.service]
    special = getattr(facts.patient.special, right.value)
    if special is not None:
        reason = Reason.SPECIAL_YES if special else Reason.SPECIAL_NO
        return Finding(Rule.RIGHT, special, reason, right=right)
    column, owner = _column(facts, question.provider_id)
    if owner is None:
        return Finding(Rule.RIGHT, False, Reason.PROVIDER_UNKNOWN)
    if column is Column.WITH_GP and not owner.has_portal_access:
        return Finding(Rule.RIGHT, False, Reason.GP_WITHOUT_ACCESS, owner.id)
    holds = getattr(owner.with_gp if column is Column.WITH_GP else owner.without_gp, right.value)
    return Finding(
        Rule.RIGHT, holds, Reason.COLUMN_YES if holds else Reason.COLUMN_NO, owner.id, column, right
    )


def _provider(question: Question) -> Finding:
    provider = question.facts.providers.get(question.provider_id)
    if provider is None:
        return Finding(Rule.PROVIDER, False, Reason.PROVIDER_UNKNOWN)
    reason = Reason.PROVIDER_ON if provider.has_portal_access else Reason.PROVIDER_OFF
    return Finding(Rule.PROVIDER, provider.has_portal_access, reason, provider.id)


def _matrix(question: Question) -> Finding:
    asked = Tick(question.service, question.facts.patient.gp_id, question.provider_id)
    if asked.provider in question.today.away:
        return Finding(Rule.MATRIX, False, Reason.ABSENT, asked.provider, tick=asked)
    behind = question.today.ticks_behind(question.facts.ticks, asked)
    if not behind:
        return Finding(Rule.MATRIX, False, Reason.NOT_TICKED, tick=asked)
    if behind[0] == asked:
        return Finding(Rule.MATRIX, True, Reason.TICKED, tick=asked)
    return Finding(Rule.MATRIX, True, Reason.COVERS, behind[0].provider, tick=behind[0])


def _assurance(question: Question) -> Finding:
    needed = question.service is Service.CONSULTATION and question.facts.clinic.requires_eid_for_consultation
    if not needed:
        return _EID_NOT_NEEDED
    return _EID if question.assurance.is_eid else _NO_EID


RULES: tuple[Callable[[Question], Finding], ...] = (
    _clinic,
    _patient,
    _right,
    _provider,
    _matrix,
    _assurance,
)


# -- rights ------------------------------------------------------------------------------------------------
def _column(facts: AccessFacts, provider_id: int) -> tuple[Column, ProviderFacts | None]:
    """Return which column is the patient's standard, and whose: the GP's, or the asked provider's (R3)."""
    if facts.patient.gp_id is not None:
        return Column.WITH_GP, facts.providers.get(facts.patient.gp_id)
    return Column.WITHOUT_GP, facts.providers.get(provider_id)


def _standard(facts: AccessFacts, provider_id: int) -> Rights:
    column, owner = _column(facts, provider_id)
    if owner is None:
        return NO_RIGHTS
    if column is Column.WITHOUT_GP:
        return owner.without_gp
    return owner.with_gp if owner.has_portal_access else NO_RIGHTS


def rights(facts: AccessFacts, provider_id: int) -> Rights:
    """Return what the patient has with this provider: the standard, replaced right by right by what is special."""
    standard, special = _standard(facts, provider_id), facts.patient.special
    if special == AS_STANDARD:
        return standard
    return Rights(
        renewal=standard.renewal if special.renewal is None else special.renewal,
        consultation=standard.consultation if special.consultation is None else special.consultation,
        booking=standard.booking if special.booking is None else special.booking,
        approval=special.approval or standard.approval,
        cancelling=standard.cancelling if special.cancelling is None else special.cancelling,
    )


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the page of a provider's services saves."""

    allowed: bool
    columns: Mapping[Column, Rights]

    @property
    def token(self) -> str:
        """Return a short text that differs when the services do: a page carries what it was made from."""
        switches = [self.allowed]
        for column in Column:
            rights = self.columns.get(column, NO_RIGHTS)
            by_itself = rights.approval is Approval.AUTOMATIC
            switches += [rights.renewal, rights.consultation, rights.booking, by_itself, rights.cancelling]
        return "".join("y" if switch else "n" for switch in switches)


# -- questions ---------------------------------------------------------------------------------------------
def explain(
    facts: AccessFacts, service: Service, provider_id: int, assurance: Assurance, day: date
) -> tuple[Finding, ...]:
    """Return the answer of each rule, R1 to R6. For staff only: reasons tell of settings and of other people."""
    question = Question(facts, presence(facts.absences, day), service, provider_id, assurance)
    return tuple(rule(question) for rule in RULES)


def decide(
    facts: AccessFacts, service: Service, provider_id: int, assurance: Assurance, day: date
) -> Decision:
    """Return whether the patient may use the service with the provider on the clinic's local day.

    An id that is none of the clinic's providers is denied (R4).
    """
    findings = explain(facts, service, provider_id, assurance, day)
    granted = rights(facts, provider_id)
    failed = tuple(finding.rule for finding in findings if not finding.holds)
    return Decision(failed, granted.approval, granted.cancelling)


def allowed(
    facts: AccessFacts,
    services: tuple[Service, ...],
    assurance: Assurance,
    day: date,
    asked: Iterable[int] | None = None,
) -> Iterator[tuple[Service, int]]:
    """Yield every (service, provider id) that `decide` allows on the day, of those asked for or of all."""
    today = presence(facts.absences, day)
    for service in services:
        for provider_id in facts.providers if asked is None else asked:
            question = Question(facts, today, service, provider_id, assurance)
            for rule in RULES:  # as a loop: a large clinic asks this a hundred thousand times
                if not rule(question).holds:
                    break
            else:
                yield service, provider_id


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included, on all of which the service is allowed with the provider."""

    service: Service
    provider_id: int
    first_day: date
    last_day: date


def spans(
    facts: AccessFacts, services: tuple[Service, ...], assurance: Assurance, first_day: date, last_day: date
) -> list[Span]:
    """Return the longest spans within these days (both included). Only absences change an answer between days."""
    found: dict[tuple[Service, int], list[Span]] = {}
    for start, end in stretches(facts.absences, first_day, last_day):
        for service, provider_id in allowed(facts, services, assurance, start):
            before = found.setdefault((service, provider_id), [])
            if before and before[-1].last_day + timedelta(days=1) == start:
                before[-1] = Span(service, provider_id, before[-1].first_day, end)
            else:
                before.append(Span(service, provider_id, start, end))
    return [span for group in found.values() for span in group]
