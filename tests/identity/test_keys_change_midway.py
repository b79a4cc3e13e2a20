"""A provider's key, or ours, is changed between a sign-in's question and its answer."""

import hashlib
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.test import Client
from django.utils import timezone

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity.choices import Method
from identity.demo_idp import keys
from identity.models import IdentityProvider
from identity.saml import setup as saml_setup
from identity.saml.metadata import ProviderMetadata
from identity.saml.setup import Agreement
from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.identity import build_saml as saml
from tests.identity.build_identity import FakeIdp, Signer, begin, come_back, enter, record_for
from tests.identity.build_saml import Encryption, Pair, connect_saml, idp_pair, our_pair, pair

pytestmark = pytest.mark.django_db


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def last_check() -> str:
    event = AuditEvent.objects.filter(action="auth.fail").order_by("-pk").first()
    return str(event.details["check"]) if event else ""


# -- OpenID Connect ----------------------------------------------------------------------------------------
def test_o29_the_provider_signs_with_a_new_key_when_the_code_is_redeemed(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    earlier = Client()  # this process knows the old key from somebody's sign-in just before
    begin(earlier, clinic)
    come_back(earlier, idp)
    begin(client, clinic)
    idp.signer = Signer("key-2")
    idp.keys.append(idp.signer.jwk())
    come_back(client, idp)
    enter(client, clinic)
    assert is_signed_in(client)


def test_o29_after_two_changes_within_a_minute_the_next_one_waits_for_the_pause(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    outcomes = []
    for number in range(3):
        client = Client()
        begin(client, clinic)
        idp.signer = Signer(f"changed-{number}")
        idp.keys = [idp.signer.jwk()]
        outcomes.append(come_back(client, idp).status_code)
    assert outcomes == [303, 303, 400]  # the first fetch, the one search of this minute, and then it waits
    assert last_check() == "kid"


def test_o29_a_key_that_was_never_published_is_refused(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    idp.signer = Signer("key-2")
    assert come_back(client, idp).status_code == 400
    assert last_check() == "kid"
    assert not is_signed_in(client)


def test_our_key_is_changed_between_the_pushed_question_and_the_code(
    client: Client, clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    begin(client, clinic)
    new = keys.client_key("test-client-next")
    IdentityProvider.objects.filter(pk=provider.pk).update(private_key_id="next")
    provider.refresh_from_db()
    provider.private_key = keys.pem(new)
    provider.save()
    come_back(client, idp)
    enter(client, clinic)
    assert is_signed_in(client)
    assertion = idp.redeemed[-1]["client_assertion"]
    assert jwt.get_unverified_header(assertion)["kid"] == "next"
    jwt.decode(assertion, new.public_key(), algorithms=["ES256"], audience=idp.issuer)


# -- SAML --------------------------------------------------------------------------------------------------
@pytest.fixture
def holm(db: None) -> Clinic:
    clinic = make_clinic(country=Country.DENMARK)
    record_for(clinic, saml.CPR)
    return clinic


def load_metadata(*signing: Pair) -> None:
    """Load the provider's new metadata, as the operator's command does."""
    certificates = [one.certificate for one in signing]
    saml_setup.connect(
        Agreement(
            slug=saml.SLUG,
            name="MitID",
            country=Country.DENMARK,
            method=Method.MITID,
            our_entity_id=saml.OUR_NAME,
        ),
        ProviderMetadata(saml.ISSUER, f"{saml.ISSUER}/sso", f"{saml.ISSUER}/slo", "", certificates),
        file_fingerprint=hashlib.sha256("".join(certificates).encode()).hexdigest(),
        actor=audit.SYSTEM,
        now=timezone.now(),
    )


def goes_on(client: Client, clinic: Clinic, asked: Any, **changes: Any) -> int:
    """Bring the answer, open the session if it was taken, and return the status of the page before."""
    answer = saml.come_back(client, asked, **changes)
    if answer.status_code == 303:
        enter(client, clinic)
    return int(answer.status_code)


def test_s35_the_providers_second_certificate_is_loaded_while_somebody_signs_in(
    client: Client, holm: Clinic
) -> None:
    connect_saml(holm)
    new = pair("idp next")
    asked = saml.begin_saml(client, holm)
    load_metadata(idp_pair(), new)
    assert goes_on(client, holm, asked, signer=new) == 303
    assert is_signed_in(client)


def test_s35_an_answer_of_the_old_key_still_counts_until_its_certificate_is_gone(holm: Clinic) -> None:
    connect_saml(holm)
    new, slow, late = pair("idp next"), Client(), Client()
    asked_slow, asked_late = saml.begin_saml(slow, holm), saml.begin_saml(late, holm)
    load_metadata(idp_pair(), new)
    assert goes_on(slow, holm, asked_slow, signer=idp_pair()) == 303
    assert is_signed_in(slow)
    load_metadata(new)
    assert goes_on(late, holm, asked_late, signer=idp_pair()) == 400
    assert last_check() == "signature"
    assert not is_signed_in(late)


def test_s35_our_key_is_changed_while_somebody_signs_in(holm: Clinic) -> None:
    provider = connect_saml(holm)
    new, now = pair("our next"), timezone.now()
    before, after, late = Client(), Client(), Client()
    asked = [saml.begin_saml(client, holm) for client in (before, after, late)]
    saml_setup.add_key(
        provider, private_key=new.key, certificate=new.certificate, actor=audit.SYSTEM, now=now
    )
    saml_setup.use_key(provider, print_of(new), actor=audit.SYSTEM, now=now)
    assert goes_on(before, holm, asked[0], encryption=Encryption(to=our_pair())) == 303
    assert goes_on(after, holm, asked[1], encryption=Encryption(to=new)) == 303
    saml_setup.retire_key(provider, print_of(our_pair()), actor=audit.SYSTEM, now=now)
    assert goes_on(late, holm, asked[2], encryption=Encryption(to=our_pair())) == 400
    assert [is_signed_in(client) for client in (before, after, late)] == [True, True, False]
    assert last_check() == "decryption"


def print_of(own: Pair) -> str:
    return x509.load_pem_x509_certificate(own.certificate.encode()).fingerprint(hashes.SHA256()).hex()
