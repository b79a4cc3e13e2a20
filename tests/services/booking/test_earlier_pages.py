"""The pages of earlier times: joining, answering an offer, and what staff see."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from clinic_admin.models import Clinic
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus
from services.booking.earlier import queries
from services.booking.earlier.choices import OfferStatus, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.models import Appointment, Slot
from tests.patients.build_sessions import sign_in
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.build_earlier import freed, make_offer, make_wish, offer_earlier, other, pass_on
from tests.services.booking.build_staff import sign_in_staff

pytestmark = pytest.mark.django_db
OSLO = ZoneInfo("Europe/Oslo")


@pytest.fixture
def world():
    built = make_world()
    offer_earlier(built.clinic)
    return built


# -- pages -------------------------------------------------------------------------------------------------
@pytest.fixture
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def address(world, name, *args):
    return reverse(f"earlier:{name}", args=[world.clinic.portal_identifier, *args])


def browser(world):
    client = Client()
    client.cookies["django_language"] = "en"
    world.user = sign_in(client, world.patient)
    return client


def wishes(**values):
    filled = {
        "weekdays": ["1", "3"],
        "part": "morning",
        "first_day": "2026-11-23",
        "last_day": "2026-12-23",
        "reason": "Sore throat",
    }
    return filled | values


def test_a_patient_joins_changes_and_leaves(world, monday):
    client = browser(world)
    page = client.get(reverse("booking:find", args=[world.clinic.portal_identifier]))
    assert address(world, "join") in page.content.decode()
    assert client.get(address(world, "join")).status_code == 200
    asked = wishes(providers=[str(world.gp.pk)])
    assert client.post(address(world, "join"), asked).status_code == 302
    wish = EarlierWish.objects.get()
    assert (wish.provider_ids, wish.weekdays, wish.part) == ([world.gp.pk], ["1", "3"], "morning")
    client.post(address(world, "join"), wishes(weekdays=["4"]))
    wish.refresh_from_db()
    assert (wish.weekdays, wish.joined_at) == (["4"], NOW)
    shown = client.get(address(world, "mine")).content.decode()
    assert "Friday" in shown
    client.post(address(world, "leave", wish.pk))
    wish.refresh_from_db()
    assert wish.status == WishStatus.LEFT


def test_a_patient_joins_for_an_appointment(world, monday):
    client = browser(world)
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    page = client.get(reverse("booking:appointment", args=[world.clinic.portal_identifier, mine.pk]))
    assert address(world, "join_for", mine.pk) in page.content.decode()
    assert "reason" not in client.get(address(world, "join_for", mine.pk)).context["form"].fields
    assert client.post(address(world, "join_for", mine.pk), wishes()).status_code == 302
    assert EarlierWish.objects.get().appointment == mine


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekdays": []},
        {"weekdays": ["9"]},
        {"part": "night"},
        {"last_day": "2026-11-22"},
        {"last_day": "soon"},
        {"first_day": "2026-12-24"},
        {"reason": ""},
        {"reason": "x" * 501},
        {"providers": ["0"]},
        {"providers": ["x"]},
        {"wants_reminder": "on", "told_ore": "99"},
    ],
)
def test_what_can_not_be_is_said_at_the_field_and_nothing_typed_is_lost(world, monday, wrong):
    client = browser(world)
    response = client.post(address(world, "join"), wishes(**wrong))
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"last_day" if "first_day" in wrong else next(iter(wrong))}
    if "reason" not in wrong:
        assert "Sore throat" in response.content.decode()
    assert not EarlierWish.objects.exists()


def test_an_offer_is_taken_and_declined_on_its_page(world, monday):
    client = browser(world)
    make_wish(world.patient)
    freed(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    page = client.get(address(world, "offer", offer.pk))
    assert "Take this time" in page.content.decode()
    assert client.post(address(world, "offer", offer.pk), {"act": "steal"}).status_code == 404
    assert client.post(address(world, "offer", offer.pk), {"act": "accept"}).status_code == 302
    appointment = Appointment.objects.get(patient=world.patient)
    again = client.get(address(world, "offer", offer.pk))
    assert again.url.endswith(f"{appointment.pk}/")
    freed(world, NOW + timedelta(days=2))
    make_wish(world.patient)
    pass_on(world)
    second = EarlierOffer.objects.get(status=OfferStatus.OPEN)
    assert client.post(address(world, "offer", second.pk), {"act": "decline"}).status_code == 302
    assert client.post(address(world, "offer", second.pk), {"act": "accept"}).status_code == 422
    assert "no longer held" in client.get(address(world, "offer", second.pk)).content.decode()


def test_who_took_it_in_another_tab_is_led_to_the_appointment_whatever_they_press(world, monday):
    client = browser(world)
    make_wish(world.patient)
    freed(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    client.post(address(world, "offer", offer.pk), {"act": "accept"})
    appointment = Appointment.objects.get(patient=world.patient)
    for act in ("accept", "decline"):
        answer = client.post(address(world, "offer", offer.pk), {"act": act})
        assert answer.status_code == 302
        assert answer.url.endswith(f"/appointments/{appointment.pk}/")
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.BOOKED


PAGES_THAT_TELL = ("home:start", "booking:find", "booking:appointments")


@pytest.mark.parametrize("name", PAGES_THAT_TELL)
def test_an_offer_is_told_on_the_pages_that_one_opens_as_long_as_it_can_be_taken(world, monday, name):
    _wish, offer = make_offer(world.gp, world.patient)
    page = reverse(name, args=[world.clinic.portal_identifier])
    client = browser(world)
    told = client.get(page).content.decode()
    assert "A time has come free for you: " in told
    assert address(world, "offer", offer.pk) in told
    stranger = browser(other(world, national_id="x", national_id_index="stranger"))
    assert "has come free" not in stranger.get(page).content.decode()
    EarlierOffer.objects.update(expires_at=NOW)
    assert "has come free" not in client.get(page).content.decode()


def test_telling_of_an_offer_costs_nothing_where_none_are_made(world, django_assert_num_queries):
    patient, clinic = world.patient, world.clinic
    patient.clinic, clinic.offers_earlier = clinic, False
    with django_assert_num_queries(0):
        assert queries.offered_now(patient, NOW) is None
    clinic.offers_earlier = True
    with django_assert_num_queries(1):
        assert queries.offered_now(patient, NOW) is None


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"first_day": "2027-11-25", "last_day": "2027-11-25"}, "first_day", "within a year"),
        ({"last_day": "2027-11-25"}, "last_day", "within a year"),
        ({"last_day": "9999-12-31"}, "last_day", "between 1900 and 2199"),
        ({"first_day": "2026-12-03"}, "first_day", "after the appointment that is to be earlier"),
    ],
)
def test_days_that_nobody_can_mean_are_refused_at_the_day(world, monday, wrong, field, said):
    client = browser(world)
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    answer = client.post(address(world, "join_for", mine.pk), wishes(**wrong))
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])
    assert not EarlierWish.objects.exists()
    assert client.post(address(world, "join_for", mine.pk), wishes(last_day="24.11.2027")).status_code == 302


def test_who_cancels_reads_beforehand_that_waiting_for_an_earlier_time_ends_with_it(world, monday):
    client = browser(world)
    appointment = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    page = reverse("booking:cancel", args=[world.clinic.portal_identifier, appointment.pk])
    said = "You wait for an earlier time instead of it. That ends, too."
    assert said not in client.get(page).text
    make_wish(world.patient, appointment=appointment)
    assert said in client.get(page).text


def test_an_offered_time_that_could_not_be_cancelled_any_more_says_so(world, monday):
    client = browser(world)
    _wish, offer = make_offer(world.gp, world.patient)
    said = "can't be cancelled online"
    assert said not in client.get(address(world, "offer", offer.pk)).text.replace("&#x27;", "'")
    Slot.objects.update(starts_at=NOW + timedelta(hours=47), ends_at=NOW + timedelta(hours=48))
    EarlierOffer.objects.update(starts_at=NOW + timedelta(hours=47), ends_at=NOW + timedelta(hours=48))
    Clinic.objects.update(cancel_notice_hours=48)
    assert said in client.get(address(world, "offer", offer.pk)).text.replace("&#x27;", "'")


def test_the_link_leads_to_the_offer_after_signing_in_and_nobody_elses_is_there(world, monday):
    _wish, offer = make_offer(world.gp, world.patient)
    page = address(world, "offer", offer.pk)
    assert page in Client().get(page).url.replace("%2F", "/")
    stranger = browser(other(world, national_id="x", national_id_index="stranger"))
    for method in (stranger.get, stranger.post):
        assert method(page, {"act": "accept"}).status_code == 404
    assert stranger.post(address(world, "leave", offer.wish_id)).status_code == 404


def test_where_it_is_off_there_is_no_page_to_join(world, monday):
    Clinic.objects.update(offers_earlier=False)
    client = browser(world)
    assert client.get(address(world, "join")).status_code == 404
    find = client.get(reverse("booking:find", args=[world.clinic.portal_identifier]))
    assert address(world, "join") not in find.content.decode()


def test_staff_see_the_line_and_why_who_was_asked(world, monday, client, django_assert_max_num_queries):
    silent = other(world, mobile="", email="", family_name="Silent")
    make_wish(silent.patient, now=NOW - timedelta(hours=2))
    make_wish(world.patient, now=NOW - timedelta(hours=1))
    freed(world)
    pass_on(world)
    post = sign_in_staff(client, world.clinic)
    page = reverse("earlier_staff:waiting", args=[world.clinic.portal_identifier])
    client.get(page)
    for _ in range(5):
        make_wish(other(world).patient)
    with django_assert_max_num_queries(14):
        shown = client.get(page).content.decode()
    assert "Silent" in shown
    assert "verken" in shown or "neither mobile" in shown
    assert AuditEvent.objects.filter(
        action="patient.listed", actor_id=post.user.pk, patient_id=silent.patient.pk
    ).exists()


def test_staff_see_who_was_passed_over_when_a_time_went_to_nobody(world, monday, client):
    silent = other(world, mobile="", email="", family_name="Silent")
    make_wish(silent.patient, now=NOW - timedelta(hours=2))
    freed(world)
    assert pass_on(world) == 0
    theirs = make_world()
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    shown = client.get(
        reverse("earlier_staff:waiting", args=[world.clinic.portal_identifier])
    ).content.decode()
    assert "Offered to nobody" in shown
    assert "Silent" in shown
    assert "has neither mobile nor e-mail here" in shown
    assert queries.for_nobody(theirs.clinic) == []
