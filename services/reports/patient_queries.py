"""The patient log: what each of a clinic's patients may use, and how often they have.

A service that counts what its patients did is one line of USES; columns, totals, sorting and the file follow.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Model, OrderBy, Q, QuerySet
from django.db.models.functions import TruncWeek
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic_admin.models import Clinic, Provider
from identity.choices import UserKind
from patients import staff_queries
from patients.models import Patient
from patients.search import Wanted
from services.access.choices import Column
from services.access.facts_queries import PATIENT_FIELDS, patient_facts, with_facts
from services.access.policy import NO_RIGHTS, PatientFacts, ProviderFacts
from services.booking.models import Appointment
from services.reports import policy
from services.reports.choices import PatientOrder
from services.reports.policy import Active, Bar

PER_PAGE = 50
PER_CHUNK = 1000


# -- what is counted ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Use:
    """Something that patients do through the portal, counted for each of them."""

    name: str
    label: str | Promise
    model: type[Model]
    by: str
    """Field of the model: the user who did it. Only patients' own doings count, not what staff did for them."""
    relation: str
    """From the patient to the model's rows; their field `patient` leads back, `clinic` says whose they are."""

    def rows(self, clinic: Clinic) -> QuerySet[Any]:
        """Return all of the clinic's that patients made through the portal."""
        by_patients = {f"{self.by}__kind": UserKind.PATIENT}
        return self.model._default_manager.filter(clinic=clinic, **by_patients)

    @property
    def number(self) -> Count:
        """Return the count of a patient's own, to sort patients by."""
        return Count(self.relation, filter=Q(**{f"{self.relation}__{self.by}__kind": UserKind.PATIENT}))


USES = (Use("bookings", _("Bookings"), Appointment, by="requested_by", relation="appointments"),)


# -- the page ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LoggedPatient:
    """One line of the log. The national ID is not even read; showing it is an operation of its own."""

    patient_id: UUID
    has_national_id: bool
    birth_date: date | None
    family_name: str
    given_name: str
    gp_initials: str
    active: Active
    uses: tuple[int, ...]
    """In the order of USES."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many patients were found, how many of them have each service, and how much they used it."""

    patients: int
    booking: int
    by_hand: int
    renewal: int
    consultation: int
    cancelling: int
    uses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PatientLog:
    """One page of the log."""

    page: Page[UUID]
    rows: tuple[LoggedPatient, ...]
    totals: Totals


ORDERS = (*PatientOrder.values, *(use.name for use in USES))
"""What the log can be sorted by; with a minus in front downwards."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which of the clinic's patients: those with these ids, or those whom a search asks for."""

    clinic: Clinic
    wanted: Wanted = field(default_factory=Wanted)
    patient_ids: tuple[UUID, ...] = ()

    @property
    def is_everyone(self) -> bool:
        """Return whether all the clinic's patients are meant."""
        return not self.patient_ids and self.wanted == Wanted()

    @property
    def found(self) -> QuerySet[Patient]:
        """Return them, in no order."""
        patients = Patient.objects.for_clinic(self.clinic)
        if self.patient_ids:
            return patients.filter(pk__in=self.patient_ids)
        if self.wanted.born:
            patients = patients.filter(birth_date__in=self.wanted.born)
        return staff_queries.named(patients, self.wanted.words)


def ids_of(*, clinic: Clinic, wanted: Wanted) -> list[UUID]:
    """Return the few patients with this national ID or mobile number, which can't stand in an address."""
    return [patient.pk for patient in staff_queries.find(clinic=clinic, wanted=wanted).patients]


def patient_log(search: Search, *, order: str, page: str) -> PatientLog:
    """Return a page of those found, with the totals of all of them. Seven queries, however many there are.

    `order` is one of ORDERS, perhaps with a minus; `page` is what an address says, and a wrong one is the nearest.
    """
    active = _active_of(search.clinic)
    totals = _totals(search, active)
    pages = Paginator(_sorted(search.found, order), PER_PAGE)
    pages.count = totals.patients  # known already: one count less
    shown = pages.get_page(page)
    ids = list(shown.object_list)
    return PatientLog(shown, _lines(search.clinic, ids, active), totals)


def every_line(search: Search) -> Iterator[LoggedPatient]:
    """Yield all of those found, by name, a thousand at a time, so that the clinic's size takes no memory."""
    active = _active_of(search.clinic)
    ids = _sorted(search.found, PatientOrder.FAMILY_NAME).iterator(chunk_size=PER_CHUNK)
    while chunk := list(islice(ids, PER_CHUNK)):
        yield from _lines(search.clinic, chunk, active)


_BY_NAME = ("sort_family", "sort_given", "pk")
_FIELDS: Mapping[str, Sequence[str]] = {
    PatientOrder.FAMILY_NAME: _BY_NAME,
    PatientOrder.GIVEN_NAME: ("sort_given", "sort_family", "pk"),
    PatientOrder.BIRTH_DATE: ("birth_date", *_BY_NAME),
    PatientOrder.GP: ("gp__initials", *_BY_NAME),
}
_MAY_BE_EMPTY = {"birth_date", "gp__initials"}


def _sorted(found: QuerySet[Patient], order: str) -> QuerySet[Patient, UUID]:
    """Return the ids in this order. By name, as the index patient_by_name holds them, nothing is sorted at all."""
    downwards, name = order.startswith("-"), order.removeprefix("-")
    use = next((use for use in USES if use.name == name), None)
    ids = found.values_list("pk", flat=True)
    if use is None:
        return ids.order_by(*(_direction(field, downwards) for field in _FIELDS[name]))
    return ids.annotate(number=use.number).order_by("-number" if downwards else "number", *_BY_NAME)


def _direction(field: str, downwards: bool) -> OrderBy | str:
    if field in _MAY_BE_EMPTY:
        return F(field).desc(nulls_last=True) if downwards else F(field).asc(nulls_last=True)
    return f"-{field}" if downwards else field


def _lines(
    clinic: Clinic, ids: list[UUID], active: Callable[[PatientFacts], Active]
) -> tuple[LoggedPatient, ...]:
    rows = {
        row["pk"]: row
        for row in with_facts(Patient.objects.filter(pk__in=ids)).values(
            "pk", "birth_date", "family_name", "given_name", "gp__initials", *PATIENT_FIELDS
        )
    }
    numbers = [dict(_per_patient(use, clinic, ids)) for use in USES]
    return tuple(
        LoggedPatient(
            patient_id=pk,
            has_national_id=rows[pk]["has_id"],
            birth_date=rows[pk]["birth_date"],
            family_name=rows[pk]["family_name"],
            given_name=rows[pk]["given_name"],
            gp_initials=rows[pk]["gp__initials"] or "",
            active=active(patient_facts(rows[pk])),
            uses=tuple(number.get(pk, 0) for number in numbers),
        )
        for pk in ids
        if pk in rows
    )


def _per_patient(use: Use, clinic: Clinic, ids: Iterable[UUID]) -> QuerySet[Any, tuple[UUID, int]]:
    rows = use.rows(clinic).filter(patient__in=ids).order_by()
    numbers: QuerySet[Any, tuple[UUID, int]] = rows.values_list("patient").annotate(number=Count("pk"))
    return numbers


def _totals(search: Search, active: Callable[[PatientFacts], Active]) -> Totals:
    """Add up what patients with the same facts have in common, instead of going through every patient."""
    sums: Counter[str] = Counter()
    for row in with_facts(search.found).order_by().values(*PATIENT_FIELDS).annotate(number=Count("pk")):
        has, number = active(patient_facts(row)), row["number"]
        sums["patients"] += number
        for name in ("booking", "by_hand", "renewal", "consultation", "cancelling"):
            sums[name] += number * getattr(has, name)
    uses = [use.rows(search.clinic) for use in USES]
    if not search.is_everyone:
        uses = [rows.filter(patient__in=search.found) for rows in uses]
    return Totals(
        patients=sums["patients"],
        booking=sums["booking"],
        by_hand=sums["by_hand"],
        renewal=sums["renewal"],
        consultation=sums["consultation"],
        cancelling=sums["cancelling"],
        uses=tuple(rows.count() for rows in uses),
    )


# -- what decides ------------------------------------------------------------------------------------------
def _active_of(clinic: Clinic) -> Callable[[PatientFacts], Active]:
    """Return the answer of the rules for patients of this clinic, found once per set of facts. Two queries."""
    providers = {}
    for provider in Provider.objects.for_clinic(clinic).prefetch_related("rights"):
        columns = {Column(stored.column): stored.values for stored in provider.rights.all()}
        providers[provider.pk] = ProviderFacts(
            id=provider.pk,
            has_portal_access=provider.is_active and provider.has_portal_access,
            with_gp=columns.get(Column.WITH_GP, NO_RIGHTS),
            without_gp=columns.get(Column.WITHOUT_GP, NO_RIGHTS),
        )
    return cache(lambda patient: policy.active(patient, providers))


# -- use over time -----------------------------------------------------------------------------------------
def bookings_per_week(clinic: Clinic, today: date) -> list[Bar]:
    """Return how many times patients booked through the portal in each of the last weeks, by the clinic's calendar.

    `today` is the clinic's local day. Only coming times can be booked, so whatever was booked since then also lies
    after then: that lets the index of the days (appointment_by_day) find it, however old the installation.
    """
    mondays = policy.mondays(today)
    since = datetime.combine(mondays[0], time.min, tzinfo=clinic.zone)
    rows = (
        USES[0]
        .rows(clinic)
        .filter(starts_at__gte=since, requested_at__gte=since)
        .order_by()
        .annotate(week=TruncWeek("requested_at", tzinfo=clinic.zone))
        .values("week")
        .annotate(number=Count("pk"))
        .values_list("week", "number")
    )
    found = {week.date(): number for week, number in rows}
    return policy.bars([(monday, found.get(monday, 0)) for monday in mondays])
