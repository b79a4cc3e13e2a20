"""The desk's pages: finding a patient, booking, moving, the week, and back to where one came from."""

import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Closure
from identity import national_id
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus, SlotKind
from services.booking.models import Appointment, Block, Receipt, Slot
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import away
from tests.services.booking.build_booking import allow, make_slot, make_world
from tests.services.booking.build_desk import make_block
from tests.services.booking.build_earlier import make_offer
from tests.services.booking.build_staff import ahead, make_appointment, make_request, sign_in_staff

HOUR = timedelta(hours=1)


@pytest.fixture
def world(db):
    return make_world(clinic={"most_upcoming": None, "most_urgent": None})


# -- pages -------------------------------------------------------------------------------------------------
@pytest.fixture
def place(db, client):
    client.cookies["django_language"] = "en"
    clinic = make_clinic()
    sign_in_staff(client, clinic)
    return clinic


@pytest.fixture
def gp(place):
    gp = make_provider(place, name="Lege Berg")
    allow(gp)
    return gp


def url(clinic, name, *args, **query):
    return reverse(f"desk:{name}", args=[clinic.portal_identifier, *args]) + (
        f"?{urlencode(query)}" if query else ""
    )


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


def test_marks_are_seen_by_sign_and_colour_and_can_be_taken_back(client, place, gp):
    started = timezone.now() - timedelta(minutes=30)
    appointment = make_appointment(make_slot(gp, started), status=AppointmentStatus.BOOKED)
    page = reverse("booking_staff:appointment", args=[place.portal_identifier, appointment.pk])
    assert 'value="missed"' in client.get(page).content.decode()
    client.post(url(place, "mark", appointment.pk), {"mark": "missed", "seen": ""})
    day = client.get(
        reverse("booking_staff:calendar", args=[place.portal_identifier]),
        {"day": started.astimezone(place.zone).date().isoformat()},
    )
    assert 'data-kind="missed"' in day.content.decode()
    assert "Take the mark back" in client.get(page).content.decode()
    client.post(url(place, "mark", appointment.pk), {"mark": "", "seen": "missed"})
    appointment.refresh_from_db()
    assert appointment.attendance == ""


def acts(answer):
    """Return which marks the calendar offers for each entry, and which of them are hidden still."""
    found = re.findall(r'<details class="acts".*?</details>', answer.content.decode())
    return [re.findall(r'value="(\w*)"[^>]*?( hidden)?>', one) for one in found]


NOON = time(12)


def test_the_calendar_offers_to_say_who_came_where_the_appointments_own_page_does(client, place, gp):
    today = timezone.now().astimezone(place.zone).date()
    noon = datetime.combine(today, NOON, tzinfo=place.zone)
    day = {"day": today.isoformat()}
    calendar = reverse("booking_staff:calendar", args=[place.portal_identifier])
    begun = make_appointment(make_slot(gp, noon - HOUR), status=AppointmentStatus.BOOKED)
    to_come = make_appointment(make_slot(gp, noon + HOUR), status=AppointmentStatus.BOOKED)
    make_appointment(make_slot(gp, noon + 2 * HOUR))
    tomorrow = make_appointment(make_slot(gp, noon + 24 * HOUR), status=AppointmentStatus.BOOKED)
    with time_machine.travel(noon, tick=False):
        sign_in_staff(client, place)
        begun_both, to_come_arrived = (
            [("arrived", ""), ("missed", "")],
            [("arrived", ""), ("missed", " hidden")],
        )
        assert acts(client.get(calendar, day)) == [begun_both, to_come_arrived]
        assert acts(client.get(url(place, "week", days=7, **day))) == [begun_both, to_come_arrived]
        assert (
            acts(client.get(calendar, {"day": tomorrow.starts_at.astimezone(place.zone).date().isoformat()}))
            == []
        )
        for one, marks in ((begun, ("arrived", "missed")), (to_come, ("arrived",)), (tomorrow, ())):
            own = reverse("booking_staff:appointment", args=[place.portal_identifier, one.pk])
            assert client.get(own).context["marks"] == marks
        moving = {"move": begun.pk, "version": 1}
        assert acts(client.get(calendar, day | moving)) == [], "who moves an appointment marks none"


def test_who_says_in_the_calendar_that_a_patient_came_stays_there_and_takes_it_back_there(client, place, gp):
    started = timezone.now() - timedelta(minutes=30)
    mine = make_appointment(
        make_slot(gp, started), make_patient(place, given_name="Kari"), status=AppointmentStatus.BOOKED
    )
    day = started.astimezone(place.zone).date().isoformat()
    for view, back in (
        (
            url(place, "week", day=day, days=7, provider=gp.pk),
            f"{url(place, 'week')}?day={day}&provider={gp.pk}&days=7",
        ),
        (
            calendar := reverse("booking_staff:calendar", args=[place.portal_identifier]) + f"?day={day}",
            calendar,
        ),
    ):
        for mark, kind, words in (
            ("missed", "missed", "Did not attend"),
            ("arrived", "arrived", "Arrived"),
            ("", "", ""),
        ):
            page = unescape(client.get(view).content.decode())
            (address,) = re.findall(rf'value="{mark}" formaction="([^"]*)"', page)
            done = client.post(address, {"mark": mark, "day": day})
            assert done.url == f"{back}#entry-{mine.pk}"
            shown = client.get(done.url).content.decode()
            entry = re.search(rf'<a [^>]*id="entry-{mine.pk}".*?</a>', shown)[0]
            assert f'data-kind="{kind}' in entry
            assert words in entry
        mine.refresh_from_db()
        assert mine.attendance == ""


def test_a_calendar_that_is_not_the_newest_overwrites_no_colleagues_mark(client, place, gp):
    started = timezone.now() - timedelta(minutes=30)
    mine = make_appointment(make_slot(gp, started), status=AppointmentStatus.BOOKED)
    day = started.astimezone(place.zone).date().isoformat()
    old = unescape(
        client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), {"day": day}).text
    )
    client.post(url(place, "mark", mine.pk), {"mark": "arrived", "seen": ""})
    (address,) = re.findall(r'value="missed" formaction="([^"]*)"', old)
    late = client.post(address, {"mark": "missed", "day": day}, follow=True)
    assert re.search(r"This appointment was changed.* noted .*: Arrived\.", late.text)
    assert late.redirect_chain[0][0].startswith(
        reverse("booking_staff:calendar", args=[place.portal_identifier])
    )
    mine.refresh_from_db()
    assert mine.attendance == "arrived"


@pytest.mark.parametrize("day", ["2026-13-99", "x", "", "0001-01-01"])
def test_a_day_that_is_none_leads_to_the_appointments_own_page(client, place, gp, day):
    mine = make_appointment(
        make_slot(gp, timezone.now() - timedelta(minutes=30)), status=AppointmentStatus.BOOKED
    )
    done = client.post(url(place, "mark", mine.pk, seen=""), {"mark": "arrived", "day": day})
    assert done.url == reverse("booking_staff:appointment", args=[place.portal_identifier, mine.pk])


def test_a_day_on_which_everybody_can_be_marked_asks_no_more_than_any_other(
    client, place, gp, django_assert_max_num_queries
):
    noon = datetime.combine(ahead(place, -1).date(), NOON, tzinfo=place.zone)
    for number in range(30):
        starts = noon + timedelta(minutes=5 * number)
        slot = make_slot(gp, starts, ends_at=starts + timedelta(minutes=5))
        make_appointment(slot, status=AppointmentStatus.BOOKED)
    day = noon.date().isoformat()
    for view, most in (
        (reverse("booking_staff:calendar", args=[place.portal_identifier]) + f"?day={day}", 14),
        (url(place, "week", day=day, days=7), 16),
    ):
        client.get(view)
        with django_assert_max_num_queries(most):
            shown = client.get(view)
        assert len(acts(shown)) == 30


def test_the_appointments_own_page_tells_each_mark_and_who_took_it_back(
    client, place, gp, django_assert_max_num_queries
):
    started = timezone.now() - timedelta(minutes=30)
    mine = make_appointment(make_slot(gp, started), status=AppointmentStatus.BOOKED)
    to_mark = url(place, "mark", mine.pk)
    first = sign_in_staff(client, place).user
    client.post(to_mark, {"mark": "missed", "seen": ""})
    second = sign_in_staff(client, place).user
    client.post(to_mark, {"mark": "", "seen": "missed"})
    client.post(to_mark, {"mark": "arrived", "seen": ""})
    client.post(to_mark, {"mark": "arrived", "seen": ""})  # pressed twice
    own = reverse("booking_staff:appointment", args=[place.portal_identifier, mine.pk])
    client.get(own)
    with django_assert_max_num_queries(14):
        shown = client.get(own)
    told = [(event.what, event.who) for event in shown.context["history"]]
    assert told[-3:] == [
        ("Did not attend", first.name),
        ("Taken back: Did not attend", second.name),
        ("Arrived", second.name),
    ]
    noted = mine.marks.order_by("pk").values_list("at", flat=True)
    assert [event.at for event in shown.context["history"][-3:]] == list(noted)


def test_who_came_and_cancelled_then_is_told_in_that_order(client, place, gp):
    mine = make_appointment(
        make_slot(gp, timezone.now() - timedelta(minutes=30)), status=AppointmentStatus.BOOKED
    )
    client.post(url(place, "mark", mine.pk), {"mark": "arrived", "seen": ""})
    now = timezone.now()
    gone = {"status": "cancelled", "cancelled_at": now, "cancelled_by": mine.requested_by, "slot": None}
    Appointment.objects.filter(pk=mine.pk).update(**gone)
    own = reverse("booking_staff:appointment", args=[place.portal_identifier, mine.pk])
    assert [event.what for event in client.get(own).context["history"]][-2:] == ["Arrived", "Cancelled"]


def test_who_marks_what_a_colleague_marked_otherwise_reads_who_what_and_when(client, place, gp):
    appointment = make_appointment(
        make_slot(gp, timezone.now() - timedelta(minutes=30)), status=AppointmentStatus.BOOKED
    )
    to_mark = url(place, "mark", appointment.pk)
    client.post(to_mark, {"mark": "arrived", "seen": ""})
    appointment.refresh_from_db()
    by = appointment.marked_by.name
    late = client.post(to_mark, {"mark": "missed", "seen": ""}, follow=True).text
    assert "This appointment was changed" in late
    assert re.search(rf"{by} noted .*: Arrived\.", late)
    client.post(to_mark, {"mark": "", "seen": "arrived"})
    late = client.post(to_mark, {"mark": "missed", "seen": "arrived"}, follow=True).text
    assert "The mark is taken back." in late
    appointment.refresh_from_db()
    assert appointment.attendance == ""


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


def test_the_week_shows_five_or_seven_days_with_what_is_closed_and_away(client, place, gp):
    monday = ahead(place, 14).date() - timedelta(days=ahead(place, 14).weekday())
    Closure.objects.create(clinic=place, first_day=monday, last_day=monday, reason="Moving house")
    make_slot(gp, datetime.combine(monday + timedelta(days=5), time(9), tzinfo=place.zone))
    five = client.get(url(place, "week", day=monday.isoformat()))
    assert len(five.context["calendar"].columns) == 5
    assert "Moving house" in five.content.decode()
    assert 'class="entry' not in five.content.decode()
    seven = client.get(url(place, "week", day=monday.isoformat(), days=7))
    assert len(seven.context["calendar"].columns) == 7
    assert 'class="entry' in seven.content.decode()


def test_a_week_of_nonsense_is_this_week_and_a_clinic_without_providers_says_so(client, place):
    answer = client.get(url(place, "week", day="9999-99-99", provider="²", days="x"))
    assert answer.status_code == 200
    assert "No providers yet" in answer.content.decode()


@pytest.mark.parametrize("many", [1, 6])
def test_queries_of_the_week_do_not_grow_with_times_or_providers(
    client, place, gp, many, django_assert_max_num_queries
):
    providers = [gp, *(make_provider(place) for _ in range(many - 1))]
    for provider in providers:
        for hour in range(8, 15) if many > 1 else [8]:
            for days in (7, 8, 9):
                make_appointment(
                    make_slot(provider, ahead(place, days, hour)), status=AppointmentStatus.BOOKED
                )
    asked = {"day": ahead(place, 8).date().isoformat(), "days": 7, "provider": [one.pk for one in providers]}
    with django_assert_max_num_queries(19):  # three of them record the look at all of the week's patients
        answer = client.get(url(place, "week"), asked)
    assert len(answer.context["calendar"].columns) == 7 * many


def monday_of(place):
    day = ahead(place, 14).date()
    return day - timedelta(days=day.weekday())


def at_hour(place, day, hour):
    return datetime.combine(day, time(hour), tzinfo=place.zone)


def test_a_week_of_several_has_them_side_by_side_within_each_day_under_their_initials(client, place, gp):
    dahl, third = (make_provider(place, name=name) for name in ("Lege Dahl", "Lege Eng"))
    monday = monday_of(place)
    away(dahl, monday, monday)
    Closure.objects.create(
        clinic=place,
        first_day=monday + timedelta(days=4),
        last_day=monday + timedelta(days=4),
        reason="Course",
    )
    make_slot(third, at_hour(place, monday, 9))
    answer = client.get(
        url(place, "week"), {"day": monday.isoformat(), "provider": [dahl.pk, gp.pk], "days": 5}
    )
    columns = answer.context["calendar"].columns
    assert [(one.title, one.short) for one in columns[:2]] == [
        ("Lege Berg", gp.initials),
        ("Lege Dahl", dahl.initials),
    ]
    assert [bool(one.opens) for one in columns] == [True, False] * 5
    assert (columns[0].text, columns[1].text, columns[3].text) == ("", "Away", "")
    assert columns[8].opens.text == "Closed Course"
    shown = answer.content.decode()
    assert f'aria-label="{columns[1].group}, Lege Dahl"' in shown
    assert 'data-groups="2"' in shown
    assert f'data-target="provider={dahl.pk}&amp;day={monday}"' in shown
    assert "Lege Eng</h" not in shown
    for way in ("before", "after", "to_today", "to_day", "stay"):
        assert f"provider={gp.pk}&provider={dahl.pk}" in answer.context[way]


def test_the_choice_of_the_day_is_that_of_the_week_and_a_week_says_when_there_are_more_than_it_shows(
    client, place, gp
):
    many = [gp, *(make_provider(place) for _ in range(7))]
    day = reverse("booking_staff:calendar", args=[place.portal_identifier])
    to_week = client.get(day, {"provider": [one.pk for one in many[1:3]]}).context["to_week"]
    week = client.get(to_week)
    assert week.context["chosen"] == [one.pk for one in many[1:3]]
    assert len(client.get(client.get(day).context["to_week"]).context["providers"]) == 1
    week = client.get(url(place, "week"), {"provider": [one.pk for one in many]})
    assert len(week.context["providers"]) == 6
    assert "at most 6 providers" in week.content.decode()


def test_another_clinics_provider_is_not_in_the_week(client, place, gp):
    stranger = make_provider(make_clinic(), name="Stranger")
    week = client.get(url(place, "week"), {"provider": [stranger.pk, gp.pk]})
    assert [one.name for one in week.context["providers"]] == ["Lege Berg"]


def test_a_request_is_decided_in_the_week_and_one_is_back_in_the_same_week(client, place, gp):
    other = make_provider(place)
    request = make_appointment(make_slot(other, at_hour(place, monday_of(place), 9)))
    asked = {"day": monday_of(place).isoformat(), "provider": [gp.pk, other.pk], "days": 7}
    week = client.get(url(place, "week"), asked)
    assert "1 request waits for approval" in week.content.decode()
    assert "Waiting for approval this week" in week.content.decode()
    assert 'data-kind="waiting"' in week.content.decode()
    decide = reverse("booking_staff:decide", args=[place.portal_identifier, request.pk])
    assert decide in week.content.decode()
    answer = client.post(decide, asked | {"decision": "approve", "back": "week"})
    assert answer.status_code == 302
    assert answer.url == url(place, "week") + "?" + urlencode(asked, doseq=True)
    request.refresh_from_db()
    assert request.status == AppointmentStatus.BOOKED
    again = client.post(decide, asked | {"decision": "refuse", "back": "week"}, follow=True)
    request.refresh_from_db()
    assert request.status == AppointmentStatus.BOOKED
    assert again.context["messages"]


def test_whom_the_week_names_is_recorded_once_and_asking_by_itself_records_nothing(client, place, gp):
    other = make_provider(place)
    slots = [make_slot(one, at_hour(place, monday_of(place), 9)) for one in (gp, other)]
    patients = {make_appointment(slot).patient_id for slot in slots}
    asked = {"day": monday_of(place).isoformat(), "provider": [gp.pk, other.pk]}
    quietly = {"X-By-Itself": "1", "X-Calendar": "none"}
    assert client.get(url(place, "week"), asked, headers=quietly).status_code == 200
    assert not AuditEvent.objects.filter(action="patient.listed").exists()
    client.get(url(place, "week"), asked)
    client.get(url(place, "week"), asked)
    listed = AuditEvent.objects.filter(action="patient.listed")
    assert {one.patient_id for one in listed} == patients
    assert listed.count() == 2


def test_queries_of_booking_by_hand_do_not_grow(client, place, gp, django_assert_max_num_queries):
    for number in range(30):
        make_patient(place, given_name="Kari", family_name=f"Nr{number}")
    slot = make_slot(gp, ahead(place))
    with django_assert_max_num_queries(14):
        answer = client.post(url(place, "book", slot=slot.pk), {"q": "Kari"})
    assert len(answer.context["found"]) == 25
    assert "These are the first by name." in answer.content.decode()


def test_a_week_among_many_is_found_by_index(place, gp):
    """Rows of other days are not read: the plan names the index, whatever the table holds."""
    make_slot(gp, ahead(place))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM booking_slot WHERE clinic_id = %s AND day BETWEEN %s AND %s"
            " AND provider_id IN (%s)",
            [place.pk, ahead(place).date(), ahead(place, 7).date(), gp.pk],
        )
        slots = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute(
            "EXPLAIN SELECT id FROM booking_appointment WHERE clinic_id = %s AND starts_at >= %s"
            " AND starts_at < %s AND provider_id IN (%s) AND status IN ('requested', 'booked')",
            [place.pk, ahead(place), ahead(place, 7), gp.pk],
        )
        appointments = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index" in slots
    assert "Seq Scan" not in slots
    assert "Index" in appointments
    assert "Seq Scan" not in appointments


def test_staff_of_another_clinic_and_strangers_find_no_desk(client, place, gp):
    client.logout()
    assert client.get(url(place, "week")).status_code in {302, 404}
    sign_in_staff(client, make_clinic())
    assert client.get(url(place, "week")).status_code == 404


# -- back to where one came from ---------------------------------------------------------------------------
def hrefs(page):
    return [unescape(one) for one in re.findall(r'href="([^"]+)"', page.content.decode())]


def test_a_week_without_its_weekend_opens_on_a_weekend_with_the_days_to_come(client, place, gp):
    weeks = {"2026-11-28": "30 November", "2026-11-29": "30 November", "2026-11-27": "23 November"}
    for day, first in weeks.items():
        with time_machine.travel(datetime(2026, 11, 27, 9, tzinfo=UTC), tick=False):
            assert f"Monday {first} –" in client.get(url(place, "week", day=day)).content.decode()
            seven = client.get(url(place, "week", day=day, days=7)).content.decode()
            assert "Monday 23 November – Sunday 29 November" in seven


def test_who_books_from_the_week_lands_in_the_same_week_at_what_was_booked(client, place, gp):
    other, patient = make_provider(place, name="Anna Berg"), make_patient(place, gp=gp)
    allow(other, row=gp)
    slot = make_slot(other, ahead(place))
    day = ahead(place).date().isoformat()
    week = client.get(url(place, "week", day=day, days=7) + f"&provider={gp.pk}&provider={other.pk}")
    (to_book,) = [one for one in hrefs(week) if one.endswith(f"slot={slot.pk}")]
    query = to_book.split("?")[1]
    page = client.post(f"{url(place, 'book_patient', patient.pk)}?{query}", {"form_key": uuid.uuid4()})
    booked = Appointment.objects.get()
    back = f"{url(place, 'week')}?day={day}&provider={other.pk}&provider={gp.pk}&days=7#entry-{booked.pk}"
    assert page.headers["Location"] == back
    assert f'id="entry-{booked.pk}"' in client.get(back).content.decode()


@pytest.mark.parametrize("is_written", [False, True])
def test_who_goes_back_after_booking_by_hand_reads_that_it_is_done_and_a_colleague_that_it_is_taken(
    client, place, gp, is_written
):
    patient, other = make_patient(place, gp=gp), make_patient(place, gp=gp, given_name="Ola")
    slot = make_slot(gp, ahead(place))
    local = slot.starts_at.astimezone(place.zone)
    written = {"provider": gp.pk, "day": local.date().isoformat(), "at": f"{local:%H:%M}", "minutes": 20}
    wanted = written if is_written else {"slot": slot.pk}
    if is_written:
        slot.delete()
    address = url(place, "book_patient", patient.pk, week=7, **wanted)
    key = client.get(address).context["form"].key
    assert client.post(address, {"reason": "", "form_key": key}).status_code == 302
    done = Appointment.objects.get()
    page = client.get(address)
    text = page.content.decode()
    assert f"{patient.full_name} has this time" in text
    assert "not free any more" not in text
    assert 'name="form_key"' not in text
    to_it = reverse("booking_staff:appointment", args=[place.portal_identifier, done.pk])
    assert f"{to_it}?week=7" in hrefs(page)
    assert f"{url(place, 'week')}?day={local.date()}&days=7#entry-{done.pk}" in hrefs(page)
    theirs = client.get(url(place, "book_patient", other.pk, **wanted)).content.decode()
    assert "has this time" not in theirs
    assert ("This time is not free any more" in theirs) != is_written


def test_whose_time_a_colleague_took_books_one_of_the_nearest_with_what_is_written(client, place, gp):
    other = make_patient(place, gp=gp, given_name="Ola")
    patient = make_patient(place, gp=gp, given_name="Kari")
    lost, *free = (make_slot(gp, ahead(place, 3, hour)) for hour in (10, 9, 11, 12))
    make_slot(gp, ahead(place, 3, 13), kind=SlotKind.URGENT)
    make_slot(make_provider(place), ahead(place, 3, 14))
    address = url(place, "book_patient", patient.pk, week=7, slot=lost.pk)
    assert "One press books" not in client.get(address).text
    taken = client.post(url(place, "book_patient", other.pk, slot=lost.pk), {"form_key": uuid.uuid4()})
    assert taken.status_code == 302
    assert "One press books" in client.get(address).text, "opened from a calendar that is not the newest"
    sent = {"reason": "Back pain", "form_key": uuid.uuid4()}
    answer = client.post(address, sent)
    assert answer.status_code == 422
    offered = re.findall(r'form="book" formaction="([^"]*)"', answer.text)
    assert [unescape(one) for one in offered] == [
        url(place, "book_patient", patient.pk, week=7, slot=slot.pk) for slot in free
    ]
    assert client.post(unescape(offered[1]), sent).status_code == 302
    done = Appointment.objects.get(patient=patient)
    assert (done.slot_id, done.reason) == (free[1].pk, "Back pain")


def test_who_opens_blocked_time_from_the_week_lands_in_the_same_week(client, place, gp):
    make_slot(gp, ahead(place, hour=9))
    day = ahead(place).date().isoformat()
    sent = {"provider": gp.pk, "day": day, "starts": "08:00", "ends": "12:00", "reason": "Course"}
    assert client.post(url(place, "block", week=7, shown=gp.pk), sent).status_code == 302
    week = f"{url(place, 'week')}?day={day}&provider={gp.pk}&days=7"
    blocked = url(place, "blocked", Block.objects.get().pk, week=7, shown=gp.pk)
    assert blocked in hrefs(client.get(week))
    assert week in hrefs(client.get(blocked))
    assert client.post(blocked).headers["Location"] == week


def test_who_moves_from_the_week_lands_in_the_same_week_also_when_writing_the_time(client, place, gp):
    mine = make_request(gp, status=AppointmentStatus.BOOKED)
    day = ahead(place).date().isoformat()
    week = client.get(url(place, "week", day=day, days=7, move=mine.pk, version=1))
    written = next(one for one in hrefs(week) if "/move/" in one and "slot" not in one)
    form = client.get(written).content.decode()
    assert '<input type="hidden" name="week" value="7">' in form
    query = {"version": 1, "week": 7, "provider": gp.pk, "day": day, "at": "15:00"}
    page = client.post(url(place, "move", mine.pk, **query), {})
    assert page.headers["Location"] == f"{url(place, 'week')}?day={day}&days=7#entry-{mine.pk}"


def test_the_appointments_own_page_keeps_the_week_one_came_from_through_marks_answers_and_moves(
    client, place, gp
):
    other = make_provider(place, name="Anna Berg")
    mine = make_appointment(make_slot(gp, ahead(place)))
    day = ahead(place).date().isoformat()
    query = f"week=7&shown={other.pk}&shown={gp.pk}"
    week = client.get(url(place, "week", day=day, days=7) + f"&provider={gp.pk}&provider={other.pk}")
    own = reverse("booking_staff:appointment", args=[place.portal_identifier, mine.pk])
    assert [one for one in hrefs(week) if one.startswith(own)] == [f"{own}?{query}"] * 2
    page = client.get(f"{own}?{query}")
    back = f"{url(place, 'week')}?day={day}&provider={other.pk}&provider={gp.pk}&days=7#entry-{mine.pk}"
    assert back in hrefs(page)
    assert f"{url(place, 'move', mine.pk, version=1)}&{query}" in hrefs(page)
    decide = reverse("booking_staff:decide", args=[place.portal_identifier, mine.pk])
    assert f'action="{decide}?{query}"' in unescape(page.content.decode())
    answer = client.post(f"{decide}?{query}", {"decision": "approve", "back": "appointment"})
    assert answer.url == f"{own}?{query}"
    marked = client.post(f"{url(place, 'mark', mine.pk)}?{query}", {"mark": "", "seen": ""})
    assert marked.url == f"{own}?{query}"


def test_the_appointments_own_page_leads_to_its_day_when_one_came_from_elsewhere(client, place, gp):
    mine = make_request(gp, status=AppointmentStatus.BOOKED)
    own = reverse("booking_staff:appointment", args=[place.portal_identifier, mine.pk])
    address = reverse("booking_staff:calendar", args=[place.portal_identifier])
    page = client.get(own, {"week": "nonsense", "shown": "x"})
    assert f"{address}?day={ahead(place).date().isoformat()}#entry-{mine.pk}" in hrefs(page)
    assert url(place, "move", mine.pk, version=1) in hrefs(page)


def test_the_form_for_another_time_begins_with_where_the_appointment_is(client, place, gp):
    other = make_provider(place, name="Aaron Berg")
    mine = make_request(gp, status=AppointmentStatus.BOOKED)
    form = client.get(url(place, "move", mine.pk, version=1)).context["time_form"]
    assert (form["day"].value(), form["provider"].value()) == (ahead(place).date(), gp.pk)
    chosen = client.get(url(place, "move", mine.pk, day="2026-12-24", provider=other.pk)).context["time_form"]
    assert (str(chosen["day"].value()), chosen["provider"].value()) == ("2026-12-24", str(other.pk))


def test_who_books_from_the_day_of_some_lands_on_the_day_of_the_same(client, place, gp):
    slot, patient = make_slot(gp, ahead(place)), make_patient(place, gp=gp)
    day = ahead(place).date().isoformat()
    address = reverse("booking_staff:calendar", args=[place.portal_identifier])
    (to_book,) = [
        one
        for one in hrefs(client.get(address, {"day": day, "provider": gp.pk}))
        if one.endswith(f"slot={slot.pk}")
    ]
    page = client.post(
        f"{url(place, 'book_patient', patient.pk)}?{to_book.split('?')[1]}", {"form_key": uuid.uuid4()}
    )
    assert (
        page.headers["Location"]
        == f"{address}?day={day}&provider={gp.pk}#entry-{Appointment.objects.get().pk}"
    )


@pytest.mark.parametrize("view", ["booking_staff:calendar", "desk:week"])
@pytest.mark.parametrize("kind", [SlotKind.PORTAL, SlotKind.URGENT])
def test_free_times_of_a_closed_day_are_not_said_to_be_bookable_online(client, place, gp, view, kind):
    slot = make_slot(gp, ahead(place), kind=kind)
    day = ahead(place).date()
    Closure.objects.create(clinic=place, first_day=day, last_day=day, reason="Course")
    query = {"day": day.isoformat(), "days": "7"}
    text = client.get(reverse(view, args=[place.portal_identifier]), query).content.decode()
    calendar = text[text.index('class="day-calendar"') : text.index('class="legend"')]
    assert "The clinic is closed" in calendar
    assert str(SlotKind(kind).label) not in calendar
    assert f"slot={slot.pk}" in calendar, "staff may still give it to somebody"


# -- where one is, and who can be told ---------------------------------------------------------------------
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
