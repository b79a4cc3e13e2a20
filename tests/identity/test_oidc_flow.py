"""Signing in at a provider, with everything that can go wrong on the way (numbers: docs/security.md)."""

import json
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id, queries
from identity.choices import ClientAuth, TransactionStatus
from identity.models import Account, ExternalIdentity, IdentityProvider, LoginTransaction, User
from identity.oidc import client as oidc
from identity.oidc import metadata as oidc_metadata
from identity.oidc.http import ProviderUnreachable
from identity.providers import failed_answers
from portal.models import AuditEvent
from portal.throttle import Limit
from tests.build import make_clinic
from tests.identity.build_identity import (
    ACCESS_TOKEN,
    NOW,
    NUMBER,
    OTHER_NUMBER,
    SUBSTANTIAL,
    FakeIdp,
    Signer,
    begin,
    come_back,
    connect,
    enter,
    provider_row,
    record_for,
)

pytestmark = pytest.mark.django_db


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def refused(response: Any, client: Client) -> None:
    assert response.status_code == 400
    assert not is_signed_in(client)
    assert LoginTransaction.objects.filter(status=TransactionStatus.VERIFIED).count() == 0
    text = response.content.decode()
    assert response["X-Request-ID"] in text
    assert NUMBER not in text


def events(*actions: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action__in=actions).order_by("pk"))


def sign_in(client: Client, clinic: Clinic, idp: FakeIdp) -> Any:
    begin(client, clinic)
    come_back(client, idp)
    return enter(client, clinic)


def test_a_patient_signs_in(client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> None:
    sent = begin(client, clinic)
    assert sent.status_code == 303
    back = come_back(client, idp)
    assert back.status_code == 303
    assert back["Location"] == reverse("home:signed_in", args=[clinic.portal_identifier])
    assert not is_signed_in(client)
    enter(client, clinic)
    assert is_signed_in(client)
    account = Account.objects.get()
    assert account.national_id_index == national_id.index(national_id.parse(NUMBER, "NO"))
    assert not account.user.has_usable_password()
    assert [
        event.action for event in AuditEvent.objects.filter(action__startswith="auth.").order_by("pk")
    ] == [
        "auth.start",
        "auth.success",
    ]


def test_the_second_sign_in_finds_the_same_account(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    sign_in(client, clinic, idp)
    sign_in(Client(), clinic, idp)
    assert (Account.objects.count(), User.objects.count(), ExternalIdentity.objects.count()) == (1, 1, 1)


def test_someone_without_a_record_leaves_no_account_behind(
    client: Client, provider: IdentityProvider, clinic: Clinic, idp: FakeIdp
) -> None:
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02"}
    assert sign_in(client, clinic, idp).status_code == 403
    assert not is_signed_in(client)
    assert Account.objects.count() == 0
    assert LoginTransaction.objects.get().evidence is None
    assert len(events("auth.fail")) == 1


def test_the_audit_trail_holds_no_numbers_codes_or_tokens(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    sign_in(client, clinic, idp)
    begin(client, clinic)
    come_back(client, idp, error="access_denied", code=None)
    begin(client, clinic)
    come_back(client, idp, error=NUMBER, code=None)
    written = json.dumps(list(AuditEvent.objects.values("details", "subject_id")), default=str)
    for secret in (NUMBER, "code-1", ACCESS_TOKEN, idp.question["state"], idp.question["nonce"]):
        assert secret not in written


def test_secrets_of_a_sign_in_are_encrypted_in_the_database(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    come_back(client, idp)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM identity_logintransaction t")
        row = cursor.fetchone()[0]
    for secret in (NUMBER, "Danser", idp.question["nonce"], idp.question["state"]):
        assert secret not in row


def test_o8_made_up_key_ids_cannot_make_us_flood_the_provider(idp: FakeIdp) -> None:
    memory, row = oidc_metadata.ProviderMemory(), provider_row(issuer=idp.issuer)
    for number in range(50):
        assert memory.key_of(row, f"made-up-{number}", NOW + timedelta(seconds=number)) is None
    assert idp.counts["/jwks"] <= 2
    memory.key_of(row, "made-up", NOW + timedelta(seconds=61))
    assert idp.counts["/jwks"] == 3


def test_o23_an_answer_in_another_browser_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    victim = Client()
    refused(come_back(victim, idp), victim)
    begin(victim, clinic)
    attackers_state = idp.pushed[0]["state"]
    refused(come_back(victim, idp, state=attackers_state), victim)
    assert idp.redeemed == []


@pytest.mark.parametrize("state", ["", "made-up", None])
def test_o23_an_answer_without_our_state_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, state: str | None
) -> None:
    begin(client, clinic)
    refused(come_back(client, idp, state=state), client)
    assert len(events("auth.fail")) == 1


def test_o24_an_answer_is_good_once(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    assert come_back(client, idp).status_code == 303
    assert come_back(client, idp).status_code == 400
    assert len(idp.redeemed) == 1
    enter(client, clinic)
    assert is_signed_in(client)
    assert come_back(client, idp).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_o24_of_two_parallel_answers_one_counts(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    idp.delay = threading.Event()
    statuses: list[int] = []

    def answer() -> None:
        browser = Client()
        browser.cookies = client.cookies
        statuses.append(come_back(browser, idp).status_code)
        connection.close()

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(statuses) < 1:
        threads[0].join(0.05)
        threads[1].join(0.05)
    idp.delay.set()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 400]
    assert len(idp.redeemed) == 1


@pytest.mark.django_db(transaction=True)
def test_o24_of_two_parallel_entries_one_opens_a_session(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    come_back(client, idp)
    ready = threading.Barrier(2)

    def open_session() -> None:
        browser = Client(raise_request_exception=False)
        browser.cookies = client.cookies.copy()
        ready.wait()
        enter(browser, clinic)
        connection.close()

    threads = [threading.Thread(target=open_session) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events("auth.success")) == 1
    assert Account.objects.count() == 1
    assert sum("_auth_user_id" in session.get_decoded() for session in Session.objects.all()) == 1


def test_o25_an_answer_after_eleven_minutes_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    LoginTransaction.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    refused(come_back(client, idp), client)
    assert events("auth.fail")[0].details["reason"] == "expired"
    assert idp.redeemed == []


def test_o25_a_verified_sign_in_that_waited_too_long_opens_nothing(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    come_back(client, idp)
    LoginTransaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    enter(client, clinic)
    assert not is_signed_in(client)


def test_o26_a_code_of_another_sign_in_is_refused_by_its_nonce(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(Client(), clinic)
    attackers = idp.question
    begin(client, clinic)
    idp.claims = {"nonce": attackers["nonce"]}
    refused(come_back(client, idp, code="the attacker's"), client)
    verifier = idp.redeemed[0]["code_verifier"]
    assert oidc.Question("", "", verifier).code_challenge == idp.question["code_challenge"]
    assert idp.question["code_challenge"] != attackers["code_challenge"]


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None])
def test_o27_an_answer_in_another_providers_name_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, issuer: str | None
) -> None:
    begin(client, clinic)
    refused(come_back(client, idp, iss=issuer), client)
    assert idp.redeemed == []


def test_o27_an_answer_at_another_providers_address_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    connect(clinic, idp, slug="other")
    begin(client, clinic)
    refused(come_back(client, idp, slug="other"), client)
    refused(come_back(client, idp), client)
    assert idp.redeemed == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "https://evil.example/token"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": None},
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"jwks_uri": "https://evil.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"pushed_authorization_request_endpoint": None},
        {"pushed_authorization_request_endpoint": "https://evil.example/par"},
    ],
)
def test_o28_metadata_that_leads_elsewhere_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, metadata: dict[str, Any]
) -> None:
    idp.metadata = metadata
    refused(begin(client, clinic), client)
    assert idp.pushed == []


def test_o28_a_redirect_is_not_followed(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    path = "/.well-known/openid-configuration"
    idp.answers[path] = (302, {"Location": f"{idp.issuer}/elsewhere"}, b"{}")
    refused(begin(client, clinic), client)
    assert "/elsewhere" not in idp.counts


@pytest.mark.parametrize(
    "issuer", ["http://idp.example", "http://localhost:1", "https://portal.example/demo-idp/bankid"]
)
def test_o28_production_takes_neither_plain_http_nor_the_demo(settings: Any, issuer: str) -> None:
    settings.IS_DEVELOPMENT = False
    with pytest.raises(ProviderUnreachable):
        oidc_metadata.fetch_metadata(provider_row(issuer=issuer))


def test_o29_a_new_key_works_at_once_and_a_withdrawn_one_stops(idp: FakeIdp) -> None:
    memory, row = oidc_metadata.ProviderMemory(), provider_row(issuer=idp.issuer)
    assert memory.key_of(row, "key-1", NOW)
    idp.keys = [Signer("key-2").jwk()]
    assert memory.key_of(row, "key-2", NOW + timedelta(minutes=1))
    assert memory.key_of(row, "key-1", NOW + timedelta(minutes=12)) is None


def test_o29_the_last_good_keys_count_for_a_day_of_outage(idp: FakeIdp) -> None:
    memory, row = oidc_metadata.ProviderMemory(), provider_row(issuer=idp.issuer)
    assert memory.key_of(row, "key-1", NOW)
    metadata = memory.metadata_of(row, NOW)
    idp.answers["/jwks"] = (500, {}, b"{}")
    later = NOW + timedelta(hours=23)
    memory._metadata = dict.fromkeys(memory._metadata, (later, metadata))
    assert memory.key_of(row, "key-1", later)
    much_later = NOW + timedelta(hours=25)
    memory._metadata = dict.fromkeys(memory._metadata, (much_later, metadata))
    with pytest.raises(ProviderUnreachable):
        memory.key_of(row, "key-1", much_later)


def test_o30_cancelling_leads_to_a_friendly_page(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    response = come_back(client, idp, error="access_denied", code=None)
    assert response.status_code == 200
    assert reverse("clinic_front", args=[clinic.portal_identifier]) in response.content.decode()
    assert not is_signed_in(client)
    assert len(events("auth.cancel")) == 1


def test_c12_made_up_answers_end_after_sixty_a_minute_and_those_of_others_go_on(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_answers, "FAILED", Limit("failed-answers", 2, timedelta(days=1)))
    assert failed_answers.FAILED.count == 2
    stranger = Client(REMOTE_ADDR="192.0.2.66")
    at = reverse("identity_callback", args=[provider.slug])
    answers = [stranger.get(at, {"state": "made-up"}).status_code for _ in range(5)]
    assert answers == [400, 400, 400, 429, 429]
    assert AuditEvent.objects.filter(action="auth.fail").count() == 3, (
        "what is answered 429 is not written down"
    )
    for _ in range(4):
        begin(client, clinic)
        assert come_back(client, idp).status_code == 303, "good answers don't count, nor do other addresses'"


def test_o30_an_error_without_our_state_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    refused(come_back(client, idp, error="access_denied", code=None, state="made-up"), client)
    assert come_back(client, idp).status_code == 303


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "answer",
    [
        (400, JSON, b'{"error": "invalid_grant"}'),
        (500, {}, b"Internal Server Error"),
        (200, {"Content-Type": "text/html"}, b"<h1>Maintenance</h1>"),
        (200, JSON, b'{"access_token": "x", "token_type": "Bearer"}'),
        (200, JSON, b'{"access_token": "x", "id_token": 7}'),
        (200, JSON, b'{"id_token": "a.b.c"}'),
        (200, JSON, b"[]"),
        (200, JSON, b"\xff\xfe"),
        (200, JSON, b'"' + b"x" * 1_000_000 + b'"'),
        (302, {"Location": "/elsewhere"}, b"{}"),
    ],
    ids=[
        "error",
        "500",
        "html",
        "no-id-token",
        "number",
        "no-access-token",
        "list",
        "binary",
        "1MB",
        "redirect",
    ],
)
def test_o31_a_broken_token_endpoint_is_a_calm_page(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, answer: Any
) -> None:
    begin(client, clinic)
    idp.answers["/token"] = answer
    refused(come_back(client, idp), client)
    assert len(events("auth.fail")) == 1


def test_o31_the_trail_says_how_the_provider_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    idp.answers["/token"] = (401, {}, b'{"error": "invalid_client"}')
    refused(come_back(client, idp), client)
    idp.answers["/par"] = (400, {}, b"{}")
    refused(begin(client, clinic), client)
    said = [event.details["check"] for event in events("auth.fail")]
    assert said == ["token endpoint: status 401", "PAR endpoint: status 400"]


def test_o31_a_provider_that_hangs_is_given_up(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, monkeypatch: Any
) -> None:
    monkeypatch.setattr("identity.oidc.http.TIMEOUT_SECONDS", 0.2)
    begin(client, clinic)
    idp.delay = threading.Event()
    refused(come_back(client, idp), client)
    idp.delay.set()


def test_o32_each_proof_of_the_client_is_new(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    come_back(client, idp)
    proofs = [
        jwt.decode(form["client_assertion"], options={"verify_signature": False})
        for form in (idp.pushed[0], idp.redeemed[0])
    ]
    assert proofs[0]["jti"] != proofs[1]["jti"]
    for proof in proofs:
        assert proof["iss"] == proof["sub"] == provider.client_id
        assert proof["aud"] == idp.issuer
        assert proof["exp"] - proof["iat"] <= 60


def test_o33_the_browser_carries_nothing_but_a_handle(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    sent = begin(client, clinic)["Location"]
    assert dict(parse_qsl(urlsplit(sent).query)).keys() == {"client_id", "request_uri"}
    assert "login_hint" not in json.dumps(idp.pushed)
    assert NUMBER not in json.dumps(idp.pushed)


def test_o33_without_pushed_requests_the_browser_carries_nothing_about_the_person(
    client: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    connect(clinic, idp, use_par=False, client_auth=ClientAuth.SECRET, client_secret="s")
    asked = dict(parse_qsl(urlsplit(begin(client, clinic)["Location"]).query))
    assert "login_hint" not in asked
    assert asked["code_challenge_method"] == "S256"
    assert NUMBER not in json.dumps(asked)


def step_up(client: Client, clinic: Clinic) -> Any:
    return client.post(reverse("identity:step_up", args=[clinic.portal_identifier, "bankid-test"]))


def test_o34_a_step_up_by_the_same_person_raises_the_session(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    idp.claims = {"acr": SUBSTANTIAL}
    sign_in(client, clinic, idp)
    before = client.session.session_key
    assert client.session["sign_in"]["assurance"] == 3
    idp.claims = {}
    step_up(client, clinic)
    assert idp.question["prompt"] == "login"
    come_back(client, idp)
    enter(client, clinic)
    assert client.session["sign_in"]["assurance"] == 4
    assert client.session.session_key != before


def test_o34_a_step_up_by_someone_else_ends_the_session(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    record_for(clinic, OTHER_NUMBER)
    sign_in(client, clinic, idp)
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02", "bankid_altsub": "another"}
    step_up(client, clinic)
    come_back(client, idp)
    assert enter(client, clinic).status_code == 400
    assert not is_signed_in(client)
    assert Account.objects.count() == 1
    assert events("auth.fail")[-1].details["reason"] == "another-person"


def test_o34_a_step_up_that_is_not_sure_enough_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    sign_in(client, clinic, idp)
    idp.claims = {"acr": SUBSTANTIAL}
    step_up(client, clinic)
    assert come_back(client, idp).status_code == 400


def test_o35_a_known_name_with_another_number_stops(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    record_for(clinic, OTHER_NUMBER)
    sign_in(client, clinic, idp)
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02"}
    other = Client()
    assert sign_in(other, clinic, idp).status_code == 400
    assert not is_signed_in(other)
    assert Account.objects.count() == 1
    assert events("auth.fail")[-1].details["reason"] == "conflict"


def test_o36_the_same_digits_in_two_countries_are_two_people() -> None:
    norwegian = national_id.parse(NUMBER, Country.NORWAY)
    danish = national_id.NationalId(Country.DENMARK, norwegian.number, norwegian.kind, norwegian.birth_date)
    assert national_id.index(norwegian) != national_id.index(danish)


def test_o36_a_danish_provider_cannot_vouch_for_a_norwegian_number(
    client: Client, clinic: Clinic, idp: FakeIdp
) -> None:
    connect(clinic, idp, country=Country.DENMARK)
    begin(client, clinic)
    refused(come_back(client, idp), client)
    assert events("auth.fail")[0].details["reason"] == "national-id"


def test_a_clinic_offers_its_own_providers_only(
    clinic: Clinic, provider: IdentityProvider, client: Client
) -> None:
    other = make_clinic()
    assert [choice.slug for choice in queries.sign_in_choices(clinic)] == ["bankid-test"]
    assert queries.sign_in_choices(other) == []
    assert begin(client, other).status_code == 404


def test_a_provider_of_the_demo_is_not_offered_in_production(clinic: Clinic, settings: Any) -> None:
    row = provider_row(issuer="https://portal.example/demo-idp/bankid")
    row.save()
    row.clinics.create(clinic=clinic)
    assert len(queries.sign_in_choices(clinic)) == 1
    settings.IS_DEVELOPMENT = False
    assert queries.sign_in_choices(clinic) == []


def test_one_browser_has_at_most_five_sign_ins_under_way(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    for _ in range(6):
        begin(client, clinic)
    refused(come_back(client, idp, state=idp.pushed[0]["state"]), client)
    idp.claims = {"nonce": idp.pushed[1]["nonce"]}
    assert come_back(client, idp, state=idp.pushed[1]["state"]).status_code == 303


def test_the_page_with_the_form_lets_the_browser_go_on_to_the_provider(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    page = client.get(reverse("clinic_front", args=[clinic.portal_identifier]))
    policy = page["Content-Security-Policy"]
    assert f"form-action 'self' {idp.issuer};" in policy
    assert (
        reverse("identity:sign_in", args=[clinic.portal_identifier, provider.slug]) in page.content.decode()
    )
