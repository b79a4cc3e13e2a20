"""What decided at a past moment, from the trail: the same facts that were stored then."""

import contextlib
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from clinic_admin import operations as register
from clinic_admin import queries as register_queries
from clinic_admin.choices import ProviderKind, Role, Service
from delegation import operations as delegations
from delegation.models import Absence, Matrix
from delegation.operations import DelegationRefused
from delegation.policy import Tick
from identity.choices import Assurance
from patients import operations as records
from patients.import_rows import GoodRow
from patients.models import Patient
from patients.operations import PatientRefused
from services.access import operations, past_queries, queries
from services.access.choices import Approval, Column, Reason
from services.access.policy import Rights, SpecialRights
from services.onboarding import leaving_operations
from services.onboarding.leaver import Who
from tests.build import make_patient, make_provider, make_staff_member

pytestmark = pytest.mark.django_db

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAYS = [date(2026, 6, day) for day in (2, 15, 29)]


class Clinic:
    """A clinic that changes at random, by the product's own operations."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = START
        self.clinic = register.create_clinic(
            name="Legekontor",
            portal_identifier=f"past-{seed}",
            country="NO",
            actor=None,
            now=START,
            is_active=True,
        )
        self.admin = make_staff_member(self.clinic, Role.CLINIC_ADMINISTRATOR)
        self.providers = [self._provider(number) for number in range(4)]
        self.patients = [
            make_patient(self.clinic, gp=self.random.choice([*self.providers, None])) for _number in range(3)
        ]

    def _provider(self, number):
        return register.add_provider(
            clinic=self.clinic,
            name=f"Lege {number}",
            initials=f"P{number}",
            kind=ProviderKind.GP,
            has_patient_list=True,
            staff_member=make_staff_member(self.clinic, Role.PROVIDER),
            actor=None,
            now=self.now,
        )

    def facts(self):
        return {
            (patient.pk, service, day): _compared(
                replace(
                    queries.setting_facts(self.clinic, day, services=[service]),
                    patient=queries.load_facts(patient, first_day=day, last_day=day).patient,
                )
            )
            for patient in self.patients
            for service in Service
            for day in DAYS
        }

    def facts_at(self, moment):
        return {
            (patient.pk, service, day): _compared(
                past_queries.facts_at(patient=patient, service=service, day=day, moment=moment)
            )
            for patient in self.patients
            for service in Service
            for day in DAYS
        }

    def change(self):
        """Do one thing an administrator may do; what is refused changes nothing."""
        self.now += timedelta(minutes=self.random.randint(1, 600))
        how = self.random.choice(
            [
                self.switch,
                self.settings,
                self.services,
                self.services,
                self.special,
                self.special,
                self.matrix,
                self.matrix,
                self.absence,
                self.absence,
                self.no_absence,
                self.withdraw,
                self.record,
                self.new_provider,
                self.leave,
            ]
        )
        how()

    def _coin(self):
        return self.random.random() < 0.5

    def _active(self):
        return queries.providers(self.clinic)

    def switch(self):
        register.switch_portal(clinic=self.clinic, is_active=self._coin(), actor=None, now=self.now)

    def settings(self):
        settings = register_queries.settings_of(self.clinic)
        settings = replace(
            settings, requires_eid_for_consultation=self._coin(), reminds_everyone=self._coin()
        )
        register.change_settings(clinic=self.clinic, settings=settings, seen=None, actor=None, now=self.now)

    def services(self):
        operations.save_services(
            clinic=self.clinic,
            provider_id=self.random.choice(self._active()).pk,
            allowed=self._coin(),
            columns={column: self._rights() for column in Column},
            actor=None,
            now=self.now,
        )

    def _rights(self):
        return Rights(
            self._coin(), self._coin(), self._coin(), self.random.choice(list(Approval)), self._coin()
        )

    def special(self):
        pick = self.random.choice
        special = SpecialRights(*(pick([None, True, False]) for _ in range(3)), pick([None, *Approval]), None)
        patient = pick(self.patients)
        operations.set_special_rights(patient=patient, special=special, actor=None, now=self.now)

    def matrix(self):
        people, service = self._active(), self.random.choice(list(Service))
        ticks = {
            Tick(service, row.pk if row else None, one.pk)
            for row in [*people, None]
            for one in people
            if self._coin()
        }
        version = Matrix.objects.filter(clinic=self.clinic).values_list("version", flat=True).first() or 0
        delegations.save_matrix(
            clinic=self.clinic, service=service, ticks=ticks, version=version, actor=None, now=self.now
        )

    def absence(self):
        people = self._active()
        first = date(2026, 6, self.random.randint(1, 28))
        covers = {service: self.random.choice(people) for service in Service if self._coin()}
        with contextlib.suppress(DelegationRefused):
            delegations.add_absence(
                clinic=self.clinic,
                provider=self.random.choice(people),
                first_day=first,
                last_day=first + timedelta(days=self.random.randint(0, 9)),
                covers=covers,
                actor=None,
                now=self.now,
            )

    def no_absence(self):
        found = Absence.objects.filter(clinic=self.clinic).order_by("?").first()
        if found:
            delegations.remove_absence(clinic=self.clinic, absence_id=found.pk, actor=None, now=self.now)

    def withdraw(self):
        with contextlib.suppress(PatientRefused):
            records.set_portal_withdrawn(
                patient=self.random.choice(self.patients), withdrawn=self._coin(), actor=None, now=self.now
            )

    def record(self):
        """The journal says that the patient has another GP, or has moved away."""
        patient = Patient.objects.get(pk=self.random.choice(self.patients).pk)
        gp = self.random.choice([*self._active(), None])
        values = {
            "birth_date": patient.birth_date,
            "given_name": patient.given_name,
            "family_name": patient.family_name,
            "mobile": patient.mobile,
            "email": patient.email,
            "gp_id": gp.pk if gp else None,
            "is_active": self._coin(),
        }
        row = GoodRow(2, patient.national_id, patient.national_id_index, values)
        records.import_patients(clinic=self.clinic, rows=[row], actor=None, now=self.now)

    def new_provider(self):
        if len(self.providers) < 7:
            self.providers.append(self._provider(len(self.providers)))

    def leave(self):
        people = self._active()
        if len(people) > 3:
            leaver, successor = self.random.sample(people, 2)
            leaving_operations.decide(
                clinic=self.clinic,
                who=Who(leaver.staff_member_id),
                last_day=self.now.astimezone(self.clinic.zone).date(),
                successor_id=successor.pk,
                actor=self.admin,
                now=self.now,
            )


def _compared(facts):
    """Return the facts with absences in one order."""
    return replace(
        facts, absences=tuple(sorted(facts.absences, key=lambda away: (away.first_day, away.provider)))
    )


@pytest.mark.parametrize("seed", range(4))
def test_facts_of_any_past_moment_are_those_that_were_stored_then(seed):
    world = Clinic(seed)
    world.now += timedelta(minutes=1)
    saved = [(world.now, world.facts())]
    for _turn in range(40):
        world.change()
        saved.append((world.now, world.facts()))
    assert len({repr(facts) for _moment, facts in saved}) > 15, "hardly anything was changed"
    for moment, facts in random.Random(seed).sample(saved, 12):
        assert world.facts_at(moment) == facts


def test_before_the_clinic_there_was_nothing_to_decide():
    world = Clinic(99)
    asked = {"patient": world.patients[0], "service": Service.BOOKING, "day": DAYS[0]}
    assert past_queries.facts_at(**asked, moment=START - timedelta(minutes=1)) is None
    assert past_queries.facts_at(**asked, moment=START) is not None


def test_a_tick_taken_away_yesterday_is_why_only_since_then(django_assert_max_num_queries):
    world = Clinic(7)
    provider = world.providers[0]
    patient = make_patient(world.clinic, gp=provider)
    operations.save_services(
        clinic=world.clinic,
        provider_id=provider.pk,
        allowed=True,
        columns={Column.WITH_GP: Rights(booking=True)},
        actor=None,
        now=START,
    )
    tick = Tick(Service.BOOKING, provider.pk, provider.pk)
    for hour, ticks in ((1, {tick}), (5, set())):
        delegations.save_matrix(
            clinic=world.clinic,
            service=Service.BOOKING,
            ticks=ticks,
            version=0 if ticks else 1,
            actor=None,
            now=START + timedelta(hours=hour),
        )

    def ask(hours):
        with django_assert_max_num_queries(4):
            return past_queries.explanation_at(
                patient=patient,
                service=Service.BOOKING,
                provider_id=provider.pk,
                assurance=Assurance.HIGH,
                day=DAYS[0],
                moment=START + timedelta(hours=hours),
            )

    assert ask(3).decision.allowed
    for hours in (0, 6):
        assert [answer.finding.reason for answer in ask(hours).answers if answer.is_first_failure] == [
            Reason.NOT_TICKED
        ]


def test_a_provider_added_since_is_not_among_those_of_then():
    world = Clinic(8)
    world.now = START + timedelta(days=1)
    late = world._provider(9)
    asked = {"patient": world.patients[0], "service": Service.BOOKING, "day": DAYS[0]}
    before = past_queries.facts_at(**asked, moment=START)
    assert late.pk not in before.providers
    assert make_provider(world.clinic).pk in past_queries.facts_at(**asked, moment=world.now).providers
