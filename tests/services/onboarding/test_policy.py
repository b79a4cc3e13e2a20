"""Rules of staff coming and leaving."""

from datetime import time

from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Role
from services.onboarding import policy
from services.onboarding.choices import StaffRefusal, Step
from services.onboarding.policy import Week

PROVIDER, ASSISTANT = {"role": {"is_provider": True}}, {"role": {"is_provider": False}}
ROLES = st.sets(st.sampled_from(list(Role)))


def filled(base, steps):
    return base | {step: base.get(step, {}) for step in steps}


@given(
    st.sampled_from([{}, PROVIDER, ASSISTANT]),
    st.sets(st.sampled_from([s.value for s in Step if s != Step.ROLE])),
)
def test_a_step_is_reached_only_when_all_before_it_are_filled_in(base, steps):
    told = filled(base, steps)
    order = policy.steps(told)
    for step in order:
        missing = [one for one in order[: order.index(step)] if one not in told]
        assert policy.is_reached(told, step) is (not missing)


@given(st.sampled_from([PROVIDER, ASSISTANT]))
def test_going_on_step_by_step_ends_at_the_summary(base):
    told, seen = dict(base), []
    while (step := policy.next_step(told)) is not Step.SUMMARY:
        seen.append(step)
        told[step] = {}
    assert [Step.ROLE, *seen, Step.SUMMARY] == list(policy.steps(told))


@given(ROLES, ROLES, ROLES, st.integers(0, 3))
def test_a_clinic_never_loses_its_last_administrator_and_the_system_role_is_given_by_its_own(
    before, after, actor, others
):
    refusal = policy.refuse_roles(before=before, after=after, actor=actor, other_administrators=others)
    if refusal is None:
        assert after
        assert others or not policy.is_administrator(before) or policy.is_administrator(after)
        system = Role.SYSTEM_ADMINISTRATOR
        assert (system in before) == (system in after) or system in actor


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_a_reset_needs_a_second_person(requested_by, user, confirmed_by):
    refusal = policy.refuse_confirmation(requested_by=requested_by, user=user, confirmed_by=confirmed_by)
    assert (refusal is None) is (confirmed_by not in {requested_by, user})


def test_the_pause_is_left_out_of_each_day():
    week = Week((0, 2), time(8), time(15), 20, time(11), time(11, 30))
    hours = [(s.weekday, s.starts_at, s.ends_at) for s in week.stretches()]
    assert hours == [
        (0, time(8), time(11)),
        (0, time(11, 30), time(15)),
        (2, time(8), time(11)),
        (2, time(11, 30), time(15)),
    ]


def test_every_refusal_has_words():
    assert all(str(reason.label).endswith(".") for reason in StaffRefusal)
