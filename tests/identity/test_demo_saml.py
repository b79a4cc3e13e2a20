"""The demo's SAML provider: it believes the portal only, and its sessions end with the portal's."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from lxml import etree

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity.choices import Protocol
from identity.demo_idp import saml_keys, setup
from identity.demo_idp.models import OpenSession, SamlKey
from identity.demo_idp.people import PEOPLE
from identity.models import IdentityProvider, LoginTransaction
from identity.saml import certificates as saml_certificates
from tests.build import make_clinic
from tests.identity.build_identity import record_for
from tests.identity.build_saml import Asked, Pair, pair, signed_query

pytestmark = pytest.mark.django_db
SSO = "/demo-idp/mitid/saml/sso"


@pytest.fixture
def clinic(db: None) -> Clinic:
    clinic = make_clinic(country=Country.DENMARK)
    setup.connect(clinic, now=timezone.now())
    record_for(clinic, next(person for person in PEOPLE if person.country == Country.DENMARK).national_id)
    return clinic


def begin(client: Client, clinic: Clinic) -> str:
    """Return where the portal sends the browser."""
    sent = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, "mitid"]))
    return str(sent["Location"])


def hidden(page: Any, name: str) -> str:
    found = etree.HTML(page.content.decode()).xpath(f"//input[@name='{name}']/@value")
    return str(found[0])


def sign_in(client: Client, clinic: Clinic) -> None:
    address = begin(client, clinic)
    choice = etree.HTML(client.get(address).content.decode()).xpath("//input[@name='acr']/@value")[0]
    page = client.post(address, {"person": "0", "acr": choice})
    answer = {name: hidden(page, name) for name in ("SAMLResponse", "RelayState")}
    went = Client().post(reverse("identity_acs", args=["mitid"]), answer)
    client.get(client.get(went["Location"])["Location"])
    assert "_auth_user_id" in client.session


def test_the_portal_comes_in(client: Client, clinic: Clinic) -> None:
    sign_in(client, clinic)
    assert OpenSession.objects.count() == 1


@pytest.mark.parametrize("change", ["unsigned", "stranger", "relay", "sha1", "nonsense"])
def test_nobody_else_can_ask(client: Client, clinic: Clinic, change: str) -> None:
    address = begin(client, clinic)
    query = urlsplit(address).query
    request = etree.tostring(Asked.at(address).xml, encoding="unicode")
    changed = {
        "unsigned": query.partition("&SigAlg")[0],
        "stranger": signed_query("SAMLRequest", request, signer=pair("stranger")),
        "relay": query.replace("RelayState=", "RelayState=x"),
        "sha1": signed_query("SAMLRequest", request, method="http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        "nonsense": "SAMLRequest=%25&SigAlg=x&Signature=y",
    }[change]
    assert client.get(f"{SSO}?{changed}").status_code == 400


def test_answers_go_to_the_portals_own_address_only(client: Client, clinic: Clinic) -> None:
    request = etree.tostring(Asked.at(begin(client, clinic)).xml, encoding="unicode")
    made = saml_keys.key_pair("portal-mitid")
    key = Pair(made.private_key, made.certificate)
    for old, new in (("/acs/", "/evil/"), ("saml/sso", "saml/other"), ("</saml:Issuer>", "x</saml:Issuer>")):
        query = signed_query("SAMLRequest", request.replace(old, new), signer=key)
        assert client.get(f"{SSO}?{query}").status_code == 400, new


def test_signing_out_here_ends_the_session_there(client: Client, clinic: Clinic) -> None:
    sign_in(client, clinic)
    left = client.post(reverse("identity:sign_out", args=[clinic.portal_identifier]))
    address = client.get(left["Location"])["Refresh"].partition("url=")[2]
    back = client.get(address)
    assert not OpenSession.objects.exists()
    assert client.get(back["Location"])["Location"].endswith("?at=mitid")


def test_signing_out_there_ends_the_session_here(client: Client, clinic: Clinic) -> None:
    sign_in(client, clinic)
    session = OpenSession.objects.get()
    page = client.get("/demo-idp/mitid/sessions")
    assert session.who in page.content.decode()
    sent = client.post(f"/demo-idp/mitid/sessions/{session.pk}/end")
    answered = Client().get(sent["Location"])
    assert "_auth_user_id" not in client.session
    assert client.get(answered["Location"]).status_code == 200
    assert client.post(f"/demo-idp/mitid/sessions/{session.pk}/end").status_code == 404


def test_keys_are_made_once_and_anew_before_they_end(db: None) -> None:
    first = saml_keys.key_pair("a")
    assert saml_keys.key_pair("a") == first
    SamlKey.objects.update(ends_at=timezone.now())
    second = saml_keys.key_pair("a")
    assert second != first
    assert saml_certificates.ends_at(second.certificate) > timezone.now()


def test_a_demo_whose_keys_were_made_anew_works_again_after_filling_in(
    client: Client, clinic: Clinic
) -> None:
    SamlKey.objects.update(ends_at=timezone.now())
    setup.connect(clinic, now=timezone.now())
    sign_in(client, clinic)
    assert IdentityProvider.objects.get().protocol == Protocol.SAML
    assert LoginTransaction.objects.get().status == "consumed"
