"""Back to where one came from, after booking, moving, blocking and deciding."""

import re
import uuid
from datetime import UTC, datetime
from html import unescape

import pytest
import time_machine
from django.urls import reverse

from clinic_admin.models import Closure
from services.booking.choices import AppointmentStatus, SlotKind
from services.booking.models import Appointment, Block
from tests.build import make_patient, make_provider
from tests.services.booking.build_booking import allow, make_slot
from tests.services.booking.build_desk_pages import gp, place, url
from tests.services.booking.build_staff import ahead, make_appointment, make_request

__all__ = ["gp", "place"]


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
