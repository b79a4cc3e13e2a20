"""What staff's acts leave in the audit trail, and what no page allows (numbers: docs/security.md)."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, StaffMember
from identity.by_code import code_sender
from identity.models import User
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from tests.build import make_staff_member
from tests.identity.build_staff import (
    EMAIL,
    PASSWORD,
    SECRET,
    add_passkey,
    age,
    code,
    give_code,
    give_password,
    options_of,
    passkeys_of,
    security_key,
    show_passkey,
    sign_in,
)
from tests.services.onboarding.build_onboarding import sign_in_as

pytestmark = pytest.mark.django_db
NEW = "et helt annet passord"


def wrong_password(client: Client, user: User) -> None:
    give_password(client, "a wrong password")


def unknown_address(client: Client, user: User) -> None:
    give_password(client, email="nobody@legekontor.example")


def wrong_code(client: Client, user: User) -> None:
    give_password(client)
    give_code(client, "000000")


def right_code(client: Client, user: User) -> None:
    sign_in(client)


def wrong_passkey(client: Client, user: User) -> None:
    key = security_key()
    add_passkey(sign_in(Client()), key)
    give_password(client)
    show_passkey(client, key, origin="https://venterom.evil.example")


def right_passkey(client: Client, user: User) -> None:
    key = security_key()
    add_passkey(sign_in(Client()), key)
    give_password(client)
    show_passkey(client, key)


def wrong_proof(client: Client, user: User) -> None:
    age(sign_in(client))
    client.post(reverse("mfa_reauthenticate"), {"proof-code": "000000"})


def right_proof(client: Client, user: User) -> None:
    age(sign_in(client))
    client.post(reverse("mfa_reauthenticate"), {"proof-code": code()})


def proof_by_passkey(client: Client, user: User) -> None:
    key = security_key()
    add_passkey(sign_in(client), key)
    age(client)
    address = reverse("mfa_reauthenticate")
    client.post(address, {"proof-credential": key.show(options_of(client.get(address)))})


def signed_out(client: Client, user: User) -> None:
    sign_in(client).post(reverse("identity_staff:sign_out"))


def own_password(client: Client, user: User) -> None:
    sent = {"old": PASSWORD, "password": NEW, "again": NEW}
    sign_in(client).post(reverse("identity_staff:own_password"), sent)


def forgotten(client: Client, user: User) -> None:
    client.post(reverse("identity_staff:forgotten"), {"email": EMAIL})
    code_sender.send_waiting(now=timezone.now())


def link_used(client: Client, user: User) -> None:
    forgotten(client, user)
    found = re.search(r"https?://[^/]+(/\S+)", OutboxMessage.objects.get().body)
    assert found
    client.get(found[1])
    client.post(reverse("identity_staff:choose_new_password"), {"password": NEW, "again": NEW})


def passkey_added(client: Client, user: User) -> None:
    add_passkey(sign_in(client))


def passkey_removed(client: Client, user: User) -> None:
    add_passkey(sign_in(client))
    client.post(reverse("identity_staff:remove_passkey", args=[passkeys_of(user)[0].pk]))


def code_app_removed(client: Client, user: User) -> None:
    add_passkey(sign_in(client))
    client.post(reverse("identity_staff:remove_code_app"))


def recovery_codes(client: Client, user: User) -> None:
    sign_in(client).post(reverse("mfa_generate_recovery_codes"))


def reset(client: Client, user: User) -> None:
    clinic = StaffMember.objects.get(user=user).clinic
    member = StaffMember.objects.get(user=user)
    admins = [sign_in_as(Client(), make_staff_member(clinic, Role.CLINIC_ADMINISTRATOR)) for _ in "ab"]
    words = [clinic.portal_identifier]
    admins[0].post(reverse("onboarding_admin:request_reset", args=[*words, member.pk]))
    asked = AuditEvent.objects.get(action="second_factor_reset.requested").subject_id
    admins[1].post(reverse("onboarding_admin:confirm_reset", args=[*words, asked]))


TRAIL: list[tuple[Callable[[Client, User], None], str, dict[str, Any]]] = [
    (wrong_password, "auth.fail", {"method": "staff-password", "reason": "password", "known": True}),
    (unknown_address, "auth.fail", {"method": "staff-password", "reason": "password", "known": False}),
    (wrong_code, "auth.fail", {"method": "staff-password", "reason": "code", "known": True}),
    (right_code, "auth.success", {"method": "staff-password", "factor": "totp"}),
    (wrong_passkey, "auth.fail", {"method": "staff-password", "reason": "passkey", "known": True}),
    (right_passkey, "auth.success", {"method": "staff-password", "factor": "webauthn"}),
    (wrong_proof, "auth.fail", {"method": "staff-password", "reason": "again", "known": True}),
    (right_proof, "auth.again", {"method": "staff-password", "factor": "totp"}),
    (proof_by_passkey, "auth.again", {"method": "staff-password", "factor": "webauthn"}),
    (signed_out, "session.end", {"reason": "signed-out"}),
    (own_password, "staff.password-set", {}),
    (forgotten, "staff_link.sent", {"purpose": "new-password"}),
    (link_used, "staff_link.used", {"purpose": "new-password"}),
    (passkey_added, "staff.passkey-added", {}),
    (passkey_removed, "staff.passkey-removed", {}),
    (code_app_removed, "staff.code-app-removed", {}),
    (recovery_codes, "staff.recovery-codes-made", {}),
    (reset, "staff.second-factor-reset", {}),
]


@pytest.mark.parametrize(("act", "action", "details"), TRAIL, ids=[act.__name__ for act, *_ in TRAIL])
def test_w16_each_act_leaves_one_event_without_addresses_codes_or_words(
    client: Client, enrolled: User, act: Any, action: str, details: dict[str, Any]
) -> None:
    act(client, enrolled)
    event = AuditEvent.objects.get(action=action, details__contains=details)
    assert event.subject_id
    known = code()
    stored = json.dumps(list(AuditEvent.objects.values("action", "subject_id", "details")), default=str)
    for secret in (EMAIL, PASSWORD, NEW, SECRET, known, "Siv", "000000", "nobody@"):
        assert secret not in stored
    for message in OutboxMessage.objects.all():
        for token in re.findall(r"/new-password/([^/\s]+)", message.body):
            assert token not in stored


def test_w10_no_page_of_staff_can_be_framed_not_even_a_refusal(
    client: Client, enrolled: User, office: Clinic
) -> None:
    StaffMember.objects.update(roles=[Role.CLINIC_ADMINISTRATOR])
    address = reverse("clinic_admin:switch_portal", args=[office.portal_identifier])
    strict = Client(enforce_csrf_checks=True)
    pages = [
        (strict.post(reverse("account_login")), 403),
        (client.get(reverse("account_login")), 200),
        (client.get(reverse("identity_staff:forgotten")), 200),
        (client.get("/staff/no-such-page/"), 404),
        (client.get(reverse("session:stay")), 405),
        (give_password(client, "a wrong password"), 422),
        (client.post(reverse("identity_staff:forgotten"), {"email": "none"}), 422),
    ]
    cache.clear()
    age(sign_in(client))
    pages += [
        (client.post(address, {"portal": "off"}), 403),
        (client.get(reverse("mfa_index")), 200),
        (client.get(reverse("mfa_add_webauthn")), 302),
    ]
    for answer, status in pages:
        assert answer.status_code == status
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"
