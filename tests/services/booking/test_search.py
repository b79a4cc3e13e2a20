"""Free times: exactly what the decision allows, in two queries."""

import os
import random
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from clinic_admin.choices import Service
from clinic_admin.models import Closure
from delegation.models import MatrixTick
from identity.choices import Assurance
from services.access import queries as access
from services.access.models import SpecialRights
from services.booking import free_times, policy
from services.booking.choices import SlotKind, SlotState
from services.booking.day_parts import DayPart
from services.booking.models import Slot
from tests.build import make_clinic, make_patient, make_provider
from tests.services.booking.build_booking import MONDAY, NOW, allow, make_absence, make_slot, make_world

IS_LONG = "VENTEROM_KILLS" in os.environ
SUNDAYS = (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))
"""On which the clocks go forward, and back."""


def by_hand(patient, now, first_day, last_day):
    """Ask the decision about every single slot of the clinic."""
    clinic = patient.clinic
    found = []
    for slot in Slot.objects.filter(clinic=clinic).order_by("starts_at", "pk"):
        service = policy.service_of(slot.kind)
        if service is None or not first_day <= slot.day <= last_day:
            continue
        decision = access.decision(
            patient=patient,
            service=service,
            provider_id=slot.provider_id,
            assurance=Assurance.HIGH,
            day=slot.day,
        )
        local = now.astimezone(clinic.zone)
        tomorrow_is_out = local.time() >= clinic.urgent_release_at
        days_ahead = (slot.day - local.date()).days
        if (
            decision.allowed
            and slot.state == SlotState.FREE
            and slot.starts_at > now
            and days_ahead <= 84
            and (slot.kind != SlotKind.URGENT or days_ahead <= (1 if tomorrow_is_out else 0))
        ):
            found.append(slot.pk)
    return found


def random_ticks(dice, clinic, providers):
    for service in (Service.BOOKING, Service.URGENT):
        for row in [None, *providers]:
            for provider in providers:
                if dice.random() < 0.5:
                    MatrixTick.objects.get_or_create(
                        clinic=clinic, service=service, row=row, provider=provider
                    )
    for _ in range(dice.randrange(3)):
        first, away = MONDAY + timedelta(days=dice.randrange(-2, 8)), dice.choice(providers)
        make_absence(
            away,
            first,
            first + timedelta(days=dice.randrange(5)),
            cover=dice.choice([None, *(one for one in providers if one != away)]),
        )


def random_slots(dice, providers):
    for provider in providers:
        for number in range(-2, 100, 3):
            make_slot(
                provider,
                NOW + timedelta(hours=5 * number),
                kind=dice.choice(SlotKind.values),
                state=dice.choice([SlotState.FREE, SlotState.FREE, SlotState.TAKEN, SlotState.BLOCKED]),
            )
        make_slot(provider, NOW + timedelta(days=dice.choice([83, 84, 85])))


def random_clinic(dice):
    """Store a clinic with rights, ticks, absences and slots at random; return one of its patients and a moment."""
    clinic = make_clinic(urgent_release_at=time(dice.randrange(24), dice.randrange(60)))
    providers = [
        make_provider(clinic, has_portal_access=dice.random() < 0.8, is_active=dice.random() < 0.9)
        for _ in range(3)
    ]
    for provider in providers:
        allow(provider, booking=dice.random() < 0.8)
    random_ticks(dice, clinic, providers)
    patient = make_patient(clinic, gp=dice.choice([None, *providers]))
    patient.clinic = clinic
    if dice.random() < 0.3:
        SpecialRights.objects.create(patient=patient, booking=dice.random() < 0.5)
    random_slots(dice, providers)
    return patient, NOW + timedelta(minutes=dice.randrange(-600, 1440))


class TheSearchSaysWhatTheDecisionSays(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 2**32))
    def test_on_random_clinics(self, seed):
        dice = random.Random(seed)
        patient, now = random_clinic(dice)
        first_day = MONDAY + timedelta(days=dice.randrange(-3, 6))
        last_day = first_day + timedelta(days=dice.choice([0, 6, 100]))
        asked = {"patient": patient, "assurance": Assurance.HIGH, "now": now}
        found = free_times.free_slots(**asked, first_day=first_day, last_day=last_day)
        assert sorted(slot.slot_id for slot in found) == sorted(by_hand(patient, now, first_day, last_day))
        assert [slot.starts_at for slot in found] == sorted(slot.starts_at for slot in found)

        everything = free_times.free_slots(
            **asked, first_day=MONDAY - timedelta(days=9), last_day=MONDAY + timedelta(days=99)
        )
        firsts = {}
        for slot in everything:
            firsts.setdefault(slot.provider_id, slot.starts_at)
        per_provider = free_times.first_free_per_provider(**asked)
        assert {number: slot.starts_at for number, slot in per_provider.items()} == firsts

        offer = free_times.offer(**asked, first_day=first_day, last_day=last_day)
        assert {slot.slot_id for slot in offer.times} <= {slot.slot_id for slot in found}
        shown = [(slot.starts_at, slot.kind) for slot in offer.times]
        assert len(shown) == len(set(shown))
        assert set(shown) == {(slot.starts_at, slot.kind) for slot in found}
        one = patient.gp_id or 0
        of_one = free_times.offer(**asked, first_day=first_day, last_day=last_day, provider_id=one)
        assert [slot.slot_id for slot in of_one.times] == [
            slot.slot_id for slot in found if slot.provider_id == one
        ]
        assert {slot.slot_id for slot in of_one.times if slot.starts_at in dict(shown)} <= {
            slot.slot_id for slot in offer.times
        }, "the own GP comes first"
        assert {
            one.choice.provider_id: one.first_free.starts_at for one in offer.providers if one.first_free
        } == firsts
        part = dice.choice(list(DayPart))
        at_part = free_times.offer(**asked, first_day=first_day, last_day=last_day, part=part)
        zone = patient.clinic.zone
        assert [slot.slot_id for slot in at_part.times] == [
            slot.slot_id for slot in offer.times if is_in(part, slot.starts_at, zone)
        ]
        at_hours = [slot.starts_at for slot in everything if is_in(part, slot.starts_at, zone)]
        assert (at_part.first_free and at_part.first_free.starts_at) == min(at_hours, default=None)


class PartsOfTheDayAreTheClinicsOwn(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        zone=st.sampled_from(["Europe/Oslo", "Europe/Copenhagen"]),
        sunday=st.sampled_from(SUNDAYS),
        part=st.sampled_from(DayPart),
        quarters=st.sets(st.integers(-4 * 36, 4 * 72), max_size=40),
        since=st.integers(-40, 40),
        days=st.integers(0, 5),
    )
    def test_around_the_changes_of_the_clocks(self, zone, sunday, part, quarters, since, days):
        world = make_world({"time_zone": zone})
        for quarter in quarters:
            starts_at = sunday + quarter * timedelta(minutes=15)
            make_slot(world.gp, starts_at, ends_at=starts_at + timedelta(minutes=15))
        now = sunday + since * timedelta(hours=1)
        first_day = sunday.date() - timedelta(days=1)
        asked = {"patient": world.patient, "assurance": Assurance.HIGH, "now": now}
        found = free_times.offer(
            **asked, first_day=first_day, last_day=first_day + timedelta(days=days), part=part
        )
        suits = [
            slot
            for slot in Slot.objects.filter(starts_at__gt=now).order_by("starts_at")
            if is_in(part, slot.starts_at, world.clinic.zone)
        ]
        within = [slot.pk for slot in suits if 0 <= (slot.day - first_day).days <= days]
        assert [slot.slot_id for slot in found.times] == within
        assert (found.first_free and found.first_free.slot_id) == (suits[0].pk if suits else None)


pytestmark = pytest.mark.django_db


def is_in(part, starts_at, zone):
    """Say by hand whether a time begins at this part of the clinic's day."""
    hour = starts_at.astimezone(zone).hour
    return {
        DayPart.BEFORE_9: hour < 9,
        DayPart.BEFORE_12: hour < 12,
        DayPart.FROM_12: hour >= 12,
        DayPart.FROM_14: hour >= 14,
    }[part]


@pytest.mark.parametrize("zone", ["Europe/Oslo", "Europe/Copenhagen"])
@pytest.mark.parametrize("sunday", SUNDAYS)
def test_parts_of_the_day_follow_the_clinics_clock_on_both_sides_of_its_changes(zone, sunday):
    world = make_world({"time_zone": zone})
    for day in (-1, 0, 1):
        for hour in range(24):
            make_slot(world.gp, sunday + timedelta(days=day, hours=hour))
    for part in DayPart:
        found = free_times.offer(
            patient=world.patient,
            assurance=Assurance.HIGH,
            first_day=sunday.date() - timedelta(days=1),
            last_day=sunday.date() + timedelta(days=1),
            now=sunday - timedelta(days=2),
            part=part,
        ).times
        clocks = {slot.starts_at.astimezone(world.clinic.zone) for slot in found}
        assert {clock for clock in clocks if not is_in(part, clock, world.clinic.zone)} == set()
        noon = {(clock.hour, clock.date()) for clock in clocks if clock.hour in {8, 9, 11, 12, 13, 14}}
        hours = [hour for hour in (8, 9, 11, 12, 13, 14) if is_in(part, sunday.replace(hour=hour), UTC)]
        assert noon == {(hour, sunday.date() + timedelta(days=day)) for hour in hours for day in (-1, 0, 1)}


def test_the_next_time_of_a_part_of_the_day_is_found_however_many_others_come_first(
    django_assert_num_queries,
):
    world = make_world()
    for number in range(40):
        make_slot(world.gp, NOW.replace(hour=7) + timedelta(days=number + 1))
    late = make_slot(world.gp, NOW.replace(hour=14) + timedelta(days=60))
    with django_assert_num_queries(2):
        found = free_times.offer(
            patient=world.patient,
            assurance=Assurance.HIGH,
            first_day=MONDAY,
            last_day=MONDAY + timedelta(days=6),
            now=NOW,
            part=DayPart.FROM_14,
        )
    assert (found.times, found.first_free.slot_id) == ((), late.pk)
    assert found.providers[0].first_free == found.first_free


def test_the_booking_page_needs_two_queries(django_assert_num_queries):
    world = make_world()
    for number in range(30):
        make_slot(world.gp, NOW + timedelta(hours=number + 1))
    with django_assert_num_queries(2):
        offer = free_times.offer(
            patient=world.patient,
            assurance=Assurance.HIGH,
            first_day=MONDAY,
            last_day=MONDAY + timedelta(days=6),
            now=NOW,
        )
    assert len(offer.times) == 30


def test_nobody_to_book_is_one_query(django_assert_num_queries):
    patient = make_patient(make_clinic())
    with django_assert_num_queries(1):
        offer = free_times.offer(
            patient=patient, assurance=Assurance.HIGH, first_day=MONDAY, last_day=MONDAY, now=NOW
        )
    assert (offer.providers, offer.times, offer.first_free) == ((), (), None)


def opening(world, now: datetime):
    found = free_times.offer(
        patient=world.patient, assurance=Assurance.HIGH, first_day=now.date(), last_day=now.date(), now=now
    ).urgent_opening
    return found and (found.day.isoformat(), found.opens_at)


def test_it_says_when_tomorrows_urgent_times_open_while_there_are_any():
    world = make_world()
    assert opening(world, NOW) is None
    make_slot(world.gp, kind=SlotKind.URGENT)
    assert opening(world, NOW) == ("2026-11-24", NOW.replace(hour=15))
    assert opening(world, NOW.replace(hour=15)) is None


FRIDAY = datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_before_a_weekend_and_a_closed_day_it_names_the_next_urgent_day_and_the_evening_before():
    world = make_world()
    for days in (3, 4, 17):
        make_slot(world.gp, FRIDAY + timedelta(days=days), kind=SlotKind.URGENT)
    assert opening(world, FRIDAY) == ("2026-11-30", datetime(2026, 11, 29, 15, tzinfo=UTC))
    Closure.objects.create(
        clinic=world.clinic,
        first_day=FRIDAY.date() + timedelta(days=3),
        last_day=FRIDAY.date() + timedelta(days=3),
    )
    assert opening(world, FRIDAY) == ("2026-12-01", datetime(2026, 11, 30, 15, tzinfo=UTC))
    assert opening(world, FRIDAY + timedelta(days=3, hours=5, minutes=59))[0] == "2026-12-01"
    assert opening(world, FRIDAY + timedelta(days=3, hours=6)) == (
        "2026-12-14",
        datetime(2026, 12, 13, 15, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("zone", "saturday", "opens_at"),
    [
        ("Europe/Oslo", datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 3, 29, 14, tzinfo=UTC)),
        ("Europe/Copenhagen", datetime(2026, 10, 24, 9, tzinfo=UTC), datetime(2026, 10, 25, 15, tzinfo=UTC)),
    ],
)
def test_on_the_days_on_which_the_clocks_change_urgent_times_open_at_the_same_clock_time(
    zone, saturday, opens_at
):
    world = make_world({"time_zone": zone})
    make_slot(world.gp, saturday + timedelta(days=2), kind=SlotKind.URGENT)
    assert opening(world, saturday)[1] == opens_at


def test_a_changed_release_hour_holds_at_once():
    world = make_world()
    make_slot(world.gp, kind=SlotKind.URGENT)

    def found():
        return free_times.free_slots(
            patient=world.patient,
            assurance=Assurance.HIGH,
            first_day=MONDAY,
            last_day=MONDAY + timedelta(days=6),
            now=NOW,
        )

    assert found() == []
    world.clinic.urgent_release_at = time(9)
    assert len(found()) == 1


def test_nearest_times_are_the_nearest_allowed_ones():
    world = make_world()
    other = make_provider(world.clinic)
    lost = NOW + timedelta(days=2)
    make_slot(other, lost)
    expected = [make_slot(world.gp, lost + timedelta(hours=hours)) for hours in (-3, 1, 2, 4)]
    make_slot(world.gp, lost + timedelta(days=20))
    found = free_times.nearest_free(
        patient=world.patient, assurance=Assurance.HIGH, to=lost, now=NOW, provider_id=world.gp.pk
    )
    assert [slot.slot_id for slot in found] == [slot.pk for slot in expected]


def test_where_nothing_is_near_the_next_ones_are_shown():
    world = make_world()
    far = make_slot(world.gp, NOW + timedelta(days=40))
    found = free_times.nearest_free(
        patient=world.patient, assurance=Assurance.HIGH, to=NOW + timedelta(days=1), now=NOW
    )
    assert [slot.slot_id for slot in found] == [far.pk]


@pytest.mark.django_db
def test_a_day_that_was_just_closed_is_offered_to_nobody():
    world = make_world()
    open_slot = make_slot(world.gp, NOW + timedelta(days=2))
    make_slot(world.gp, NOW + timedelta(days=1))
    Closure.objects.create(
        clinic=world.clinic, first_day=MONDAY + timedelta(days=1), last_day=MONDAY + timedelta(days=1)
    )
    Closure.objects.create(clinic=make_clinic(), first_day=MONDAY, last_day=MONDAY + timedelta(days=30))
    found = free_times.free_slots(
        patient=world.patient,
        assurance=Assurance.HIGH,
        first_day=MONDAY,
        last_day=MONDAY + timedelta(days=7),
        now=NOW,
    )
    assert [slot.slot_id for slot in found] == [open_slot.pk]
