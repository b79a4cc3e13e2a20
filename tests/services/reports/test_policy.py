"""Rules of the logs."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.choices import Approval
from services.access.policy import PatientFacts, ProviderFacts, Rights, SpecialRights
from services.reports import policy
from services.reports.choices import RecordState

BY_HAND = Rights(booking=True, approval=Approval.BY_HAND)
AUTOMATIC = Rights(booking=True, cancelling=True, approval=Approval.AUTOMATIC)


def patient(gp_id=1, special=None, **values):
    facts = {"is_active": True, "has_national_id": True, "is_withdrawn": False} | values
    return PatientFacts(gp_id=gp_id, special=special or SpecialRights(), **facts)


def providers(*columns, **values):
    found = (
        ProviderFacts(number, **({"has_portal_access": True} | values), with_gp=column, without_gp=column)
        for number, column in enumerate(columns, start=1)
    )
    return {provider.id: provider for provider in found}


def test_a_patient_of_a_list_has_what_the_gp_gives():
    has = policy.active(patient(), providers(AUTOMATIC, Rights(renewal=True)))
    assert (has.booking, has.cancelling, has.renewal, has.by_hand) == (True, True, False, False)


def test_what_is_special_replaces_the_standard_right_by_right():
    special = SpecialRights(renewal=True, cancelling=False, approval=Approval.BY_HAND)
    has = policy.active(patient(special=special), providers(AUTOMATIC))
    assert (has.booking, has.cancelling, has.renewal, has.by_hand) == (True, False, True, True)


def test_a_patient_without_a_gp_has_what_any_reachable_provider_gives():
    has = policy.active(patient(gp_id=None), providers(AUTOMATIC, BY_HAND))
    assert has.booking
    assert has.by_provider
    assert not has.by_hand
    nobody = policy.active(patient(gp_id=None), providers(AUTOMATIC, has_portal_access=False))
    assert not nobody.booking


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"is_active": False}, RecordState.INACTIVE),
        ({"has_national_id": False}, RecordState.NO_NATIONAL_ID),
        ({"is_withdrawn": True}, RecordState.WITHDRAWN),
    ],
)
def test_without_a_record_in_order_there_are_no_services_whatever_is_special(values, state):
    special = SpecialRights(booking=True, renewal=True, consultation=True)
    assert policy.active(patient(special=special, **values), providers(AUTOMATIC)) == policy.Active(state)


@given(st.text())
def test_no_cell_starts_like_a_formula(text):
    cell = policy.safe_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert not cell.startswith(("\t", "\r", "\n"))
    assert cell in (text, f"'{text}")


@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_every_bar_stands_on_the_ground_inside_the_drawing(numbers):
    drawn = policy.bars([(date(2026, 1, 5), number) for number in numbers])
    for bar in drawn:
        assert 0 <= bar.height <= policy.HEIGHT
        assert bar.y + bar.height == pytest.approx(policy.HEIGHT, abs=0.11)
        assert (bar.height > 0) == (bar.number > 0)
        assert bar.x + policy.BAR <= policy.width(drawn)


def test_the_weeks_of_the_chart_end_with_the_running_one():
    found = policy.mondays(date(2026, 11, 22))
    assert found[-1] == date(2026, 11, 16)
    assert len(found) == 26
    assert all(day.weekday() == 0 for day in found)
