"""On random clinics every answer of the product is the answer of a plain loop over the rules."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clinic_admin.choices import Service
from delegation.policy import Presence, presence
from services.access import policy, queries
from services.access.choices import Column
from tests.services.access import reference
from tests.services.access.reference import DAYS, assurances, worlds

pytestmark = pytest.mark.django_db

stored = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(world, assurance):
    """Compare all answers about the clinic with the reference."""
    expected = {
        (patient.pk, service, provider.pk, day): reference.answer(
            world, patient, service, provider, assurance, day
        )
        for patient in world.patients
        for service in Service
        for provider in world.providers
        for day in DAYS
    }
    for patient in world.patients:
        check_decisions(patient, assurance, expected)
        check_lists(world, patient, assurance, expected)
        check_windows(patient, assurance, expected)
    check_reach(world, assurance, expected)


def check_decisions(patient, assurance, expected):
    facts = queries.load_facts(patient, first_day=DAYS[0], last_day=DAYS[-1])
    for (patient_id, service, provider_id, day), (failed, approval, may_cancel) in expected.items():
        if patient_id != patient.pk:
            continue
        decision = policy.decide(facts, service, provider_id, assurance, day)
        assert [rule.value for rule in decision.failed] == failed
        assert (decision.approval.value, decision.may_cancel) == (approval, may_cancel)
        if day == DAYS[2]:  # what is read for one question only answers it as all facts do
            asked = {"patient": patient, "service": service, "provider_id": provider_id}
            assert queries.decision(**asked, assurance=assurance, day=day) == decision
        findings = policy.explain(facts, service, provider_id, assurance, day)
        assert [finding.rule for finding in findings] == ["R1", "R2", "R3", "R4", "R5", "R6"]


def check_lists(world, patient, assurance, expected):
    for service in Service:
        choices = queries.with_whom(patient=patient, service=service, assurance=assurance, day=DAYS[2])
        answers = {(choice.provider_id, choice.approval.value, choice.may_cancel) for choice in choices}
        loop = {
            (provider.pk, approval, may_cancel)
            for provider in world.providers
            for failed, approval, may_cancel in [expected[patient.pk, service, provider.pk, DAYS[2]]]
            if not failed
        }
        assert answers == loop
        in_order = sorted(
            (
                provider
                for provider in world.providers
                if provider.pk in {choice.provider_id for choice in choices}
            ),
            key=lambda provider: (provider != patient.gp, provider.position, provider.name, provider.pk),
        )
        assert [choice.provider_id for choice in choices] == [provider.pk for provider in in_order]


def check_windows(patient, assurance, expected):
    windows = queries.windows(
        patient=patient, services=list(Service), assurance=assurance, first_day=DAYS[0], last_day=DAYS[-1]
    )
    days = Counter(
        (patient.pk, window.service, window.provider.provider_id, day)
        for window in windows
        for day in DAYS
        if window.first_day <= day <= window.last_day
    )
    assert set(days) == {key for key, (failed, *_) in expected.items() if key[0] == patient.pk and not failed}
    assert set(days.values()) <= {1}, "windows of the same service and provider don't overlap"
    for window in windows:
        _, approval, may_cancel = expected[
            patient.pk, window.service, window.provider.provider_id, window.first_day
        ]
        assert (window.provider.approval.value, window.provider.may_cancel) == (approval, may_cancel)


def check_reach(world, assurance, expected):
    loop = Counter(
        (service, provider_id)
        for (_, service, provider_id, day), (failed, *_) in expected.items()
        if day == DAYS[2] and not failed
    )
    assert queries.reach(clinic=world.clinic, day=DAYS[2], assurance=assurance) == dict(loop)


@stored
@given(world=worlds(), assurance=assurances)
def test_every_answer_is_that_of_a_plain_loop_over_the_rules(db, world, assurance):
    check(world, assurance)


# -- the comparison bites ----------------------------------------------------------------------------------
def standard_of_the_asked(facts, provider_id):
    """Broken: patients whose GP has no portal access get the other column."""
    gp = facts.providers.get(facts.patient.gp_id)
    if gp is not None and gp.has_portal_access:
        return Column.WITH_GP, gp
    return Column.WITHOUT_GP, facts.providers.get(provider_id)


def ignore_cover(absences, day):
    """Broken: nobody stands in."""
    return Presence(presence(absences, day).away, {})


def stay_when_away(absences, day):
    """Broken: those away keep their ticks."""
    return replace(presence(absences, day), away=frozenset())


def one_day_late(absences, day):
    """Broken: an absence leaves out its last day."""
    return presence([absence for absence in absences if absence.last_day != day], day)


def cover_every_service(absences, day):
    """Broken: whoever covers one service covers all."""
    return presence(
        [
            replace(absence, covers=dict.fromkeys(Service, next(iter(absence.covers.values()))))
            if absence.covers
            else absence
            for absence in absences
        ],
        day,
    )


BROKEN = [
    *[("RULES", policy.RULES[:number] + policy.RULES[number + 1 :]) for number in range(6)],
    ("presence", ignore_cover),
    ("presence", stay_when_away),
    ("presence", one_day_late),
    ("presence", cover_every_service),
    ("_column", standard_of_the_asked),
    ("stretches", lambda absences, first, last: [(first, last)]),
]


@pytest.mark.parametrize(
    ("name", "broken"),
    BROKEN,
    ids=[f"without-{rule.value}" for rule in policy.Rule] + [b.__name__ for _, b in BROKEN[6:]],
)
def test_a_broken_rule_is_found(db, monkeypatch, name, broken):
    monkeypatch.setattr(policy, name, broken)

    @settings(
        parent=stored,
        max_examples=300,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
    )
    @given(world=worlds(), assurance=assurances)
    def compare(world, assurance):
        check(world, assurance)

    with pytest.raises(AssertionError):
        compare()


@given(day=st.sampled_from(DAYS))
def test_no_days_are_no_windows(day):
    facts = policy.AccessFacts(policy.ClinicFacts(True, True), policy.PatientFacts(True, True, False, None))
    assert policy.spans(facts, tuple(Service), policy.Assurance.HIGH, day, DAYS[0].replace(year=2025)) == []
