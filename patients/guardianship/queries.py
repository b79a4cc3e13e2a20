"""Who may act for whom, as pages and the guard of patients' pages ask it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from django.db import connection

from clinic_admin import ages
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity import national_id
from identity.national_id import BadNationalId
from patients.guardianship import policy
from patients.guardianship.choices import ActingRefusal, Area, Kind, Status
from patients.guardianship.models import ActingRules, Guardian, Proxy
from patients.guardianship.policy import People, Standing
from patients.models import Patient
from portal.ready import Given, Ready


class Adult(Protocol):
    """Whoever would act: an account, or someone whom eID has just proven."""

    @property
    def national_id_index(self) -> str: ...
    @property
    def birth_date(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Acting:
    """Someone's right to act for a patient, as it stands at this moment."""

    kind: Kind
    id: UUID
    areas: frozenset[Area]

    def may(self, area: Area) -> bool:
        """Return whether it is for this."""
        return area in self.areas


def rules_row(patient: Patient) -> ActingRules | None:
    """Return what the clinic decided about the patient; no query when it was selected with the patient."""
    return getattr(patient, "acting_rules", None)


def standing_of(guardian: Guardian) -> Standing:
    """Return the row as the rules see it."""
    return Standing(
        is_blocked=guardian.blocked_at is not None,
        is_confirmed=guardian.confirmed_at is not None,
        confirmed_until=guardian.confirmed_until,
        status=Status(guardian.status),
        valid_from=guardian.valid_from,
        valid_to=guardian.valid_to,
        fetched_at=guardian.fetched_at,
    )


def people_of(patient: Patient, *, actor_index: str, actor_born: date | None) -> People:
    """Return the two as the rules see them."""
    row = rules_row(patient)
    return People(
        subject_born=patient.birth_date,
        actor_born=actor_born,
        is_same=patient.national_id_index == actor_index,
        is_closed=row is not None and row.closed_at is not None,
    )


def acting_by_guardian(
    guardian: Guardian, patient: Patient, adult: Adult, *, now: datetime
) -> Acting | ActingRefusal:
    """Return what the guardian may do for the child now, or why nothing. No query."""
    rules, today = rules_of(patient.clinic.country), now.astimezone(patient.clinic.zone).date()
    people = people_of(patient, actor_index=adult.national_id_index, actor_born=adult.birth_date)
    refusal = policy.refuse_guardian(people, standing_of(guardian), rules, today=today, now=now)
    if refusal:
        return refusal
    row = rules_row(patient)
    letters_open = row is not None and row.letters_open_at is not None
    areas = policy.guardian_areas(patient.birth_date, rules, letters_open=letters_open, today=today)
    return Acting(Kind.GUARDIAN, guardian.pk, areas)


def acting_by_proxy(proxy: Proxy, patient: Patient, adult: Adult, *, now: datetime) -> Acting | ActingRefusal:
    """Return what the receiver may do for the giver now, or why nothing. No query."""
    rules, today = rules_of(patient.clinic.country), now.astimezone(patient.clinic.zone).date()
    refusal = policy.refuse_proxy(
        people_of(patient, actor_index=adult.national_id_index, actor_born=adult.birth_date),
        rules,
        first_day=proxy.first_day,
        last_day=proxy.last_day,
        is_ended=proxy.ended_at is not None,
        today=today,
    )
    return refusal or Acting(Kind.PROXY, proxy.pk, policy.proxy_areas(proxy.areas))


@dataclass(frozen=True, slots=True)
class Person:
    """Someone for whom one may act."""

    patient: Patient
    kind: Kind
    answer: Acting
    last_day: date | None = None
    relation_id: UUID | None = None


_CHILDREN = Ready(
    lambda: Guardian.objects.filter(clinic=Given("clinic"), adult_index=Given("index")).select_related(
        "patient__acting_rules"
    )
)
_GIVERS = Ready(
    lambda: (
        Proxy.objects.filter(clinic=Given("clinic"), receiver_index=Given("index"), ended_at=None)
        .select_related("patient__acting_rules")
        .order_by("created_at")
    )
)


def people(*, clinic: Clinic, adult: Adult, now: datetime) -> list[Person]:
    """Return the patients of the clinic whom the adult may act for, children first, by age.

    Only whom they may act for now: everyone else's name, and that the clinic has them, is nobody's business.
    One query for most, who act for nobody; else three.
    """
    if not _acts_for_anyone(clinic, adult):
        return []
    found = []
    for guardian in _CHILDREN.all(clinic=clinic.pk, index=adult.national_id_index):
        child = guardian.patient
        child.clinic = clinic
        answer = acting_by_guardian(guardian, child, adult, now=now)
        if child.is_open and isinstance(answer, Acting):
            found.append(Person(child, Kind.GUARDIAN, answer, relation_id=guardian.pk))
    found.sort(key=lambda one: (one.patient.birth_date or date.max, one.patient.given_name))
    for proxy in _GIVERS.all(clinic=clinic.pk, index=adult.national_id_index):
        giver = proxy.patient
        giver.clinic = clinic
        answer = acting_by_proxy(proxy, giver, adult, now=now)
        if giver.is_open and isinstance(answer, Acting):
            found.append(Person(giver, Kind.PROXY, answer, proxy.last_day, proxy.pk))
    return found


_ACTS = """
SELECT EXISTS (SELECT FROM patients_guardian WHERE clinic_id = %(clinic)s AND adult_index = %(index)s)
    OR EXISTS (SELECT FROM patients_proxy WHERE clinic_id = %(clinic)s AND receiver_index = %(index)s)
"""


def _acts_for_anyone(clinic: Clinic, adult: Adult) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_ACTS, {"clinic": clinic.pk, "index": adult.national_id_index})
        return bool(cursor.fetchone()[0])


def guardian_of(*, clinic: Clinic, relation_id: UUID) -> Guardian | None:
    """Return the row with the child, or None. One query."""
    rows = Guardian.objects.filter(clinic=clinic, pk=relation_id)
    return rows.select_related("patient__gp", "patient__acting_rules").first()


def proxy_of(*, clinic: Clinic, relation_id: UUID) -> Proxy | None:
    """Return the row with the giver, or None. One query."""
    rows = Proxy.objects.filter(clinic=clinic, pk=relation_id)
    return rows.select_related("patient__gp", "patient__acting_rules").first()


def guardians_who_act(patient: Patient, *, now: datetime) -> list[str]:
    """Return the names of a child's guardians who may act for it now. Three queries for a child, else none."""
    today = now.astimezone(patient.clinic.zone).date()
    if not ages.is_below(patient.birth_date, rules_of(patient.clinic.country).own_decisions_from, today):
        return []
    return [line.guardian.adult_name for line in staff_view(patient, now=now).guardians if line.may_act]


def proxies_given(patient: Patient, *, today: date) -> list[Proxy]:
    """Return who may act for the patient by proxy, soonest ending first. One query."""
    return list(
        Proxy.objects.filter(patient=patient, ended_at=None, last_day__gte=today).order_by("last_day", "pk")
    )


@dataclass(frozen=True, slots=True)
class GuardianLine:
    """One adult of a child, as staff see it."""

    guardian: Guardian
    may_act: bool
    refusal: ActingRefusal | None
    areas: tuple[Area, ...]
    until: date | None
    """The first day on which the right is over by itself."""


@dataclass(frozen=True, slots=True)
class StaffView:
    """Everything about acting for one patient."""

    guardians: tuple[GuardianLine, ...]
    proxies: tuple[Proxy, ...]
    ended_proxies: tuple[Proxy, ...]
    rules: ActingRules | None
    is_child: bool
    has_private_letters: bool
    may_give_proxy: bool


def staff_view(patient: Patient, *, now: datetime) -> StaffView:
    """Return who may act for the patient, and on what it rests. Three queries."""
    clinic = patient.clinic
    rules, today = rules_of(clinic.country), now.astimezone(clinic.zone).date()
    row = ActingRules.objects.filter(patient=patient).select_related("closed_by", "letters_open_by").first()
    lines = []
    adults = Guardian.objects.filter(patient=patient).select_related("confirmed_by", "blocked_by")
    for guardian in adults.order_by("adult_name", "pk"):
        try:
            born = national_id.parse(
                guardian.adult_national_id or "", clinic.country, allow_synthetic=True
            ).birth_date
        except BadNationalId:
            born = None
        people = People(
            subject_born=patient.birth_date,
            actor_born=born,
            is_same=patient.national_id_index == guardian.adult_index,
            is_closed=row is not None and row.closed_at is not None,
        )
        refusal = policy.refuse_guardian(people, standing_of(guardian), rules, today=today, now=now)
        areas: tuple[Area, ...] = ()
        if refusal is None:
            opened = policy.guardian_areas(
                patient.birth_date,
                rules,
                letters_open=row is not None and row.letters_open_at is not None,
                today=today,
            )
            areas = tuple(area for area in Area if area in opened and area is not Area.START)
        ends = ages.birthday(patient.birth_date, rules.own_decisions_from) if patient.birth_date else None
        lines.append(GuardianLine(guardian, refusal is None, refusal, areas, ends))
    proxies = list(
        Proxy.objects.filter(patient=patient).select_related("created_by", "ended_by").order_by("-created_at")
    )
    open_ones = tuple(proxy for proxy in proxies if proxy.ended_at is None and proxy.last_day >= today)
    return StaffView(
        guardians=tuple(lines),
        proxies=open_ones,
        ended_proxies=tuple(proxy for proxy in proxies if proxy not in open_ones)[:20],
        rules=row,
        is_child=ages.is_below(patient.birth_date, rules.own_decisions_from, today),
        has_private_letters=policy.has_private_letters(patient.birth_date, rules, today),
        may_give_proxy=ages.has_reached(patient.birth_date, rules.proxy_giver_from, today),
    )


def ids_of(patient: Patient) -> list[UUID]:
    """Return the ids of every relation by which somebody acts or acted for the patient. Two queries."""
    return [
        *Guardian.objects.filter(patient=patient).values_list("pk", flat=True),
        *Proxy.objects.filter(patient=patient).values_list("pk", flat=True),
    ]
