"""A form that the page sends by itself is answered in place: little is read, little is sent, nothing typed is lost."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession

from clinic_admin.models import Clinic
from identity.choices import UserKind
from identity.models import KeptForm
from services.booking import in_place
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.models import Appointment, Slot
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.build_signed_in import BY_ITSELF, client, on_a_monday_at_nine, world
from tests.services.booking.test_pages import address, fill_in, sign_in

pytestmark = pytest.mark.django_db
__all__ = ["client", "on_a_monday_at_nine", "world"]


def taken(world, **other):
    return make_slot(world.gp, state=SlotState.TAKEN, **other)


def test_who_wins_is_led_to_the_appointment(world, client):
    slot = make_slot(world.gp)
    answer = client.post(address("book", world, slot.pk), fill_in(), headers=BY_ITSELF)
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == address("appointment", world, Appointment.objects.get().pk)


@pytest.mark.django_db(transaction=True)
def test_a_booking_goes_three_ways_to_postgres(world, client, django_assert_num_queries):
    client.post(address("book", world, make_slot(world.gp).pk), fill_in(), headers=BY_ITSELF)
    later = make_slot(world.gp, NOW + timedelta(days=9))
    # who comes with the time, rights, and everything is stored if they still stand; no BEGIN, no COMMIT
    with django_assert_num_queries(3):
        answer = client.post(address("book", world, later.pk), fill_in(), headers=BY_ITSELF)
    assert answer.status_code == 204


def test_the_same_form_sent_twice_leads_to_the_same_appointment(world, client):
    slot, form = make_slot(world.gp), fill_in()
    ways = {
        client.post(address("book", world, slot.pk), form, headers=BY_ITSELF)["HX-Redirect"] for _ in range(2)
    }
    assert ways == {address("appointment", world, Appointment.objects.get().pk)}


def test_who_loses_is_told_by_a_part_of_the_page_after_one_query(
    world, client, django_assert_max_num_queries
):
    slot = taken(world)
    client.post(address("book", world, slot.pk), fill_in(), headers=BY_ITSELF)
    with django_assert_max_num_queries(1):  # who comes, with the time
        answer = client.post(address("book", world, slot.pk), fill_in(), headers=BY_ITSELF)
    assert answer.status_code == 422
    said = answer.content.decode()
    assert "Someone else has just taken this time." in said
    assert "Nothing is booked. What you wrote is kept below." in said
    assert address("nearest", world, slot.pk) in said
    assert "<html" not in said
    assert "Sore throat" not in said


def test_the_nearest_times_come_after_and_are_sent_by_the_same_form(world, client):
    lost, free = taken(world), make_slot(world.gp, NOW + timedelta(hours=4))
    said = client.get(address("nearest", world, lost.pk), headers=BY_ITSELF).content.decode()
    assert f'hx-post="{address("find", world)}{free.pk}/"' in said
    assert f'formaction="{address("find", world)}{free.pk}/"' in said
    assert "Book one of the nearest free times instead" in said


def test_who_opens_the_nearest_times_by_themselves_comes_to_the_page_of_the_time(world, client):
    lost = taken(world)
    assert client.get(address("nearest", world, lost.pk)).url == address("book", world, lost.pk)


def test_the_same_words_for_all_are_made_once_for_each_time_language_and_clinic(world, client, monkeypatch):
    made, render = [], in_place.render_to_string
    monkeypatch.setattr(in_place, "_made", {})
    monkeypatch.setattr(in_place, "render_to_string", lambda *asked: made.append(asked) or render(*asked))
    one, other = taken(world), taken(world, starts_at=NOW + timedelta(days=4))

    def lose(slot):
        return client.post(address("book", world, slot.pk), fill_in(), headers=BY_ITSELF).content.decode()

    first = lose(one)
    assert lose(one) == first
    assert len(made) == 1
    assert lose(other) != first
    client.cookies["django_language"] = "da"
    assert lose(one) != first
    client.cookies["django_language"] = "en"
    world.gp.name = "Somebody Else"
    world.gp.save()
    assert "Somebody Else" in lose(one)
    assert len(made) == 4


def test_what_stands_in_the_way_of_one_is_never_told_to_another(world, client):
    own = world.book(make_slot(world.gp))
    stranger = replace(
        world, patient=make_patient(world.clinic, gp=world.gp), user=make_user(kind=UserKind.PATIENT)
    )
    for browser, is_theirs in [(client, True), (sign_in(stranger), False), (client, True)]:
        said = browser.post(
            address("book", world, own.slot_id), fill_in(), headers=BY_ITSELF
        ).content.decode()
        assert ("You have this time already" in said) == is_theirs
        assert (str(own.pk) in said) == is_theirs


def test_where_no_time_is_left_the_clinics_number_is_told(world, client):
    Clinic.objects.update(phone="+4722334455")
    said = client.get(address("nearest", world, taken(world).pk), headers=BY_ITSELF).content.decode()
    assert "There are no other free times online." in said
    assert "22 33 44 55" in said


def test_a_time_of_another_clinic_has_no_nearest_ones(world, client):
    elsewhere = make_slot(make_provider(make_clinic()))
    assert client.get(address("nearest", world, elsewhere.pk)).status_code == 404
    assert client.post(address("book", world, elsewhere.pk), fill_in(), headers=BY_ITSELF).status_code == 404


def test_a_form_with_a_mistake_comes_back_with_what_is_wrong_in_the_place_of_the_page(world, client):
    answer = client.post(
        address("book", world, make_slot(world.gp).pk), fill_in(reason=""), headers=BY_ITSELF
    )
    assert answer.status_code == 422
    assert (answer["HX-Retarget"], answer["HX-Reselect"]) == ("#main", "#main")
    assert "Write in a few words what it is about." in answer.content.decode()


def test_one_s_own_time_in_another_tab_is_named(world, client):
    own = world.book(make_slot(world.gp))
    answer = client.post(address("book", world, own.slot_id), fill_in(), headers=BY_ITSELF)
    assert "You have this time already" in answer.content.decode()
    assert address("appointment", world, own.pk) in answer.content.decode()


def test_the_first_urgent_time_leads_to_its_appointment_also_when_sent_twice(world, client):
    make_slot(world.gp, NOW + timedelta(hours=2), kind=SlotKind.URGENT)
    form = fill_in()
    ways = {
        client.post(address("any_urgent", world), form, headers=BY_ITSELF)["HX-Redirect"] for _ in range(2)
    }
    assert ways == {address("appointment", world, Appointment.objects.get().pk)}
    assert not Slot.objects.filter(state=SlotState.FREE).exists()


def test_what_was_kept_of_a_form_is_gone_when_it_is_sent_in_place(world, client):
    slot = make_slot(world.gp)
    page = address("book", world, slot.pk)
    client.post(page, fill_in(), headers={"X-Keep-Form": "1"})
    assert KeptForm.objects.count() == 1
    assert not Appointment.objects.exists()
    client.post(page, fill_in(), headers=BY_ITSELF)
    assert Appointment.objects.get().status == AppointmentStatus.BOOKED
    assert not KeptForm.objects.exists()


def test_a_refusal_in_place_keeps_what_was_kept(world, client):
    page = address("book", world, taken(world).pk)
    client.post(page, fill_in(), headers={"X-Keep-Form": "1"})
    client.post(page, fill_in(), headers=BY_ITSELF)
    assert KeptForm.objects.count() == 1


@pytest.mark.parametrize("page", ["book", "any_urgent"])
def test_the_form_says_how_it_is_sent_and_stays_a_form_without_scripts(world, client, page):
    slot = make_slot(world.gp, NOW + timedelta(hours=2), kind=SlotKind.URGENT)
    where = address(page, world, *([slot.pk] if page == "book" else []))
    said = client.get(where).content.decode()
    (form,) = re.findall(r'<form method="post" class="form"[^>]*>', said)
    assert f'hx-post="{where}"' in form
    assert 'hx-target="#wanted"' in form
    assert 'id="wanted"' in said
    assert "data-unsent" in said


def test_reading_ahead_never_shows_somebody_else_s_session(world, client):
    """What was read for one request is not there for the next, whoever sends it."""
    other = make_world()
    theirs = sign_in(other)
    UserSession.objects.create(user=other.user, session_key=theirs.session.session_key, ip="127.0.0.1")
    for browser, whose in [(client, world), (theirs, other), (client, world)]:
        page = browser.get(address("appointments", whose))
        assert page.context["patient"] == whose.patient
        assert page.context["user"] == whose.user
    assert client.get(address("appointments", other)).status_code in {302, 403}


def test_a_session_that_ended_is_not_read_ahead(world, client):
    client.session.flush()
    assert client.get(address("appointments", world)).status_code == 302


def test_a_login_that_was_closed_or_a_record_that_became_inactive_is_noticed_at_the_next_request(
    world, client
):
    world.patient.is_active = False
    world.patient.save()
    assert client.get(address("appointments", world)).status_code == 403
    world.user.is_active = False
    world.user.save()
    assert client.get(address("appointments", world)).status_code == 302
