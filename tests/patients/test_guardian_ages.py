"""The age steps of both countries, over all birth dates: they turn at local midnight on the birthday, and not before."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin import ages
from clinic_admin.choices import Country
from clinic_admin.countries import rules_of
from patients.guardianship import policy
from patients.guardianship.choices import ActingRefusal, Area, Status
from patients.guardianship.policy import People, Standing

BIRTHS = st.one_of(
    st.dates(date(1990, 1, 1), date(2026, 11, 27)),
    st.sampled_from([date(year, 2, 29) for year in (1996, 2000, 2004, 2008, 2012, 2016, 2020, 2024)]),
)
COUNTRIES = st.sampled_from(list(Country))
ADULT = date(1975, 1, 1)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def standing(**values):
    known = {
        "is_blocked": False,
        "is_confirmed": False,
        "confirmed_until": None,
        "status": Status.VALID,
        "valid_from": None,
        "valid_to": None,
        "fetched_at": NOW,
    }
    return Standing(**known | values)


def answer(born, day, country, *, adult=ADULT, now=NOW, **values):
    people = People(subject_born=born, actor_born=adult, is_same=False)
    return policy.refuse_guardian(people, standing(**values), rules_of(country), today=day, now=now)


@given(BIRTHS, COUNTRIES)
def test_guardians_act_until_the_day_before_the_birthday(born, country):
    first = ages.birthday(born, rules_of(country).own_decisions_from)
    assert answer(born, first - timedelta(days=1), country) is None
    assert answer(born, first, country) == ActingRefusal.GROWN_UP
    assert answer(born, first + timedelta(days=400), country) == ActingRefusal.GROWN_UP


@given(BIRTHS, st.integers(1, 18))
def test_a_birthday_is_the_first_day_of_an_age(born, age):
    day = ages.birthday(born, age)
    assert ages.age_on(born, day) == age
    assert ages.age_on(born, day - timedelta(days=1)) == age - 1


@given(BIRTHS, COUNTRIES)
def test_the_day_turns_at_the_clinics_midnight_not_at_utcs(born, country):
    zone = ZoneInfo(Country(country).time_zone)
    first = ages.birthday(born, rules_of(country).own_decisions_from)
    midnight = datetime(first.year, first.month, first.day, tzinfo=zone)
    before = (midnight.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone).date()
    at = midnight.astimezone(UTC).astimezone(zone).date()
    assert answer(born, before, country) is None
    assert answer(born, at, country) == ActingRefusal.GROWN_UP


@given(BIRTHS)
def test_from_twelve_norwegian_guardians_have_appointments_only(born):
    rules = rules_of("NO")
    twelve = ages.birthday(born, 12)
    everything = policy.guardian_areas(born, rules, letters_open=False, today=twelve - timedelta(days=1))
    assert everything == set(Area)
    only = policy.guardian_areas(born, rules, letters_open=False, today=twelve)
    assert only == {Area.START, Area.APPOINTMENTS}
    opened = policy.guardian_areas(born, rules, letters_open=True, today=twelve)
    assert opened == set(Area) - {Area.CONTACT}


@given(BIRTHS)
def test_danish_guardians_have_everything_until_the_end(born):
    rules = rules_of("DK")
    last = ages.birthday(born, 15) - timedelta(days=1)
    assert policy.guardian_areas(born, rules, letters_open=False, today=last) == set(Area)


@given(BIRTHS, COUNTRIES)
def test_guardians_are_of_age(born, country):
    rules = rules_of(country)
    eighteen = ages.birthday(born, rules.guardian_from)
    people = People(subject_born=eighteen - timedelta(days=800), actor_born=born, is_same=False)
    assert policy.refuse_people(people, rules, eighteen - timedelta(days=1)) == ActingRefusal.TOO_YOUNG
    assert policy.refuse_people(people, rules, eighteen) is None


@pytest.mark.parametrize("country", list(Country))
@pytest.mark.parametrize("who", ["subject_born", "actor_born"])
def test_an_unknown_birth_date_opens_nothing(country, who):
    values = {"subject_born": date(2020, 1, 1), "actor_born": ADULT, "is_same": False} | {who: None}
    assert policy.refuse_people(People(**values), rules_of(country), NOW.date()) == ActingRefusal.NO_AGE


@given(st.sampled_from(Status), st.integers(-1, 30), st.booleans())
def test_only_a_fresh_yes_opens(status, hours, blocked):
    refusal = answer(
        date(2020, 1, 1),
        NOW.date(),
        Country.NORWAY,
        status=status,
        fetched_at=NOW - timedelta(hours=hours),
        is_blocked=blocked,
    )
    assert (refusal is None) == (status is Status.VALID and 0 <= hours < 24 and not blocked)


@pytest.mark.parametrize(
    ("values", "opens"),
    [
        ({"valid_from": NOW.date()}, True),
        ({"valid_from": NOW.date() + timedelta(days=1)}, False),
        ({"valid_to": NOW.date()}, True),
        ({"valid_to": NOW.date() - timedelta(days=1)}, False),
        ({"status": Status.NOT_VALID, "is_confirmed": True}, True),
        ({"status": Status.ERROR, "is_confirmed": True, "confirmed_until": NOW.date()}, True),
        ({"status": Status.ERROR, "is_confirmed": True, "confirmed_until": date(2026, 11, 26)}, False),
        ({"is_confirmed": True, "is_blocked": True}, False),
    ],
)
def test_days_of_a_right_are_included_and_the_clinics_word_counts(values, opens):
    assert (answer(date(2020, 1, 1), NOW.date(), Country.DENMARK, **values) is None) == opens


def test_answers_are_kept_a_day_when_yes_and_an_hour_when_not():
    day, hour = timedelta(hours=24), timedelta(hours=1)
    assert policy.is_fresh(Status.VALID, NOW - day + timedelta(seconds=1), NOW)
    assert not policy.is_fresh(Status.VALID, NOW - day, NOW)
    assert policy.is_fresh(Status.UNKNOWN, NOW - hour + timedelta(seconds=1), NOW)
    assert not policy.is_fresh(Status.NOT_VALID, NOW - hour, NOW)
    assert not policy.is_fresh(Status.VALID, None, NOW)


@given(BIRTHS, COUNTRIES, st.integers(0, 10))
def test_a_childs_session_does_not_outlive_childhood(born, country, days):
    age = rules_of(country).own_decisions_from
    birthday = ages.birthday(born, age)
    then = birthday - timedelta(days=1)
    assert not policy.grew_up(born, age, then=then, today=then)
    assert policy.grew_up(born, age, then=then, today=birthday + timedelta(days=days))
    assert not policy.grew_up(born, age, then=birthday, today=birthday + timedelta(days=days))
