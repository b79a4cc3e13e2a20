"""The web process is killed between the provider's answer and the session: nobody is half signed in, and nobody is stuck."""

import signal
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country
from identity.choices import Assurance, TransactionStatus
from identity.models import Account, LoginTransaction
from patients.models import Patient
from tests.build import make_clinic
from tests.faults.nursery import Nursery
from tests.identity import build_saml as saml
from tests.identity.build_identity import begin, come_back, connect, enter, record_for, running_idp

pytestmark = pytest.mark.django_db(transaction=True)


class Web(Nursery):
    """Requests whose process is killed."""

    module = "tests.faults.sign_in_process"

    def killed(self, point, client, path, method="get", data=None):
        """Send a request that never answers."""
        name = django_settings.SESSION_COOKIE_NAME
        cookie = client.cookies[name].value if name in client.cookies else ""
        ended = self.run(point=point, cookie=cookie, method=method, path=path, data=data or {})
        assert ended == -signal.SIGKILL, f"it was not killed at {point!r}"


@pytest.fixture(scope="module")
def web(django_db_setup):
    with Web() as started:
        yield started


@pytest.fixture
def clinic():
    clinic = make_clinic(country=Country.NORWAY)
    record_for(clinic)
    return clinic


@pytest.fixture
def idp(clinic):
    with running_idp() as running:
        connect(clinic, running)
        yield running


def is_signed_in(client):
    return "_auth_user_id" in client.session


def nobody_is_half_signed_in():
    """A stored session that belongs to somebody knows how they signed in, and when; return how many there are."""
    owned = [data for row in Session.objects.all() if "_auth_user_id" in (data := row.get_decoded())]
    for data in owned:
        assert data["sign_in"]["assurance"] == Assurance.HIGH
        assert data["sign_in"]["at"]
    return len(owned)


def is_calm(answer):
    assert answer.status_code in {400, 302, 303}, answer.status_code
    if answer.status_code == 400:
        assert answer["X-Request-ID"] in answer.content.decode()


def signs_in_anew(client, clinic, idp):
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    assert is_signed_in(client)
    assert Account.objects.count() == 1


def test_killed_when_the_answer_is_stored_and_before_the_session_knows_it(web, clinic, idp, client):
    begin(client, clinic)
    path = reverse("identity_callback", args=["bankid-test"])
    answer = {"code": "code-1", "state": idp.question["state"], "iss": idp.issuer}
    web.killed("answer verified", client, path, data=answer)
    assert LoginTransaction.objects.get().status == TransactionStatus.VERIFIED
    assert nobody_is_half_signed_in() == 0
    is_calm(client.get(path, answer))
    is_calm(enter(client, clinic))
    assert not is_signed_in(client)
    signs_in_anew(client, clinic, idp)


@pytest.mark.parametrize(
    ("point", "left"), [("answer used up", 0), ("person known", 0), ("session begun", 1)]
)
def test_killed_while_the_session_is_opened(web, clinic, idp, client, point, left):
    """What may be left is a whole session whose key went with the process: nobody has it, and it ends unused."""
    begin(client, clinic)
    come_back(client, idp)
    path = reverse("home:signed_in", args=[clinic.portal_identifier])
    web.killed(point, client, path)
    assert LoginTransaction.objects.get().status == TransactionStatus.CONSUMED
    assert nobody_is_half_signed_in() == left
    is_calm(client.get(path))
    assert not is_signed_in(client)
    signs_in_anew(client, clinic, idp)


@pytest.fixture
def holm():
    clinic = make_clinic(country=Country.DENMARK)
    record = record_for(clinic, saml.CPR)
    Patient.objects.filter(pk=record.pk).update(registered_at=timezone.now())
    saml.connect_saml(clinic)
    return clinic


def asks(client, clinic):
    """Return the provider's answer to this browser's sign-in, as a form, and the address that waits for it."""
    asked = saml.begin_saml(client, clinic)
    form = {"SAMLResponse": saml.Forged.answering(asked).encoded(), "RelayState": asked.relay_state}
    return form, urlsplit(saml.acs_address()).path


def test_killed_when_a_saml_answer_is_stored_and_before_the_browser_is_sent_on(web, holm, client):
    form, acs = asks(client, holm)
    web.killed("answer taken", Client(), acs, "post", form)
    sign_in = LoginTransaction.objects.get()
    assert sign_in.status == TransactionStatus.VERIFIED
    is_calm(Client().post(acs, form))  # the person presses reload: the answer was taken, and is good once
    assert nobody_is_half_signed_in() == 0
    again = saml.begin_saml(client, holm)
    assert saml.come_back(client, again).status_code == 303
    enter(client, holm)
    assert is_signed_in(client)


def test_killed_on_the_page_that_goes_on_with_a_saml_answer_and_then_reloaded(web, holm, client):
    form, acs = asks(client, holm)
    finish = Client().post(acs, form)["Location"]
    web.killed("answer verified", client, finish)
    assert nobody_is_half_signed_in() == 0
    assert client.get(finish).status_code == 303
    enter(client, holm)
    assert is_signed_in(client)
    assert Account.objects.count() == 1
