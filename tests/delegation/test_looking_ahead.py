"""Gaps that absences leave: on random calendars the rule gives the days of a plain loop; the task does a day once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Service
from delegation import operations, queries, tasks
from delegation.models import Gap, LookAhead
from delegation.policy import Away, Tick, gaps, presence, refuse_absence, served, stretches
from tests.build import make_clinic, make_provider, make_user
from tests.services.access.build_access import away, tick

FIRST = date(2026, 6, 29)
DAYS = [FIRST + timedelta(days=number) for number in range(28)]
PEOPLE = [1, 2, 3, 4]

ticks = st.frozensets(
    st.builds(Tick, st.sampled_from(Service), st.sampled_from([*PEOPLE, None]), st.sampled_from(PEOPLE)),
    max_size=20,
)


@st.composite
def absences(draw):
    first = draw(st.integers(-5, 30))
    provider = draw(st.sampled_from(PEOPLE))
    covers = draw(
        st.dictionaries(st.sampled_from(Service), st.sampled_from([one for one in PEOPLE if one != provider]))
    )
    return Away(
        provider, FIRST + timedelta(first), FIRST + timedelta(first + draw(st.integers(0, 20))), covers
    )


def plain(ticks, reachable, calendar, service, row, day):
    """Is there somebody for the row on the day? Written once more with loops."""
    out = {one.provider for one in calendar if one.first_day <= day <= one.last_day}
    for provider in reachable:
        if provider in out:
            continue
        if Tick(service, row, provider) in ticks:
            return True
        for one in calendar:
            is_today = one.first_day <= day <= one.last_day
            if is_today and one.covers.get(service) == provider and Tick(service, row, one.provider) in ticks:
                return True
    return False


@given(
    ticks=ticks, reachable=st.frozensets(st.sampled_from(PEOPLE)), calendar=st.lists(absences(), max_size=5)
)
def test_gaps_are_the_days_of_a_plain_loop(ticks, reachable, calendar):
    found = {
        (gap.service, gap.row, day)
        for gap in gaps(ticks, reachable, calendar, DAYS[0], DAYS[-1])
        for day in DAYS
        if gap.first_day <= day <= gap.last_day
    }
    loop = {
        (service, row, day)
        for service in Service
        for row in [*PEOPLE, None]
        for day in DAYS
        if plain(ticks, reachable, [], service, row, day)
        and not plain(ticks, reachable, calendar, service, row, day)
    }
    assert found == loop


@given(
    ticks=ticks, reachable=st.frozensets(st.sampled_from(PEOPLE)), calendar=st.lists(absences(), max_size=5)
)
def test_served_rows_are_those_of_a_plain_loop_and_the_day_after_all_is_as_before(ticks, reachable, calendar):
    for day in DAYS[::3]:
        rows = served(ticks, reachable, presence(calendar, day))
        assert rows == {
            (service, row)
            for service in Service
            for row in [*PEOPLE, None]
            if plain(ticks, reachable, calendar, service, row, day)
        }
    over = max([one.last_day for one in calendar], default=FIRST) + timedelta(days=1)
    assert served(ticks, reachable, presence(calendar, over)) == served(ticks, reachable, presence([], over))


@given(calendar=st.lists(absences(), max_size=8))
def test_absences_that_were_let_in_make_no_loops(calendar):
    stored = []
    for wanted in calendar:
        if refuse_absence(wanted, stored) is None:
            stored.append(wanted)
    for day in DAYS:
        today = presence(stored, day)
        standing_in = {cover for _service, cover in today.stands_in_for}
        assert not standing_in & today.away, "nobody covers while away"
        assert len([one for one in stored if one.includes(day)]) == len(today.away), "nobody is away twice"


@given(calendar=st.lists(absences(), max_size=5))
def test_pieces_cover_every_day_once(calendar):
    pieces = stretches(calendar, DAYS[0], DAYS[-1])
    assert [
        first + timedelta(days=number) for first, last in pieces for number in range((last - first).days + 1)
    ] == DAYS
    for first, last in pieces:
        assert presence(calendar, first) == presence(calendar, last)


# -- at night ----------------------------------------------------------------------------------------------
NOW = datetime(2026, 6, 29, 2, 0, tzinfo=UTC)


@pytest.fixture
def clinic(db):
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Koman")


def test_a_night_finds_the_days_without_anybody_once(clinic, koman):
    tick(koman, koman)
    away(koman, date(2026, 7, 1), date(2026, 7, 3))
    assert operations.look_ahead(clinic=clinic, now=NOW)
    assert not operations.look_ahead(clinic=clinic, now=NOW + timedelta(hours=5))
    gap = Gap.objects.get()
    assert (gap.service, gap.row, gap.first_day, gap.last_day) == (
        "booking",
        koman,
        date(2026, 7, 1),
        date(2026, 7, 3),
    )
    assert operations.look_ahead(clinic=clinic, now=NOW + timedelta(days=1)), "the next day is another"
    assert LookAhead.objects.count() == 2


def test_the_clinics_own_midnight_counts(clinic):
    late = datetime(2026, 6, 29, 21, 59, tzinfo=UTC)
    operations.look_ahead(clinic=clinic, now=late)
    assert operations.look_ahead(clinic=clinic, now=late + timedelta(minutes=2))
    assert [row.day for row in LookAhead.objects.order_by("day")] == [date(2026, 6, 29), date(2026, 6, 30)]


def test_a_change_is_seen_at_once_and_not_first_at_night(clinic, koman):
    lent = make_provider(clinic, name="Lent", has_patient_list=False)
    by = {"actor": make_user(), "now": NOW}
    tick(koman, koman)
    absence = operations.add_absence(
        clinic=clinic,
        provider=koman,
        first_day=date(2026, 7, 1),
        last_day=date(2026, 7, 3),
        covers={Service.RENEWAL: lent},
        **by,
    )
    assert [gap.service for gap in queries.gaps_from(clinic=clinic, day=date(2026, 6, 29))] == ["booking"]
    assert queries.gaps_from(clinic=clinic, day=date(2026, 7, 4)) == []
    operations.remove_absence(clinic=clinic, absence_id=absence.pk, **by)
    assert not Gap.objects.exists()


def test_the_task_does_every_clinic_that_is_on(clinic):
    off = make_clinic(is_active=False)
    for _ in range(2):
        tasks.look_ahead()
    assert [row.clinic for row in LookAhead.objects.all()] == [clinic]
    assert off.pk
