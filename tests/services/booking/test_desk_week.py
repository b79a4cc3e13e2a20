"""The calendar's week: of one and of several, what it asks of the database, and requests that are decided in it."""

from datetime import datetime, time, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse

from clinic_admin.models import Closure
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import away
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_desk_pages import gp, place, url
from tests.services.booking.build_staff import ahead, make_appointment, sign_in_staff

__all__ = ["gp", "place"]


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
