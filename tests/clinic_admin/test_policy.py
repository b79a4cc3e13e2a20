"""Rules of the register."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin import policy
from clinic_admin.choices import ClinicRefusal
from clinic_admin.policy import ClosedDays, OpenPeriod

TODAY = date(2026, 11, 22)


def period(weekday, opens, closes):
    return OpenPeriod(str(weekday), time.fromisoformat(opens), time.fromisoformat(closes))


@pytest.mark.parametrize(
    ("periods", "refusal"),
    [
        ([], None),
        ([period(0, "08:00", "15:00")], None),
        ([period(0, "08:00", "12:00"), period(0, "12:30", "15:00")], None),
        ([period(0, "08:00", "12:00"), period(1, "08:00", "12:00")], None),
        ([period(0, "15:00", "08:00")], ClinicRefusal.HOURS_OUT_OF_ORDER),
        ([period(0, "08:00", "08:00")], ClinicRefusal.HOURS_OUT_OF_ORDER),
        ([period(0, "12:00", "15:00"), period(0, "08:00", "12:30")], ClinicRefusal.HOURS_OVERLAP),
        ([period(0, "08:00", "12:00"), period(0, "12:00", "15:00")], ClinicRefusal.HOURS_OVERLAP),
    ],
)
def test_opening_hours_are_in_order_and_apart(periods, refusal):
    assert policy.hours_refusal(periods) == refusal


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(0, 23)), max_size=8))
def test_accepted_hours_never_share_a_minute(drawn):
    periods = [OpenPeriod(str(day), time(a), time(b)) for day, a, b in drawn]
    shared = any(
        x is not y and x.weekday == y.weekday and x.opens_at < y.closes_at and y.opens_at < x.closes_at
        for x in periods
        for y in periods
    )
    if policy.hours_refusal(periods) is None:
        assert not shared


def test_the_token_of_hours_does_not_depend_on_their_order():
    a, b = period(0, "08:00", "12:00"), period(1, "08:00", "12:00")
    assert policy.hours_token([a, b]) == policy.hours_token([b, a]) != policy.hours_token([a])


@pytest.mark.parametrize(
    ("first", "last", "refusal"),
    [
        (date(2026, 12, 24), date(2027, 1, 2), None),
        (date(2026, 11, 20), date(2026, 11, 22), None),
        (date(2026, 12, 24), date(2026, 12, 23), ClinicRefusal.CLOSURE_OUT_OF_ORDER),
        (date(2026, 11, 20), date(2026, 11, 21), ClinicRefusal.CLOSURE_IS_OVER),
        (date(2026, 12, 2), date(2026, 12, 3), ClinicRefusal.CLOSURE_TWICE),
        (date(2026, 12, 3), date(2026, 12, 5), None),
    ],
)
def test_closures_are_in_order_to_come_and_new(first, last, refusal):
    existing = [ClosedDays(date(2026, 12, 1), date(2026, 12, 4))]
    assert policy.closure_refusal(ClosedDays(first, last), existing=existing, today=TODAY) == refusal


def test_every_refusal_has_a_next_step():
    assert all(refusal.next_step for refusal in ClinicRefusal)
