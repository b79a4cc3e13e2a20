"""Forgotten passwords of staff, and new ones of one's own (numbers: docs/security.md)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic, StaffMember
from identity.by_code import code_sender
from identity.models import StaffLink, StaffPasswordQuestion, User
from identity.staff import links as staff_links
from identity.staff import passwords as staff_passwords
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from tests.build import make_staff_member, make_user
from tests.identity.build_staff import (
    EMAIL,
    PASSWORD,
    age,
    code,
    give_code,
    give_password,
    is_signed_in,
    sign_in,
)

pytestmark = pytest.mark.django_db

NEW = "et helt annet passord"
ASK, CHOOSE = "identity_staff:forgotten", "identity_staff:choose_new_password"


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are made when a test says so."""
    monkeypatch.setattr(code_sender, "_start", lambda work, row: None)


def ask(client: Client, email: str = EMAIL, **more: Any) -> Any:
    client.cookies["django_language"] = "en"
    return client.post(reverse(ASK), {"email": email}, **more)


def link_of(user: User) -> str:
    """Handle what waits, and return the path in the newest e-mail with a link."""
    code_sender.send_waiting(now=timezone.now())
    message = OutboxMessage.objects.filter(kind="staff-password-link").latest("created_at")
    assert message.recipient == user.email
    found = re.search(r"https?://[^/]+(/\S+)", message.body)
    assert found
    return found[1]


def choose(client: Client, path: str, password: str = NEW) -> Any:
    client.get(path)
    return client.post(reverse(CHOOSE), {"password": password, "again": password})


def test_a_forgotten_password_is_chosen_anew_and_the_second_factor_is_still_needed(
    client: Client, enrolled: User
) -> None:
    phone = sign_in(Client())
    key = phone.session.session_key
    assert ask(client)["Location"] == reverse("identity_staff:forgotten_sent")
    assert "half an hour" in client.get(reverse("identity_staff:forgotten_sent")).text
    path = link_of(enrolled)
    assert choose(client, path)["Location"] == reverse("account_login")
    assert not is_signed_in(client)
    assert phone.get("/staff/")["Location"].startswith("/staff/sign-in/")
    assert not Session.objects.filter(session_key=key).exists()
    assert give_password(Client()).status_code == 422
    assert give_password(client, NEW)["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    give_code(client, code())
    assert is_signed_in(client)
    told = OutboxMessage.objects.get(kind="staff-login")
    assert told.recipient == EMAIL
    assert AuditEvent.objects.get(action="staff_link.used").details["purpose"] == "new-password"
    assert AuditEvent.objects.filter(action="session.end", details__reason="new-password").count() == 1


def closed(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def left(user: User) -> None:
    StaffMember.objects.filter(user=user).update(is_active=False)


def invited(user: User) -> None:
    user.set_unusable_password()
    user.save()


@pytest.mark.parametrize("spoil", [closed, left, invited])
def test_nothing_is_sent_to_who_can_not_use_it(client: Client, enrolled: User, spoil: Any) -> None:
    spoil(enrolled)
    assert ask(client)["Location"] == reverse("identity_staff:forgotten_sent")
    code_sender.send_waiting(now=timezone.now())
    assert not OutboxMessage.objects.exists()
    assert not StaffPasswordQuestion.objects.exists()


def test_known_and_unknown_addresses_are_answered_alike(
    enrolled: User, django_assert_num_queries: Any
) -> None:
    answers = []
    for email in (EMAIL, "nobody@legekontor.example", EMAIL.upper()):
        client = Client()
        with django_assert_num_queries(3):
            response = ask(client, email)
        answers.append((response.status_code, response["Location"], sorted(response.headers)))
    assert answers[0] == answers[1] == answers[2]
    assert StaffPasswordQuestion.objects.count() == 3
    code_sender.send_waiting(now=timezone.now())
    assert StaffLink.objects.count() == 2
    assert StaffLink.objects.filter(revoked_at__isnull=True).count() == 1


def test_the_address_that_was_asked_for_rests_encrypted_and_goes_away(client: Client, enrolled: User) -> None:
    ask(client)
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM identity_staffpasswordquestion")
        assert "siv" not in cursor.fetchone()[0]
    link_of(enrolled)
    assert not StaffPasswordQuestion.objects.exists()


def test_only_the_links_hash_is_stored_and_its_word_leaves_the_address(
    client: Client, enrolled: User
) -> None:
    ask(client)
    path = link_of(enrolled)
    token = path.rstrip("/").rsplit("/", 1)[1]
    link = StaffLink.objects.get()
    assert link.token_hash == staff_links.hash_of(token)
    assert client.get(path)["Location"] == reverse(CHOOSE)
    for _ in range(3):
        client.get(path)
        client.head(path)
    assert client.get(reverse(CHOOSE)).status_code == 200
    link.refresh_from_db()
    assert link.used_at is None


def test_a_link_works_once_for_half_an_hour_and_until_a_newer_one(client: Client, enrolled: User) -> None:
    ask(client)
    first = link_of(enrolled)
    ask(client)
    second = link_of(enrolled)
    assert choose(Client(), first).status_code == 410
    assert choose(Client(), second).status_code == 302
    used = Client()
    used.cookies["django_language"] = "en"
    assert "used already" in choose(used, second, "enda et annet passord").text
    ask(client)
    third = link_of(enrolled)
    late = timezone.now() - timedelta(minutes=30)
    StaffLink.objects.filter(used_at__isnull=True).update(expires_at=late + timedelta(minutes=30))
    answer = choose(client, third)
    assert answer.status_code == 410
    assert reverse(ASK) in answer.text
    assert StaffLink.objects.latest("created_at").expires_at - late == timedelta(minutes=30)


def test_the_link_lasts_half_an_hour(client: Client, enrolled: User) -> None:
    ask(client)
    link_of(enrolled)
    link = StaffLink.objects.get()
    assert link.expires_at - link.created_at == timedelta(minutes=30)


def test_a_weak_password_does_not_use_the_link_up(client: Client, enrolled: User) -> None:
    ask(client)
    path = link_of(enrolled)
    assert choose(client, path, "passord").status_code == 422
    assert choose(client, path).status_code == 302


def test_links_of_one_purpose_are_worth_nothing_for_the_other(
    client: Client, enrolled: User, office: Clinic
) -> None:
    ask(client)
    token = link_of(enrolled).rstrip("/").rsplit("/", 1)[1]
    client.get(reverse("identity_staff:welcome", args=[token]))
    welcome = reverse("identity_staff:choose_password")
    assert client.post(welcome, {"password": NEW, "again": NEW}).status_code == 410
    new = make_user(email="ny@legekontor.example")
    make_staff_member(office, user=new)
    staff_links.send_link(user=new, clinic=office, actor=None, now=timezone.now())
    body = OutboxMessage.objects.get(kind="staff-invitation").body
    invited = re.search(r"/welcome/([^/\s]+)", body)
    assert invited
    client.get(reverse("identity_staff:new_password", args=[invited[1]]))
    assert client.post(reverse(CHOOSE), {"password": NEW, "again": NEW}).status_code == 410


def test_the_link_leads_to_our_own_address_whatever_the_request_claimed(
    client: Client, enrolled: User
) -> None:
    ask(client, HTTP_HOST="127.0.0.1", HTTP_X_FORWARDED_HOST="evil.example")
    link_of(enrolled)
    assert "http://localhost:8000/staff/new-password/" in OutboxMessage.objects.get().body


def test_questions_are_counted_per_address_whether_or_not_it_is_known(client: Client, enrolled: User) -> None:
    for email in (EMAIL, "nobody@legekontor.example"):
        for _ in range(3):
            assert ask(client, email).status_code == 302
        refused = ask(client, email)
        assert refused.status_code == 429
        assert "Too many attempts" in refused.text
        assert email in refused.text
    assert StaffPasswordQuestion.objects.count() == 6


def test_questions_are_counted_per_network_address(client: Client, enrolled: User) -> None:
    for number in range(10):
        assert ask(client, f"{number}@x.example", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}").status_code == 302
    assert ask(client, "one-more@x.example", HTTP_X_FORWARDED_FOR="10.1.1.1").status_code == 429


def test_a_question_is_handled_once(client: Client, enrolled: User) -> None:
    ask(client)
    question = StaffPasswordQuestion.objects.get()
    staff_passwords.handle(question.pk, now=timezone.now())
    staff_passwords.handle(question.pk, now=timezone.now())
    assert StaffLink.objects.count() == 1


def test_nonsense_is_refused_by_the_field(client: Client) -> None:
    for email in ("", "no address", "a" * 300 + "@x.example"):
        assert ask(client, email).status_code == 422


# -- one's own, signed in ----------------------------------------------------------------------------------
def own(client: Client, old: str = PASSWORD, new: str = NEW, again: str = "") -> Any:
    return client.post(
        reverse("identity_staff:own_password"), {"old": old, "password": new, "again": again or new}
    )


def test_w6_a_new_password_of_ones_own_ends_the_other_sessions(client: Client, enrolled: User) -> None:
    elsewhere = sign_in(Client())
    key = elsewhere.session.session_key
    sign_in(client)
    before = client.session.session_key
    assert client.get(reverse("identity_staff:own_password")).status_code == 200
    assert own(client)["Location"] == reverse("mfa_index")
    assert client.session.session_key != before
    assert client.get(reverse("mfa_index")).status_code == 200
    assert elsewhere.get("/staff/")["Location"].startswith("/staff/sign-in/")
    assert not Session.objects.filter(session_key=key).exists()
    assert OutboxMessage.objects.get(kind="staff-login").recipient == EMAIL
    assert give_password(Client()).status_code == 422
    assert give_password(Client(), NEW).status_code == 302
    staff_links.end_sessions(user=enrolled, actor=None, now=timezone.now(), reason="test")
    assert client.get("/staff/")["Location"].startswith("/staff/sign-in/")


def test_the_password_so_far_is_asked_for_and_not_guessed_for_ever(client: Client, enrolled: User) -> None:
    sign_in(client)
    for _ in range(5):
        refused = own(client, old="a wrong one")
        assert refused.status_code == 422
        assert "not your password so far" in refused.text
        assert "a wrong one" not in refused.text
    assert own(client).status_code == 429
    assert AuditEvent.objects.filter(action="auth.fail", details__reason="own-password").count() == 5


def test_a_weak_or_mistyped_new_password_changes_nothing(client: Client, enrolled: User) -> None:
    sign_in(client)
    assert own(client, new="passord").status_code == 422
    assert own(client, again="another one entirely").status_code == 422
    enrolled.refresh_from_db()
    assert enrolled.check_password(PASSWORD)


def test_an_old_proof_is_not_enough_for_a_new_password(client: Client, enrolled: User) -> None:
    age(sign_in(client))
    assert own(client)["Location"].startswith(reverse("mfa_reauthenticate"))
    enrolled.refresh_from_db()
    assert enrolled.check_password(PASSWORD)
