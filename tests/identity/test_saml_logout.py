"""Single logout, both ways (S32-S34, W7 of docs/security.md)."""

import zlib
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity.choices import TransactionStatus
from identity.models import IdentityProvider, LoginTransaction, ProviderLogout, ProviderSession
from identity.saml import redirect as saml_redirect
from identity.saml import xml as saml_xml
from identity.saml.xml import MessageRefused
from portal.models import AuditEvent
from tests.identity.build_identity import enter
from tests.identity.build_saml import (
    ISSUER,
    NAME_ID,
    NS,
    SESSION_INDEX,
    SLUG,
    STATUS,
    Asked,
    Forged,
    begin_saml,
    come_back,
    connect_saml,
    logout_message,
    our_pair,
    pair,
    post_answer,
    saml_text,
    signed_query,
)
from tests.identity.saml_fixtures import asked, clinic, provider

pytestmark = pytest.mark.django_db
__all__ = ["asked", "clinic", "provider"]

SAML, SAMLP = (f"{{{NS.split(chr(34))[place]}}}" for place in (1, 3))
SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def signed_in(client: Client, clinic: Clinic, provider: IdentityProvider) -> Client:
    come_back(client, begin_saml(client, clinic))
    enter(client, clinic)
    assert is_signed_in(client)
    return client


def sent_to_us(query: str, browser: Client | None = None) -> Any:
    """Bring the provider's message without the cookie of the session, as another site's frame would."""
    return (browser or Client()).get(f"{reverse('identity_slo', args=[SLUG])}?{query}")


def request(**parts: Any) -> str:
    signing = {name: parts.pop(name) for name in ("signer", "method", "relay_state", "raw") if name in parts}
    return signed_query("SAMLRequest", logout_message("LogoutRequest", **parts), **signing)


def response(leaving: ProviderLogout, **parts: Any) -> str:
    signing = {name: parts.pop(name) for name in ("signer", "method", "relay_state") if name in parts}
    parts = {"in_response_to": leaving.request_id} | parts
    return signed_query(
        "SAMLResponse",
        logout_message("LogoutResponse", **parts),
        **({"relay_state": str(leaving.pk)} | signing),
    )


def read_in_english(address: str) -> str:
    browser = Client()
    browser.cookies["django_language"] = "en"
    return str(browser.get(address).content.decode())


def sign_out(client: Client, clinic: Clinic) -> Any:
    return client.post(reverse("identity:sign_out", args=[clinic.portal_identifier]))


def test_signing_out_ends_the_session_first_and_then_leads_to_the_provider(
    signed_in: Client, clinic: Clinic
) -> None:
    left = sign_out(signed_in, clinic)
    assert left.status_code == 303
    assert not is_signed_in(signed_in)
    page = signed_in.get(left["Location"])
    assert page.status_code == 200
    address = page["Refresh"].partition("url=")[2]
    assert address.startswith(f"{ISSUER}/slo?SAMLRequest=")
    assert address.replace("&", "&amp;") in page.content.decode()
    message, relay_state = saml_redirect.received(
        urlsplit(address).query, "SAMLRequest", [our_pair().certificate]
    )
    root = saml_xml.parsed(message)
    assert root.tag == f"{SAMLP}LogoutRequest"
    assert root.findtext(f"{SAML}NameID") == NAME_ID
    assert root.findtext(f"{SAMLP}SessionIndex") == SESSION_INDEX
    leaving = ProviderLogout.objects.get()
    assert (root.get("ID"), relay_state) == (leaving.request_id, str(leaving.pk))
    done = sent_to_us(response(leaving))
    assert done["Location"] == f"{reverse('identity:signed_out', args=[clinic.portal_identifier])}?at={SLUG}"
    text = read_in_english(done["Location"])
    assert "signed out at MitID, too" in text
    assert signed_in.get(left["Location"]).status_code == 303  # nothing more to do there


def test_a_session_index_with_markup_in_it_is_escaped(signed_in: Client, clinic: Clinic) -> None:
    ProviderSession.objects.update(session_index='</samlp:SessionIndex><evil a="&">')
    page = signed_in.get(sign_out(signed_in, clinic)["Location"])
    root = Asked.at(page["Refresh"].partition("url=")[2]).xml
    assert root.findtext(f"{SAMLP}SessionIndex") == '</samlp:SessionIndex><evil a="&">'


@pytest.mark.parametrize(
    "status",
    [
        f'<samlp:StatusCode Value="{STATUS}Responder"/>',
        f'<samlp:StatusCode Value="{STATUS}Success"><samlp:StatusCode Value="{STATUS}PartialLogout"/></samlp:StatusCode>',
    ],
    ids=["failed", "partial"],
)
def test_the_page_says_when_the_provider_could_not(signed_in: Client, clinic: Clinic, status: str) -> None:
    sign_out(signed_in, clinic)
    done = sent_to_us(response(ProviderLogout.objects.get(), status=status))
    assert done["Location"].endswith(f"?not-at={SLUG}")
    text = read_in_english(done["Location"])
    assert "Close the browser" in text


def test_without_single_logout_the_page_says_that_the_person_is_signed_out(
    client: Client, clinic: Clinic
) -> None:
    connect_saml(clinic, slo_address="")
    come_back(client, begin_saml(client, clinic))
    enter(client, clinic)
    left = sign_out(client, clinic)
    assert left["Location"] == reverse("identity:signed_out", args=[clinic.portal_identifier])


def test_going_on_to_the_provider_is_possible_for_five_minutes(signed_in: Client, clinic: Clinic) -> None:
    left = sign_out(signed_in, clinic)
    ProviderLogout.objects.update(expires_at=timezone.now())
    assert signed_in.get(left["Location"]).status_code == 303
    assert sent_to_us(response(ProviderLogout.objects.get())).status_code == 400


def test_w7_the_providers_logout_ends_the_right_session_without_a_cookie(
    signed_in: Client, clinic: Clinic, provider: IdentityProvider
) -> None:
    other_device = Client()
    asked = begin_saml(other_device, clinic)
    message = Forged.answering(
        asked, before_signing=lambda text: text.replace(SESSION_INDEX, "_another-session")
    )
    other_device.get(post_answer(message.encoded(), asked.relay_state)["Location"])
    enter(other_device, clinic)
    answer = sent_to_us(request(relay_state="theirs", message_id="_logout-1"))
    assert answer.status_code == 303
    assert not is_signed_in(signed_in)
    assert is_signed_in(other_device)
    assert answer["Location"].startswith(f"{ISSUER}/slo?SAMLResponse=")
    text, relay_state = saml_redirect.received(
        urlsplit(answer["Location"]).query, "SAMLResponse", [our_pair().certificate]
    )
    root = saml_xml.parsed(text)
    assert (root.get("InResponseTo"), relay_state) == ("_logout-1", "theirs")
    assert root.find(f"{SAMLP}Status")[0].get("Value") == f"{STATUS}Success"
    ended = AuditEvent.objects.get(action="session.end")
    assert ended.details["reason"] == "at-provider"
    assert str(ended.login_id) == ended.subject_id
    asked_from_there = AuditEvent.objects.get(action="slo.in")
    assert (asked_from_there.login_id, asked_from_there.details["count"]) == (ended.login_id, 1)
    signed_in.cookies["django_language"] = "en"
    page = signed_in.get(reverse("home:start", args=[clinic.portal_identifier]), follow=True)
    assert "because you signed out at your eID's provider" in unescape(page.content.decode())
    assert NAME_ID not in str(ended.details)


def test_w7_without_an_index_all_of_the_persons_sessions_end(signed_in: Client, clinic: Clinic) -> None:
    other_device = Client()
    come_back(other_device, begin_saml(other_device, clinic))
    enter(other_device, clinic)
    sent_to_us(request(session_index=""))
    assert not is_signed_in(signed_in)
    assert not is_signed_in(other_device)
    assert not ProviderSession.objects.exists()
    assert not UserSession.objects.exists()
    assert not Session.objects.filter(session_key=signed_in.cookies["sid"].value).exists()


def test_the_answer_goes_to_its_own_address_if_the_provider_has_one(
    signed_in: Client, provider: IdentityProvider
) -> None:
    IdentityProvider.objects.update(slo_response_address=f"{ISSUER}/slo-answers")
    assert sent_to_us(request())["Location"].startswith(f"{ISSUER}/slo-answers?SAMLResponse=")


def test_s32_a_logout_request_without_signature(signed_in: Client) -> None:
    unsigned = request().partition("&SigAlg=")[0]
    assert sent_to_us(unsigned).status_code == 400
    assert is_signed_in(signed_in)


@pytest.mark.parametrize(
    "change",
    [
        {"signer": pair("stranger")},
        {"method": SHA1},
        {"method": "http://www.w3.org/2000/09/xmldsig#hmac-sha1"},
        {"issuer": "https://evil.example"},
        {"destination": "https://evil.example/slo/"},
        {"destination": None},
        {"now": datetime.now(UTC) - timedelta(minutes=10)},
        {"now": datetime.now(UTC) + timedelta(minutes=10)},
        {"not_on_or_after": saml_text(datetime.now(UTC) - timedelta(seconds=1))},
    ],
    ids=["key", "sha1", "hmac", "issuer", "destination", "no-destination", "old", "future", "over"],
)
def test_s32_a_forged_logout_request(signed_in: Client, change: dict[str, Any]) -> None:
    assert sent_to_us(request(**change)).status_code == 400
    assert is_signed_in(signed_in)
    assert ProviderSession.objects.exists()


@pytest.mark.parametrize("part", ["SAMLRequest", "RelayState", "SigAlg", "Signature"])
def test_s32_a_part_of_the_address_is_there_twice_or_changed(signed_in: Client, part: str) -> None:
    query = request(relay_state="theirs")
    assert sent_to_us(f"{query}&{part}=x").status_code == 400
    assert sent_to_us(query.replace(f"{part}=", f"{part}=AA")).status_code == 400
    assert is_signed_in(signed_in)


def test_s32_the_same_request_again(client: Client, signed_in: Client, clinic: Clinic) -> None:
    query = request()
    assert sent_to_us(query).status_code == 303
    come_back(client, begin_saml(client, clinic))
    enter(client, clinic)
    assert sent_to_us(query).status_code == 400
    assert is_signed_in(client)


@pytest.mark.parametrize("change", [{"name_id": f"{NAME_ID}0"}, {"session_index": "_another"}])
def test_s32_another_persons_or_sessions_name_ends_nothing(signed_in: Client, change: dict[str, str]) -> None:
    assert sent_to_us(request(**change)).status_code == 303
    assert is_signed_in(signed_in)


def test_s32_another_provider_ends_nothing_here(signed_in: Client, clinic: Clinic) -> None:
    other = connect_saml(
        clinic,
        slug="other-test",
        issuer="https://other.example",
        signing_certificates=[pair("other idp").certificate],
    )
    message = logout_message(
        "LogoutRequest",
        issuer=other.issuer,
        destination=f"http://localhost:8000{reverse('identity_slo', args=[other.slug])}",
    )
    query = signed_query("SAMLRequest", message, signer=pair("other idp"))
    assert Client().get(f"{reverse('identity_slo', args=[other.slug])}?{query}").status_code == 303
    assert is_signed_in(signed_in)


def test_s32_an_expired_certificate_signs_no_logout(signed_in: Client) -> None:
    IdentityProvider.objects.update(signing_certificates=[pair("retired").certificate])
    assert sent_to_us(request()).status_code == 400
    assert is_signed_in(signed_in)


def test_s33_an_answer_to_nobodys_request(signed_in: Client, clinic: Clinic) -> None:
    sign_out(signed_in, clinic)
    leaving = ProviderLogout.objects.get()
    for parts in (
        {"in_response_to": "_another"},
        {"in_response_to": None},
        {"relay_state": "another"},
        {"signer": pair("stranger")},
        {"method": SHA1},
        {"issuer": "https://evil.example"},
    ):
        assert sent_to_us(response(leaving, **parts)).status_code == 400, parts
    assert ProviderLogout.objects.get().answered_at is None
    good = response(leaving)
    assert sent_to_us(good).status_code == 303
    assert sent_to_us(good).status_code == 400


def test_s33_a_signed_answer_to_a_sign_in_is_no_answer_to_a_logout(signed_in: Client, clinic: Clinic) -> None:
    sign_out(signed_in, clinic)
    leaving = ProviderLogout.objects.get()
    message = logout_message("LogoutResponse", in_response_to=leaving.request_id)
    for wrong in (
        message.replace("LogoutResponse", "Response"),
        message.replace("LogoutResponse", "LogoutRequest"),
    ):
        assert sent_to_us(signed_query("SAMLResponse", wrong)).status_code == 400


def test_s34_a_bomb_in_the_address_is_not_unpacked(signed_in: Client) -> None:
    packer = zlib.compressobj(level=9, wbits=-15)
    bomb = packer.compress(b" " * 50_000_000) + packer.flush()
    assert len(bomb) < 60_000
    assert sent_to_us(request(raw=bomb)).status_code == 400
    with pytest.raises(MessageRefused, match="size"):
        saml_xml.inflated(bomb)
    assert is_signed_in(signed_in)


@pytest.mark.parametrize("raw", [b"", b"\x00", b"not deflated"])
def test_s34_what_is_not_deflated_is_refused(signed_in: Client, raw: bytes) -> None:
    assert sent_to_us(request(raw=raw)).status_code == 400


def test_s34_five_megabytes_are_refused_before_they_are_read(client: Client, asked: Asked) -> None:
    assert post_answer("A" * 5_000_000, asked.relay_state).status_code == 413
    assert LoginTransaction.objects.get().status == TransactionStatus.STARTED
    page = client.get(post_answer("A" * 400_000, asked.relay_state)["Location"])
    assert page.status_code == 400
    assert AuditEvent.objects.get(action="auth.fail").details["check"] == "size"


@pytest.mark.parametrize(
    "inside",
    ["<a>" * 100 + "</a>" * 100, "<a/>" * 5_000],
    ids=["deep", "many"],
)
def test_s34_deep_and_wide_trees_are_refused(client: Client, asked: Asked, inside: str) -> None:
    def fill(text: str) -> str:
        return text.replace("<samlp:Status>", f"<samlp:Extensions>{inside}</samlp:Extensions><samlp:Status>")

    page = come_back(client, asked, around=fill)
    assert page.status_code == 400
    assert AuditEvent.objects.get(action="auth.fail").details["check"] == "size"


def test_s34_many_encrypted_keys_are_not_tried(client: Client, asked: Asked) -> None:
    def multiply(text: str) -> str:
        begin, end = text.index("<xenc:EncryptedKey"), text.index("</ds:KeyInfo>")
        keys = "".join(text[begin:end].replace('"_key"', f'"_key{number}"') for number in range(5))
        return text[:begin] + keys + text[end:]

    assert come_back(client, asked, around=multiply).status_code == 400
    assert AuditEvent.objects.get(action="auth.fail").details["check"] == "encryption"
