"""One patient's rights as staff edit them, what a change would do, and the list of all exceptions (000 §3.1-3.2)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from identity.choices import Assurance
from patients import staff_queries
from patients.models import Patient, PatientQuerySet
from portal.models import AuditEvent
from services.access import policy, queries
from services.access.choices import Approval, Column, Right, Rule
from services.access.models import ProviderRights, SpecialRights
from services.access.policy import AS_STANDARD, NO_RIGHTS, AccessFacts, Rights
from services.access.policy import SpecialRights as SpecialValues
from services.access.special_choices import Cell, PatientType

APPROVAL = "approval"
EDITED = (
    Right.BOOKING.value,
    APPROVAL,
    Right.CANCELLING.value,
    Right.CONSULTATION.value,
    Right.RENEWAL.value,
)
"""What the editor shows, in this order."""
MOST_NAMES = 4


# -- one patient -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Standard:
    """What the standard says about one right of a patient now, and who sets it."""

    name: str
    """A Right, or "approval"."""
    value: bool | Approval | None
    """None when it depends on whom the patient chooses."""
    sentence: str
    provider_id: int | None
    """Whose column, where it is one provider's."""


@dataclass(frozen=True, slots=True)
class WithWhom:
    """The providers a patient can use a service with on the day, signed in with eID."""

    service: Service
    providers: tuple[Provider, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What a patient has and can, on one day."""

    facts: AccessFacts
    special: SpecialValues
    standards: tuple[Standard, ...]
    with_whom: tuple[WithWhom, ...]
    hindrances: tuple[str, ...]
    """Why the patient can't use the portal at all; empty when they can."""

    @property
    def may_use_portal(self) -> bool:
        """Return whether clinic and record allow the portal."""
        return not self.hindrances


def picture(*, patient: Patient, day: date) -> Picture:
    """Return the patient's rights, where they come from, and with whom they hold today. Two queries."""
    facts = queries.load_facts(patient, first_day=day, last_day=day)
    providers = queries.providers(patient.clinic)
    findings = policy.explain(facts, Service.BOOKING, 0, Assurance.HIGH, day)
    return Picture(
        facts=facts,
        special=facts.patient.special,
        standards=tuple(_standard(name, facts, providers) for name in EDITED),
        with_whom=_with_whom(facts, providers, day),
        hindrances=tuple(
            str(finding.reason.label)
            for finding in findings
            if not finding.holds and finding.rule in {Rule.CLINIC, Rule.PATIENT}
        ),
    )


def _standard(name: str, facts: AccessFacts, providers: Sequence[Provider]) -> Standard:
    plain = replace(facts, patient=replace(facts.patient, special=AS_STANDARD))
    gp_id = facts.patient.gp_id
    if gp_id is not None:
        return _standard_of_list(name, plain, gp_id, {provider.pk: provider.name for provider in providers})
    reachable = [provider for provider in providers if facts.providers[provider.pk].has_portal_access]
    found: dict[bool | Approval, list[str]] = defaultdict(list)
    for provider in reachable:
        found[getattr(policy.rights(plain, provider.pk), name)].append(provider.name)
    if not found:
        return Standard(name, False, _("No provider has portal access, so the standard is no."), None)
    if len(found) == 1:
        value = next(iter(found))
        return Standard(
            name, value, _("%(value)s, whomever the patient chooses") % {"value": word(value)}, None
        )
    parts = [
        _("%(value)s with %(names)s") % {"value": word(value), "names": listed(names)}
        for value, names in sorted(found.items(), key=lambda pair: str(pair[0]), reverse=True)
    ]
    return Standard(name, None, "; ".join(parts), None)


def _standard_of_list(name: str, plain: AccessFacts, gp_id: int, names: Mapping[int, str]) -> Standard:
    value = getattr(policy.rights(plain, gp_id), name)
    gp = names.get(gp_id, "")
    if not plain.providers[gp_id].has_portal_access:
        sentence = _("The patient's GP has no portal access, so the standard is no.")
    else:
        sentence = _("%(value)s, from %(name)s's list") % {"value": word(value), "name": gp}
    return Standard(name, value, sentence, gp_id if gp else None)


def word(value: bool | Approval) -> str:
    """Return "Yes", "No", or how a booked time becomes final."""
    if isinstance(value, Approval):
        return str(value.label)
    return _("Yes") if value else _("No")


def listed(names: Sequence[str]) -> str:
    """Return names with commas between; many are cut short with how many more there are."""
    if len(names) <= MOST_NAMES + 1:
        return ", ".join(names)
    return _("%(names)s and %(number)d more") % {
        "names": ", ".join(names[:MOST_NAMES]),
        "number": len(names) - MOST_NAMES,
    }


def _with_whom(facts: AccessFacts, providers: Iterable[Provider], day: date) -> tuple[WithWhom, ...]:
    allowed = set(policy.allowed(facts, tuple(Service), Assurance.HIGH, day))
    everyone = list(providers)
    return tuple(
        WithWhom(service, tuple(provider for provider in everyone if (service, provider.pk) in allowed))
        for service in Service
    )


# -- what a save would do ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Effect:
    """What other rights would change for the patient today, as sentences."""

    gains: tuple[str, ...]
    loses: tuple[str, ...]
    notes: tuple[str, ...]
    leaves_with_nothing: bool
    """The patient can use something now, and nothing at all afterwards."""

    @property
    def is_nothing(self) -> bool:
        """Return whether nobody would notice today."""
        return not self.gains and not self.loses


def effect(*, patient: Patient, before: Picture, special: SpecialValues, day: date) -> Effect:
    """Return what the patient could do today with these special rights instead of the stored ones. One query."""
    facts = replace(before.facts, patient=replace(before.facts.patient, special=special))
    after = _with_whom(facts, queries.providers(patient.clinic), day)
    gains, loses = [], []
    for had, gets in zip(before.with_whom, after, strict=True):
        label = had.service.label
        if new := [provider.name for provider in gets.providers if provider not in had.providers]:
            gains.append(_("%(service)s with %(names)s") % {"service": label, "names": listed(new)})
        if gone := [provider.name for provider in had.providers if provider not in gets.providers]:
            loses.append(_("%(service)s with %(names)s") % {"service": label, "names": listed(gone)})
    had_any, gets_any = (any(one.providers for one in each) for each in (before.with_whom, after))
    asked = {provider.pk for one in after for provider in one.providers if one.service in _BOOKED}
    gained, lost = _cancelling(before.facts, facts, asked)
    return Effect(
        gains=(*gains, *gained),
        loses=(*loses, *lost),
        notes=tuple(_notes(before, facts, after, asked)),
        leaves_with_nothing=had_any and not gets_any,
    )


_BOOKED = (Service.BOOKING, Service.URGENT)


def _cancelling(before: AccessFacts, after: AccessFacts, asked: set[int]) -> tuple[list[str], list[str]]:
    had, gets = (
        any(policy.rights(facts, provider).cancelling for provider in asked or facts.providers)
        for facts in (before, after)
    )
    gained = [_("Cancelling booked times")] if gets and not had else []
    return gained, [_("Cancelling booked times")] if had and not gets else []


def _notes(
    before: Picture, after: AccessFacts, with_whom: Sequence[WithWhom], asked: set[int]
) -> Iterable[str]:
    yield from (
        _("%(sentence)s So this has no effect until that changes.") % {"sentence": sentence}
        for sentence in before.hindrances
    )
    was, becomes = (
        {policy.rights(facts, provider).approval for provider in asked} for facts in (before.facts, after)
    )
    if was != becomes and len(becomes) == 1:
        yield (
            _("Times that the patient books are then approved automatically.")
            if Approval.AUTOMATIC in becomes
            else _("Times that the patient books must then be approved.")
        )
    if before.may_use_portal:
        for one in with_whom:
            right = policy.RIGHT_OF[one.service].value
            if getattr(after.patient.special, right) and not one.providers:
                yield _(
                    "%(service)s is given, but the service matrix lets the patient use it with nobody today."
                ) % {"service": one.service.label}
    if before.special.booking is not False and after.patient.special.booking is False:
        yield _("What is booked already stays booked.")


# -- the list ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Filter:
    """Which exceptions the list shows. Empty sets mean all."""

    provider_id: int | None = None
    """From whom the patient types are seen; for nobody, "own" is any list here."""
    types: frozenset[PatientType] = frozenset()
    rights: frozenset[Right] = frozenset()
    having: bool | None = None
    """Only those to whom these rights are given (True) or from whom they are taken."""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """One right of one patient on the list."""

    name: str
    cell: Cell
    is_same: bool
    """Set by itself, but the standard says the same now."""
    approval: str
    """How booked times become final, where that is special; for booking only."""


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """A patient with special rights."""

    patient: Patient
    masked_id: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """One page of the list, by name."""

    rows: tuple[ExceptionRow, ...]
    total: int
    following: UUID | None


LISTED = (Right.BOOKING, Right.CONSULTATION, Right.RENEWAL, Right.CANCELLING)
_ON = {True: Cell.ON, False: Cell.OFF, None: Cell.STANDARD}


def exceptions(*, clinic: Clinic, chosen: Filter, after: UUID | None = None) -> ExceptionPage:
    """Return a page of the patients with special rights that the filter lets through. Five queries at most."""
    matching = filtered(clinic, chosen)
    ids = list(
        staff_queries.placed(matching, clinic, after).values_list("pk", flat=True)[
            : staff_queries.PER_PAGE + 1
        ]
    )
    shown = ids[: staff_queries.PER_PAGE]
    patients = Patient.objects.filter(pk__in=shown).select_related("gp", "special_rights", "clinic").in_bulk()
    standards = _Standards(clinic) if shown else None
    rows = tuple(
        ExceptionRow(
            patient=patients[pk],
            masked_id=staff_queries.shown_id(patients[pk]),
            boxes=tuple(_box(right, patients[pk], standards) for right in LISTED),
        )
        for pk in shown
        if standards is not None
    )
    return ExceptionPage(rows, matching.count(), shown[-1] if len(ids) > staff_queries.PER_PAGE else None)


def filtered(clinic: Clinic, chosen: Filter) -> PatientQuerySet:
    """Return the clinic's patients with special rights that the filter lets through."""
    found = Patient.objects.for_clinic(clinic).filter(special_rights__isnull=False)
    if chosen.rights or chosen.having is not None:
        found = found.filter(_with_rights(chosen))
    if chosen.types:
        found = found.filter(_of_types(chosen))
    return staff_queries.named(found, chosen.words)


def _with_rights(chosen: Filter) -> Q:
    asked = Q()
    for right in chosen.rights or LISTED:
        name = f"special_rights__{right.value}"
        if chosen.having is not None:
            asked |= Q(**{name: chosen.having})
        else:
            asked |= Q(**{f"{name}__isnull": False})
            if right is Right.BOOKING:
                asked |= Q(special_rights__approval__isnull=False)
    return asked


def to_reset(*, clinic: Clinic, chosen: Filter, patient_ids: Collection[UUID] | None) -> PatientQuerySet:
    """Return who would go back to the standard: these patients, or with None all that the filter lets through."""
    if patient_ids is None:
        return filtered(clinic, chosen)
    return filtered(clinic, Filter()).filter(pk__in=patient_ids)


def reset_count(*, clinic: Clinic, chosen: Filter, patient_ids: Collection[UUID] | None) -> int:
    """Return how many patients to_reset finds. One query."""
    return to_reset(clinic=clinic, chosen=chosen, patient_ids=patient_ids).count()


def _of_types(chosen: Filter) -> Q:
    here = Q(gp__isnull=False)
    own = here if chosen.provider_id is None else Q(gp_id=chosen.provider_id)
    parts = {
        PatientType.OWN: own,
        PatientType.OTHER: here & ~Q(gp_id=chosen.provider_id) if chosen.provider_id else here,
        PatientType.NONE: Q(gp__isnull=True),
    }
    asked = Q()
    for kind in chosen.types:
        asked |= parts[kind]
    return asked


class _Standards:
    """The columns of a clinic's providers, read once. Two queries."""

    def __init__(self, clinic: Clinic) -> None:
        self.columns = {
            (row.provider_id, Column(row.column)): row.values
            for row in ProviderRights.objects.filter(provider__clinic=clinic)
        }
        self.open = {provider.pk for provider in queries.providers(clinic) if provider.has_portal_access}

    def of(self, patient: Patient) -> list[Rights]:
        """Return every standard the patient can have: one from the GP, or each provider's for those without."""
        if patient.gp_id is not None:
            column = self.columns.get((patient.gp_id, Column.WITH_GP), NO_RIGHTS)
            return [column if patient.gp_id in self.open else NO_RIGHTS]
        return [
            self.columns.get((provider_id, Column.WITHOUT_GP), NO_RIGHTS) for provider_id in self.open
        ] or [NO_RIGHTS]


def _box(right: Right, patient: Patient, standards: _Standards) -> Box:
    special = patient.special_rights.values
    value = getattr(special, right.value)
    same = all(getattr(standard, right.value) == value for standard in standards.of(patient))
    approval = str(special.approval.label) if right is Right.BOOKING and special.approval else ""
    return Box(str(right.label), _ON[value], value is not None and same, approval)


@dataclass(frozen=True, slots=True)
class ColumnExceptions:
    """How many of a column's patients have a right all the same, or lack it."""

    right: Right
    is_on: bool
    """What the column says."""
    others: int
    """How many have it the other way round."""


def column_exceptions(provider: Provider, column: Column) -> list[ColumnExceptions]:
    """Return for each right what the provider's column says and how many patients differ from it. Two queries.

    Patients without a GP here count for every provider's second column.
    """
    rights = queries.columns_of(provider)[column]
    who = Q(patient__gp=provider) if column is Column.WITH_GP else Q(patient__gp__isnull=True)
    counted = SpecialRights.objects.filter(who, patient__clinic_id=provider.clinic_id).aggregate(
        **{
            right.value: Count("pk", filter=Q(**{right.value: not getattr(rights, right.value)}))
            for right in LISTED
        }
    )
    return [ColumnExceptions(right, getattr(rights, right.value), counted[right.value]) for right in LISTED]


# -- undoing a reset ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PastReset:
    """Patients who were put back to the standard by one act, and what each of them had."""

    event_id: int
    at: datetime
    before: Mapping[UUID, SpecialValues]


_CHANGED = "special_rights.changed"


class LastReset(NamedTuple):
    """The last act that put patients back: one of its events, and how many patients."""

    event_id: int
    number: int


def last_reset(clinic: Clinic) -> LastReset | None:
    """Return the last act that put patients back, if no special right was changed after it. One query."""
    events = AuditEvent.objects.filter(clinic_id=clinic.pk, action=_CHANGED)
    last = events.order_by("-at", "-pk").first()
    if last is None or "together" not in last.details:
        return None
    return LastReset(last.pk, last.details["together"])


def past_reset(*, clinic: Clinic, event_id: int) -> PastReset | None:
    """Return the clinic's reset that this event is part of, or None when it is none. Two queries."""
    events = AuditEvent.objects.filter(clinic_id=clinic.pk, action=_CHANGED)
    event = events.filter(pk=event_id).first()
    if event is None or "together" not in event.details:
        return None
    together = events.filter(at=event.at, request_id=event.request_id, details__has_key="together")
    return PastReset(
        event_id=event.pk,
        at=event.at,
        before={
            patient_id: _values(details["before"])
            for patient_id, details in together.values_list("patient_id", "details")
            if patient_id is not None
        },
    )


def to_give_back(*, clinic: Clinic, past: PastReset) -> PatientQuerySet:
    """Return the reset's patients who still have the standard."""
    return Patient.objects.for_clinic(clinic).filter(pk__in=past.before, special_rights__isnull=True)


def _values(stored: Mapping[str, Any]) -> SpecialValues:
    approval = stored["approval"]
    return SpecialValues(**{**stored, "approval": Approval(approval) if approval else None})
