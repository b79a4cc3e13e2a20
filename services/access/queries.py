"""The decision with the facts of the database: for one patient in one query, for all patients of a clinic in two.

What decides is always read anew, also of a patient who is already loaded: an answer holds for this instant.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q, QuerySet
from django.utils.translation import gettext as _

from clinic_admin.choices import ProviderKind, Service
from clinic_admin.models import Clinic, Provider
from delegation.policy import Away, Tick
from identity.choices import Assurance
from patients.models import Patient
from services.access import policy
from services.access.choices import Approval, Column
from services.access.models import ProviderRights
from services.access.policy import (
    NO_RIGHTS,
    AccessFacts,
    ClinicFacts,
    Decision,
    Finding,
    PatientFacts,
    ProviderFacts,
    Rights,
    SpecialRights,
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
    return _facts(_row(patient, first_day, last_day))


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
    asked = {
        "id": patient.pk,
        "first_day": day,
        "last_day": day,
        "provider": provider_id,
        "service": service.value,
    }
    facts = _facts(_there(_answered(_OF_QUESTION, asked)))
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
    row = _row(patient, day, day)
    facts = _facts(row)
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
    row = _row(patient, day, day)
    facts, order = _facts(row), _order(row)
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
    row = _row(patient, first_day, last_day)
    return _windows(row, services, assurance, first_day, last_day)


def _windows(
    row: dict[str, Any],
    services: Collection[Service],
    assurance: Assurance,
    first_day: date,
    last_day: date,
) -> list[Window]:
    facts, order = _facts(row), _order(row)
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
    with connection.cursor() as cursor:
        cursor.cursor.prepares_at_once = True
        cursor.execute(_LOCK, [patient.pk, provider_id])


# -- for people without an account -------------------------------------------------------------------------
def guest_windows(
    *, clinic: Clinic, services: Collection[Service], first_day: date, last_day: date
) -> list[Window]:
    """Return when somebody without an account may ask for whom: what the matrix's last row and the columns for
    patients without a GP here say (F8). No record is read, so the answer tells nothing about anyone. One query.
    """
    row = _guest_row(clinic, first_day, last_day)
    return _windows(row, services, Assurance.NONE, first_day, last_day)


def guest_may(*, clinic: Clinic, service: Service, provider_id: int, day: date, for_share: bool) -> bool:
    """Return whether somebody without an account may ask the provider for this on the clinic's local day. One query.

    With for_share, inside a transaction, what decides stays as it is until it ends (two queries).
    """
    if for_share:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_SETTING, [clinic.pk, provider_id])
    facts = _facts(_guest_row(clinic, day, day))
    return policy.decide(facts, service, provider_id, Assurance.NONE, day).allowed


_LOCK_SETTING = """
SELECT provider.id FROM clinic_admin_provider provider
JOIN clinic_admin_clinic clinic ON clinic.id = provider.clinic_id
WHERE clinic.id = %s AND provider.id = %s
FOR SHARE OF clinic, provider
"""


def _guest_row(clinic: Clinic, first_day: date, last_day: date) -> dict[str, Any]:
    row = _found(_OF_GUEST, clinic.pk, first_day, last_day)
    if row is None:
        raise Clinic.DoesNotExist
    return _NOBODY | {"is_active": True, "has_id": True} | row


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
        _with_facts(Patient.objects.for_clinic(clinic))
        .order_by()
        .values(*PATIENT_FIELDS)
        .annotate(count=Count("pk"))
    )
    return [(patient_facts(row), row["count"]) for row in rows]


# -- reading -----------------------------------------------------------------------------------------------
_SPECIAL = ("renewal", "consultation", "booking", "approval", "cancelling")
PATIENT_FIELDS = (
    "is_active",
    "has_id",
    "is_withdrawn",
    "gp_id",
    *(f"special_rights__{name}" for name in _SPECIAL),
)


_NOBODY = dict.fromkeys(PATIENT_FIELDS) | dict.fromkeys(PATIENT_FIELDS[:3], False)


def _with_facts(patients: QuerySet[Patient]) -> QuerySet[Patient]:
    return patients.annotate(
        has_id=_is(national_id_index__isnull=False), is_withdrawn=_is(portal_withdrawn_at__isnull=False)
    )


def facts_of_patient(path: str) -> dict[str, Any]:
    """Return what to select of rows that point at a patient by `path`, so that patient_facts reads them."""
    return {
        "is_active": F(f"{path}__is_active"),
        "has_id": _is(**{f"{path}__national_id_index__isnull": False}),
        "is_withdrawn": _is(**{f"{path}__portal_withdrawn_at__isnull": False}),
        "gp_id": F(f"{path}__gp_id"),
        **{f"special_rights__{name}": F(f"{path}__special_rights__{name}") for name in _SPECIAL},
    }


def _is(**condition: Any) -> "ExpressionWrapper[Any]":
    return ExpressionWrapper(Q(**condition), output_field=BooleanField())


_SETTING = """
    clinic.is_active AS portal_is_on,
    clinic.requires_eid_for_consultation AS requires_eid,
    ARRAY(
        SELECT to_json(one) FROM (
            SELECT id, name, initials, kind, is_active, has_portal_access
            FROM clinic_admin_provider provider WHERE clinic_id = clinic.id AND {whose} ORDER BY position, name, id
        ) AS one
    ) AS provider_rows,
    ARRAY(
        SELECT to_json(one) FROM (
            SELECT provider_id AS provider, "column", renewal, consultation, booking, approval, cancelling
            FROM access_providerrights JOIN clinic_admin_provider provider ON provider.id = provider_id
            WHERE provider.clinic_id = clinic.id AND {whose}
        ) AS one
    ) AS column_rows,
    ARRAY(
        SELECT to_json(one) FROM (
            SELECT provider_id AS provider, first_day, last_day, ARRAY(
                SELECT json_build_object('service', service, 'provider', cover.provider_id)
                FROM delegation_absencecover cover WHERE cover.absence_id = absence.id
            ) AS covers
            FROM delegation_absence absence
            WHERE clinic_id = clinic.id AND first_day <= %(last_day)s AND last_day >= %(first_day)s
            ORDER BY first_day, id
        ) AS one
    ) AS absence_rows,
    ARRAY(
        SELECT json_build_object('service', service, 'row', row_id, 'provider', provider_id)
        FROM delegation_matrixtick WHERE clinic_id = clinic.id AND {rows}
    ) AS tick_rows
"""
"""The clinic's settings, some providers with their columns, the absences of some days, and some of the ticks."""


def _about_patient(*, whose: str, rows: str) -> str:
    special = ", ".join(f"special.{name} AS special_rights__{name}" for name in _SPECIAL)
    return f"""
SELECT to_json(found)::text FROM (
    SELECT patient.is_active,
        patient.national_id_index IS NOT NULL AS has_id,
        patient.portal_withdrawn_at IS NOT NULL AS is_withdrawn,
        patient.gp_id,
        {special},
        {_SETTING.format(whose=whose, rows=rows)}
    FROM patients_patient patient
    JOIN clinic_admin_clinic clinic ON clinic.id = patient.clinic_id
    LEFT JOIN access_specialrights special ON special.patient_id = patient.id
    WHERE patient.id = %(id)s
) AS found
"""  # noqa: S608 - put together from our own words only


_THEIR_ROW = "(row_id = patient.gp_id OR row_id IS NULL)"
_OF_PATIENT = _about_patient(whose="true", rows=_THEIR_ROW)
_OF_QUESTION = _about_patient(
    whose="(provider.id = %(provider)s OR provider.id = patient.gp_id)",
    rows=f"{_THEIR_ROW} AND service = %(service)s",
)
"""What decides about one provider and one service: whose columns can be the patient's, and ticks that covers go by."""
_OF_GUEST = f"""
SELECT to_json(found)::text FROM (
    SELECT {_SETTING.format(whose="true", rows="row_id IS NULL")}
    FROM clinic_admin_clinic clinic WHERE clinic.id = %(id)s
) AS found
"""  # noqa: S608 - put together from our own words only
_OF_CLINIC = f"""
SELECT to_json(found)::text FROM (
    SELECT {_SETTING.format(whose="true", rows="service = ANY(%(services)s)")}
    FROM clinic_admin_clinic clinic WHERE clinic.id = %(id)s
) AS found
"""  # noqa: S608 - put together from our own words only
"""Plain SQL, because building this from models takes ten times as long as Postgres takes to answer it."""


def _row(patient: Patient, first_day: date, last_day: date) -> dict[str, Any]:
    return _there(_found(_OF_PATIENT, patient.pk, first_day, last_day))


def _there(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise Patient.DoesNotExist
    return row


def setting_facts(
    clinic: Clinic,
    first_day: date,
    last_day: date | None = None,
    services: Collection[Service] = tuple(Service),
) -> AccessFacts:
    """Return the facts of the clinic on these days (or the one), with nobody as the patient. One query.

    Only with the ticks of these services: the matrix of a large clinic takes longer to read than all the rest.
    """
    row = _found(_OF_CLINIC, clinic.pk, first_day, last_day or first_day, services)
    if row is None:
        raise Clinic.DoesNotExist
    return _facts(_NOBODY | row)


def _found(
    sql: str, pk: int | UUID, first_day: date, last_day: date, services: Collection[Service] = ()
) -> dict[str, Any] | None:
    names = [service.value for service in services]
    return _answered(sql, {"id": pk, "first_day": first_day, "last_day": last_day, "services": names})


def _answered(sql: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one row as a dictionary; days in it are text."""
    with connection.cursor() as cursor:
        cursor.cursor.prepares_at_once = True
        cursor.execute(sql, asked)
        row = cursor.fetchone()
    return json.loads(row[0]) if row else None


# -- rows to facts -----------------------------------------------------------------------------------------
def _facts(row: dict[str, Any]) -> AccessFacts:
    columns = {
        (column["provider"], Column(column["column"])): Rights(
            renewal=column["renewal"],
            consultation=column["consultation"],
            booking=column["booking"],
            approval=Approval(column["approval"]),
            cancelling=column["cancelling"],
        )
        for column in row["column_rows"]
    }
    return AccessFacts(
        clinic=ClinicFacts(row["portal_is_on"], row["requires_eid"]),
        patient=patient_facts(row),
        providers={
            provider["id"]: ProviderFacts(
                id=provider["id"],
                has_portal_access=provider["is_active"] and provider["has_portal_access"],
                with_gp=columns.get((provider["id"], Column.WITH_GP), NO_RIGHTS),
                without_gp=columns.get((provider["id"], Column.WITHOUT_GP), NO_RIGHTS),
            )
            for provider in row["provider_rows"]
        },
        ticks=frozenset(
            Tick(Service(tick["service"]), tick["row"], tick["provider"]) for tick in row["tick_rows"]
        ),
        absences=tuple(
            Away(
                provider=absence["provider"],
                first_day=date.fromisoformat(absence["first_day"]),
                last_day=date.fromisoformat(absence["last_day"]),
                covers={Service(cover["service"]): cover["provider"] for cover in absence["covers"]},
            )
            for absence in row["absence_rows"]
        ),
    )


def patient_facts(row: Mapping[str, Any]) -> PatientFacts:
    """Return the facts of a row with the columns of PATIENT_FIELDS."""
    special = {name: row[f"special_rights__{name}"] for name in _SPECIAL}
    if special["approval"] is not None:
        special["approval"] = Approval(special["approval"])
    return PatientFacts(
        is_active=row["is_active"],
        has_national_id=row["has_id"],
        is_withdrawn=row["is_withdrawn"],
        gp_id=row["gp_id"],
        special=SpecialRights(**special),
    )


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
