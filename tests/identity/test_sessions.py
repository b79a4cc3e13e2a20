"""What a session is worth, and when it ends (numbers: docs/security.md)."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.models import Clinic
from identity import operations, policy
from identity.models import IdentityProvider, LoginTransaction, User
from portal.models import AuditEvent
from tests.build import make_staff_member
from tests.identity.build_identity import FakeIdp, begin, come_back, enter

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> Client:
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    assert "_auth_user_id" in client.session
    return client


def address(name: str, clinic: Clinic, *more: str) -> str:
    return reverse(name, args=[clinic.portal_identifier, *more])


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def move_clock(client: Client, *, opened: timedelta = timedelta(), seen: timedelta = timedelta()) -> None:
    session = client.session
    session["opened_at"] = (timezone.now() - opened).isoformat()
    session["seen_at"] = (timezone.now() - seen).isoformat()
    session.save()


def test_w1_signing_in_changes_the_key_and_drops_what_was_there(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    session = client.session
    session["planted"] = "by an attacker"
    session.save()
    before = session.session_key
    come_back(client, idp)
    enter(client, clinic)
    assert client.session.session_key != before
    assert "planted" not in client.session
    assert not Session.objects.filter(session_key=before).exists()


def test_w1_a_made_up_session_key_is_not_taken_over(clinic: Clinic, provider: IdentityProvider) -> None:
    client = Client()
    client.cookies["sid"] = "a" * 32
    begin(client, clinic)
    assert client.cookies["sid"].value != "a" * 32


def test_w2_the_cookie_is_for_this_site_and_out_of_reach_of_scripts(patient: Client) -> None:
    cookie = patient.cookies["sid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert not cookie["max-age"]


def test_w2_with_https_the_cookies_are_for_this_host_only() -> None:
    show = "from portal import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE)"
    environment = os.environ | {"BASE_URL": "https://portal.example"}
    printed = subprocess.run(
        [sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == ["__Host-sid", "__Host-csrf", "True"]


def test_w3_an_unused_session_ends(patient: Client, clinic: Clinic) -> None:
    move_clock(patient, seen=timedelta(minutes=19))
    patient.get(address("home:start", clinic))
    assert is_signed_in(patient)
    move_clock(patient, seen=timedelta(minutes=20))
    response = patient.get(address("home:start", clinic))
    assert response.status_code == 302
    assert not is_signed_in(patient)


def test_w3_a_session_in_use_ends_after_four_hours(patient: Client, clinic: Clinic) -> None:
    move_clock(patient, opened=timedelta(hours=4))
    patient.get(address("home:start", clinic))
    assert not is_signed_in(patient)
    assert AuditEvent.objects.filter(action="session.end", details__reason="too-long").count() == 1


def test_w4_signing_out_ends_the_session_on_the_server(patient: Client, clinic: Clinic) -> None:
    stolen = patient.cookies["sid"].value
    response = patient.post(address("identity:sign_out", clinic))
    assert response.status_code == 303
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    thief = Client()
    thief.cookies["sid"] = stolen
    assert thief.get(address("home:start", clinic)).status_code == 302
    assert not Session.objects.filter(session_key=stolen).exists()
    page = patient.get(response["Location"])
    assert page.status_code == 200


def test_w4_signing_out_twice_is_harmless(patient: Client, clinic: Clinic) -> None:
    patient.post(address("identity:sign_out", clinic))
    assert patient.post(address("identity:sign_out", clinic)).status_code == 303
    assert AuditEvent.objects.filter(action="session.end").count() == 1


def test_w4_a_link_cannot_sign_out(patient: Client, clinic: Clinic) -> None:
    asked = patient.get(address("identity:sign_out", clinic))
    assert (asked.status_code, b'<form method="post">' in asked.content) == (200, True)
    assert is_signed_in(patient)


def test_a_link_to_signing_out_tells_those_who_are_out_that_they_are(client: Client, clinic: Clinic) -> None:
    asked = client.get(address("identity:sign_out", clinic))
    assert asked["Location"] == address("identity:signed_out", clinic)


def test_w5_a_closed_login_is_out_at_the_next_request(patient: Client, clinic: Clinic) -> None:
    User.objects.filter(kind="patient").update(is_active=False)
    assert patient.get(address("home:start", clinic)).status_code == 302


def test_w5_a_closed_login_cannot_sign_in(
    patient: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    User.objects.filter(kind="patient").update(is_active=False)
    other = Client()
    begin(other, clinic)
    come_back(other, idp)
    assert enter(other, clinic).status_code == 400
    assert not is_signed_in(other)


def test_w8_a_link_cannot_begin_a_sign_in(client: Client, clinic: Clinic, provider: IdentityProvider) -> None:
    assert client.get(address("identity:sign_in", clinic, provider.slug)).status_code == 405
    assert LoginTransaction.objects.count() == 0


def test_w8_another_site_cannot_begin_a_sign_in(clinic: Clinic, provider: IdentityProvider) -> None:
    client = Client(enforce_csrf_checks=True)
    assert begin(client, clinic).status_code == 403
    assert LoginTransaction.objects.count() == 0


ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "%2f%2fevil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/\tevil.example",
    "/\n/evil.example",
    "/a//evil.example",
    " /a",
    "a/b",
    "///evil.example",
    "/" + "a" * 600,
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_w9_a_sign_in_leads_to_pages_of_our_own_only(
    client: Client, clinic: Clinic, provider: IdentityProvider, path: str
) -> None:
    begin(client, clinic, next=path)
    assert LoginTransaction.objects.get().next_path == ""


@pytest.mark.parametrize("path", ["/klinikk/book/", "/klinikk/book/?week=48&with=LK"])
def test_w9_a_path_of_our_own_is_kept(path: str) -> None:
    assert policy.own_path(path) == path


@given(st.text(max_size=60))
def test_w9_whatever_is_kept_begins_with_one_slash(text: str) -> None:
    kept = policy.own_path(text)
    assert kept == "" or (kept.startswith("/") and not kept.startswith(("//", "/\\")))


def test_w11_pages_of_signed_in_people_are_not_stored(patient: Client, clinic: Clinic) -> None:
    response = patient.get(address("home:start", clinic))
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_w13_a_patients_session_opens_no_staff_page(patient: Client) -> None:
    for name in ("identity_staff:landing", "mfa_activate_totp", "mfa_index", "usersessions_list"):
        assert patient.get(reverse(name)).status_code == 404


def test_w13_a_staff_session_opens_no_patient_page(client: Client, clinic: Clinic) -> None:
    member = make_staff_member(clinic)
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session["second_factor_at"] = timezone.now().isoformat()
    session.save()
    assert client.get(address("home:start", clinic)).status_code == 302


def test_old_rows_are_swept_and_new_ones_stay(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    begin(client, clinic)
    come_back(client, idp)
    now = timezone.now()
    operations.sweep(now=now)
    assert LoginTransaction.objects.count() == 2
    operations.sweep(now=now + timedelta(hours=1))
    assert LoginTransaction.objects.filter(evidence__isnull=False).count() == 0
    operations.sweep(now=now + timedelta(days=3))
    assert LoginTransaction.objects.count() == 0
    assert Session.objects.count() == 0


def test_a_page_of_a_signed_in_patient_costs_one_look_at_session_and_login(
    patient: Client, clinic: Clinic, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(4):
        patient.get(address("identity:signed_out", clinic))
