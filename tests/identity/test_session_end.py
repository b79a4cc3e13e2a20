"""The end of a session: how long is left, staying, and why it ended (numbers: docs/security.md)."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from identity.choices import EndReason
from identity.models import EndedSession, KeptForm, User
from identity.session import open_sessions
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import FakeIdp
from tests.identity.build_session_end import (
    TYPED,
    address,
    is_signed_in,
    left,
    move_clock,
    patient,
    signs_in,
)

pytestmark = pytest.mark.django_db
__all__ = ["patient"]


def test_asking_how_long_is_left_does_not_make_it_longer(patient: Client) -> None:
    move_clock(patient, seen=timedelta(minutes=18), opened=timedelta(minutes=30))
    for _ in range(2):
        told = left(patient)
        assert 110 <= told["left"] <= 120
        assert told["final"] is False


def test_a_late_answer_to_another_tab_leaves_the_cookie_that_says_why_it_ended(
    patient: Client, clinic: Clinic
) -> None:
    """Both tabs ask when the time is over; the second question still names the session that the first one ended."""
    move_clock(patient, seen=timedelta(minutes=21))
    other_tab = Client()
    other_tab.cookies[settings.SESSION_COOKIE_NAME] = patient.cookies[settings.SESSION_COOKIE_NAME].value
    patient.get(address("patients:details", clinic))
    late = other_tab.get(reverse("session:left"))
    patient.cookies.update(late.cookies)  # one browser: what comes last holds
    front = patient.get(address("clinic_front", clinic)).content.decode()
    assert "You were signed out because the page was not used" in front


def test_staying_makes_the_idle_time_whole_again(patient: Client) -> None:
    move_clock(patient, seen=timedelta(minutes=19), opened=timedelta(minutes=30))
    told = patient.post(reverse("session:stay"), headers={"accept": "application/json"}).json()
    assert 1195 <= told["left"] <= 1200


def test_staying_does_not_make_the_longest_time_longer(patient: Client) -> None:
    move_clock(patient, opened=timedelta(hours=3, minutes=59))
    told = patient.post(reverse("session:stay"), headers={"accept": "application/json"}).json()
    assert told["left"] <= 60
    assert told["final"] is True


def test_staying_without_scripts_leads_back_to_the_page(patient: Client, clinic: Clinic) -> None:
    page = f"http://testserver{address('home:start', clinic)}"
    answer = patient.post(reverse("session:stay"), headers={"referer": page})
    assert (answer.status_code, answer["Location"]) == (303, address("home:start", clinic))
    elsewhere = patient.post(reverse("session:stay"), headers={"referer": "https://evil.example/x"})
    assert elsewhere["Location"] == "/"


def test_neither_a_link_nor_another_site_keeps_a_session_alive(patient: Client) -> None:
    assert patient.get(reverse("session:stay")).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = patient.cookies
    assert strict.post(reverse("session:stay")).status_code == 403


def test_nothing_is_left_for_whoever_is_not_signed_in(client: Client) -> None:
    assert left(client) == {"left": 0}
    assert client.post(reverse("session:stay"), headers={"accept": "application/json"}).json() == {"left": 0}


def test_pages_of_patients_and_staff_carry_the_warning_and_public_ones_do_not(
    patient: Client, clinic: Clinic
) -> None:
    page = patient.get(address("home:start", clinic)).content.decode()
    assert 'role="alertdialog"' in page
    assert 'data-warn="120"' in page
    assert f'action="{address("identity:sign_out", clinic)}"' in page
    staff = Client()
    sign_in_staff(staff, clinic, Role.CLINIC_ADMINISTRATOR)
    for name in ("booking_staff:calendar", "clinic_admin:overview"):
        page = staff.get(address(name, clinic)).content.decode()
        assert 'role="alertdialog"' in page
        assert f'action="{reverse("identity_staff:sign_out")}"' in page
    assert "alertdialog" not in Client().get(address("clinic_front", clinic)).content.decode()


def test_only_development_heeds_a_shortened_session(
    patient: Client, monkeypatch: pytest.MonkeyPatch, clinic: Clinic
) -> None:
    patient.post(reverse("dev:short_session"))
    assert left(patient)["left"] <= 30
    monkeypatch.setattr(settings, "IS_DEVELOPMENT", False)
    assert left(patient)["left"] > 1000


def test_w3_the_look_at_the_clocks_costs_no_query(
    patient: Client, clinic: Clinic, django_assert_num_queries: Any
) -> None:
    patient.get(address("identity:signed_out", clinic))
    with django_assert_num_queries(2):  # the session and the login
        patient.get(reverse("session:left"))
    with django_assert_num_queries(1):  # all that pages of a clinic ask first, the clinic too
        patient.get(address("identity:signed_out", clinic))


def test_w3_the_end_is_told_in_every_tab_until_somebody_signs_in(
    patient: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    move_clock(patient, seen=timedelta(minutes=20))
    front = patient.get(address("home:start", clinic))
    assert front["Location"].startswith(f"{address('clinic_front', clinic)}?next=")
    for _tab in range(2):
        page = patient.get(front["Location"]).content.decode()
        assert "You were signed out because the page was not used for a while." in page
    signs_in(patient, clinic, idp)
    assert "You were signed out" not in patient.get(address("clinic_front", clinic)).content.decode()


def test_w3_staff_sessions_end_too_and_lead_back(clinic: Clinic) -> None:
    staff = Client()
    sign_in_staff(staff, clinic)
    calendar = address("booking_staff:calendar", clinic)
    staff.get(calendar)
    move_clock(staff, seen=timedelta(minutes=30))
    assert staff.get(calendar)["Location"] == f"/staff/sign-in/?next={calendar.replace('/', '%2F')}"
    sign_in_staff(staff, clinic)
    staff.get(calendar)
    move_clock(staff, opened=timedelta(hours=10))
    staff.get(calendar)
    assert not is_signed_in(staff)


def test_w5_a_password_that_was_removed_ends_its_sessions_and_says_so(
    patient: Client, clinic: Clinic
) -> None:
    user = User.objects.get(kind="patient")
    key = patient.session.session_key or ""
    open_sessions.end(user, [key], why=EndReason.BY_STAFF, actor=None, now=timezone.now(), reason="removed")
    assert EndedSession.objects.get().key_hash == open_sessions.hash_of(key)
    patient.post(address("patients:details", clinic), TYPED)
    assert EndedSession.objects.count() == 0
    assert KeptForm.objects.get().user_id == user.pk
