"""Staff on the way in: password, then the code of an app (numbers: docs/security.md)."""

import io
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, StaffMember
from identity import operations
from identity.demo_idp import setup, staff_codes
from identity.models import User
from notifications.models import OutboxMessage
from portal.audience import audience_of
from portal.models import AuditEvent
from tests.build import make_clinic, make_staff_member
from tests.identity.build_staff import (
    EMAIL,
    PASSWORD,
    SECRET,
    code,
    give_code,
    give_password,
    is_signed_in,
    sign_in,
)

pytestmark = pytest.mark.django_db


def test_staff_sign_in_with_password_and_code(client: Client, enrolled: User, office: Clinic) -> None:
    first = give_password(client)
    assert first["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    before = client.session.session_key
    second = give_code(client, code())
    assert second["Location"] == "/staff/"
    assert client.session["second_factor_at"]
    assert client.session.session_key != before
    landing = client.get("/staff/")
    assert landing["Location"] == reverse("booking_staff:calendar", args=[office.portal_identifier])
    assert AuditEvent.objects.filter(action="auth.success").count() == 1


def test_staff_come_back_to_where_they_were_going(client: Client, enrolled: User) -> None:
    give_password(client, next="/klinikk/staff/calendar/")
    assert give_code(client, code())["Location"] == "/klinikk/staff/calendar/"


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/%2fevil.example"]
)
def test_w9_staff_are_not_led_elsewhere(client: Client, enrolled: User, path: str) -> None:
    give_password(client, next=path)
    assert give_code(client, code())["Location"] == "/staff/"


def test_a_recovery_code_works_once(client: Client, enrolled: User) -> None:
    codes = Authenticator.objects.get(user=enrolled, type="recovery_codes").wrap().get_unused_codes()
    give_password(client)
    give_code(client, codes[0])
    assert client.session["second_factor_at"]
    other = Client()
    give_password(other)
    assert give_code(other, codes[0]).status_code == 422
    assert not is_signed_in(other)


def test_w14_without_a_code_app_every_staff_page_leads_to_setting_one_up(
    client: Client, user: User, office: Clinic
) -> None:
    give_password(client)
    assert is_signed_in(client)
    pages = ["identity_staff:landing", "mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"]
    pages += ["identity_staff:own_password", "identity_staff:remove_code_app"]
    for name in [*pages, "usersessions_list", "mfa_reauthenticate"]:
        assert client.get(reverse(name))["Location"] == "/staff/second-factor/"
    calendar = reverse("booking_staff:calendar", args=[office.portal_identifier])
    assert client.get(calendar)["Location"] == "/staff/second-factor/"


def test_w14_setting_up_the_code_app_opens_the_staff_pages(client: Client, user: User) -> None:
    give_password(client)
    page = client.get("/staff/second-factor/")
    assert page.status_code == 200
    secret = client.session["mfa.totp.secret"]
    assert secret in page.content.decode()
    wrong = client.post("/staff/second-factor/", {"code": "000000"})
    assert wrong.status_code == 422
    assert client.session["mfa.totp.secret"] == secret
    before = client.session.session_key
    done = client.post("/staff/second-factor/", {"code": code(secret)})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    assert client.session.session_key != before
    codes = client.get(done["Location"])
    assert codes.status_code == 200
    shown = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    assert all(one in codes.content.decode() for one in shown)
    assert client.get("/staff/").status_code == 302
    used = Client()
    give_password(used)
    assert give_code(used, code(secret)).status_code == 422


def test_w14_a_session_from_before_the_code_app_must_sign_in_again(client: Client, user: User) -> None:
    give_password(client)
    operations.set_totp(user, SECRET, actor=None, now=timezone.now())
    assert client.get("/staff/")["Location"] == "/staff/second-factor/"
    assert client.get("/staff/second-factor/")["Location"] == reverse("identity_staff:sign_out_first")
    assert client.get(reverse("identity_staff:sign_out_first")).status_code == 200
    assert client.post("/staff/second-factor/", {"code": code()}).status_code == 302
    assert "second_factor_at" not in client.session


def test_w15_a_code_that_was_used_is_refused(client: Client, enrolled: User) -> None:
    give_password(client)
    used = code()
    give_code(client, used)
    assert is_signed_in(client)
    other = Client()
    give_password(other)
    assert give_code(other, used).status_code == 422
    assert not is_signed_in(other)


@pytest.mark.parametrize("steps", [-2, -1, 1, 2])
def test_w15_codes_of_other_half_minutes_are_refused(client: Client, enrolled: User, steps: int) -> None:
    give_password(client)
    assert give_code(client, code(steps=steps)).status_code == 422
    assert not is_signed_in(client)


def test_w15_used_codes_and_wrong_passwords_are_counted_in_the_database(
    client: Client, enrolled: User
) -> None:
    give_password(client)
    give_code(client, code())
    assert "DatabaseCache" in type(cache._connections["default"]).__name__
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), string_agg(cache_key, ' ') FROM identity_cache")
        count, names = cursor.fetchone()
    assert count > 0
    assert EMAIL not in names
    assert code() not in names


def test_eleven_wrong_passwords_are_not_all_tried(client: Client, enrolled: User) -> None:
    for _ in range(11):
        assert give_password(client, "a wrong password").status_code == 422
    assert give_password(Client()).status_code == 422
    assert AuditEvent.objects.filter(action="auth.fail").count() == 5


def test_a_wrong_code_is_not_guessed_for_ever(client: Client, enrolled: User) -> None:
    give_password(client)
    for number in range(6):
        give_code(client, f"{number:06d}")
    assert give_code(client, code()).status_code == 422
    assert not is_signed_in(client)


def test_unknown_and_known_addresses_are_answered_alike(enrolled: User) -> None:
    answers = []
    for email in (EMAIL, "nobody@legekontor.example"):
        response = give_password(Client(), "a wrong password", email)
        text = response.content.decode().replace(email, "")
        answers.append((response.status_code, sorted(response.headers), len(text)))
    assert answers[0] == answers[1]
    assert AuditEvent.objects.filter(action="auth.fail").count() == 2


def test_what_was_typed_is_kept_but_the_password_is_not(client: Client, enrolled: User) -> None:
    text = give_password(client, "a wrong password").content.decode()
    assert EMAIL in text
    assert "a wrong password" not in text


def test_a_patient_has_no_password_to_sign_in_with(client: Client, user: User) -> None:
    patient = User(kind="patient", name="Line")
    patient.set_password(PASSWORD)
    patient.save()
    for email in ("", "None", str(patient.pk)):
        assert give_password(client, email=email).status_code == 422


def test_a_closed_login_gets_no_further(client: Client, enrolled: User) -> None:
    User.objects.update(is_active=False)
    give_password(client)
    assert not is_signed_in(client)


def test_w3_staff_sessions_end_unused_and_after_ten_hours(client: Client, enrolled: User) -> None:
    for moved in ({"seen_at": timedelta(minutes=30)}, {"opened_at": timedelta(hours=10)}):
        cache.clear()
        browser = Client()
        give_password(browser)
        give_code(browser, code())
        assert is_signed_in(browser)
        session = browser.session
        for key, ago in moved.items():
            session[key] = (timezone.now() - ago).isoformat()
        session.save()
        assert browser.get("/staff/")["Location"].startswith("/staff/sign-in/")


def test_w4_a_link_asks_staff_before_it_signs_them_out(client: Client, enrolled: User) -> None:
    sign_in(client)
    asked = client.get(reverse("identity_staff:sign_out"))
    assert (asked.status_code, b'<form method="post">' in asked.content) == (200, True)
    assert client.get(reverse("identity_staff:landing")).status_code in {200, 302}
    client.post(reverse("identity_staff:sign_out"))
    asked = client.get(reverse("identity_staff:sign_out"))
    assert asked["Location"] == reverse("identity_staff:signed_out")


def test_w4_staff_sign_out_ends_the_session(client: Client, enrolled: User) -> None:
    give_password(client)
    give_code(client, code())
    response = client.post(reverse("identity_staff:sign_out"))
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_signed_in(client)
    assert client.get(response["Location"]).status_code == 200


def test_w5_a_closed_staff_login_is_out_at_the_next_request(client: Client, enrolled: User) -> None:
    give_password(client)
    give_code(client, code())
    User.objects.update(is_active=False)
    assert client.get("/staff/")["Location"].startswith("/staff/sign-in/")


def test_several_posts_are_a_choice_and_none_is_explained(
    client: Client, enrolled: User, office: Clinic
) -> None:
    other = make_clinic(name="Andre kontor")
    make_staff_member(other, user=enrolled)
    give_password(client)
    give_code(client, code())
    text = client.get("/staff/").content.decode()
    assert office.name in text
    assert "Andre kontor" in text
    StaffMember.objects.update(is_active=False)
    assert client.get("/staff/").status_code == 200


def test_sessions_elsewhere_can_be_ended(client: Client, enrolled: User) -> None:
    give_password(client)
    give_code(client, code())
    cache.clear()
    elsewhere = Client()
    give_password(elsewhere)
    give_code(elsewhere, code())
    assert elsewhere.get(reverse("mfa_index")).status_code == 200
    page = client.get(reverse("usersessions_list"))
    assert page.status_code == 200
    client.post(reverse("usersessions_list"), {"do": "others"})
    assert elsewhere.get("/staff/")["Location"].startswith("/staff/sign-in/")
    assert client.get("/staff/")["Location"] != "/staff/second-factor/"


def test_secrets_of_code_apps_are_encrypted(enrolled: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
        stored = cursor.fetchone()[0]
    assert SECRET not in stored
    assert stored.count("k1:") == 2


def test_nobody_can_sign_up_or_switch_the_code_app_off() -> None:
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert not names & {"account_signup", "mfa_deactivate_totp", "account_reset_password", "account_email"}


def test_all_staff_addresses_declare_whom_they_are_for() -> None:
    resolver = next(item for item in get_resolver().url_patterns if str(item.pattern) == "staff/")
    views = [item.callback for item in resolver.url_patterns if getattr(item, "callback", None)]
    assert len(views) >= 9
    assert all(audience_of(view) for view in views)


def test_the_demo_shows_the_code_of_the_moment(client: Client, enrolled: User, settings: Any) -> None:
    assert staff_codes.current_code(enrolled) == code()
    settings.IS_DEVELOPMENT = False
    with pytest.raises(setup.DemoOnly):
        staff_codes.current_code(enrolled)


def test_a_weak_password_makes_no_login(db: None) -> None:
    with pytest.raises(ValidationError):
        operations.create_staff_user(
            email=EMAIL, name="Siv", password="passord", actor=None, now=timezone.now()
        )
    assert not User.objects.exists()


def test_the_command_adds_staff(office: Clinic, monkeypatch: Any, client: Client) -> None:
    words = [EMAIL, "--name", "Siv", "--clinic", office.portal_identifier, "--role", "assistant"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    call_command("add_staff", *words, "--password-from-stdin", stdout=io.StringIO())
    assert StaffMember.objects.get().roles == [Role.ASSISTANT]
    give_password(client)
    assert is_signed_in(client)
    with pytest.raises(CommandError):
        call_command("add_staff", EMAIL, "--name", "Siv", "--clinic", "nowhere", "--role", "assistant")


def test_the_command_helps_who_lost_the_phone(enrolled: User, client: Client, monkeypatch: Any) -> None:
    elsewhere = sign_in(Client())
    call_command("reset_staff", EMAIL, "--code-app", stdout=io.StringIO())
    assert elsewhere.get("/staff/")["Location"].startswith("/staff/sign-in/")
    give_password(client)
    assert client.get("/staff/")["Location"] == "/staff/second-factor/"
    monkeypatch.setattr("sys.stdin", io.StringIO("et helt annet passord\n"))
    call_command("reset_staff", EMAIL, "--password", "--from-stdin", stdout=io.StringIO())
    assert client.get("/staff/")["Location"].startswith("/staff/sign-in/")
    assert OutboxMessage.objects.filter(kind="staff-login").count() == 2
    with pytest.raises(CommandError):
        call_command("reset_staff", EMAIL)


def test_w3_what_staff_had_typed_when_their_session_ended_comes_back_after_password_and_code(
    client: Client, enrolled: User, office: Clinic
) -> None:
    StaffMember.objects.filter(user=enrolled).update(roles=[Role.CLINIC_ADMINISTRATOR])
    give_password(client)
    give_code(client, code())
    page = reverse("clinic_admin:clinic", args=[office.portal_identifier])
    client.get(page)
    session = client.session
    session["seen_at"] = (timezone.now() - timedelta(minutes=30)).isoformat()
    session.save()
    way = client.post(page, {"name": "Nytt navn legesenter"})["Location"]
    assert "Nytt navn" not in client.get(way).content.decode()
    give_password(client, next=page)
    cache.clear()  # the same code within its half minute
    assert give_code(client, code())["Location"] == page
    assert 'value="Nytt navn legesenter"' in client.get(page).content.decode()
    office.refresh_from_db()
    assert office.name != "Nytt navn legesenter"
