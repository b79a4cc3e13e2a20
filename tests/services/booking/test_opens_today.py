"""Before urgent times come out one can write what it is about; when they do, all that is left to do is to press."""

from datetime import timedelta

import pytest
import time_machine

from clinic_admin.models import Clinic, Closure
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Appointment
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.test_pages import address, fill_in, sign_in_listed

pytestmark = pytest.mark.django_db
BY_ITSELF = {"HX-Request": "true"}
OPENS = "Urgent times for tomorrow open today at 16:00"
TOMORROW = NOW + timedelta(days=1, hours=1)
AT_FOUR = NOW + timedelta(hours=7)
BEFORE = AT_FOUR - timedelta(minutes=2, seconds=15)


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def client(world):
    with time_machine.travel(BEFORE, tick=False):
        yield sign_in_listed(world)


def urgent(world, starts_at=TOMORROW, **values):
    return make_slot(world.gp, starts_at, kind=SlotKind.URGENT, **values)


def page(client, world):
    return client.get(address("any_urgent", world))


@pytest.mark.parametrize("in_place", [True, False])
def test_who_writes_beforehand_and_presses_too_early_keeps_it_and_presses_again(world, client, in_place):
    slot, form = urgent(world), fill_in(reason="Fever since Monday")
    before = page(client, world)
    assert before.status_code == 200
    assert OPENS in before.content.decode()
    assert 'data-opens-in="135"' in before.content.decode()
    assert 'name="reason"' in before.content.decode()

    headers = BY_ITSELF if in_place else {}
    early = client.post(address("any_urgent", world), form, headers=headers)
    assert early.status_code == 422
    assert OPENS in early.content.decode()
    assert "press again when they open" in early.content.decode()
    assert in_place or "Fever since Monday" in early.content.decode()
    assert not Appointment.objects.exists()

    with time_machine.travel(AT_FOUR, tick=False):
        client.post(address("any_urgent", world), form, headers=headers)
    assert Appointment.objects.get().slot == slot


def test_the_page_of_free_times_leads_there(world, client):
    urgent(world)
    found = client.get(address("find", world)).content.decode()
    assert OPENS in found
    assert f'<a href="{address("any_urgent", world)}">Write what it is about beforehand</a>' in found


def test_while_one_is_free_today_that_one_is_told_of(world, client):
    urgent(world)
    urgent(world, BEFORE + timedelta(hours=1))
    said = page(client, world).content.decode()
    assert "Right now that is" in said
    assert OPENS not in said
    found = client.get(address("find", world)).content.decode()
    assert OPENS in found
    assert "beforehand" not in found, "who pressed there would get the one of today"


def none_comes(_world):
    """Nothing is there."""


def on_another_day(world):
    urgent(world, TOMORROW + timedelta(days=1))


def on_a_closed_day(world):
    urgent(world)
    day = TOMORROW.date()
    Closure.objects.create(clinic=world.clinic, first_day=day, last_day=day)


def taken_already(world):
    urgent(world, state=SlotState.TAKEN)


def lots_are_drawn(world):
    urgent(world)
    Clinic.objects.update(draws_urgent=True)


@pytest.mark.parametrize("what", [none_comes, on_another_day, on_a_closed_day, taken_already, lots_are_drawn])
def test_where_nothing_opens_today_there_is_nothing_to_write_or_to_wait_for(world, client, what):
    what(world)
    before = page(client, world)
    assert before.status_code == 409
    assert 'name="reason"' not in before.content.decode()
    for headers in ({}, BY_ITSELF):
        said = client.post(address("any_urgent", world), fill_in(), headers=headers).content.decode()
        assert "No urgent time is free right now" in said
        assert OPENS not in said


def test_who_has_as_many_urgent_times_as_allowed_does_not_wait_for_another(world, client):
    Clinic.objects.update(most_urgent=1)
    with time_machine.travel(NOW, tick=False):
        urgent(world, BEFORE + timedelta(hours=1))
        world.book_any_urgent(now=NOW)
    urgent(world)
    before = page(client, world)
    assert before.status_code == 409
    assert 'name="reason"' not in before.content.decode()


def test_who_has_one_and_may_have_more_reads_so_while_waiting(world, client):
    with time_machine.travel(NOW, tick=False):
        urgent(world, BEFORE + timedelta(hours=1))
        world.book_any_urgent(now=NOW)
    urgent(world)
    before = page(client, world).content.decode()
    assert "You have an urgent time already" in before
    assert OPENS in before
