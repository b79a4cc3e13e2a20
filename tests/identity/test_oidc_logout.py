"""Single logout by OpenID Connect, both ways (O37-O39, W7 of docs/security.md)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity import operations
from identity.models import IdentityProvider, LoginTransaction, ProviderLogout, ProviderSession, UsedMessage
from identity.oidc import metadata as oidc_metadata
from portal.models import AuditEvent
from tests.identity.build_identity import (
    CLIENT_ID,
    NUMBER,
    OTHER_NUMBER,
    FakeIdp,
    Signer,
    begin,
    come_back,
    connect,
    enter,
    record_for,
)

pytestmark = pytest.mark.django_db
SLUG, SUBJECT, SID = "bankid-test", "0a1b2c3d", "session-one"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client, clinic: Clinic, idp: FakeIdp, sid: str = SID) -> Client:
    idp.claims = {"sid": sid}
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    assert is_signed_in(client)
    return client


@pytest.fixture
def signed_in(client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> Client:
    idp.metadata = {"end_session_endpoint": f"{idp.issuer}/logout"}
    return sign_in(client, clinic, idp)


def sign_out(client: Client, clinic: Clinic) -> Any:
    return client.post(reverse("identity:sign_out", args=[clinic.portal_identifier]))


def back(client: Client, **query: str) -> Any:
    return client.get(f"{reverse('identity_logged_out', args=[SLUG])}?{urlencode(query)}")


def fields_of(page: Any) -> dict[str, str]:
    form = re.search(r'<form id="leave".*?</form>', page.content.decode(), re.DOTALL)
    assert form
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0])
    return {name: unescape(value) for name, value in found}


def signed_out_page(clinic: Clinic, query: str = "") -> str:
    return reverse("identity:signed_out", args=[clinic.portal_identifier]) + query


def test_o37_signing_out_ends_the_session_first_and_then_leads_to_the_provider(
    signed_in: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    left = sign_out(signed_in, clinic)
    assert left.status_code == 303
    assert not is_signed_in(signed_in)
    assert not ProviderSession.objects.exists()
    page = signed_in.get(left["Location"])
    assert page.status_code == 200
    assert f'action="{idp.issuer}/logout" data-submit-at-once' in page.content.decode()
    assert f"form-action 'self' {idp.issuer}" in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store"
    fields, leaving = fields_of(page), ProviderLogout.objects.get()
    assert fields == {
        "id_token_hint": leaving.id_token,
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": f"http://localhost:8000{reverse('identity_logged_out', args=[SLUG])}",
        "state": leaving.request_id,
    }
    done = back(signed_in, state=fields["state"])
    assert done["Location"] == signed_out_page(clinic, f"?at={SLUG}")
    assert signed_in.get(left["Location"])["Location"] == signed_out_page(clinic)  # nothing more to do there


def test_w16_leaving_at_the_provider_and_its_answer_are_in_the_trail(
    signed_in: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    signed_in.defaults["REMOTE_ADDR"] = "192.0.2.77"
    sign_out(signed_in, clinic)
    out = AuditEvent.objects.get(action="slo.out")
    assert out.login_id == out.actor_id == AuditEvent.objects.get(action="auth.success").login_id
    assert (out.details, out.network_address) == ({"provider": SLUG}, "192.0.2.77")
    back(signed_in, state=ProviderLogout.objects.get().request_id)
    answered = AuditEvent.objects.get(action="slo.answered")
    assert answered.subject_id == out.subject_id
    assert answered.details == {"provider": SLUG, "everywhere": True}
    back(signed_in, state=ProviderLogout.objects.get().request_id)
    assert AuditEvent.objects.filter(action="slo.answered").count() == 1


def test_o37_the_answer_counts_once_and_for_its_own_provider(
    signed_in: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    connect(clinic, idp, slug="another-one")
    sign_out(signed_in, clinic)
    state = ProviderLogout.objects.get().request_id
    assert back(signed_in).status_code == 400
    assert back(signed_in, state="another").status_code == 400
    other = f"{reverse('identity_logged_out', args=['another-one'])}?state={state}"
    assert signed_in.get(other).status_code == 400
    assert back(signed_in, state=state).status_code == 303
    assert back(signed_in, state=state).status_code == 400


def test_o37_a_late_answer_does_not_say_that_all_is_well(signed_in: Client, clinic: Clinic) -> None:
    left = sign_out(signed_in, clinic)
    ProviderLogout.objects.update(expires_at=timezone.now())
    assert signed_in.get(left["Location"])["Location"] == signed_out_page(clinic)
    done = back(signed_in, state=ProviderLogout.objects.get().request_id)
    assert done["Location"] == signed_out_page(clinic, f"?not-at={SLUG}")


def test_o37_a_provider_that_cannot_be_reached_keeps_nobody_signed_in(
    signed_in: Client, clinic: Clinic, idp: FakeIdp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_metadata, "memory", oidc_metadata.ProviderMemory())
    idp.answers["/.well-known/openid-configuration"] = (503, {}, b"")
    left = sign_out(signed_in, clinic)
    assert not is_signed_in(signed_in)
    assert signed_in.get(left["Location"])["Location"] == signed_out_page(clinic, f"?not-at={SLUG}")


@pytest.mark.parametrize("address", [None, "https://elsewhere.example/logout", "javascript:alert(1)", 7, ""])
def test_o37_without_a_usable_address_signing_in_works_and_out_ends_here(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, address: Any
) -> None:
    idp.metadata = {} if address is None else {"end_session_endpoint": address}
    sign_in(client, clinic, idp)
    assert ProviderSession.objects.get().id_token is None
    assert sign_out(client, clinic)["Location"] == signed_out_page(clinic)
    assert not is_signed_in(client)


def test_o39_the_id_token_is_encrypted_goes_with_the_session_and_is_in_no_address(
    signed_in: Client, clinic: Clinic
) -> None:
    token = ProviderSession.objects.get().id_token or ""
    assert token.count(".") == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT id_token FROM identity_providersession")
        assert token not in str(cursor.fetchall())
    assert LoginTransaction.objects.get().evidence is None
    left = sign_out(signed_in, clinic)
    assert token not in left["Location"]
    assert Client().get(left["Location"]).status_code == 404  # another browser gets nothing of it
    assert token in signed_in.get(left["Location"]).content.decode()
    back(signed_in, state=ProviderLogout.objects.get().request_id)
    assert ProviderLogout.objects.get().id_token is None
    trail = str(list(AuditEvent.objects.values("details", "subject_id")))
    assert token not in trail
    assert NUMBER not in trail


def test_o39_however_a_session_ends_the_token_is_gone(signed_in: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    operations.sweep(now=timezone.now())
    assert not ProviderSession.objects.exists()


def test_o39_what_was_never_answered_is_swept(signed_in: Client, clinic: Clinic) -> None:
    sign_out(signed_in, clinic)
    operations.sweep(now=timezone.now() + timedelta(minutes=6))
    assert not ProviderLogout.objects.exists()


def logout_claims(idp: FakeIdp, **changes: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": idp.issuer,
        "aud": CLIENT_ID,
        "sub": SUBJECT,
        "sid": SID,
        "jti": "once",
        "iat": now,
        "exp": now + 120,
        "events": {EVENT: {}},
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def tell(
    idp: FakeIdp, *, signer: Signer | None = None, typ: str | None = "logout+jwt", **changes: Any
) -> int:
    """Call us as the provider's server does: no cookie, no page."""
    token = (signer or idp.signer).sign(logout_claims(idp, **changes), typ=typ)
    address = reverse("identity_back_channel", args=[SLUG])
    answer = Client(enforce_csrf_checks=True).post(address, {"logout_token": token})
    assert answer["Cache-Control"] == "no-store"
    return int(answer.status_code)


def test_w7_the_providers_call_ends_the_right_session_without_a_cookie(
    signed_in: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    other_device = sign_in(Client(), clinic, idp, sid="session-two")
    assert tell(idp) == 200
    assert not is_signed_in(signed_in)
    assert is_signed_in(other_device)
    assert AuditEvent.objects.get(action="session.end").details["reason"] == "at-provider"
    assert AuditEvent.objects.get(action="slo.in").details == {"provider": SLUG, "count": 1}
    signed_in.cookies["django_language"] = "en"
    page = signed_in.get(reverse("home:start", args=[clinic.portal_identifier]), follow=True)
    assert "because you signed out at your eID's provider" in unescape(page.content.decode())


@pytest.mark.parametrize(
    ("named", "left"),
    [({"sid": None}, 0), ({"sub": None}, 1), ({"sub": "another"}, 2), ({"sid": "another"}, 2)],
    ids=["person", "session", "another-person", "another-session"],
)
def test_w7_the_person_or_the_session_is_named(
    signed_in: Client, clinic: Clinic, idp: FakeIdp, named: dict[str, Any], left: int
) -> None:
    devices = [signed_in, sign_in(Client(), clinic, idp, sid="session-two")]
    assert tell(idp, **named) == 200
    assert sum(map(is_signed_in, devices)) == left == ProviderSession.objects.count()


def test_w7_other_people_stay_signed_in(signed_in: Client, clinic: Clinic, idp: FakeIdp) -> None:
    record_for(clinic, OTHER_NUMBER)
    other = Client()
    idp.claims = {
        "sub": "somebody",
        "sid": "theirs",
        "nnin_altsub": OTHER_NUMBER,
        "birthdate": "1970-01-02",
        "bankid_altsub": "another",
    }
    begin(other, clinic)
    come_back(other, idp)
    enter(other, clinic)
    assert tell(idp, sid=None) == 200
    assert is_signed_in(other)
    assert not is_signed_in(signed_in)


@dataclass(frozen=True)
class In:
    """So many seconds from the moment at which the token is made."""

    seconds: int

    def instant(self) -> int:
        return int(datetime.now(UTC).timestamp()) + self.seconds


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": [CLIENT_ID, "somebody-else"]},
        {"aud": None},
        {"iat": In(-300)},
        {"iat": In(300)},
        {"iat": None},
        {"iat": "now"},
        {"exp": In(-60)},
        {"exp": None},
        {"events": None},
        {"events": {}},
        {"events": EVENT},
        {"events": {EVENT: True}},
        {"nonce": "one"},
        {"jti": None},
        {"jti": 7},
        {"sub": None, "sid": None},
        {"sub": ""},
        {"sid": ["session-one"]},
        {"typ": "JWT"},
        {"typ": None},
    ],
    ids=lambda change: "-".join(f"{name}-{str(value)[:12]}" for name, value in change.items()),
)
def test_o38_a_forged_or_foreign_logout_token(
    signed_in: Client, idp: FakeIdp, change: dict[str, Any]
) -> None:
    now = {name: value.instant() if isinstance(value, In) else value for name, value in change.items()}
    assert tell(idp, **now) == 400
    assert is_signed_in(signed_in)
    assert not UsedMessage.objects.exists()


def test_o38_another_key_another_algorithm_no_token(signed_in: Client, idp: FakeIdp) -> None:
    assert tell(idp, signer=Signer(kid=idp.signer.kid)) == 400
    assert tell(idp, signer=Signer(kid="unknown")) == 400
    address = reverse("identity_back_channel", args=[SLUG])
    for token in ("", "a.b.c", "x" * 20_000):
        assert Client().post(address, {"logout_token": token}).status_code == 400
    assert Client().get(address).status_code == 405
    IdentityProvider.objects.update(allowed_algs=["RS256"])
    assert tell(idp) == 400
    assert is_signed_in(signed_in)


def test_o38_an_id_token_is_no_logout_token(signed_in: Client, clinic: Clinic) -> None:
    token = ProviderSession.objects.get().id_token
    address = reverse("identity_back_channel", args=[SLUG])
    assert Client().post(address, {"logout_token": token}).status_code == 400
    assert is_signed_in(signed_in)


def test_o38_the_same_token_again_ends_no_newer_session(
    signed_in: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    assert tell(idp) == 200
    sign_in(signed_in, clinic, idp)
    assert tell(idp) == 400
    assert is_signed_in(signed_in)
    assert tell(idp, jti="twice") == 200


def test_o38_a_provider_that_is_switched_off_ends_nothing(signed_in: Client, idp: FakeIdp) -> None:
    IdentityProvider.objects.update(is_active=False)
    assert tell(idp) == 400
    assert is_signed_in(signed_in)
