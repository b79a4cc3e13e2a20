"""Signing in at a SAML provider, from the form to the session (numbers: docs/security.md)."""

import base64
import zlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.core.checks import run_checks
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity import operations, queries
from identity.choices import ClientAuth, TransactionStatus
from identity.models import Account, IdentityProvider, LoginTransaction, ProviderSession, UsedMessage
from identity.providers.verified import Evidence
from portal.models import AuditEvent
from tests.identity.build_identity import enter, provider_row, record_for
from tests.identity.build_saml import (
    ISSUER,
    LOA,
    NS,
    OTHER_CPR,
    OUR_NAME,
    SLUG,
    TRANSIENT,
    Asked,
    Forged,
    acs_address,
    begin_saml,
    bring,
    come_back,
    connect_saml,
    our_pair,
    post_answer,
    saml_row,
)
from tests.identity.saml_fixtures import asked, clinic, provider

pytestmark = pytest.mark.django_db
__all__ = ["asked", "clinic", "provider"]

SAML, SAMLP = (f"{{{NS.split(chr(34))[place]}}}" for place in (1, 3))


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client, clinic: Clinic, **changes: Any) -> Any:
    come_back(client, begin_saml(client, clinic), **changes)
    return enter(client, clinic)


def step_up(client: Client, clinic: Clinic) -> Asked:
    sent = client.post(reverse("identity:step_up", args=[clinic.portal_identifier, SLUG]))
    assert sent.status_code == 303
    return Asked.at(sent["Location"])


def test_s38_what_we_send_is_signed_asks_for_enough_and_says_nothing_about_the_person(
    client: Client, clinic: Clinic, provider: IdentityProvider
) -> None:
    sent = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, SLUG]))["Location"]
    query = urlsplit(sent).query
    named = {name: values[0] for name, values in parse_qs(query).items()}
    assert list(named) == ["SAMLRequest", "RelayState", "SigAlg", "Signature"]
    signed = query[: query.index("&Signature=")].encode()
    signature = base64.b64decode(named["Signature"])
    our_pair().public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        changed = signed.replace(b"RelayState=", b"RelayState=x")
        our_pair().public.verify(signature, changed, padding.PKCS1v15(), hashes.SHA256())
    request = Asked.at(sent).xml
    assert request.tag == f"{SAMLP}AuthnRequest"
    assert request.get("Destination") == f"{ISSUER}/sso"
    assert request.get("ForceAuthn") == "true"
    assert request.get("AssertionConsumerServiceURL") == acs_address()
    assert request.findtext(f"{SAML}Issuer") == OUR_NAME
    wanted = request.find(f"{SAMLP}RequestedAuthnContext")
    assert wanted.get("Comparison") == "minimum"
    assert [one.text for one in wanted] == [f"{LOA}/Substantial", "https://data.gov.dk/eid/Person"]
    assert request.find(f"{SAML}Subject") is None
    assert b"next" not in zlib.decompress(base64.b64decode(named["SAMLRequest"]), -15)


def test_a_query_in_the_providers_address_is_kept(client: Client, clinic: Clinic) -> None:
    connect_saml(clinic, sso_address=f"{ISSUER}/sso?tenant=a&b=c")
    sent = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, SLUG]))["Location"]
    assert sent.startswith(f"{ISSUER}/sso?tenant=a&b=c&SAMLRequest=")
    assert Asked.at(sent).xml.get("Destination") == f"{ISSUER}/sso?tenant=a&b=c"


def test_without_a_key_of_ours_there_is_a_calm_page(client: Client, clinic: Clinic) -> None:
    connect_saml(clinic).own_keys.all().delete()
    page = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, SLUG]))
    assert page.status_code == 400
    assert AuditEvent.objects.get(action="auth.fail").details["check"] == "no-key"


def test_the_way_goes_on_where_the_patient_was_going(client: Client, clinic: Clinic, provider: Any) -> None:
    goal = reverse("home:start", args=[clinic.portal_identifier])
    asked = begin_saml(client, clinic, next=goal)
    assert goal not in str(asked.relay_state)
    come_back(client, asked)
    assert enter(client, clinic)["Location"] == goal


def test_someone_without_a_record_leaves_nothing_behind(client: Client, clinic: Clinic, asked: Asked) -> None:
    bring(client, asked, Forged.answering(asked).having(cpr=(OTHER_CPR,), born=None))
    assert enter(client, clinic).status_code == 403
    assert not Account.objects.exists()
    assert LoginTransaction.objects.get().evidence is None


def test_an_answer_after_a_quarter_of_an_hour_is_too_old(
    client: Client, clinic: Clinic, asked: Asked
) -> None:
    row = LoginTransaction.objects.get()
    assert row.expires_at - row.created_at == timedelta(minutes=15)
    past = timezone.now() - timedelta(minutes=16)
    LoginTransaction.objects.update(created_at=past, expires_at=past + timedelta(minutes=15))
    page = come_back(client, asked)
    assert page.status_code == 400
    assert AuditEvent.objects.get(action="auth.fail").details["reason"] == "expired"
    client.cookies["django_language"] = "en"
    assert "The sign-in took too long" in client.get(page.request["PATH_INFO"]).content.decode()


def test_a_transient_name_is_not_remembered(
    client: Client, clinic: Clinic, provider: IdentityProvider
) -> None:
    for number in range(2):
        sign_in(Client(), clinic, name_id=f"_random-{number}", name_id_format=TRANSIENT)
    subject = Account.objects.get().external_identities.get().subject
    assert subject == Account.objects.get().national_id_index


def test_a_known_name_with_another_number_stops(client: Client, clinic: Clinic, provider: Any) -> None:
    record_for(clinic, OTHER_CPR)
    sign_in(client, clinic)
    other = Client()
    asked = begin_saml(other, clinic)
    bring(other, asked, Forged.answering(asked).having(cpr=(OTHER_CPR,), born=None))
    assert enter(other, clinic).status_code == 400
    assert AuditEvent.objects.filter(action="auth.fail").latest("pk").details["reason"] == "conflict"


def test_a_step_up_asks_for_high_and_anew(client: Client, clinic: Clinic, provider: Any) -> None:
    IdentityProvider.objects.update(extra_params={"force_authn": False})
    sign_in(client, clinic)
    key = client.session.session_key
    asked = step_up(client, clinic)
    assert asked.xml.get("ForceAuthn") == "true"
    assert asked.xml.find(f"{SAMLP}RequestedAuthnContext")[0].text == f"{LOA}/High"
    assert bring(client, asked, Forged.answering(asked)).status_code == 400
    again = step_up(client, clinic)
    bring(client, again, Forged.answering(again).having(loa=("High",)))
    enter(client, clinic)
    assert client.session["sign_in"]["assurance"] == 4
    assert client.session.session_key != key
    assert ProviderSession.objects.filter(session=client.session.session_key).count() == 1


def test_a_step_up_that_the_provider_remembers_is_refused(
    client: Client, clinic: Clinic, provider: Any
) -> None:
    IdentityProvider.objects.update(extra_params={"force_authn": False})
    sign_in(client, clinic)
    asked = step_up(client, clinic)
    answer = Forged.answering(asked, authn_ago=timedelta(minutes=30)).having(loa=("High",))
    assert bring(client, asked, answer).status_code == 400


def test_a_step_up_by_someone_else_ends_the_session(client: Client, clinic: Clinic, provider: Any) -> None:
    record_for(clinic, OTHER_CPR)
    sign_in(client, clinic)
    asked = step_up(client, clinic)
    bring(client, asked, Forged.answering(asked).having(loa=("High",), cpr=(OTHER_CPR,), born=None))
    assert enter(client, clinic).status_code == 400
    assert not is_signed_in(client)


def test_the_page_of_another_browsers_sign_in_says_nothing(
    client: Client, clinic: Clinic, asked: Asked
) -> None:
    stranger = Client()
    address = reverse("identity_finish", args=[SLUG, LoginTransaction.objects.get().pk])
    assert stranger.get(address).status_code == 400
    assert client.get(address).status_code == 400  # not answered yet
    assert LoginTransaction.objects.get().status == TransactionStatus.STARTED


def test_each_protocol_answers_at_its_own_addresses(client: Client, clinic: Clinic, asked: Asked) -> None:
    provider_row().save()
    assert (
        client.get(reverse("identity_callback", args=[SLUG]), {"state": asked.relay_state}).status_code == 404
    )
    for name in ("identity_slo", "identity_saml_metadata"):
        assert client.get(reverse(name, args=["bankid-test"])).status_code == 404
    assert post_answer("x", "y", slug="bankid-test").status_code == 404
    assert LoginTransaction.objects.get().status == TransactionStatus.STARTED


def test_taking_an_answer_costs_few_queries(client: Client, clinic: Clinic, asked: Asked) -> None:
    answer = Forged.answering(asked).encoded()
    with CaptureQueriesContext(
        connection,
    ) as counted:
        post_answer(answer, asked.relay_state)
    assert len(counted) <= 11, [query["sql"][:90] for query in counted]


def test_an_answer_sets_no_cookie(client: Client, asked: Asked) -> None:
    assert not post_answer(Forged.answering(asked).encoded(), asked.relay_state).cookies


def test_an_older_evidence_without_the_providers_name_is_read() -> None:
    text = (
        '{"issuer": "i", "subject": "s", "national_id": "1", "national_id_index": "x", "given_name": "",'
        ' "family_name": "", "birth_date": null, "assurance": 3}'
    )
    assert (Evidence.from_text(text).name_id, Evidence.from_text(text).session_index) == ("", "")


def test_the_front_page_lets_the_browser_go_on_to_every_host_on_the_way(
    client: Client, clinic: Clinic
) -> None:
    connect_saml(clinic, issuer="urn:entity:no-address", extra_hosts=["login.national.example"])
    page = client.get(reverse("clinic_front", args=[clinic.portal_identifier]))
    assert f"form-action 'self' {ISSUER} https://login.national.example;" in page["Content-Security-Policy"]


@pytest.mark.parametrize("field", ["issuer", "sso_address", "slo_address", "slo_response_address"])
def test_no_address_may_be_the_demos_in_production(clinic: Clinic, settings: Any, field: str) -> None:
    provider = connect_saml(clinic, **{field: "https://portal.example/demo-idp/mitid"})
    assert queries.is_usable(provider)
    settings.IS_DEVELOPMENT = False
    assert queries.sign_in_choices(clinic) == []
    found = [
        check for check in run_checks(databases=["default"], tags=["database"]) if check.id == "identity.E002"
    ]
    assert len(found) == 1


def test_production_sends_nobody_to_plain_http(client: Client, clinic: Clinic, settings: Any) -> None:
    connect_saml(clinic, sso_address="http://saml.idp.example/sso")
    settings.IS_DEVELOPMENT = False
    page = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, SLUG]))
    assert page.status_code == 400
    assert "saml.idp.example" not in page.content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"sso_address": ""},
        {"client_id": ""},
        {"signing_certificates": []},
        {"client_auth": ClientAuth.SECRET, "client_secret": "s"},
        {"allowed_algs": ["ES256"]},
    ],
)
def test_a_saml_row_needs_an_address_a_name_and_a_certificate(db: None, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        saml_row(**values).save()


def test_an_openid_row_still_needs_its_credentials(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        provider_row(private_key=None).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        provider_row(allowed_algs=[]).save()


def test_the_sweep_forgets_messages_and_sessions_that_are_over(
    client: Client, clinic: Clinic, provider: IdentityProvider
) -> None:
    sign_in(client, clinic)
    assert (ProviderSession.objects.count(), UsedMessage.objects.count()) == (1, 1)
    later = timezone.now() + timedelta(days=2)
    operations.sweep(now=timezone.now())
    assert (ProviderSession.objects.count(), UsedMessage.objects.count()) == (1, 1)
    operations.sweep(now=later)
    assert (ProviderSession.objects.count(), UsedMessage.objects.count()) == (0, 0)


def test_a_norwegian_number_from_a_danish_provider_is_refused(client: Client, asked: Asked) -> None:
    answer = Forged.answering(asked).having(cpr=("14048812345",), born=None)
    assert bring(client, asked, answer).status_code == 400
    assert AuditEvent.objects.get(action="auth.fail").details["check"] == "national-id"


def test_a_provider_that_was_switched_off_meanwhile_is_not_believed(client: Client, asked: Asked) -> None:
    IdentityProvider.objects.update(is_active=False)
    assert come_back(client, asked).status_code == 400
