"""Passkeys of staff: made, shown, named, taken away, and refused (numbers: docs/security.md)."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity import checks, operations, queries
from identity.models import User
from identity.staff import factors, passkeys
from identity.staff.factors import FactorRefused
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from tests.build import make_user
from tests.identity.build_passkeys import PRESENT
from tests.identity.build_staff import (
    SECRET,
    add_passkey,
    age,
    code,
    give_code,
    give_password,
    is_signed_in,
    options_of,
    passkeys_of,
    security_key,
    show_passkey,
    sign_in,
)

pytestmark = pytest.mark.django_db

ELSEWHERE = "https://venterom.evil.example"


def test_a_passkey_is_made_and_then_opens_the_portal_after_the_password(
    client: Client, enrolled: User
) -> None:
    key = security_key()
    assert add_passkey(sign_in(client), key)["Location"] == reverse("mfa_index")
    assert "Phone" in client.get(reverse("mfa_index")).text
    other = Client()
    assert give_password(other)["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(other)
    assert show_passkey(other, key)["Location"] == "/staff/"
    assert is_signed_in(other)
    assert other.session["second_factor_at"]
    assert passkeys_of(enrolled)[0].last_used_at is not None


def test_a_passkey_can_be_the_first_and_only_second_factor(
    client: Client, user: User, office: Clinic
) -> None:
    give_password(client)
    assert reverse("mfa_add_webauthn") in client.get("/staff/second-factor/").text
    key, before = security_key(), client.session.session_key
    assert add_passkey(client, key)["Location"] == reverse("mfa_view_recovery_codes")
    assert client.session.session_key != before
    assert client.get("/staff/").status_code == 302
    assert client.get(reverse("mfa_view_recovery_codes")).status_code == 200
    other = Client()
    give_password(other)
    assert "six digits" not in other.get(reverse("mfa_authenticate")).text
    show_passkey(other, key)
    assert is_signed_in(other)
    assert AuditEvent.objects.filter(action="staff.passkey-added").count() == 1


def test_a_session_from_before_the_passkey_must_sign_in_again(client: Client, user: User) -> None:
    give_password(client)
    other = Client()
    give_password(other)
    add_passkey(other)
    for name in ("mfa_activate_totp", "mfa_add_webauthn"):
        assert client.get(reverse(name))["Location"] == reverse("identity_staff:sign_out_first")
    assert "second_factor_at" not in client.session


def test_the_browser_is_asked_for_user_verification_at_the_host_of_the_installation(
    client: Client, enrolled: User
) -> None:
    sign_in(client)
    made = options_of(client.get(reverse("mfa_add_webauthn"), HTTP_HOST="127.0.0.1"))["publicKey"]
    assert made["rp"] == {"id": "localhost", "name": "Venterom"}
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert made["user"]["name"] == enrolled.email
    add_passkey(client)
    other = Client()
    give_password(other)
    shown = options_of(other.get(reverse("mfa_authenticate")))["publicKey"]
    assert (shown["rpId"], shown["userVerification"]) == ("localhost", "required")
    assert len(shown["allowCredentials"]) == 1


@pytest.mark.parametrize(
    ("base", "host", "origin"),
    [
        ("https://portal.example", "portal.example", "https://portal.example"),
        ("https://portal.example:443", "portal.example", "https://portal.example"),
        ("http://localhost:8010", "localhost", "http://localhost:8010"),
    ],
)
def test_host_and_origin_come_from_the_base_address(settings: Any, base: str, host: str, origin: str) -> None:
    settings.BASE_URL = base
    assert (passkeys.host(), passkeys.origin(), passkeys.are_possible()) == (host, origin, True)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8000", "https://[2001:db8::1]"])
def test_browsers_make_no_passkeys_for_a_bare_address(
    client: Client, enrolled: User, settings: Any, base: str
) -> None:
    sign_in(client)
    settings.BASE_URL = base
    assert not passkeys.are_possible()
    assert [found.id for found in checks.passkeys_have_a_host_name(None)] == ["identity.W003"]
    assert "address without a name" in client.get(reverse("mfa_add_webauthn")).text
    assert reverse("mfa_add_webauthn") not in client.get(reverse("mfa_index")).text


@pytest.mark.parametrize(
    "worse",
    [
        {"origin": ELSEWHERE},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://localhost:9999"},
        {"rp_id": "venterom.evil.example"},
        {"flags": PRESENT},
        {"flags": 0x04},
    ],
    ids=["other-site", "other-host", "other-port", "other-rp", "not-verified", "nobody-there"],
)
def test_w15_a_passkey_of_another_origin_or_without_its_owner_opens_nothing(
    client: Client, enrolled: User, worse: dict[str, Any]
) -> None:
    key = security_key()
    add_passkey(sign_in(client), key)
    other = Client()
    give_password(other)
    for name, value in worse.items():
        setattr(key, name, value)
    answer = show_passkey(other, key)
    assert answer.status_code == 422
    assert "not accepted" in answer.text
    assert not is_signed_in(other)
    assert AuditEvent.objects.filter(action="auth.fail", details__reason="passkey").count() == 1
    assert add_passkey(client, key, name="Second").status_code == 422
    assert len(passkeys_of(enrolled)) == 1


@pytest.mark.parametrize(
    "said", [{"crossOrigin": True}, {"type": "webauthn.create"}, {"challenge": "AAAA"}, {"origin": ELSEWHERE}]
)
def test_w15_what_the_browser_says_of_the_page_must_fit(
    client: Client, enrolled: User, said: dict[str, Any]
) -> None:
    key = security_key()
    add_passkey(sign_in(client), key)
    other = Client()
    give_password(other)
    assert show_passkey(other, key, **said).status_code == 422
    assert not is_signed_in(other)


def test_w15_an_answer_works_once(client: Client, enrolled: User) -> None:
    key = security_key()
    add_passkey(sign_in(client), key)
    one, two = Client(), Client()
    give_password(one)
    answer = key.show(options_of(one.get(reverse("mfa_authenticate"))))
    assert one.post(reverse("mfa_authenticate"), {"credential": answer}).status_code == 302
    give_password(two)
    two.get(reverse("mfa_authenticate"))
    assert two.post(reverse("mfa_authenticate"), {"credential": answer}).status_code == 422
    assert not is_signed_in(two)


def test_w15_somebody_elses_passkey_or_signature_opens_nothing(client: Client, enrolled: User) -> None:
    key, stranger = security_key(), security_key()
    add_passkey(sign_in(client), key)
    other = Client()
    give_password(other)
    assert show_passkey(other, stranger).status_code == 422
    stranger.credential_id = key.credential_id
    assert show_passkey(other, stranger).status_code == 422
    assert not is_signed_in(other)


def test_wrong_passkeys_are_not_tried_for_ever(client: Client, enrolled: User) -> None:
    key, stranger = security_key(), security_key()
    add_passkey(sign_in(client), key)
    stranger.credential_id = key.credential_id
    other = Client()
    give_password(other)
    for _ in range(5):
        show_passkey(other, stranger)
    refused = show_passkey(other, key)
    assert refused.status_code == 422
    assert "Too many attempts" in refused.text


BARE = {"id": "AA", "rawId": "AA", "type": "public-key"}
NONSENSE = [
    "",
    "null",
    "[]",
    "5",
    "{",
    "{}",
    '{"id": 5}',
    "[" * 20_000,
    '{"a":' * 5_000,
    json.dumps(BARE | {"response": {}}),
    json.dumps(BARE | {"response": {"clientDataJSON": "e30", "attestationObject": "oA"}}),
    json.dumps(BARE | {"response": {"clientDataJSON": "_w", "authenticatorData": "AA", "signature": "AA"}}),
    json.dumps({"id": "\ud800", "rawId": "%%%", "type": [], "response": [1]}),
    "x" * 40_000,
]


@pytest.mark.parametrize("sent", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_where_passkeys_are_taken(client: Client, enrolled: User, sent: str) -> None:
    sign_in(client)
    add_passkey(client)
    address = reverse("mfa_add_webauthn")
    client.get(address)
    made = client.post(address, {"name": "Key ring", "credential": sent})
    assert made.status_code == 422
    assert "Key ring" in made.text
    other = Client()
    give_password(other)
    other.get(reverse("mfa_authenticate"))
    assert other.post(reverse("mfa_authenticate"), {"credential": sent}).status_code == 422
    age(client)
    again = client.post(reverse("mfa_reauthenticate"), {"proof-credential": sent, "next": "/staff/"})
    assert again.status_code == 422
    assert len(passkeys_of(enrolled)) == 1


@pytest.mark.parametrize(
    "key",
    [
        {1: 2, 3: -7},
        {1: 1},
        {},
        {1: 3, 3: -65535, -1: b"n", -2: b"e"},
        {1: 2, 3: -7, -1: 1, -2: b"x", -3: b"y"},
    ],
)
def test_a_key_that_could_never_be_checked_locks_nobody_out_with_an_error(
    client: Client, enrolled: User, key: dict[int, Any]
) -> None:
    soft = security_key()
    sign_in(client)
    if add_passkey(client, soft, cose=key).status_code == 422:
        assert not passkeys_of(enrolled)
        return
    other = Client()
    give_password(other)
    assert show_passkey(other, soft).status_code == 422


def test_only_what_is_needed_of_the_answer_is_stored(client: Client, enrolled: User) -> None:
    sign_in(client)
    address = reverse("mfa_add_webauthn")
    answer = json.loads(security_key().make(options_of(client.get(address))))
    answer |= {"more": "\x00", "clientExtensionResults": {"credProps": {"rk": float("nan")}}}
    made = client.post(address, {"name": "", "credential": json.dumps(answer)})
    assert made.status_code == 302
    stored = passkeys_of(enrolled)[0].data
    assert set(stored["credential"]) == {"id", "rawId", "type", "response", "clientExtensionResults"}
    assert stored["credential"]["clientExtensionResults"] == {}
    assert stored["name"] == "Passkey 1"


def test_adding_taking_away_and_renaming_need_a_fresh_proof(client: Client, enrolled: User) -> None:
    add_passkey(sign_in(client))
    passkey = passkeys_of(enrolled)[0]
    age(client)
    for name, words in (
        ("mfa_add_webauthn", []),
        ("mfa_activate_totp", []),
        ("mfa_generate_recovery_codes", []),
        ("identity_staff:own_password", []),
        ("identity_staff:remove_code_app", []),
        ("identity_staff:rename_passkey", [passkey.pk]),
        ("identity_staff:remove_passkey", [passkey.pk]),
    ):
        address = reverse(name, args=words)
        for ask in (client.get, client.post):
            assert (
                ask(address)["Location"]
                == f"{reverse('mfa_reauthenticate')}?next={address.replace('/', '%2F')}"
            )
    assert Authenticator.objects.filter(user=enrolled).count() == 3


def test_a_passkey_is_renamed_and_taken_away_by_its_owner(client: Client, enrolled: User) -> None:
    add_passkey(sign_in(client))
    passkey = passkeys_of(enrolled)[0]
    rename = reverse("identity_staff:rename_passkey", args=[passkey.pk])
    assert client.post(rename, {"name": " "}).status_code == 422
    assert client.post(rename, {"name": "n" * 61}).status_code == 422
    client.post(rename, {"name": "Key ring <b>"})
    assert "Key ring &lt;b&gt;" in client.get(reverse("mfa_index")).text
    remove = reverse("identity_staff:remove_passkey", args=[passkey.pk])
    assert client.get(remove).status_code == 200
    assert len(passkeys_of(enrolled)) == 1
    assert client.post(remove)["Location"] == reverse("mfa_index")
    assert not passkeys_of(enrolled)
    assert client.post(remove).status_code == 404
    other = Client()
    give_password(other)
    assert "passkey_options" not in other.get(reverse("mfa_authenticate")).context


def test_the_last_second_factor_stays(client: Client, enrolled: User) -> None:
    sign_in(client)
    remove_app = reverse("identity_staff:remove_code_app")
    refused = client.post(remove_app)
    assert refused.status_code == 409
    assert "at least one passkey or a code app" in refused.text
    add_passkey(client)
    assert client.post(remove_app).status_code == 302
    assert client.get(remove_app).status_code == 404
    only = passkeys_of(enrolled)[0]
    assert client.post(reverse("identity_staff:remove_passkey", args=[only.pk])).status_code == 409
    assert len(passkeys_of(enrolled)) == 1
    assert Authenticator.objects.filter(user=enrolled, type="recovery_codes").exists()


def test_somebody_elses_passkey_does_not_exist(client: Client, enrolled: User) -> None:
    stranger = Authenticator.objects.create(
        user=make_user(), type="webauthn", data={"name": "Theirs", "credential": {}}
    )
    sign_in(client)
    for name in ("rename_passkey", "remove_passkey"):
        address = reverse(f"identity_staff:{name}", args=[stranger.pk])
        assert client.get(address).status_code == 404
        assert client.post(address, {"name": "Mine"}).status_code == 404
    stranger.refresh_from_db()
    assert stranger.data["name"] == "Theirs"


def test_another_code_app_takes_the_place_of_the_old_one(client: Client, enrolled: User) -> None:
    sign_in(client)
    client.get("/staff/second-factor/")
    secret = client.session["mfa.totp.secret"]
    assert client.post("/staff/second-factor/", {"code": code(secret)})["Location"] == reverse("mfa_index")
    assert Authenticator.objects.filter(user=enrolled, type="totp").count() == 1
    other = Client()
    give_password(other)
    assert give_code(other, code(SECRET)).status_code == 422


def test_every_change_is_told_by_e_mail_and_recorded_once(client: Client, enrolled: User) -> None:
    sign_in(client)
    add_passkey(client)
    client.post(reverse("identity_staff:remove_passkey", args=[passkeys_of(enrolled)[0].pk]))
    client.post(reverse("mfa_generate_recovery_codes"))
    told = OutboxMessage.objects.filter(kind="staff-login").order_by("created_at", "pk")
    assert {message.recipient for message in told} == {enrolled.email}
    assert len(told) == 3
    for action in ("staff.passkey-added", "staff.passkey-removed", "staff.recovery-codes-made"):
        event = AuditEvent.objects.get(action=action)
        assert (event.actor_id, event.subject_id) == (enrolled.pk, str(enrolled.pk))
        assert "Phone" not in json.dumps(event.details)


def test_ids_of_passkeys_are_not_logged(client: Client, enrolled: User, caplog: Any) -> None:
    key = security_key()
    with caplog.at_level(logging.INFO):
        add_passkey(sign_in(client), key)
        other = Client()
        give_password(other)
        show_passkey(other, key)
    assert key.credential_id.hex() not in caplog.text


def in_a_connection_of_its_own(ready: threading.Barrier, act: Any) -> str:
    ready.wait(10)
    try:
        act()
    except FactorRefused:
        return "refused"
    finally:
        connection.close()
    return "done"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_the_last_two_factors_away_at_once_one_is_refused(enrolled: User) -> None:
    passkey = Authenticator.objects.create(user=enrolled, type="webauthn", data={"name": "Phone"})
    now, ready = timezone.now(), threading.Barrier(2)
    acts = [
        lambda: factors.remove_code_app(enrolled, now=now),
        lambda: factors.remove_passkey(enrolled, passkey.pk, now=now),
    ]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda act: in_a_connection_of_its_own(ready, act), acts))
    assert sorted(done) == ["done", "refused"]
    assert Authenticator.objects.filter(user=enrolled, type__in=queries.SECOND_FACTORS).count() == 1


def test_a_factor_that_was_set_up_elsewhere_this_moment_is_not_joined_by_another(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password(client)
    options = options_of(client.get(reverse("mfa_add_webauthn")))
    before = factors.lock

    def lock_late(who: User) -> None:
        operations.set_totp(user, SECRET, actor=None, now=timezone.now())
        before(who)

    monkeypatch.setattr(factors, "lock", lock_late)
    made = client.post(reverse("mfa_add_webauthn"), {"credential": security_key().make(options)})
    assert made["Location"] == reverse("identity_staff:sign_out_first")
    assert not passkeys_of(user)
    assert "second_factor_at" not in client.session
