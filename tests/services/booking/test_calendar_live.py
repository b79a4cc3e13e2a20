"""An open calendar asks by itself whether it has changed."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Closure
from patients.models import Patient
from services.booking.choices import AppointmentStatus, SlotState
from services.booking.desk.choices import Attendance
from services.booking.models import Appointment, Slot
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import away
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_staff import ahead, make_appointment, make_request, sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic(client):
    client.cookies["django_language"] = "en"
    clinic = make_clinic()
    sign_in_staff(client, clinic)
    return clinic


@pytest.fixture
def gp(clinic):
    return make_provider(clinic, name="Lege Berg")


@pytest.fixture(params=["day", "week"])
def calendar(request, client, clinic, gp):
    """Return the page as (open, look): `open` as a person does, `look` as the open page does by itself."""
    name = {"day": "booking_staff:calendar", "week": "desk:week"}[request.param]
    address = reverse(name, args=[clinic.portal_identifier])
    query = {"day": ahead(clinic).date().isoformat(), "days": 7}

    def look(version, **more):
        headers = {"X-By-Itself": "1", "X-Calendar": version}
        return client.get(address, query | more, headers=headers)

    def open_page(**more):
        shown = client.get(address, query | more).content.decode()
        version = re.search(r'data-version="(\w+)"', shown).group(1)
        marks = json.loads(unescape(re.search(r'data-marks="([^"]*)"', shown).group(1)))
        return version, marks

    return open_page, look


def places(one, other):
    """Return (column, clock) of each place at which the two differ."""
    return {
        (column, clock)
        for column in one.keys() | other.keys()
        for clock in one.get(column, {}).keys() | other.get(column, {}).keys()
        if one.get(column, {}).get(clock) != other.get(column, {}).get(clock)
    }


def test_nothing_is_sent_while_nothing_has_changed_whatever_time_it_is(
    clinic, gp, calendar, django_assert_max_num_queries
):
    open_page, look = calendar
    for hour in range(8, 14):
        make_request(gp, hour=hour, patient=make_patient(clinic, given_name="Kari"))
    version, _ = open_page()
    with django_assert_max_num_queries(5) as asked:  # who asks, of which clinic, and one about the calendar
        answer = look(version)
    assert len([one for one in asked if "booking_slot" in one["sql"]]) == 1
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["X-Calendar"] == version


CHANGES = {
    "booked": lambda slot, gp: make_appointment(slot, status=AppointmentStatus.BOOKED),
    "blocked": lambda slot, gp: Slot.objects.update(state=SlotState.BLOCKED),
    "held": lambda slot, gp: Slot.objects.update(held_until=timezone.now() + timedelta(hours=1)),
    "longer": lambda slot, gp: Slot.objects.filter(pk=slot.pk).update(
        ends_at=slot.ends_at + timedelta(minutes=5)
    ),
    "gone": lambda slot, gp: Slot.objects.all().delete(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told_with_the_place_at_which_it_is(clinic, gp, calendar, change):
    open_page, look = calendar
    slot = make_slot(gp, ahead(clinic))
    make_slot(gp, ahead(clinic, hour=11))
    version, marks = open_page()
    CHANGES[change](Slot.objects.get(pk=slot.pk), gp)
    if change in {"blocked", "held", "gone"}:
        make_slot_as_it_was(clinic, gp, change)
    answer = look(version)
    assert answer.status_code == 200
    told = answer.json()
    column = f"provider={gp.pk}&day={ahead(clinic).date()}"
    assert (column, "09:00") in places(marks, told["marks"])
    assert look(told["version"]).status_code == 204
    assert open_page() == (told["version"], told["marks"])


def make_slot_as_it_was(clinic, gp, change):
    """The other time of the day is left alone by the change."""
    if change == "gone":
        make_slot(gp, ahead(clinic, hour=11))
    Slot.objects.filter(starts_at=ahead(clinic, hour=11)).update(state=SlotState.FREE, held_until=None)


def test_only_what_changed_counts(clinic, gp, calendar):
    open_page, look = calendar
    appointment, other = (make_request(gp, hour=hour, status=AppointmentStatus.BOOKED) for hour in (9, 11))
    version, marks = open_page()
    Appointment.objects.filter(pk=appointment.pk).update(
        attendance=Attendance.ARRIVED, marked_at=timezone.now(), marked_by=other.requested_by
    )
    told = look(version).json()
    assert {clock for _, clock in places(marks, told["marks"])} == {"09:00"}


def test_a_move_is_told_at_both_times(clinic, gp, calendar):
    open_page, look = calendar
    make_slot(gp, ahead(clinic, hour=13))
    appointment = make_request(gp, status=AppointmentStatus.BOOKED)
    version, marks = open_page()
    Slot.objects.filter(pk=appointment.slot_id).update(state=SlotState.FREE)
    to = Slot.objects.get(starts_at=ahead(clinic, hour=13))
    Slot.objects.filter(pk=to.pk).update(state=SlotState.TAKEN)
    Appointment.objects.update(slot=to, starts_at=to.starts_at, ends_at=to.ends_at, version=2)
    told = look(version).json()
    assert {clock for _, clock in places(marks, told["marks"])} == {"09:00", "13:00"}


def test_absence_and_closure_are_told(clinic, gp, calendar):
    open_page, look = calendar
    make_slot(gp, ahead(clinic))
    version, marks = open_page()
    day = ahead(clinic).date()
    away(gp, day, day)
    first = look(version).json()
    assert {clock for _, clock in places(marks, first["marks"])} == {""}
    Closure.objects.create(clinic=clinic, first_day=day, last_day=day, reason="Course")
    assert look(first["version"]).status_code == 200


def test_the_badge_is_told_although_the_calendar_stands(clinic, gp, calendar):
    open_page, look = calendar
    make_slot(gp, ahead(clinic))
    version, marks = open_page()
    make_request(gp, days=40, requested_at=timezone.now())
    told = look(version).json()
    assert places(marks, told["marks"]) == set()
    assert told["waiting"] == 1
    assert told["words"] == {
        "waiting": "1 request waits for approval",
        "online": "1 time booked online today",
    }


def test_other_providers_and_clinics_changes_are_not_told(clinic, gp, calendar):
    open_page, look = calendar
    other = make_provider(clinic)
    version, _ = open_page(provider=gp.pk)
    make_slot(other, ahead(clinic))
    make_slot(make_provider(make_clinic()), ahead(clinic))
    assert look(version, provider=gp.pk).status_code == 204


def test_asking_names_nobody_and_does_not_keep_the_session_open(client, clinic, gp, calendar):
    open_page, look = calendar
    version, _ = open_page()
    seen = client.session["seen_at"]
    make_request(gp, patient=make_patient(clinic, given_name="Veryrare"))
    told = look(version)
    patient = Patient.objects.get(given_name="Veryrare")
    assert "Veryrare" not in told.content.decode()
    assert str(patient.pk) not in told.content.decode()
    assert client.session["seen_at"] == seen


def test_who_is_signed_out_is_told_nothing(client, clinic, gp, calendar):
    open_page, look = calendar
    version, _ = open_page()
    client.logout()
    answer = look(version)
    assert answer.status_code == 302
    assert "X-Calendar" not in answer.headers
