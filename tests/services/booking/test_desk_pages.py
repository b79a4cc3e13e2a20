"""The desk's pages: finding a patient, booking, moving, blocking, where one is, and who can be told."""

import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from identity import national_id
from services.booking.choices import AppointmentStatus, SlotKind
from services.booking.models import Appointment, Block, Receipt, Slot
from tests.build import make_clinic, make_patient, make_provider
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_desk import make_block
from tests.services.booking.build_desk_pages import gp, place, url
from tests.services.booking.build_earlier import make_offer
from tests.services.booking.build_staff import ahead, make_appointment

__all__ = ["gp", "place"]


@pytest.mark.parametrize("how", ["Kari", "1.2.1980", "91234567", "id"])
def test_a_patient_is_found_by_whatever_is_known_and_no_number_stands_in_an_address(client, place, gp, how):
    number = national_id.make_synthetic("NO", date(1980, 2, 1), serial=4)
    patient = make_patient(
        place,
        given_name="Kari",
        birth_date=date(1980, 2, 1),
        mobile="+4791234567",
        national_id=number,
        national_id_index=national_id.index(national_id.parse(number, "NO", allow_synthetic=True)),
    )
    slot = make_slot(gp, ahead(place))
    answer = client.post(url(place, "book", slot=slot.pk), {"q": number if how == "id" else how})
    assert url(place, "book_patient", patient.pk, slot=slot.pk) in answer.content.decode()
    addresses = re.findall(r'(?:href|action)="([^"]*)"', answer.content.decode())
    assert addresses
    assert not [one for one in addresses if number in one or "91234567" in one]


def test_of_a_patient_who_may_not_book_the_page_says_which_rules_of_access_say_so(client, place, gp):
    patient = make_patient(place, gp=gp, is_active=False)
    sent = {"reason": "Back pain", "tells": "on", "form_key": str(uuid4())}
    answer = client.post(url(place, "book_patient", patient.pk, slot=make_slot(gp, ahead(place)).pk), sent)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "The patient may not book this with this provider on that day." in text
    assert "The record is not active." in text
    assert "The record is in order" not in text


def test_booking_by_hand_through_the_pages_asks_about_a_rule_once_and_shows_that_it_was_put_aside(
    client, place, gp
):
    patient = make_patient(place, gp=gp, given_name="Kari")
    slot = make_slot(gp, ahead(place, 5), kind=SlotKind.URGENT)
    address = url(place, "book_patient", patient.pk, slot=slot.pk)
    key = client.get(address).context["form"].key
    sent = {"reason": "Back pain", "tells": "on", "form_key": key}
    answer = client.post(address, sent)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "The urgent times of that day are not out yet." in text
    assert "Book all the same" in text
    assert "Back pain" in text
    answer = client.post(address, {**sent, "overrule": "not-released"})
    assert answer.status_code == 302
    done = Appointment.objects.get()
    shown = client.get(reverse("booking_staff:appointment", args=[place.portal_identifier, done.pk]))
    text = shown.content.decode()
    assert "A rule was put aside" in text
    assert "Booked by hand" in text


@pytest.mark.parametrize(
    "query",
    [
        {"slot": "x"},
        {"slot": "9" * 30},
        {"slot": "1"},
    ],
)
def test_a_slot_that_is_none_is_not_found(client, place, gp, query):
    assert client.get(url(place, "book", **query)).status_code == 404


def test_other_clinics_patients_appointments_slots_and_blocks_are_not_found(client, place, gp):
    foreign = make_provider(make_clinic())
    slot = make_slot(foreign, ahead(foreign.clinic))
    appointment = make_appointment(make_slot(foreign, ahead(foreign.clinic, 4)))
    own = make_slot(gp, ahead(place))
    for address in [
        url(place, "book", slot=slot.pk),
        url(place, "book_patient", appointment.patient_id, slot=own.pk),
        url(place, "move", appointment.pk, slot=own.pk),
        url(place, "blocked", make_block(foreign).pk),
    ]:
        assert client.get(address).status_code == 404
        assert client.post(address, {"tells": "on"}).status_code == 404
    marked = client.post(url(place, "mark", appointment.pk), {"mark": "arrived", "seen": ""})
    assert marked.status_code == 404


def test_a_free_time_is_checked_field_by_field_and_nothing_typed_is_lost(client, place, gp):
    address = url(place, "book", provider=gp.pk, day="2026-13-99", at="25:99", minutes=3)
    answer = client.get(address)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "That is not a day of the calendar." in text
    assert "Write the time as 10:20." in text
    assert "25:99" in text


def test_a_move_shows_both_times_and_a_second_secretary_what_changed(client, place, gp):
    appointment = make_appointment(
        make_slot(gp, ahead(place)), make_patient(place, gp=gp), status=AppointmentStatus.BOOKED
    )
    first, second = make_slot(gp, ahead(place, 3, 10)), make_slot(gp, ahead(place, 3, 11))
    address = url(place, "move", appointment.pk, version=1, slot=first.pk)
    assert "Has now" in client.get(address).content.decode()
    assert client.post(address, {"tells": "on"}).status_code == 302
    back = client.get(address)  # with the browser's button
    assert back.status_code == 200
    assert "The appointment has this time" in back.text
    assert "meanwhile" not in back.text
    assert 'method="post" class="form"' not in back.text
    late = url(place, "move", appointment.pk, version=1, slot=second.pk)
    for answer in (client.get(late), client.post(late, {"tells": "on"})):
        assert answer.status_code == 409
        text = answer.content.decode()
        assert "Somebody has changed this appointment meanwhile" in text
        assert "10:00" in text, "where it is now"
        assert "09:00" in text, "where it was"
        assert f"by {Receipt.objects.latest('pk').by.name}, " in text
        assert f"version=2&amp;slot={second.pk}" in text, "the way on keeps the time that was chosen"
    appointment.refresh_from_db()
    assert appointment.slot_id == first.pk
    page = reverse("booking_staff:appointment", args=[place.portal_identifier, appointment.pk])
    story = client.get(page).context["history"]
    assert story[-1].what.startswith("Moved from ")
    assert "09:00" in story[-1].what
    assert story[-1].who == Receipt.objects.latest("pk").by.name


def test_while_one_moves_free_times_lead_to_the_move_on_the_day_and_in_the_week(client, place, gp):
    appointment = make_appointment(make_slot(gp, ahead(place)), status=AppointmentStatus.BOOKED)
    slot = make_slot(gp, ahead(place, 3, 10))
    query = {"day": slot.day.isoformat(), "move": appointment.pk, "version": 1}
    day = client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), query)
    week = client.get(url(place, "week", days=7, **query))
    for answer, back in ((day, {}), (week, {"week": 7})):
        way = url(place, "move", appointment.pk, version=1, **back, slot=slot.pk).replace("&", "&amp;")
        assert way in answer.content.decode()
        assert "Choose the new time." in answer.content.decode()
        assert str(appointment.pk) in answer.context["after"], "the next day goes on moving"


@pytest.mark.parametrize("word", ["x", "6dfe1014-3fab-4be7-9c12-0f435ed73582", ""])
def test_moving_what_does_not_exist_shows_the_plain_calendar(client, place, gp, word):
    make_slot(gp, ahead(place))
    answer = client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), {"move": word})
    assert answer.context["moving"] is None


def test_blocking_through_the_pages_names_the_fault_shows_the_reason_and_opens_again(client, place, gp):
    day = ahead(place).date().isoformat()
    sent = {"provider": gp.pk, "day": day, "starts": "12:00", "ends": "11:00", "reason": ""}
    text = client.post(url(place, "block"), sent).content.decode()
    assert "The end must come after the beginning." in text
    assert "Write why: others read it in the calendar." in text
    sent |= {"ends": "13:00", "reason": "Course on <b>wounds</b>"}
    assert client.post(url(place, "block"), sent).status_code == 302
    shown = client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), {"day": day})
    assert "Course on &lt;b&gt;wounds&lt;/b&gt;" in shown.content.decode()
    block = Block.objects.get()
    page = client.get(url(place, "blocked", block.pk)).content.decode()
    facts = re.findall(r"<dd>(.*?)</dd>", page, re.DOTALL)
    assert "12:00 – 13:00" in facts[0]
    assert facts[1:3] == [gp.name, "Course on &lt;b&gt;wounds&lt;/b&gt;"]
    assert block.by.name in facts[3]
    assert client.post(url(place, "blocked", block.pk)).status_code == 302
    assert not Slot.objects.exists()
    gone = client.post(url(place, "blocked", block.pk))  # pressed twice, or after going back
    assert gone.status_code == 404
    text = gone.content.decode()
    assert "Nothing is blocked here" in text
    assert f'href="{reverse("booking_staff:calendar", args=[place.portal_identifier])}"' in text


def test_a_held_time_is_shown_as_held_with_for_whom_on_the_day_and_in_the_week(client, place, gp):
    patient = make_patient(place, given_name="Venke", family_name="Venter")
    slot = make_offer(gp, patient)[1].slot
    day = reverse("booking_staff:calendar", args=[place.portal_identifier]) + f"?day={slot.day}"
    for address in (day, url(place, "week", day=slot.day, provider=gp.pk, days=7)):
        shown = client.get(address).content.decode()
        assert re.search(r'data-kind="held".*?Offered to Venke Venter.*?Held until', shown, re.DOTALL)
        assert 'data-kind="free" data-target' not in shown
    to_book, held = url(place, "book", slot=slot.pk), "This time is held for who waits for an earlier one."
    assert held in client.get(to_book).text
    Slot.objects.filter(pk=slot.pk).update(held_until=timezone.now())
    assert "Venke" not in client.get(day).content.decode()
    assert held not in client.get(to_book).text


def test_before_a_patient_is_looked_for_staff_read_that_the_time_is_taken_meanwhile(client, place, gp):
    slot = make_slot(gp, ahead(place))
    page, gone = url(place, "book", slot=slot.pk), "This time is not free any more"
    assert gone not in client.get(page).text
    make_appointment(slot, make_patient(place, gp=gp), status=AppointmentStatus.BOOKED)
    assert gone in client.get(page).text


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("desk:week", "Calendar"),
        ("desk:book", "Calendar"),
        ("desk:block", "Calendar"),
        ("desk:blocked", "Calendar"),
        ("guests_staff:waiting", "Waiting for an answer"),
        ("reminders_staff:failed", "Waiting for an answer"),
        ("earlier_staff:waiting", "Waiting for an answer"),
    ],
)
def test_the_menu_marks_where_one_is_also_on_pages_below(client, place, gp, name, item):
    below = [make_block(gp).pk] if name == "desk:blocked" else []
    text = client.get(reverse(name, args=[place.portal_identifier, *below])).content.decode()
    menu = text[text.index('<nav class="ways"') : text.index("</nav>", text.index('<nav class="ways"'))]
    assert re.findall(r'aria-current="\w+">(?:<svg.*?</svg>)?<span>([^<]*)', menu) == [item]


def test_the_page_that_looks_for_a_patient_is_ready_to_write_and_shows_whom_it_finds_in_place(
    client, place, gp
):
    address = url(place, "book", slot=make_slot(gp, ahead(place)).pk)
    text = client.get(address).content.decode()
    assert re.search(r'<input[^>]*name="q"[^>]*autofocus', text)
    assert f'hx-post="{address}"' in text
    make_patient(place, given_name="Kari")
    found = client.post(address, {"q": "Kari"}, headers={"hx-request": "true"}).content.decode()
    assert "Kari" in found[found.index('id="found"') :]


@pytest.mark.parametrize(
    ("begun", "values", "hint"),
    [
        (True, {}, "The time has begun: the patient is not notified."),
        (False, {"mobile": "", "email": ""}, "nobody can be notified"),
    ],
)
def test_who_can_not_be_told_is_not_said_to_be_told(client, place, gp, begun, values, hint):
    patient = make_patient(place, given_name="Kari", **{"mobile": "+4791234567"} | values)
    local = timezone.now().astimezone(place.zone) + timedelta(hours=-1 if begun else 20)
    local = local.replace(minute=local.minute // 5 * 5)
    wanted = {"provider": gp.pk, "day": local.date().isoformat(), "at": f"{local:%H:%M}", "minutes": 120}
    address = url(place, "book_patient", patient.pk, **wanted)
    page = client.get(address)
    text = page.content.decode()
    assert hint in text
    assert 'name="tells"' not in text
    sent = {"reason": "", "tells": "on", "form_key": page.context["form"].key}
    answer = client.post(address, sent, follow=True)
    assert f"Booked for {patient.full_name}." in answer.content.decode()
    assert "is notified" not in answer.content.decode()
