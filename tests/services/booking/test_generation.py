"""Slots from templates, through both clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking.weekly import generation as generation
from services.booking.weekly.generation import Block

ZONES = [ZoneInfo("Europe/Oslo"), ZoneInfo("Europe/Copenhagen")]
FIRST, LAST = date(2026, 1, 1), date(2036, 12, 31)


def block(weekday=0, starts=time(8), ends=time(9), minutes=20, valid_from=FIRST, valid_until=None):
    return Block(weekday, starts, ends, minutes, "portal", valid_from, valid_until)


def expected(starts: time, ends: time, minutes: int) -> list[time]:
    start = datetime.combine(FIRST, starts)
    number = (datetime.combine(FIRST, ends) - start) // timedelta(minutes=minutes)
    return [(start + timedelta(minutes=minutes * place)).time() for place in range(number)]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_every_day_of_eleven_years_shows_the_templates_clock_times(zone):
    week = [block(weekday, time(8), time(15, 30), 25) for weekday in range(7)]
    slots = generation.plan(week, first_day=FIRST, last_day=LAST, zone=zone)
    clocks = expected(time(8), time(15, 30), 25)
    by_day: dict[date, list[time]] = {}
    for slot in slots:
        by_day.setdefault(slot.day, []).append(slot.starts_at.astimezone(zone).time())
        assert slot.ends_at - slot.starts_at == timedelta(minutes=25)
    assert by_day == dict.fromkeys(generation.days_between(FIRST, LAST), clocks)


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("minutes", [10, 45, 60])
def test_nights_lose_the_hour_that_is_left_out_and_use_the_repeated_one_once(zone, minutes):
    week = [block(weekday, time(0), time(6), minutes) for weekday in range(7)]
    slots = generation.plan(week, first_day=FIRST, last_day=LAST, zone=zone)
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(slots))
    clocks = expected(time(0), time(6), minutes)
    for day in generation.days_between(FIRST, LAST):
        midnight = datetime.combine(day, time(0), tzinfo=zone)
        shift = (midnight + timedelta(hours=6)).utcoffset() - midnight.utcoffset()
        if not shift:
            continue
        found = [slot.starts_at.astimezone(zone) for slot in slots if slot.day == day]
        assert not any(start.fold for start in found)
        real = [clock for clock in clocks if shift < timedelta(0) or not time(2) <= clock < time(3)]
        if minutes == 45 and shift > timedelta(0):
            # 01:30 to 02:15 ends at 03:15 by the clock, when 03:00 has already begun
            real.remove(time(3))
        assert [start.time().replace(fold=0) for start in found] == real


blocks = st.builds(
    lambda weekday, start, length, minutes, first, days: Block(
        weekday,
        time(start // 60, start % 60),
        time(min(start + length, 1439) // 60, min(start + length, 1439) % 60),
        minutes,
        "portal",
        FIRST + timedelta(days=first),
        FIRST + timedelta(days=first + days) if days < 900 else None,
    ),
    st.integers(0, 6),
    st.integers(0, 1380),
    st.integers(30, 600),
    st.integers(5, 120),
    st.integers(0, 3900),
    st.integers(0, 1000),
)


@settings(max_examples=60, deadline=None)
@given(week=st.lists(blocks, max_size=6), zone=st.sampled_from(ZONES), start=st.integers(0, 3900))
def test_whatever_the_templates_say_no_slots_overlap_and_all_clock_times_are_real(week, zone, start):
    first = FIRST + timedelta(days=start)
    slots = generation.plan(week, first_day=first, last_day=first + timedelta(days=90), zone=zone)
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(slots))
    for slot in slots:
        local = slot.starts_at.astimezone(zone)
        assert local.date() == slot.day
        assert any(one.holds_on(slot.day) and one.starts_at <= local.time() < one.ends_at for one in week), (
            "a slot that no block asked for"
        )


def test_a_template_holds_from_its_first_to_its_last_day():
    slots = generation.plan(
        [block(valid_from=date(2026, 11, 23), valid_until=date(2026, 11, 30))],
        first_day=date(2026, 11, 1),
        last_day=date(2026, 12, 31),
        zone=ZONES[0],
    )
    assert sorted({slot.day for slot in slots}) == [date(2026, 11, 23), date(2026, 11, 30)]


def test_closed_days_have_no_slots():
    day = date(2026, 11, 23)
    slots = generation.plan([block()], first_day=day, last_day=day, zone=ZONES[0], closed={day})
    assert slots == []


def test_a_rest_too_short_for_a_slot_stays_empty():
    day = date(2026, 11, 23)
    slots = generation.plan([block(minutes=25)], first_day=day, last_day=day, zone=ZONES[0])
    assert [slot.starts_at for slot in slots] == [
        datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 7, 25, tzinfo=UTC),
    ]


def test_where_blocks_overlap_the_earlier_slot_stands():
    day = date(2026, 11, 23)
    both = [block(), block(starts=time(8, 50), ends=time(9, 50))]
    slots = generation.plan(both, first_day=day, last_day=day, zone=ZONES[0])
    clocks = [slot.starts_at.astimezone(ZONES[0]).strftime("%H:%M") for slot in slots]
    assert clocks == ["08:00", "08:20", "08:40", "09:10", "09:30"]


@pytest.mark.parametrize(
    ("country", "day", "closed"),
    [
        ("NO", date(2026, 5, 17), True),
        ("NO", date(2026, 5, 14), True),
        ("NO", date(2026, 11, 22), False),  # an ordinary Sunday is the template's business
        ("DK", date(2026, 5, 14), True),
        ("DK", date(2026, 6, 5), False),  # constitution day: optional in Denmark
        ("DK", date(2026, 12, 24), False),
        ("NO", date(2027, 1, 1), True),
    ],
)
def test_public_holidays_are_closed_and_optional_ones_are_not(country, day, closed):
    found = generation.public_holidays(country, date(2026, 1, 1), date(2027, 12, 31))
    assert (day in found) == closed
