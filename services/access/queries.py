"""The decision with the facts of the database: for one patient in one query, for all patients of a clinic in two.

What decides is always read anew, also of a patient who is already loaded: an answer holds for this instant.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from clinic_admin.choices import ProviderKind, Service
from clinic_admin.models import Clinic, Provider
from delegation.policy import Tick
from identity.choices import Assurance
from patients.models import Patient
from portal.postgres.base import often
from services.access import policy
from services.access.choices import Approval, Column
from services.access.facts_queries import (
    PATIENT_FIELDS,
    facts_of,
    patient_facts,
    row_of_clinic,
    row_of_guest,
    row_of_patient,
    row_of_question,
    with_facts,
)
from services.access.models import ProviderRights
from services.access.policy import (
    NO_RIGHTS,
    AccessFacts,
    Decision,
    Finding,
    PatientFacts,
    Rights,
)


# -- answers -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """Someone whom the patient may choose for a service, and what happens then."""

    provider_id: int
    name: str
    initials: str
    kind: ProviderKind
    approval: Approval
    may_cancel: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Days, both included, on which the patient may use the service with the provider."""

    service: Service
    first_day: date
    last_day: date
    provider: ProviderChoice


# -- for one patient ---------------------------------------------------------------------------------------
def load_facts(patient: Patient, *, first_day: date, last_day: date) -> AccessFacts:
    """Return everything that decides for the patient on these days (both included). One query.

    Raises Patient.DoesNotExist when the record is gone.
    """
    return facts_of(row_of_patient(patient, first_day, last_day))


def decision(
    *,
    patient: Patient,
    service: Service,
    provider_id: int,
    assurance: Assurance,
    day: date,
    for_share: bool = False,
) -> Decision:
    """Return whether the patient may use the service with the provider on the clinic's local day. One query.

    With for_share, inside a transaction: what decides can't be changed until it ends (two queries). Operations
    ask like this before they write, so that a right that is taken away first is never acted on.
    """
    if for_share:
        lock_facts(patient, provider_id=provider_id)
    facts = facts_of(row_of_question(patient, service=service, provider_id=provider_id, day=day))
    return policy.decide(facts, service, provider_id, assurance, day)


@dataclass(frozen=True, slots=True)
class Answer:
    """One rule's answer in words, and what a page needs to lead to the setting behind it."""

    finding: Finding
    sentence: str
    is_first_failure: bool
    leads_on: bool = True
    """The setting has a page: not so when it is that of someone who has left."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All six rules about one patient, service, provider and day."""

    decision: Decision
    answers: list[Answer]


def explanation(
    *, patient: Patient, service: Service, provider_id: int, assurance: Assurance, day: date
) -> Explanation:
    """Return each rule's answer as a sentence. Staff only. One query."""
    row = row_of_patient(patient, day, day)
    facts = facts_of(row)
    return explained(
        facts,
        names={provider["id"]: provider["name"] for provider in row["provider_rows"]},
        working=frozenset(provider["id"] for provider in row["provider_rows"] if provider["is_active"]),
        service=service,
        provider_id=provider_id,
        assurance=assurance,
        day=day,
    )


def explained(
    facts: AccessFacts,
    *,
    names: Mapping[int, str],
    working: Set[int],
    service: Service,
    provider_id: int,
    assurance: Assurance,
    day: date,
) -> Explanation:
    """Return each rule's answer about these facts as a sentence. `working` are those who work at the clinic now."""
    findings = policy.explain(facts, service, provider_id, assurance, day)
    decision = policy.decide(facts, service, provider_id, assurance, day)
    answers = [
        Answer(
            finding=finding,
            sentence=_sentence(finding, names, provider_id),
            is_first_failure=decision.failed[:1] == (finding.rule,),
            leads_on=finding.provider_id is None or finding.provider_id in working,
        )
        for finding in findings
    ]
    return Explanation(decision, answers)


def _sentence(finding: Finding, names: Mapping[int, str], asked: int) -> str:
    words = {
        "asked": names.get(asked, ""),
        "owner": names.get(finding.provider_id or 0, ""),
        "column": finding.column.label if finding.column else "",
        "right": finding.right.label if finding.right else "",
        "row": _row_name(finding.tick.row if finding.tick else None, names),
    }
    return str(finding.reason.label) % words


def _row_name(row: int | None, names: Mapping[int, str]) -> str:
    if row is None:
        return _("all other active patients")
    return _("%(name)s's list") % {"name": names.get(row, "")}


def with_whom(*, patient: Patient, service: Service, assurance: Assurance, day: date) -> list[ProviderChoice]:
    """Return whom the patient may choose on the day: the own GP first, then as the clinic lists them. One query."""
    row = row_of_patient(patient, day, day)
    facts, order = facts_of(row), _order(row)
    choices = _choices(row, facts)
    chosen = [provider_id for _service, provider_id in policy.allowed(facts, (service,), assurance, day)]
    return [choices[provider_id] for provider_id in sorted(chosen, key=order.__getitem__)]


def windows(
    *,
    patient: Patient,
    services: Collection[Service],
    assurance: Assurance,
    first_day: date,
    last_day: date,
) -> list[Window]:
    """Return the longest stretches of days on which each (service, provider) is allowed. One query.

    Ordered like with_whom, then by service and day. A slot of the provider on a day within a window may be offered.
    """
    row = row_of_patient(patient, first_day, last_day)
    return _windows(row, services, assurance, first_day, last_day)


def _windows(
    row: dict[str, Any],
    services: Collection[Service],
    assurance: Assurance,
    first_day: date,
    last_day: date,
) -> list[Window]:
    facts, order = facts_of(row), _order(row)
    spans = policy.spans(facts, tuple(services), assurance, first_day, last_day)
    spans.sort(key=lambda span: (order[span.provider_id], span.service.value, span.first_day))
    choices = _choices(row, facts)
    return [Window(span.service, span.first_day, span.last_day, choices[span.provider_id]) for span in spans]


_LOCK = """
WITH record AS (
    SELECT patient.id, patient.gp_id
    FROM patients_patient patient JOIN clinic_admin_clinic clinic ON clinic.id = patient.clinic_id
    WHERE patient.id = %s
    FOR SHARE OF patient, clinic
)
SELECT provider.id FROM clinic_admin_provider provider, record
WHERE provider.id IN (%s, record.gp_id)
ORDER BY provider.id
FOR SHARE OF provider
"""


def lock_facts(patient: Patient, *, provider_id: int) -> None:
    """Keep what decides as it is until the transaction ends; others may still read and decide. One query.

    Everything that decides hangs on three kinds of row: clinic (settings, matrix, absences), provider (portal
    access, columns) and patient (record, special rights). Whoever changes it locks that row, and waits for us.
    """
    with often(connection.cursor()) as cursor:
        cursor.execute(_LOCK, [patient.pk, provider_id])


@dataclass(frozen=True, slots=True)
class Seen:
    """A decision that was read without a lock, and how a statement that acts on it finds out that it still holds."""

    decision: Decision
    _patient_id: UUID
    _provider_id: int
    _versions: str
    """As an array of Postgres: of the rows that everything hangs on (lock_facts). Postgres gives a row that is written
    another xmin, and what hangs on it writes it (migration note_changes)."""
    _rows: int
    """How many of them are providers."""

    STILL_SO: ClassVar[str] = """
record AS MATERIALIZED (
    SELECT patient.gp_id
    FROM patients_patient patient JOIN clinic_admin_clinic clinic ON clinic.id = patient.clinic_id
    WHERE patient.id = %s AND patient.xmin::text = ANY(%s::text[]) AND clinic.xmin::text = ANY(%s::text[])
    FOR SHARE OF patient, clinic
),
columns AS MATERIALIZED (
    SELECT provider.id FROM clinic_admin_provider provider, record
    WHERE provider.id IN (%s, record.gp_id) AND provider.xmin::text = ANY(%s::text[])
    ORDER BY provider.id
    FOR SHARE OF provider
),
still_so AS MATERIALIZED (SELECT WHERE (SELECT count(*) FROM columns) = %s)
"""
    """One row if it holds, and holds until the transaction ends; else none. To be put behind WITH. The rows are locked in
    the order of lock_facts; one that somebody writes is waited for, and read again then."""

    @property
    def values(self) -> list[Any]:
        """Return what stands in STILL_SO."""
        versions = self._versions
        return [self._patient_id, versions, versions, self._provider_id, versions, self._rows]


def seen(*, patient: Patient, service: Service, provider_id: int, assurance: Assurance, day: date) -> Seen:
    """Return what `decision` says, without a lock, for an act that makes sure of it (Seen). One query."""
    row = row_of_question(patient, service=service, provider_id=provider_id, day=day)
    return Seen(
        policy.decide(facts_of(row), service, provider_id, assurance, day),
        patient.pk,
        provider_id,
        f"{{{','.join(row['versions'])}}}",
        len(row["provider_rows"]),
    )


# -- for people without an account -------------------------------------------------------------------------
def guest_windows(
    *, clinic: Clinic, services: Collection[Service], first_day: date, last_day: date
) -> list[Window]:
    """Return when somebody without an account may ask for whom: what the matrix's last row and the columns for
    patients without a GP here say (F8). No record is read, so the answer tells nothing about anyone. One query.
    """
    row = row_of_guest(clinic, first_day, last_day)
    return _windows(row, services, Assurance.NONE, first_day, last_day)


def guest_may(*, clinic: Clinic, service: Service, provider_id: int, day: date, for_share: bool) -> bool:
    """Return whether somebody without an account may ask the provider for this on the clinic's local day. One query.

    With for_share, inside a transaction, what decides stays as it is until it ends (two queries).
    """
    if for_share:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_SETTING, [clinic.pk, provider_id])
    facts = facts_of(row_of_guest(clinic, day, day))
    return policy.decide(facts, service, provider_id, Assurance.NONE, day).allowed


_LOCK_SETTING = """
SELECT provider.id FROM clinic_admin_provider provider
JOIN clinic_admin_clinic clinic ON clinic.id = provider.clinic_id
WHERE clinic.id = %s AND provider.id = %s
FOR SHARE OF clinic, provider
"""


def setting_facts(
    clinic: Clinic,
    first_day: date,
    last_day: date | None = None,
    services: Collection[Service] = tuple(Service),
) -> AccessFacts:
    """Return the facts of the clinic on these days (or the one), with nobody as the patient. One query.

    Only with the ticks of these services: the matrix of a large clinic takes longer to read than all the rest.
    """
    return facts_of(row_of_clinic(clinic, first_day, last_day or first_day, services))


# -- for all patients --------------------------------------------------------------------------------------
def reach(
    *, clinic: Clinic, day: date, assurance: Assurance = Assurance.HIGH, ticks: frozenset[Tick] | None = None
) -> dict[tuple[Service, int], int]:
    """Return how many patients may use each (service, provider id) on the day; pairs without any are left out.

    Two queries, however many patients. `ticks`, if given, stand in for the stored matrix: what a save would do.
    """
    setting = setting_facts(clinic, day)
    if ticks is not None:
        setting = replace(setting, ticks=ticks)
    found: Counter[tuple[Service, int]] = Counter()
    for patient, count in kinds_of_patients(clinic):
        for pair in policy.allowed(replace(setting, patient=patient), tuple(Service), assurance, day):
            found[pair] += count
    return dict(found)


@dataclass(frozen=True, slots=True)
class ProviderState:
    """One provider as the list of services shows them."""

    provider: Provider
    with_gp: Rights
    without_gp: Rights
    patients: int
    """Active patients on the list."""
    served: int
    """Those of them who may use anything at all, with anybody, today and signed in with eID."""

    @property
    def has_patients_without_access(self) -> bool:
        """Return whether the provider has patients but no portal access (C2)."""
        return bool(self.patients) and not self.provider.has_portal_access

    @property
    def is_unserved(self) -> bool:
        """Return whether nobody can serve the list, though the provider has portal access."""
        return bool(self.patients) and not self.served and self.provider.has_portal_access


def provider_states(*, clinic: Clinic, day: date) -> list[ProviderState]:
    """Return the clinic's active providers in their order. Three queries, however many patients."""
    setting = setting_facts(clinic, day)
    patients: Counter[int | None] = Counter()
    served: Counter[int | None] = Counter()
    for kind, count in kinds_of_patients(clinic):
        if kind.is_active:
            patients[kind.gp_id] += count
        if any(policy.allowed(replace(setting, patient=kind), tuple(Service), Assurance.HIGH, day)):
            served[kind.gp_id] += count
    return [
        ProviderState(
            provider=provider,
            with_gp=setting.providers[provider.pk].with_gp,
            without_gp=setting.providers[provider.pk].without_gp,
            patients=patients[provider.pk],
            served=served[provider.pk],
        )
        for provider in Provider.objects.for_clinic(clinic).active()
        if provider.pk in setting.providers
    ]


# -- for pages of settings ---------------------------------------------------------------------------------
def provider_of(*, clinic: Clinic, provider_id: int) -> Provider | None:
    """Return the clinic's own active provider with this id."""
    return Provider.objects.for_clinic(clinic).active().filter(pk=provider_id).first()


def providers(clinic: Clinic) -> list[Provider]:
    """Return those who work here now, as lists show them. One query."""
    return list(Provider.objects.for_clinic(clinic).active())


def everyone(clinic: Clinic) -> list[Provider]:
    """Return all who work or worked here: first those who do, as lists show them. One query."""
    return list(Provider.objects.for_clinic(clinic).order_by("-is_active", "position", "name", "pk"))


def columns_of(provider: Provider) -> dict[Column, Rights]:
    """Return both columns of a provider; one that was never saved has everything off. One query."""
    stored = {Column(row.column): row.values for row in ProviderRights.objects.filter(provider=provider)}
    return {column: stored.get(column, NO_RIGHTS) for column in Column}


def patient_of(*, clinic: Clinic, patient_id: UUID) -> Patient | None:
    """Return the clinic's own patient, whatever the state of the record."""
    return Patient.objects.for_clinic(clinic).filter(pk=patient_id).select_related("gp").first()


def kinds_of_patients(clinic: Clinic) -> list[tuple[PatientFacts, int]]:
    """Return the different sets of facts about patients, and how many patients have each. One query."""
    rows = (
        with_facts(Patient.objects.for_clinic(clinic))
        .order_by()
        .values(*PATIENT_FIELDS)
        .annotate(count=Count("pk"))
    )
    return [(patient_facts(row), row["count"]) for row in rows]


def _order(row: dict[str, Any]) -> dict[int, tuple[bool, int]]:
    """Return where each provider stands in a list for this patient: the own GP first."""
    return {
        provider["id"]: (provider["id"] != row["gp_id"], place)
        for place, provider in enumerate(row["provider_rows"])
    }


def _choices(row: dict[str, Any], facts: AccessFacts) -> dict[int, ProviderChoice]:
    found = {}
    for provider in row["provider_rows"]:
        granted = policy.rights(facts, provider["id"])
        found[provider["id"]] = ProviderChoice(
            provider_id=provider["id"],
            name=provider["name"],
            initials=provider["initials"],
            kind=ProviderKind(provider["kind"]),
            approval=granted.approval,
            may_cancel=granted.cancelling,
        )
    return found
