"""Filling calendars: only free slots come and go."""

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from clinic_admin.models import Closure
from delegation.models import Absence
from portal.models import AuditEvent
from services.booking import freeing, operations, tasks
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Slot, TemplateBlock
from tests.build import make_clinic, make_provider
from tests.services.booking.build_booking import MONDAY, NOW, make_slot, make_template, make_world


def starts(provider):
    zone = provider.clinic.zone
    return [
        f"{slot.starts_at.astimezone(zone):%a %d %b %H:%M}"
        for slot in Slot.objects.filter(provider=provider).order_by("starts_at")
    ]


WEEK = timedelta(days=6)


@pytest.mark.django_db
def test_templates_become_slots_until_the_horizon():
    provider = make_provider(make_clinic())
    make_template(provider, {"weekday": "1"}, {"weekday": "3", "kind": SlotKind.URGENT, "minutes": 30})
    change = operations.extend_calendar(provider=provider, now=NOW, horizon=WEEK)
    assert (change.added, change.removed, change.left_out) == (5, 0, ())
    assert starts(provider) == [
        "Tue 24 Nov 08:00",
        "Tue 24 Nov 08:20",
        "Tue 24 Nov 08:40",
        "Thu 26 Nov 08:00",
        "Thu 26 Nov 08:30",
    ]
    assert set(Slot.objects.values_list("day", "kind")) == {
        (date(2026, 11, 24), "portal"),
        (date(2026, 11, 26), "urgent"),
    }


@pytest.mark.django_db
def test_filling_twice_does_nothing_the_second_time():
    provider = make_provider(make_clinic())
    make_template(provider)
    operations.extend_calendar(provider=provider, now=NOW)
    before = list(Slot.objects.order_by("pk").values())
    change = operations.extend_calendar(provider=provider, now=NOW)
    assert (change.added, change.removed) == (0, 0)
    assert list(Slot.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.filter(action="calendar.extended").count() == 1


@pytest.mark.django_db
def test_only_what_is_still_to_come_is_made():
    provider = make_provider(make_clinic())
    make_template(provider, {"starts_at": time(8), "ends_at": time(10)})
    operations.extend_calendar(provider=provider, now=NOW, horizon=timedelta(0))
    assert starts(provider) == ["Mon 23 Nov 09:20", "Mon 23 Nov 09:40"]


@pytest.mark.django_db
def test_closures_holidays_and_absences_have_no_slots_and_come_back():
    provider = make_provider(make_clinic())
    make_template(provider, *({"weekday": str(number), "minutes": 60} for number in range(7)))
    closure = Closure.objects.create(
        clinic=provider.clinic, first_day=MONDAY + timedelta(days=1), last_day=MONDAY + timedelta(days=2)
    )
    absence = Absence.objects.create(
        clinic=provider.clinic, provider=provider, first_day=date(2026, 12, 21), last_day=date(2026, 12, 24)
    )
    operations.extend_calendar(provider=provider, now=NOW, horizon=timedelta(days=35))
    days = set(Slot.objects.values_list("day", flat=True))
    shut = {date(2026, 11, day) for day in (23, 24, 25)} | {date(2026, 12, day) for day in range(21, 27)}
    assert days == {MONDAY + timedelta(days=number) for number in range(36)} - shut
    closure.delete()
    absence.delete()
    change = operations.extend_calendar(provider=provider, now=NOW, horizon=timedelta(days=35))
    assert change.added == 6


@pytest.mark.django_db
def test_an_absence_removes_free_slots_and_keeps_what_is_booked():
    world = make_world()
    make_template(world.gp, {"weekday": "1"})
    operations.extend_calendar(provider=world.gp, now=NOW, horizon=WEEK)
    taken = Slot.objects.order_by("starts_at")[1]
    appointment = world.book(taken)
    Absence.objects.create(
        clinic=world.clinic, provider=world.gp, first_day=MONDAY, last_day=MONDAY + timedelta(days=30)
    )
    operations.extend_calendar(provider=world.gp, now=NOW, horizon=WEEK)
    assert list(Slot.objects.values_list("pk", "state")) == [(taken.pk, "taken")]
    appointment.refresh_from_db()
    assert appointment.slot_id == taken.pk


@pytest.mark.django_db
def test_a_new_pattern_goes_around_what_is_booked_and_says_what_it_left_out():
    world = make_world()
    template = make_template(world.gp, {"weekday": "1"})
    operations.extend_calendar(provider=world.gp, now=NOW, horizon=WEEK)
    world.book(Slot.objects.order_by("starts_at")[1])  # 08:20 to 08:40
    template.blocks.update(minutes=30)
    change = operations.extend_calendar(provider=world.gp, now=NOW, horizon=WEEK)
    assert starts(world.gp) == ["Tue 24 Nov 08:20"]
    assert [slot.starts_at for slot in change.left_out] == [
        datetime(2026, 11, 24, 7, 0, tzinfo=UTC),
        datetime(2026, 11, 24, 7, 30, tzinfo=UTC),
    ]


@pytest.mark.django_db
def test_a_cancelled_time_that_no_template_wants_goes_and_the_appointment_stays_readable():
    world = make_world()
    slot = make_slot(world.gp)
    appointment = world.cancel(world.book(slot))
    operations.extend_calendar(provider=world.gp, now=NOW)
    appointment.refresh_from_db()
    assert (Slot.objects.count(), appointment.slot, appointment.starts_at) == (0, None, slot.starts_at)


@pytest.mark.django_db
def test_a_time_held_for_somebody_that_no_template_wants_comes_free_for_nobody_once_they_give_it_back():
    provider = make_provider(make_clinic())
    template = make_template(provider, {"weekday": "1"})
    operations.extend_calendar(provider=provider, now=NOW, horizon=WEEK)
    slot = Slot.objects.order_by("starts_at").first()
    Slot.objects.filter(pk=slot.pk).update(held_until=NOW + timedelta(hours=1))
    template.blocks.update(weekday="2")
    operations.extend_calendar(provider=provider, now=NOW, horizon=WEEK)
    slot.refresh_from_db()
    assert (slot.state, slot.kind, slot.by_hand) == (SlotState.FREE, SlotKind.PORTAL, True)
    Slot.objects.filter(pk=slot.pk).update(
        state=SlotState.TAKEN, held_until=None
    )  # who it is held for takes it
    freeing.free(slot.pk, clinic=provider.clinic, now=NOW)
    slot.refresh_from_db()
    assert (slot.state, slot.kind) == (SlotState.FREE, SlotKind.INTERNAL)


@pytest.mark.django_db
def test_a_held_time_that_a_template_wants_again_is_as_any_other():
    provider = make_provider(make_clinic())
    template = make_template(provider, {"weekday": "1"})
    operations.extend_calendar(provider=provider, now=NOW, horizon=WEEK)
    Slot.objects.update(held_until=NOW + timedelta(hours=1))
    for weekday in ("2", "1"):
        template.blocks.update(weekday=weekday)
        operations.extend_calendar(provider=provider, now=NOW, horizon=WEEK)
    assert {slot.by_hand for slot in Slot.objects.exclude(held_until=None)} == {False}


@pytest.mark.django_db
def test_who_no_longer_works_here_has_no_free_slots():
    provider = make_provider(make_clinic())
    make_template(provider)
    operations.extend_calendar(provider=provider, now=NOW)
    provider.is_active = False
    provider.save()
    operations.extend_calendar(provider=provider, now=NOW)
    assert not Slot.objects.exists()


@pytest.mark.django_db
def test_the_task_fills_every_calendar_and_survives_one_that_fails(monkeypatch):
    first, second = make_provider(make_clinic()), make_provider(make_clinic())
    broken = make_template(first)
    make_template(second)
    TemplateBlock.objects.filter(template=broken).update(weekday="x")
    tasks.extend_calendars()
    tasks.extend_calendars()
    assert set(Slot.objects.values_list("provider", flat=True)) == {second.pk}


blocks = st.lists(
    st.builds(
        lambda weekday, hour, length, minutes, kind: {
            "weekday": str(weekday),
            "starts_at": time(hour),
            "ends_at": time(hour + length),
            "minutes": minutes,
            "kind": kind,
        },
        st.integers(0, 6),
        st.integers(0, 16),
        st.integers(1, 6),
        st.sampled_from([10, 15, 20, 25, 40]),
        st.sampled_from(SlotKind.values),
    ),
    min_size=1,
    max_size=4,
)


class RegeneratingNeverTouchesWhatSomebodyHas(TestCase):
    """I15, on random templates, bookings, blocks and absences, through both clock changes."""

    @settings(max_examples=40, deadline=None)
    @given(
        before=blocks,
        after=blocks,
        seed=st.integers(0, 2**32),
        begin=st.sampled_from([date(2026, 3, 23), date(2026, 10, 19), date(2026, 11, 23)]),
        away=st.booleans(),
    )
    def test_it(self, before, after, seed, begin, away):
        dice = random.Random(seed)
        provider = make_provider(make_clinic())
        now = datetime.combine(begin, time(0), tzinfo=UTC) + timedelta(minutes=dice.randrange(3000))
        template = make_template(provider, *before)
        horizon = timedelta(days=13)
        operations.extend_calendar(provider=provider, now=now, horizon=horizon)
        for slot in Slot.objects.all():
            Slot.objects.filter(pk=slot.pk).update(
                state=dice.choice([SlotState.FREE, SlotState.TAKEN, SlotState.BLOCKED])
            )
        held = list(Slot.objects.exclude(state=SlotState.FREE).order_by("pk").values())
        template.blocks.all().delete()
        for values in after:
            TemplateBlock.objects.create(template=template, **values)
        if away:
            Absence.objects.create(
                clinic=provider.clinic, provider=provider, first_day=begin, last_day=begin + timedelta(days=5)
            )
        later = now + timedelta(hours=dice.randrange(72))
        change = operations.extend_calendar(provider=provider, now=later, horizon=horizon)
        after = Slot.objects.exclude(state=SlotState.FREE).order_by("pk").values()
        assert [slot | {"by_hand": False} for slot in after] == held
        wanted = operations.calendars._wanted(provider, later, horizon)
        free = {
            (slot.starts_at, slot.ends_at, slot.kind)
            for slot in Slot.objects.filter(state=SlotState.FREE, starts_at__gt=later)
        }
        in_the_way = [(slot["starts_at"], slot["ends_at"]) for slot in held]
        assert free == {
            (plan.starts_at, plan.ends_at, plan.kind)
            for plan in wanted
            if not any(plan.overlaps(*period) for period in in_the_way)
        }
        assert all(any(plan.overlaps(*period) for period in in_the_way) for plan in change.left_out)
        again = operations.extend_calendar(provider=provider, now=later, horizon=horizon)
        assert (again.added, again.removed) == (0, 0)
