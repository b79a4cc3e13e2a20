"""What a change of settings would do, told before it is saved: the same decision, asked with both settings.

A Trial holds the clinic's facts as they are and as they would be. `effect` counts patients; whoever knows of other
things that hang on the decision (booked appointments) asks `denied` about them. Nothing here stores anything.
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields, replace
from datetime import date

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.policy import Away, Tick, stretches
from identity.choices import Assurance
from patients.models import Patient
from services.access import policy, queries
from services.access.choices import Column
from services.access.policy import AccessFacts, PatientFacts, Rights, SpecialRights

EVERY_ROW = None
"""In place of rows: any patient may be touched."""
EVERYBODY = None
"""In place of providers: any may be touched."""
ASSURANCE = Assurance.HIGH
"""Patients are counted as signed in with eID: what a setting gives and takes doesn't hang on the way of signing in."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings as they are and as they would be, and whom the difference can touch."""

    clinic: Clinic
    before: AccessFacts
    after: AccessFacts
    services: tuple[Service, ...]
    first_day: date
    last_day: date
    rows: frozenset[int | None] | None = EVERY_ROW
    """Only patients of these rows see different facts; EVERY_ROW when anyone may."""
    asked: frozenset[int] | None = EVERYBODY
    """Only answers about these providers can differ; EVERYBODY when any may."""
    lists: frozenset[int] = frozenset()
    """But to the patients of these lists any answer may differ: their standard rights are changed."""
    days_matter: bool = False
    """The change itself is about days: what it does is told for each of them, not for the first only."""

    @property
    def changes_something(self) -> bool:
        """Return whether there is a difference at all."""
        return self.before != self.after

    @property
    def pieces(self) -> list[tuple[date, date]]:
        """Return the days cut where somebody goes or comes back; within a piece every day is alike."""
        absences = (*self.before.absences, *self.after.absences)
        return stretches(absences, self.first_day, self.last_day)

    @property
    def on_first_day(self) -> "Trial":
        """Return the same trial, asked about its first day only."""
        return replace(self, last_day=self.first_day)

    def touches(self, patient: PatientFacts) -> bool:
        """Return whether the patient's answers could differ."""
        return self.rows is None or patient.gp_id in self.rows

    def asked_by(self, patient: PatientFacts) -> frozenset[int] | None:
        """Return the providers about whom the patient's answers could differ; EVERYBODY when any may."""
        return EVERYBODY if patient.gp_id in self.lists else self.asked

    def denied(self, patient: PatientFacts, service: Service, provider_id: int, day: date) -> bool:
        """Return whether the patient may use the service with the provider on the day now, and then no more."""
        if service not in self.services or not self.touches(patient):
            return False
        had, gets = (
            policy.decide(replace(facts, patient=patient), service, provider_id, ASSURANCE, day).allowed
            for facts in (self.before, self.after)
        )
        return had and not gets


# -- what to try -------------------------------------------------------------------------------------------
def of_ticks(
    *,
    clinic: Clinic,
    service: Service,
    on: Set[Tick],
    off: Set[Tick],
    day: date,
    last_day: date | None = None,
) -> Trial:
    """Return the trial of switching these boxes of one service on and off. One query."""
    before = queries.setting_facts(clinic, day, last_day, [service])
    switched = {tick.provider for tick in on | off}
    covers = {
        cover
        for absence in before.absences
        if absence.provider in switched
        for cover in absence.covers.values()
    }
    return Trial(
        clinic=clinic,
        before=before,
        after=replace(before, ticks=(before.ticks - off) | on),
        services=(service,),
        first_day=day,
        last_day=last_day or day,
        rows=frozenset(tick.row for tick in on | off),
        asked=frozenset(switched | covers),
    )


def of_provider(
    *,
    clinic: Clinic,
    provider_id: int,
    allowed: bool,
    columns: Mapping[Column, Rights],
    day: date,
    last_day: date | None = None,
) -> Trial:
    """Return the trial of saving a provider's portal access and columns. One query."""
    before = queries.setting_facts(clinic, day, last_day)
    own = before.providers[provider_id]
    wanted = replace(
        own,
        has_portal_access=allowed,
        with_gp=columns.get(Column.WITH_GP, own.with_gp),
        without_gp=columns.get(Column.WITHOUT_GP, own.without_gp),
    )
    rows: set[int | None] = set()
    if wanted.with_gp != own.with_gp:
        rows.add(provider_id)
    if wanted.without_gp != own.without_gp:
        rows.add(None)
    return Trial(
        clinic=clinic,
        before=before,
        after=replace(before, providers={**before.providers, provider_id: wanted}),
        services=tuple(Service),
        first_day=day,
        last_day=last_day or day,
        rows=EVERY_ROW if wanted.has_portal_access != own.has_portal_access else frozenset(rows),
        asked=frozenset({provider_id}),
        lists=frozenset({provider_id}),
    )


def of_absence(*, clinic: Clinic, wanted: Away, today: date) -> Trial:
    """Return the trial of an absence, on those of its days that are still to come. One query."""
    first_day = max(wanted.first_day, min(today, wanted.last_day))
    before = queries.setting_facts(clinic, first_day, wanted.last_day)
    return Trial(
        clinic=clinic,
        before=before,
        after=replace(before, absences=(*before.absences, wanted)),
        services=tuple(Service),
        first_day=first_day,
        last_day=wanted.last_day,
        asked=frozenset({wanted.provider, *wanted.covers.values()}),
        days_matter=True,
    )


# -- what it does to patients ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Change:
    """How many patients gain and lose a service with a provider."""

    service: Service
    provider: Provider
    gain: int
    lose: int


@dataclass(frozen=True, slots=True)
class Ending:
    """Patients of one row who have somebody for a service, and would be left with nobody."""

    service: Service
    owner: Provider | None
    """Whose list; None for all other active patients."""
    patients: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do on the days that were tried."""

    changes: tuple[Change, ...]
    endings: tuple[Ending, ...]
    gain: int
    """Patients who get something they don't have."""
    lose: int
    """Patients who no longer have something."""
    left: int
    """Patients left with nobody for some service."""

    @property
    def asks_once_more(self) -> bool:
        """Return whether someone would be left with nobody."""
        return bool(self.endings)


NOTHING = Effect((), (), 0, 0, 0)


def effect(trial: Trial) -> Effect:
    """Return how many patients gain and lose what with whom, and who is left with nobody.

    Two queries, however many patients, and none when nothing changes. Gains and losses are those of the first day.
    """
    if not trial.changes_something:
        return NOTHING
    return _effect(trial, _kinds(trial))


def effect_on_patient(*, patient: Patient, special: SpecialRights, day: date) -> Effect:
    """Return what other special rights would do for one patient on the day: counts are 0 or 1. Three queries."""
    facts = queries.load_facts(patient, first_day=day, last_day=day)
    setting = queries.setting_facts(patient.clinic, day)
    before = replace(setting, patient=facts.patient)
    wanted = replace(facts.patient, special=special)
    trial = Trial(patient.clinic, before, replace(setting, patient=wanted), tuple(Service), day, day)
    return _effect(trial, [(facts.patient, wanted, 1)])


Kind = tuple[PatientFacts, PatientFacts, int]
"""Facts about a patient now and then, and how many patients have them."""


def _kinds(trial: Trial) -> list[Kind]:
    """Return the sets of facts that can decide differently: of special rights only those to the services tried."""
    deciding = {policy.RIGHT_OF[service].value for service in trial.services}
    others = {one.name: None for one in fields(SpecialRights) if one.name not in deciding}
    found: Counter[PatientFacts] = Counter()
    for patient, count in queries.kinds_of_patients(trial.clinic):
        if trial.touches(patient):
            found[replace(patient, special=replace(patient.special, **others))] += count
    return [(patient, patient, count) for patient, count in found.items()]


def _effect(trial: Trial, kinds: list[Kind]) -> Effect:
    gain, lose = Counter[tuple[Service, int]](), Counter[tuple[Service, int]]()
    endings: Counter[tuple[Service, int | None, date, date]] = Counter()
    gaining = losing = left = 0
    pieces = trial.pieces
    for now, then, count in kinds:
        ended = False
        for first_day, last_day in pieces:
            had, gets = _answers(trial, now, then, first_day)
            if first_day == trial.first_day:
                gain.update(dict.fromkeys(gets - had, count))
                lose.update(dict.fromkeys(had - gets, count))
                gaining += count if gets - had else 0
                losing += count if had - gets else 0
            for service in {service for service, _provider in had - gets}:
                if not _has_anybody(trial, then, service, first_day):
                    endings[service, now.gp_id, first_day, last_day] += count
                    ended = True
        left += count if ended else 0
    if not (gain or lose or endings):
        return NOTHING
    people = list(Provider.objects.for_clinic(trial.clinic).order_by("position", "name", "pk"))
    return Effect(
        changes=tuple(
            Change(service, provider, gain[service, provider.pk], lose[service, provider.pk])
            for service in trial.services
            for provider in people
            if gain[service, provider.pk] or lose[service, provider.pk]
        ),
        endings=_in_order(endings, people),
        gain=gaining,
        lose=losing,
        left=left,
    )


def _answers(
    trial: Trial, now: PatientFacts, then: PatientFacts, day: date
) -> tuple[set[tuple[Service, int]], set[tuple[Service, int]]]:
    """Return what is allowed as things are and as they would be, of the answers that could differ."""
    asked = trial.asked_by(now)
    return (
        set(policy.allowed(replace(trial.before, patient=now), trial.services, ASSURANCE, day, asked)),
        set(policy.allowed(replace(trial.after, patient=then), trial.services, ASSURANCE, day, asked)),
    )


def _has_anybody(trial: Trial, patient: PatientFacts, service: Service, day: date) -> bool:
    """Return whether the patient would have anybody at all for the service."""
    return any(
        True for _ in policy.allowed(replace(trial.after, patient=patient), (service,), ASSURANCE, day)
    )


def _in_order(
    endings: Mapping[tuple[Service, int | None, date, date], int], people: list[Provider]
) -> tuple[Ending, ...]:
    """Return the endings as lists are shown: by service, then by list, all others last, then by day."""
    place = {provider.pk: number for number, provider in enumerate(people)}
    by_id = {provider.pk: provider for provider in people}
    services = list(Service)
    ordered = sorted(
        endings.items(),
        key=lambda one: (services.index(one[0][0]), place.get(one[0][1] or 0, len(place)), one[0][2]),
    )
    return tuple(
        Ending(service, by_id.get(row or 0), patients, first_day, last_day)
        for (service, row, first_day, last_day), patients in ordered
    )
