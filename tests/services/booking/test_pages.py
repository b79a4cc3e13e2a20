"""The patient's pages, as a browser without scripts meets them."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.auth import BACKEND_SESSION_KEY
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from clinic_admin.models import Clinic
from delegation.models import MatrixTick
from identity.choices import Assurance, Method
from identity.models import Account
from identity.operations import PATIENT_BACKEND
from portal.phone_numbers import as_people_write
from services.access.choices import Approval
from services.access.models import ProviderRights, SpecialRights
from services.access.special_choices import OwnReason
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.models import Appointment, Slot
from tests.build import make_clinic, make_patient, make_provider
from tests.services.booking.build_booking import NOW, allow, make_slot, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_a_monday_at_nine():
    with time_machine.travel(NOW, tick=False):
        yield


def sign_in(world, language="en"):
    client = Client()
    Account.objects.create(
        user=world.user,
        country=world.clinic.country,
        national_id="x",
        national_id_index=world.patient.national_id_index,
    )
    client.force_login(world.user)
    session = client.session
    session["sign_in"] = {
        "method": Method.BANKID.value,
        "assurance": int(Assurance.HIGH),
        "at": NOW.isoformat(),
        "provider": "",
        "clinic_scope": None,
    }
    session.save()
    client.cookies["django_language"] = language
    client.get(
        address("appointments", world)
    )  # the session notes now and then that it is used; not on each page
    return client


def sign_in_listed(world, language="en"):
    """Return a browser whose session is listed, as every session that was opened by signing in is."""
    client = sign_in(world, language)
    session = client.session
    session[BACKEND_SESSION_KEY] = PATIENT_BACKEND
    session.save()
    UserSession.objects.create(user=world.user, session_key=session.session_key, ip="127.0.0.1")
    return client


def address(name, world, *args):
    return reverse(f"booking:{name}", args=[world.clinic.portal_identifier, *args])


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def fill_in(**values):
    return {"reason": "Sore throat", "wants_reminder": "on", "form_key": str(uuid.uuid4())} | values


# -- find --------------------------------------------------------------------------------------------------
def test_free_times_stand_by_day_with_a_link_each(django_assert_max_num_queries):
    world = make_world()
    other = make_provider(world.clinic, name="Anna Berg")
    allow(other, row=world.gp)
    slot, urgent = make_slot(world.gp), make_slot(other, NOW + timedelta(hours=2), kind=SlotKind.URGENT)
    client = sign_in(world)
    with django_assert_max_num_queries(8):
        response = client.get(address("find", world))
    assert response.status_code == 200
    words = text(response)
    assert "first free Tuesday 24 November at 10:20" in words
    assert "Anna Berg" in words
    for one in (slot, urgent):
        assert address("book", world, one.pk) in response.content.decode()
    assert 'data-state="urgent"' in response.content.decode()


@pytest.mark.parametrize("kind", [SlotKind.PHONE, SlotKind.INTERNAL])
def test_times_for_those_who_phone_and_the_clinics_own_are_never_shown_nor_had(kind):
    world = make_world()
    slot, client = make_slot(world.gp, kind=kind), sign_in(world)
    assert "10:20" not in text(client.get(address("find", world)))
    assert client.get(address("book", world, slot.pk)).status_code in {404, 409}
    client.post(address("book", world, slot.pk), fill_in())
    assert not Appointment.objects.exists()


def test_a_provider_can_be_chosen_and_a_week_turned():
    world = make_world()
    other = make_provider(world.clinic, name="Anna Berg")
    allow(other, row=world.gp)
    mine, theirs = make_slot(world.gp), make_slot(other, NOW + timedelta(days=8))
    client = sign_in(world)
    page = client.get(address("find", world), {"provider": other.pk})
    assert address("book", world, mine.pk) not in page.content.decode()
    assert "The first free time is Tuesday 1 December at 09:00" in text(page)
    page = client.get(address("find", world), {"provider": other.pk, "from": "2026-11-30"})
    assert address("book", world, theirs.pk) in page.content.decode()


def test_a_part_of_the_day_is_chosen_by_a_link_and_kept_with_provider_and_week():
    world = make_world()
    other = make_provider(world.clinic, name="Anna Berg")
    allow(other, row=world.gp)
    early, late = make_slot(world.gp), make_slot(world.gp, NOW.replace(hour=13) + timedelta(days=1))
    client = sign_in(world)
    page = client.get(address("find", world), {"provider": world.gp.pk, "from": "2026-11-24"})
    wanted = f"{address('find', world)}?provider={world.gp.pk}&amp;from=2026-11-24&amp;part=from-14"
    assert f'href="{wanted}"' in page.content.decode()
    page = client.get(wanted.replace("&amp;", "&"))
    shown = page.content.decode()
    assert address("book", world, late.pk) in shown
    assert address("book", world, early.pk) not in shown
    assert '<a id="part-from-14"' in shown
    assert f'?provider={other.pk}&amp;part=from-14"' in shown
    assert f'?provider={world.gp.pk}&amp;from=2026-12-01&amp;part=from-14"' in shown
    assert "first free Tuesday 24 November at 14:00" in text(page)


def test_no_time_at_a_part_of_the_day_says_so_names_the_next_and_offers_all_of_the_day():
    world = make_world()
    make_slot(world.gp)
    client = sign_in(world)
    page = client.get(address("find", world), {"part": "before-9"})
    assert "No free times before 9 There may be some at other times of the day." in text(page)
    assert "no free times before 9" in text(page)
    assert f'href="{address("find", world)}"' in page.content.decode()
    make_slot(world.gp, NOW.replace(hour=7) + timedelta(days=20))
    page = client.get(address("find", world), {"part": "before-9", "from": "2026-11-24"})
    assert "No free times before 9 these days" in text(page)
    assert "The first free time before 9 is Sunday 13 December at 08:00" in text(page)
    shown = page.content.decode()
    assert f'href="{address("find", world)}?from=2026-12-13&amp;part=before-9"' in shown
    assert f'href="{address("find", world)}?from=2026-11-24"' in shown


def version_on(page):
    return re.search(r'data-version="([0-9a-f]+)"', page.content.decode()).group(1)


def looks(client, world, version, **query):
    """Ask as the page does by itself."""
    quietly = {"X-Times": version, "X-By-Itself": "1"}
    return client.get(address("find", world), query, headers=quietly)


def test_an_open_page_hears_nothing_while_its_times_stand_and_which_ones_do_when_they_do_not(
    django_assert_max_num_queries,
):
    world = make_world()
    first, second, late = (make_slot(world.gp, NOW + timedelta(hours=hours)) for hours in (1, 2, 5))
    client = sign_in(world)
    version = version_on(client.get(address("find", world), {"part": "before-12"}))
    with django_assert_max_num_queries(7):
        answer = looks(client, world, version, part="before-12")
    assert (answer.status_code, answer.content) == (204, b"")
    Slot.objects.filter(pk__in=[first.pk, late.pk]).update(state=SlotState.TAKEN)
    with django_assert_max_num_queries(7):
        answer = looks(client, world, version, part="before-12")
    assert answer.json()["times"] == [address("book", world, second.pk)]
    assert answer.json()["notes"]["2026-11-23"] == "1 free time"
    assert answer.headers["X-Times"] == answer.json()["version"] != version
    assert looks(client, world, answer.json()["version"], part="before-12").status_code == 204


def test_an_open_page_hears_which_times_are_gone_because_of_what_the_patient_has_booked_meanwhile(
    django_assert_max_num_queries,
):
    world = make_world()
    second = make_provider(world.clinic)
    allow(second, row=world.gp)
    at = NOW + timedelta(hours=1)
    own, same_time, late = (
        make_slot(world.gp, at),
        make_slot(second, at + timedelta(minutes=10)),
        make_slot(second, at + timedelta(hours=1)),
    )
    lost = make_slot(world.gp, at + timedelta(hours=2))
    client = sign_in(world)
    version = version_on(client.get(address("find", world)))
    world.book(own)
    Slot.objects.filter(pk=lost.pk).update(state=SlotState.TAKEN)
    with django_assert_max_num_queries(7):
        answer = looks(client, world, version).json()
    assert answer["times"] == [address("book", world, late.pk)]
    assert answer["busy"] == [address("book", world, one.pk) for one in (own, same_time)]
    assert "data-own-times>" in client.get(address("find", world)).content.decode()


def test_looking_by_itself_does_not_keep_a_session_open_and_tells_a_stranger_nothing():
    world = make_world()
    make_slot(world.gp)
    with time_machine.travel(NOW, tick=False) as clock:
        client = sign_in(world)
        version = version_on(client.get(address("find", world)))
        seen = client.session["seen_at"]
        clock.shift(timedelta(minutes=19))
        assert looks(client, world, version).status_code == 204
        assert client.session["seen_at"] == seen
        clock.shift(timedelta(minutes=2))
        answer = looks(client, world, version)
    assert answer.status_code == 302
    assert "X-Times" not in answer.headers


def test_a_fragment_is_what_htmx_gets():
    world = make_world()
    make_slot(world.gp)
    client = sign_in(world)
    response = client.get(address("find", world), headers={"HX-Request": "true"})
    body = response.content.decode()
    assert body.lstrip().startswith('<div id="offer"')
    assert "<html" not in body
    going_back = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(address("find", world), headers=going_back).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"provider": "abc"},
        {"provider": "9" * 40},
        {"provider": "-1"},
        {"from": "yesterday"},
        {"part": "teatime"},
        {"from": "9999-12-31"},
        {"from": "0001-01-01"},
        {"from": "2026-13-45", "provider": "0"},
        {"from": "2027-02-15"},
    ],
)
def test_an_address_that_makes_no_sense_still_shows_the_page(query):
    world = make_world()
    make_slot(world.gp)
    assert sign_in(world).get(address("find", world), query).status_code == 200


def test_a_patient_whose_booking_is_closed_reads_it_in_plain_words():
    world = make_world()
    make_slot(world.gp)
    SpecialRights.objects.create(patient=world.patient, booking=False)
    response = sign_in(world).get(address("find", world))
    assert str(OwnReason.NO_RIGHT.label) in text(response)
    assert str(OwnReason.NO_RIGHT.next_step.label) in text(response)


def test_someone_who_may_book_nobody_reads_why_and_what_to_do():
    world = make_world(booking=False)
    response = sign_in(world).get(address("find", world))
    assert response.status_code == 200
    assert "You can't book online here" in text(response)
    assert as_people_write(world.clinic.phone, world.clinic.country) in text(response)


def test_it_says_when_urgent_times_open():
    world = make_world()
    make_slot(world.gp, kind=SlotKind.URGENT)
    assert "Urgent times for tomorrow open today at 16:00" in text(sign_in(world).get(address("find", world)))


def test_whoever_is_not_signed_in_is_led_to_the_front_page():
    world = make_world()
    for name, args in [("find", ()), ("book", (1,)), ("appointments", ()), ("appointment", (uuid.uuid4(),))]:
        response = Client().get(address(name, world, *args))
        assert response.status_code == 302


# -- book --------------------------------------------------------------------------------------------------
def test_the_confirm_page_says_when_with_whom_and_what_the_reminder_costs(django_assert_max_num_queries):
    world = make_world()
    slot = make_slot(world.gp)
    client = sign_in(world)
    with django_assert_max_num_queries(8):
        response = client.get(address("book", world, slot.pk))
    words = text(response)
    assert "Tuesday 24 November at 10:20" in words
    assert world.gp.name in words
    assert "Send a reminder by SMS, 1 NOK" in words


CHANGED = "The price has changed since you opened the page. Choose again."


def told(page):
    """Return which price the page's form says it stated."""
    return re.search(r'name="told_ore" value="(\d+)"', page.content.decode())[1]


@pytest.mark.parametrize("by_itself", [True, False])
@pytest.mark.parametrize("name", ["book", "any_urgent"])
def test_a_price_that_changed_since_the_page_was_opened_is_stated_anew_before_anything_is_booked(
    name, by_itself
):
    world = make_world()
    kind, starts_at = (
        (SlotKind.PORTAL, None) if name == "book" else (SlotKind.URGENT, NOW + timedelta(hours=2))
    )
    slot, client = make_slot(world.gp, starts_at, kind=kind), sign_in(world)
    page = address(name, world, *([slot.pk] if name == "book" else []))
    form = fill_in(told_ore=told(client.get(page)))
    Clinic.objects.update(sms_ore=250)
    answer = client.post(page, form, headers={"HX-Request": "true"} if by_itself else {})
    assert answer.status_code == 422
    assert CHANGED in text(answer)
    assert "2,50" in text(answer)
    assert "Sore throat" in text(answer)
    assert not Appointment.objects.exists()
    client.post(page, form | {"told_ore": told(answer)})
    assert Appointment.objects.get().reminder_ore == 250


def test_who_wants_no_reminder_hears_of_no_price():
    world = make_world()
    slot, client = make_slot(world.gp), sign_in(world)
    page = address("book", world, slot.pk)
    form = fill_in(told_ore=told(client.get(page)))
    del form["wants_reminder"]
    Clinic.objects.update(sms_ore=250)
    client.post(page, form)
    assert Appointment.objects.get().reminder_ore == 0


def test_where_the_clinic_reminds_everyone_there_is_no_choice():
    world = make_world(clinic={"reminds_everyone": True})
    words = text(sign_in(world).get(address("book", world, make_slot(world.gp).pk)))
    assert "The clinic sends a reminder by SMS" in words
    assert "1 kr" not in words


def test_booking_leads_to_the_appointment():
    world = make_world()
    slot = make_slot(world.gp)
    client = sign_in(world)
    response = client.post(address("book", world, slot.pk), fill_in())
    appointment = Appointment.objects.get()
    assert response.status_code == 302
    assert response["Location"] == address("appointment", world, appointment.pk)
    assert (appointment.reason, appointment.wants_reminder) == ("Sore throat", True)
    words = text(client.get(response["Location"]))
    assert "The appointment is booked" in words
    assert "Sore throat" in words


def test_sending_the_same_form_again_leads_to_the_same_appointment():
    world = make_world()
    slot, form = make_slot(world.gp), fill_in()
    client = sign_in(world)
    answers = [client.post(address("book", world, slot.pk), form) for _ in range(3)]
    assert len({answer["Location"] for answer in answers}) == 1
    assert Appointment.objects.count() == 1


def test_going_back_to_the_confirm_page_after_booking_leads_to_the_appointment():
    world = make_world()
    slot = make_slot(world.gp)
    appointment = world.book(slot)
    response = sign_in(world).get(address("book", world, slot.pk))
    assert response["Location"] == address("appointment", world, appointment.pk)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reason": ""}, "Write in a few words what it is about."),
        ({"reason": "   "}, "Write in a few words what it is about."),
        ({"reason": "a" * 501}, "Shorten the text to at most 500 characters. Now it has 501."),
        ({"reason": "a\0b"}, "There is a sign in it that"),
        ({"form_key": "nonsense"}, "The page was too old."),
        ({"form_key": ""}, "The page was too old."),
    ],
)
def test_what_is_wrong_with_the_form_is_said_and_nothing_typed_is_lost(change, message):
    world = make_world()
    form = fill_in() | change
    response = sign_in(world).post(address("book", world, make_slot(world.gp).pk), form)
    assert response.status_code == 422
    assert message in text(response)
    if form["reason"].strip() and "\0" not in form["reason"]:
        assert form["reason"] in response.content.decode()
    assert re.search(r'name="form_key" value="[0-9a-f-]{36}"', response.content.decode())
    assert not Appointment.objects.exists()


def test_line_ends_count_once():
    world = make_world()
    reason = "a\r\n" * 249 + "ab"
    response = sign_in(world).post(address("book", world, make_slot(world.gp).pk), fill_in(reason=reason))
    assert response.status_code == 302


def test_a_lost_race_keeps_the_typed_reason_and_offers_the_nearest_times():
    world = make_world()
    lost, near = make_slot(world.gp), make_slot(world.gp, NOW + timedelta(days=1, hours=2))
    client = sign_in(world)
    Slot.objects.filter(pk=lost.pk).update(state=SlotState.TAKEN)
    form = fill_in(reason="My <b>left</b> knee")
    response = client.post(address("book", world, lost.pk), form)
    body = response.content.decode()
    assert response.status_code == 422
    assert "Someone else has just taken this time." in text(response)
    assert "My &lt;b&gt;left&lt;/b&gt; knee" in body
    again = re.search(r'formaction="([^"]+)"', body).group(1)
    key = re.search(r'name="form_key" value="([^"]+)"', body).group(1)
    assert again == address("book", world, near.pk)
    response = client.post(again, form | {"form_key": key})
    assert Appointment.objects.get().slot == near
    assert response["Location"] == address("appointment", world, Appointment.objects.get().pk)


def test_who_has_as_many_as_allowed_is_offered_no_other_time_but_the_way_to_their_own():
    world = make_world(clinic={"most_upcoming": 1, "phone": "+4721560000"})
    world.book(make_slot(world.gp, NOW + timedelta(days=3)))
    wanted, _near = make_slot(world.gp), make_slot(world.gp, NOW + timedelta(days=1, hours=2))
    client = sign_in(world)
    page = address("book", world, wanted.pk)
    for answer in (client.get(page), client.post(page, fill_in(reason="My left knee"))):
        assert answer.status_code in {409, 422}
        assert "You have as many coming appointments as the clinic allows online." in text(answer)
        assert "You asked for Tuesday 24 November at 10:20 with" in text(answer)
        assert "nearest free times" not in text(answer), "they would be refused for the same reason"
        assert "There are no other free times online" not in text(answer)
        assert f'<p><a href="{address("appointments", world)}">See my appointments</a>' in answer.text
    assert "My left knee" in text(answer)


def test_who_has_as_many_urgent_ones_as_allowed_is_offered_ordinary_times_only():
    world = make_world(clinic={"most_urgent": 1})
    allow(world.gp)
    at = NOW + timedelta(hours=2)
    world.book(make_slot(world.gp, at, kind=SlotKind.URGENT))
    wanted, urgent = (
        make_slot(world.gp, at + timedelta(minutes=late), kind=SlotKind.URGENT) for late in (30, 60)
    )
    plain = make_slot(world.gp, at + timedelta(minutes=90))
    page = sign_in(world).post(address("book", world, wanted.pk), fill_in()).text
    assert "You have as many urgent appointments as the clinic allows online." in page
    assert f'formaction="{address("book", world, plain.pk)}"' in page
    assert address("book", world, urgent.pk) not in page


def test_that_the_notice_is_over_already_is_said_before_the_time_is_taken():
    world = make_world(clinic={"cancel_notice_hours": 48})
    had, near = (
        world.book(make_slot(world.gp, NOW + timedelta(days=4))),
        make_slot(world.gp, NOW + timedelta(hours=47)),
    )
    far = make_slot(world.gp, NOW + timedelta(hours=49))
    client = sign_in(world)
    said = "This appointment can't be cancelled online. If you can't come, phone the clinic at"
    for pages in (("book",), ("move_to", had.pk)):
        name, *args = pages
        assert said in text(client.get(address(name, world, *args, near.pk)))
        assert said not in text(client.get(address(name, world, *args, far.pk)))
    allow(world.gp)
    make_slot(world.gp, NOW + timedelta(hours=3), kind=SlotKind.URGENT)
    assert said in text(client.get(address("any_urgent", world)))


def test_a_right_lost_meanwhile_keeps_the_typed_reason():
    world = make_world()
    slot = make_slot(world.gp)
    client = sign_in(world)
    ProviderRights.objects.update(booking=False)
    response = client.post(address("book", world, slot.pk), fill_in(reason="My left knee"))
    assert response.status_code == 422
    assert "My left knee" in text(response)
    assert "You can't book with this provider any more." in text(response).replace("&#x27;", "'")
    assert as_people_write(world.clinic.phone, world.clinic.country) in text(response)


def test_opening_a_taken_time_shows_the_nearest_ones():
    world = make_world()
    taken, near = make_slot(world.gp, state=SlotState.TAKEN), make_slot(world.gp, NOW + timedelta(days=2))
    response = sign_in(world).get(address("book", world, taken.pk))
    assert response.status_code == 409
    assert address("book", world, near.pk) in response.content.decode()


@pytest.mark.parametrize("which", ["unknown", "foreign", "huge"])
def test_another_clinics_slot_is_no_page_of_ours(which):
    world = make_world()
    foreign = make_slot(make_provider(make_clinic(), name="Foreign Doctor"))
    number = {"unknown": 123_456, "foreign": foreign.pk, "huge": 10**30}[which]
    client = sign_in(world)
    for response in (
        client.get(address("book", world, number)),
        client.post(address("book", world, number), fill_in()),
    ):
        assert response.status_code == 404
        assert "Foreign Doctor" not in text(response)
    assert not Appointment.objects.exists()


# -- appointments ------------------------------------------------------------------------------------------
def test_appointments_stand_as_coming_and_earlier(django_assert_max_num_queries):
    world = make_world()
    coming = world.book(make_slot(world.gp))
    cancelled = world.cancel(world.book(make_slot(world.gp, NOW + timedelta(days=4))))
    client = sign_in(world)
    with django_assert_max_num_queries(8):
        response = client.get(address("appointments", world))
    body = response.content.decode()
    assert body.index(str(coming.pk)) < body.index('id="earlier"') < body.index(str(cancelled.pk))


def test_someone_without_appointments_is_shown_the_way():
    world = make_world()
    assert "No appointments ahead" in text(sign_in(world).get(address("appointments", world)))


def test_a_request_says_that_it_waits():
    world = make_world(approval=Approval.BY_HAND)
    appointment = world.book(make_slot(world.gp))
    assert "The clinic has received your request" in text(
        sign_in(world).get(address("appointment", world, appointment.pk))
    )


@pytest.mark.parametrize("name", ["appointment", "cancel", "calendar_file"])
def test_someone_elses_appointment_is_not_found(name):
    world = make_world()
    appointment = world.book(make_slot(world.gp))
    neighbour = make_world()
    neighbour.patient = make_patient(world.clinic, gp=world.gp)
    neighbour.clinic = world.clinic
    client = sign_in(neighbour)
    assert client.get(address(name, world, appointment.pk)).status_code == 404
    if name == "cancel":
        assert client.post(address(name, world, appointment.pk)).status_code == 404
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.BOOKED


def test_cancelling_asks_once_and_then_shows_that_it_is_done():
    world = make_world()
    slot = make_slot(world.gp)
    appointment = world.book(slot)
    client = sign_in(world)
    assert "Cancel the appointment?" in text(client.get(address("cancel", world, appointment.pk)))
    for _ in range(2):
        response = client.post(address("cancel", world, appointment.pk))
        assert response["Location"] == address("appointment", world, appointment.pk)
    words = text(client.get(response["Location"]))
    assert "Cancelled" in words
    assert "by you" in words
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE


def test_what_can_not_be_cancelled_says_whom_to_phone():
    world = make_world(cancelling=False)
    appointment = world.book(make_slot(world.gp))
    client = sign_in(world)
    assert (
        address("cancel", world, appointment.pk)
        not in client.get(address("appointment", world, appointment.pk)).content.decode()
    )
    for status, response in (
        (409, client.get(address("cancel", world, appointment.pk))),
        (422, client.post(address("cancel", world, appointment.pk))),
    ):
        assert response.status_code == status
        assert as_people_write(world.clinic.phone, world.clinic.country) in text(response)
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.BOOKED


def test_who_may_no_longer_book_still_sees_and_cancels():
    world = make_world()
    appointment = world.book(make_slot(world.gp))
    MatrixTick.objects.all().delete()
    client = sign_in(world)
    assert str(appointment.pk) in client.get(address("appointments", world)).content.decode()
    client.post(address("cancel", world, appointment.pk))
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.CANCELLED


def test_the_calendar_file_says_when_and_where_and_nothing_more():
    world = make_world(clinic={"street": "Storgata 1", "postcode": "0155", "city": "Oslo"})
    appointment = world.book(make_slot(world.gp), reason="A very private matter")
    client = sign_in(world)
    response = client.get(address("calendar_file", world, appointment.pk))
    assert response["Content-Type"].startswith("text/calendar")
    calendar = Calendar.from_ical(response.content)
    (event,) = calendar.walk("VEVENT")
    (zone,) = calendar.walk("VTIMEZONE")
    assert event["DTSTART"].dt == appointment.starts_at
    assert event["DTSTART"].params["TZID"] == zone["TZID"] == "Europe/Oslo"
    assert str(event["UID"]).startswith(str(appointment.pk))
    assert (int(event["SEQUENCE"]), str(event["STATUS"])) == (0, "CONFIRMED")
    assert str(event["LOCATION"]) == "Storgata 1, 0155 Oslo"
    assert b"private" not in response.content
    assert world.gp.name.encode() not in response.content
    world.cancel(appointment)
    (event,) = Calendar.from_ical(client.get(address("calendar_file", world, appointment.pk)).content).walk(
        "VEVENT"
    )
    assert (int(event["SEQUENCE"]), str(event["STATUS"])) == (1, "CANCELLED")
