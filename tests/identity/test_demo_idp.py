"""The demo's identity providers, and the whole way in through them with a browser's own cookies."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from django.core.checks import run_checks
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import checks
from identity.choices import Protocol, SignInFault
from identity.demo_idp import setup
from identity.demo_idp.models import Grant
from identity.demo_idp.people import PEOPLE
from identity.models import Account, IdentityProvider, ProviderKey
from identity.oidc import client as oidc
from identity.oidc import http as oidc_http
from identity.oidc import metadata as oidc_metadata
from patients.models import Patient
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.identity.build_identity import OTHER_NUMBER, record_for

pytestmark = [pytest.mark.django_db(transaction=True)]


class Browser:
    """A browser without scripts: keeps cookies, follows redirects by hand, posts the form on the page."""

    def __init__(self, base: str) -> None:
        self.client = httpx.Client(base_url=base, timeout=20, trust_env=False)

    def open(self, address: str) -> httpx.Response:
        return self._follow(self.client.get(address))

    def post(self, address: str, page: httpx.Response, **form: str) -> httpx.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        sent = {"csrfmiddlewaretoken": token[1], **form}
        return self._follow(self.client.post(address, data=sent))

    def _follow(self, response: httpx.Response) -> httpx.Response:
        while response.is_redirect:
            response = self.client.get(response.headers["Location"])
        return self._hand_over(response) if "data-submit-at-once" in response.text else response

    def _hand_over(self, page: httpx.Response) -> httpx.Response:
        """Press the button of a page that posts an answer to the portal, as a page of another site: without cookies."""
        action = re.search(r'action="([^"]+)"', page.text[page.text.index("data-submit-at-once") - 300 :])
        assert action
        hidden = re.findall(r'type="hidden" name="(SAMLResponse|RelayState)" value="([^"]*)"', page.text)
        with httpx.Client(base_url=self.client.base_url, timeout=20, trust_env=False) as foreign:
            answer = foreign.post(unescape(action[1]), data=dict(hidden))
        return self._follow(answer)


@pytest.fixture
def base(live_server: Any, settings: Any) -> str:
    settings.BASE_URL = live_server.url
    return str(live_server.url)


@pytest.fixture
def browser(base: str) -> Iterator[Browser]:
    browser = Browser(base)
    yield browser
    browser.client.close()


WAYS = {
    "bankid": (Country.NORWAY, None),
    "mitid by a broker": (Country.DENMARK, Protocol.OIDC),
    "mitid": (Country.DENMARK, None),
}


@pytest.fixture(params=WAYS)
def clinic(request: Any, base: str) -> Clinic:
    country, protocol = WAYS[request.param]
    clinic = make_clinic(country=country)
    setup.connect(clinic, now=timezone.now(), protocol=protocol)
    record = record_for(clinic, next(p for p in PEOPLE if p.country == clinic.country).national_id)
    Patient.objects.filter(pk=record.pk).update(registered_at=timezone.now())
    return clinic


def to_provider(browser: Browser, clinic: Clinic) -> httpx.Response:
    front = browser.open(reverse("clinic_front", args=[clinic.portal_identifier]))
    slug = {"NO": "bankid", "DK": "mitid"}[clinic.country]
    page = browser.post(reverse("identity:sign_in", args=[clinic.portal_identifier, slug]), front)
    assert page.status_code == 200
    assert "/demo-idp/" in str(page.url)
    return page


def levels(page: httpx.Response) -> list[str]:
    return re.findall(r'name="acr"[^>]* value="([^"]+)"', page.text)


def test_a_person_of_the_demo_signs_in(browser: Browser, clinic: Clinic) -> None:
    page = to_provider(browser, clinic)
    done = browser.post(str(page.url), page, person="0", acr=levels(page)[0])
    assert done.status_code == 200
    assert done.url.path == reverse("home:start", args=[clinic.portal_identifier])
    account = Account.objects.get()
    assert account.country == clinic.country


def test_the_page_says_that_it_is_a_demo_and_shows_people_of_the_country(
    browser: Browser, clinic: Clinic
) -> None:
    page = to_provider(browser, clinic)
    for person in PEOPLE:
        assert (person.full_name in page.text) == (person.country == clinic.country)
    assert re.search(r"class=\"alert\" data-color=\"warning\"", page.text)


def test_cancelling_at_the_provider_leads_back(browser: Browser, clinic: Clinic) -> None:
    page = to_provider(browser, clinic)
    done = browser.post(str(page.url), page, cancel="1")
    assert done.status_code == 200
    assert "/callback/" in done.url.path or "/finish/" in done.url.path
    assert AuditEvent.objects.filter(action="auth.cancel").count() == 1
    assert Account.objects.count() == 0


def test_the_page_takes_test_numbers_of_anybody_and_real_looking_ones_of_nobody(
    browser: Browser, base: str
) -> None:
    clinic = make_clinic()
    setup.connect(clinic, now=timezone.now())
    record_for(clinic, OTHER_NUMBER)
    page = to_provider(browser, clinic)
    other = {"person": "other", "given_name": "Kari", "family_name": "Prøve", "acr": levels(page)[1]}
    for number in ("", "123", "14048812345", "01010750160"):
        again = browser.post(str(page.url), page, number=number, **other)
        assert again.status_code == 422
        assert "Kari" in again.text
    done = browser.post(str(page.url), page, number=OTHER_NUMBER, **other)
    assert done.url.path == reverse("home:start", args=[clinic.portal_identifier])


def test_a_used_page_says_that_the_sign_in_is_over(browser: Browser, clinic: Clinic) -> None:
    page = to_provider(browser, clinic)
    browser.post(str(page.url), page, person="0", acr=levels(page)[0])
    again = browser.open(str(page.url))
    if "/saml/" in page.url.path:  # the provider answers again; the portal takes no second answer
        again = browser.post(str(page.url), again, person="0", acr=levels(page)[0])
    assert again.status_code == 400
    assert (
        reverse("front") in again.text
        or reverse("clinic_front", args=[clinic.portal_identifier]) in again.text
    )
    assert Account.objects.count() == 1


def ask(provider: IdentityProvider) -> oidc.Question:
    question = oidc.Question.new()
    address = f"{setup.settings.BASE_URL}{reverse('identity_callback', args=[provider.slug])}"
    oidc.authorization_address(
        provider, question, redirect_uri=address, language="nb", step_up=False, now=timezone.now()
    )
    return question


def test_o32_a_proof_of_the_client_that_was_shown_is_refused(base: str) -> None:
    provider = setup.connect(make_clinic(), now=timezone.now())
    proof = oidc.client_assertion(provider, timezone.now())
    form = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    form |= {"client_assertion": proof, "client_id": provider.client_id}
    answers = [oidc_http.post_form(f"{provider.issuer}/par", provider, form, {}) for _ in range(2)]
    assert answers[0] == (400, {"error": "invalid_request"})
    assert answers[1] == (401, {"error": "invalid_client"})


def test_o26_a_code_without_its_verifier_is_refused_and_used_up(base: str) -> None:
    clinic = make_clinic(country=Country.DENMARK)
    provider = setup.connect(clinic, now=timezone.now(), protocol=Protocol.OIDC)
    question = ask(provider)
    browser = Browser(base)
    grant = Grant.objects.get()
    assert grant.asked["state"] == question.state
    metadata = oidc_metadata.memory.metadata_of(provider, timezone.now())
    form = {"grant_type": "authorization_code", "redirect_uri": grant.asked["redirect_uri"]}
    Grant.objects.filter(pk=grant.pk).update(code_hash=oidc.hash_of_state("the-code"), claims="{}")
    for _ in range(2):
        status, answer = oidc._post(
            provider,
            metadata.token_endpoint,
            {**form, "code": "the-code", "code_verifier": "x"},
            timezone.now(),
        )
        assert (status, answer["error"]) == (400, "invalid_grant")
    assert not Grant.objects.exists()
    browser.client.close()


@pytest.mark.parametrize("change", [{"private_key": None}, {"client_id": "venterom-other"}])
def test_a_stranger_cannot_push_a_request(base: str, change: dict[str, Any]) -> None:
    provider = setup.connect(make_clinic(country=Country.DENMARK), now=timezone.now(), protocol=Protocol.OIDC)
    provider.client_secret = "wrong"
    with pytest.raises(oidc_http.ProviderUnreachable):
        ask(provider)


@pytest.mark.parametrize("country", [Country.NORWAY, Country.DENMARK])
def test_connecting_again_changes_nothing(base: str, country: Country) -> None:
    clinic = make_clinic(country=country)
    first = setup.connect(clinic, now=timezone.now())
    second = setup.connect(clinic, now=timezone.now())
    assert first == second
    assert ProviderKey.objects.count() == (1 if country == Country.DENMARK else 0)
    assert IdentityProvider.objects.count() == 1


def test_a_demo_from_before_saml_is_moved_over(base: str) -> None:
    clinic = make_clinic(country=Country.DENMARK)
    setup.connect(clinic, now=timezone.now(), protocol=Protocol.OIDC)
    provider = setup.connect(clinic, now=timezone.now())
    assert provider.protocol == Protocol.SAML
    assert setup.connect(clinic, now=timezone.now(), protocol=Protocol.OIDC).protocol == Protocol.OIDC


@pytest.mark.parametrize("country", [Country.NORWAY, Country.DENMARK])
def test_production_refuses_the_demo(base: str, settings: Any, country: Country) -> None:
    clinic = make_clinic(country=country)
    setup.connect(clinic, now=timezone.now())
    assert checks.demo_providers_stay_in_the_demo(None) == []
    settings.IS_DEVELOPMENT = False
    with pytest.raises(setup.DemoOnly):
        setup.connect(clinic, now=timezone.now())
    found = {check.id for check in run_checks(databases=["default"], tags=["database", "security"])}
    assert {"identity.E001", "identity.E002"} <= found


def test_g6_a_child_with_mitid_is_told_how_children_sign_in(browser: Browser, base: str) -> None:
    clinic = make_clinic(country=Country.DENMARK)
    setup.connect(clinic, now=timezone.now())
    danes = [person for person in PEOPLE if person.country == clinic.country]
    emil = next(person for person in danes if person.full_name == "Emil Østergaard")
    record_for(clinic, emil.national_id)
    page = to_provider(browser, clinic)
    done = browser.post(str(page.url), page, person=str(danes.index(emil)), acr=levels(page)[0])
    assert done.status_code == 400
    assert str(SignInFault.TOO_YOUNG.value) not in done.text
    assert not Account.objects.exists()
    assert AuditEvent.objects.get(action="auth.fail").details["reason"] == SignInFault.TOO_YOUNG
