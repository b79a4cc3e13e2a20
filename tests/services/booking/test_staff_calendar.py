from datetime import datetime, timedelta
from datetime import time as clock

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Closure
from identity.choices import UserKind
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.models import Slot
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.access.build_access import away
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_staff import (
    BACKEND,
    ahead,
    make_appointment,
    make_request,
    sign_in_staff,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def provider(clinic):
    return make_provider(clinic, name="Lege Berg")


@pytest.fixture
def staff(client, clinic):
    client.cookies["django_language"] = "en"
    return sign_in_staff(client, clinic)


def page(client, clinic, **query):
    return client.get(reverse("booking_staff:calendar", args=[clinic.portal_identifier]), query)


def day_of(moment):
    return moment.date().isoformat()


def test_the_day_shows_patients_times_kinds_and_what_was_booked_online(client, clinic, provider, staff):
    morning = ahead(clinic)
    make_appointment(
        make_slot(provider, morning), make_patient(clinic, given_name="Kari"), status=AppointmentStatus.BOOKED
    )
    make_slot(provider, morning + timedelta(hours=1), kind=SlotKind.URGENT)
    make_slot(provider, morning + timedelta(hours=2), kind=SlotKind.INTERNAL)
    make_slot(provider, morning + timedelta(hours=3), state=SlotState.BLOCKED)
    make_slot(provider, morning + timedelta(hours=4), kind=SlotKind.PHONE)
    text = page(client, clinic, day=day_of(morning)).content.decode()
    for word in ["Kari Danser", "09:00", "Online", 'data-kind="booked"', 'data-kind="urgent"', "Lege Berg"]:
        assert word in text
    for kind in ["phone", "internal", "blocked"]:
        assert f'data-kind="{kind}"' in text
    assert "Opens" in text, "an urgent time that is not out yet says when it opens"


def test_what_was_cancelled_or_refused_gives_its_place_back(client, clinic, provider, staff):
    slot = make_slot(provider, ahead(clinic))
    make_appointment(
        slot,
        make_patient(clinic, given_name="Gone"),
        status=AppointmentStatus.CANCELLED,
        cancelled_at=timezone.now(),
    )
    Slot.objects.update(state=SlotState.FREE)
    text = page(client, clinic, day=day_of(ahead(clinic))).content.decode()
    assert "Gone" not in text
    assert 'class="entry' in text


def test_a_request_can_be_decided_from_the_day_it_is_on(client, clinic, provider, staff):
    request = make_request(provider)
    response = page(client, clinic, day=day_of(ahead(clinic)))
    text = response.content.decode()
    assert reverse("booking_staff:decide", args=[clinic.portal_identifier, request.pk]) in text
    assert 'name="decision" value="approve"' in text
    assert 'data-kind="waiting"' in text


def test_the_badge_counts_what_waits_and_what_was_booked_online_today(client, clinic, provider, staff):
    now = timezone.now()
    make_request(provider, hour=9, requested_at=now)
    make_request(provider, hour=10, requested_at=now, status=AppointmentStatus.BOOKED)
    make_request(provider, hour=11, requested_at=now - timedelta(days=3), status=AppointmentStatus.BOOKED)
    by_staff = make_user(kind=UserKind.STAFF)
    make_request(provider, hour=12, requested_at=now, status=AppointmentStatus.BOOKED, requested_by=by_staff)
    make_request(make_provider(make_clinic()), requested_at=now)
    facts = page(client, clinic).context["facts"]
    assert (facts.waiting, facts.booked_online_today) == (1, 2)


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-40", "9999-12-31", "0001-01-01", "<script>", "1e9"])
def test_a_day_that_is_none_shows_today_and_says_so(client, clinic, provider, staff, day):
    response = page(client, clinic, day=day)
    assert response.status_code == 200
    assert response.context["day"] == response.context["today"]
    assert "This is today." in response.content.decode()


@pytest.mark.parametrize("number", ["x", "-1", "99999999999999999999999", "²", ""])
def test_a_provider_that_is_none_shows_everyone(client, clinic, provider, staff, number):
    make_slot(provider, ahead(clinic))
    response = page(client, clinic, day=day_of(ahead(clinic)), provider=number)
    assert "Lege Berg" in response.content.decode()


def test_only_the_chosen_providers_are_shown_and_the_choice_stays_on_the_next_day(
    client, clinic, provider, staff
):
    other = make_provider(clinic, name="Lege Dahl")
    for one in (provider, other):
        make_slot(one, ahead(clinic))
    response = page(client, clinic, day=day_of(ahead(clinic)), provider=[other.pk])
    assert [column.title for column in response.context["calendar"].columns] == ["Lege Dahl"]
    assert f"provider={other.pk}" in response.context["after"]


def test_another_clinics_provider_can_not_be_chosen(client, clinic, provider, staff):
    stranger = make_provider(make_clinic(), name="Stranger")
    make_request(stranger)
    response = page(client, clinic, day=day_of(ahead(clinic)), provider=[stranger.pk])
    assert "Stranger" not in response.content.decode()


def test_an_empty_day_says_so_and_leads_to_the_weekly_calendars(client, clinic, provider, staff):
    text = page(client, clinic, day=day_of(ahead(clinic))).content.decode()
    assert "Nothing on this day" in text
    assert reverse("booking_admin:templates", args=[clinic.portal_identifier]) in text


def test_a_closed_day_and_an_absence_are_shown_with_the_cover(client, clinic, provider, staff):
    day = ahead(clinic).date()
    cover = make_provider(clinic, name="Vikar Vik")
    Closure.objects.create(clinic=clinic, first_day=day, last_day=day, reason="Course day")
    away(provider, day, day, cover=cover)
    make_slot(provider, ahead(clinic))
    text = page(client, clinic, day=day.isoformat()).content.decode()
    assert "Course day" in text
    assert "Away, Vikar Vik covers" in text
    assert 'data-kind="absent"' in text


def test_days_are_the_clinics_own(client, clinic, provider, staff):
    day = ahead(clinic).date()
    late = datetime.combine(day, clock(23, 30), tzinfo=clinic.zone)
    make_appointment(
        make_slot(provider, late, ends_at=late + timedelta(minutes=15)),
        make_patient(clinic, given_name="Late"),
    )
    assert "Late" in page(client, clinic, day=day.isoformat()).content.decode()
    assert "Late" not in page(client, clinic, day=(day + timedelta(days=1)).isoformat()).content.decode()


def test_queries_do_not_grow_with_providers_and_times(client, clinic, staff, django_assert_max_num_queries):
    providers = [make_provider(clinic) for _ in range(8)]
    for provider in providers:
        for number in range(30):
            slot = make_slot(
                provider,
                ahead(clinic, hour=8) + timedelta(minutes=15 * number),
                ends_at=ahead(clinic, hour=8) + timedelta(minutes=15 * number + 15),
            )
            if number % 2:
                make_appointment(slot, status=AppointmentStatus.BOOKED if number % 4 == 1 else "requested")
    day = day_of(ahead(clinic))
    page(client, clinic, day=day)  # the session's first page may write to it
    with django_assert_max_num_queries(14):  # three of them record the look at all of the day's patients
        response = page(client, clinic, day=day)
    assert response.content.decode().count('class="entry at-') == 8 * 30


def test_more_providers_than_fit_are_said(client, clinic, staff):
    for _ in range(15):
        make_slot(make_provider(clinic), ahead(clinic))
    response = page(client, clinic, day=day_of(ahead(clinic)))
    assert response.context["left_out"] == 3
    assert "3 more providers are not shown" in response.content.decode()


def test_nobody_signed_in_is_led_to_the_sign_in(client, clinic):
    response = page(client, clinic)
    assert response.status_code == 302
    assert response.url.startswith("/staff/sign-in/")


def test_without_the_second_factor_nobody_comes_in(client, clinic):
    client.force_login(make_user(), backend=BACKEND)
    assert page(client, clinic).status_code in {302, 404}


def test_to_patients_and_to_other_clinics_staff_the_page_does_not_exist(client, clinic):
    client.force_login(make_user(kind=UserKind.PATIENT), backend=BACKEND)
    assert page(client, clinic).status_code == 404
    elsewhere = Client()
    sign_in_staff(elsewhere, make_clinic())
    assert page(elsewhere, clinic).status_code == 404
