"""Who came, as staff say it in the calendar and on the appointment's page, and what is told of it afterwards."""

import re
from datetime import datetime, time, timedelta
from html import unescape

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from tests.build import make_patient
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_desk_pages import HOUR, gp, place, url
from tests.services.booking.build_staff import ahead, make_appointment, sign_in_staff

__all__ = ["gp", "place"]


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
