"""Who works at a clinic and knows only its address comes to the calendar."""

import pytest
from django.urls import reverse

from tests.build import make_clinic
from tests.services.booking.build_staff import sign_in_staff

pytestmark = pytest.mark.django_db


def test_staff_come_to_the_calendar(client):
    clinic = make_clinic()
    sign_in_staff(client, clinic)
    answer = client.get(f"/{clinic.portal_identifier}/staff/")
    assert answer.status_code == 302
    assert answer.url == reverse("booking_staff:calendar", args=[clinic.portal_identifier])


def test_who_is_not_signed_in_signs_in_first_and_comes_there_afterwards(client):
    clinic = make_clinic()
    answer = client.get(f"/{clinic.portal_identifier}/staff/")
    assert answer.status_code == 302
    assert f"next=/{clinic.portal_identifier}/staff/" in answer.url.replace("%2F", "/")


def test_staff_of_another_clinic_find_nothing(client):
    sign_in_staff(client, make_clinic())
    assert client.get(f"/{make_clinic().portal_identifier}/staff/").status_code == 404
