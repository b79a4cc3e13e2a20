"""Answers of SAML providers, forged in every way that the table in docs/security.md names (S1-S31)."""

import base64
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from lxml import etree

from clinic_admin.models import Clinic
from identity.choices import TransactionStatus
from identity.models import Account, IdentityProvider, LoginTransaction, UsedMessage
from identity.operations import SignInRefused
from identity.saml import response as saml_response
from identity.saml import sign_in as saml_sign_in
from identity.saml.xml import MessageRefused
from portal.models import AuditEvent
from tests.identity.build_identity import enter
from tests.identity.build_saml import (
    CPR,
    DS,
    ISSUER,
    NAME_ID,
    NS,
    OTHER_CPR,
    OUR_NAME,
    SLUG,
    STATUS,
    TRANSIENT,
    XENC,
    Asked,
    Encryption,
    Forged,
    Signature,
    acs_address,
    begin_saml,
    bring,
    connect_saml,
    idp_pair,
    make_pair,
    our_pair,
    pair,
    post_answer,
    store_key,
)
from tests.identity.saml_fixtures import asked, clinic, provider

pytestmark = pytest.mark.django_db
__all__ = ["asked", "clinic", "provider"]


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def check_of_last_refusal() -> str:
    return str(AuditEvent.objects.filter(action="auth.fail").latest("pk").details.get("check", ""))


def refused(client: Client, asked: Asked, answer: Forged, *checks: str) -> None:
    """The answer opens nothing, for one of these reasons, and the page says nothing of what was in it."""
    page = bring(client, asked, answer)
    assert page.status_code == 400
    assert not is_signed_in(client)
    assert not LoginTransaction.objects.filter(status=TransactionStatus.VERIFIED).exists()
    assert not LoginTransaction.objects.filter(evidence__isnull=False).exists()
    assert CPR not in page.content.decode()
    assert check_of_last_refusal() in checks


def accepted(client: Client, clinic: Clinic, asked: Asked, answer: Forged) -> None:
    page = bring(client, asked, answer)
    assert page.status_code == 303, check_of_last_refusal()
    enter(client, clinic)
    assert is_signed_in(client)


def good(asked: Asked, **changes: Any) -> Forged:
    return Forged.answering(asked, **changes)


def test_a_good_answer_opens_a_session(client: Client, clinic: Clinic, asked: Asked) -> None:
    accepted(client, clinic, asked, good(asked))
    account = Account.objects.get()
    assert (account.user.name, account.national_id) == ("Søren Østergaard", CPR)
    assert account.external_identities.get().subject == NAME_ID
    assert client.session["sign_in"]["assurance"] == 3


def test_s1_an_assertion_that_is_not_encrypted(client: Client, asked: Asked) -> None:
    refused(client, asked, good(asked, encryption=None), "encrypted-assertion")


def test_s2_an_assertion_that_is_not_signed(client: Client, asked: Asked) -> None:
    refused(client, asked, good(asked, signer=None), "signature")


def test_s2_only_the_response_is_signed(client: Client, asked: Asked) -> None:
    def sign(text: str) -> str:
        return Signature().made(text, idp_pair())

    refused(client, asked, good(asked, signer=None, around=sign), "signature", "schema")


def test_s3_a_key_that_brings_its_own_certificate(client: Client, asked: Asked) -> None:
    refused(client, asked, good(asked, signer=pair("stranger")), "signature")


def test_s3_a_strange_key_beside_the_right_certificate(client: Client, asked: Asked) -> None:
    lying = Signature(certificate=idp_pair())
    refused(client, asked, good(asked, signer=pair("stranger"), signature=lying), "signature")


@pytest.mark.parametrize("signature", [Signature(method="RSA_SHA1"), Signature(digest="SHA1")])
def test_s4_sha_1_is_over(client: Client, asked: Asked, signature: Signature) -> None:
    refused(client, asked, good(asked, signature=signature), "algorithm")


@pytest.mark.parametrize(
    "encryption",
    [
        Encryption(data=f"{XENC}aes256-cbc"),
        Encryption(data=f"{XENC}tripledes-cbc"),
        Encryption(key=f"{XENC}rsa-1_5", digest=""),
    ],
    ids=["cbc", "3des", "rsa-1_5"],
)
def test_s5_weak_encryption(client: Client, asked: Asked, encryption: Encryption) -> None:
    refused(client, asked, good(asked, encryption=encryption), "encryption")


def test_s5_cbc_counts_where_the_agreement_says_so_and_3des_never(client: Client, clinic: Clinic) -> None:
    connect_saml(clinic, allows_cbc=True)
    asked = begin_saml(client, clinic)
    refused(client, asked, good(asked, encryption=Encryption(data=f"{XENC}tripledes-cbc")), "encryption")
    again = begin_saml(client, clinic)
    accepted(client, clinic, again, good(again, encryption=Encryption(data=f"{XENC}aes256-cbc")))


def test_s6_the_signed_part_does_not_say_which_question_it_answers(client: Client, asked: Asked) -> None:
    refused(client, asked, good(asked, in_response_to=None), "in-response-to")


def test_s7_an_answer_that_nobody_asked_for(client: Client, asked: Asked) -> None:
    answer = good(asked, in_response_to=None, wrapper_in_response_to=None)
    refused(client, asked, answer, "in-response-to")
    assert post_answer(answer.encoded(), "").status_code == 400


def test_s8_the_answer_to_another_question(client: Client, clinic: Clinic, asked: Asked) -> None:
    other = begin_saml(Client(), clinic)
    refused(client, asked, good(other), "in-response-to", "confirmation")


def test_s9_the_wrapper_and_the_signed_part_differ(client: Client, clinic: Clinic, asked: Asked) -> None:
    answer = good(asked, in_response_to="_another", wrapper_in_response_to=None)
    refused(client, asked, answer, "in-response-to")
    again = begin_saml(client, clinic)
    refused(client, again, good(again, wrapper_in_response_to="_another"), "in-response-to")


@pytest.mark.parametrize("destination", [None, "", "{acs}.evil/x", "{acs}evil", "https://evil.example/"])
def test_s10_the_destination_is_exactly_ours(client: Client, asked: Asked, destination: str | None) -> None:
    address = destination.format(acs=acs_address()) if destination else destination
    refused(client, asked, good(asked, destination=address), "destination", "library")


@pytest.mark.parametrize("recipient", [None, "https://evil.example/?u={acs}", "{acs}x"])
def test_s11_the_recipient_is_exactly_ours(client: Client, asked: Asked, recipient: str | None) -> None:
    address = recipient.format(acs=acs_address()) if recipient else recipient
    refused(client, asked, good(asked, recipient=address), "recipient")


@pytest.mark.parametrize("audience", [None, "https://other.example/saml", f"{OUR_NAME}/"])
def test_s12_the_audience_is_there_and_ours(client: Client, asked: Asked, audience: str | None) -> None:
    refused(client, asked, good(asked, audience=audience), "audience")


@pytest.mark.parametrize("until", [None, timedelta(seconds=-10)])
def test_s13_the_confirmation_ends(client: Client, asked: Asked, until: timedelta | None) -> None:
    refused(client, asked, good(asked, confirmed_until=until), "confirmation-time", "confirmation")


@pytest.mark.parametrize(
    "window",
    [
        {"not_on_or_after": timedelta(minutes=-4)},
        {"not_on_or_after": timedelta(seconds=-61)},
        {"not_before": timedelta(minutes=10)},
        {"not_before": timedelta(seconds=70)},
    ],
    ids=["4-minutes-over", "61-seconds-over", "in-10-minutes", "in-70-seconds"],
)
def test_s14_the_conditions_hold_now(client: Client, asked: Asked, window: dict[str, timedelta]) -> None:
    refused(client, asked, good(asked, **window), "conditions-time", "conditions")


def test_s14_clocks_may_differ_by_a_minute(client: Client, clinic: Clinic, asked: Asked) -> None:
    accepted(client, clinic, asked, good(asked, not_before=timedelta(seconds=50)))


@pytest.mark.parametrize(
    "level", [("Low",), None, ("substantial ",), ("Substantial ",), ("High", "High"), ("",)]
)
def test_s15_the_assurance_is_known_and_enough(
    client: Client, asked: Asked, level: tuple[str, ...] | None
) -> None:
    refused(client, asked, good(asked).having(loa=level), "assurance")
    assert AuditEvent.objects.get(action="auth.fail").details["reason"] == "assurance"


def test_s16_a_sign_in_of_this_morning_does_not_count(client: Client, asked: Asked) -> None:
    refused(client, asked, good(asked, authn_ago=timedelta(hours=10)), "authn-instant")


def test_s16_unless_the_agreement_leaves_it_to_the_provider(client: Client, clinic: Clinic) -> None:
    connect_saml(clinic, extra_params={"force_authn": False})
    asked = begin_saml(client, clinic)
    assert asked.xml.get("ForceAuthn") == "false"
    accepted(client, clinic, asked, good(asked, authn_ago=timedelta(hours=1)))


@pytest.mark.parametrize(
    "numbers",
    [(CPR, CPR), (CPR, OTHER_CPR), ("no number",), (CPR[:9],), (f"{CPR[:6]}-{CPR[6:]}",), ("",), None],
)
def test_s17_one_whole_number(client: Client, asked: Asked, numbers: tuple[str, ...] | None) -> None:
    refused(client, asked, good(asked).having(cpr=numbers), "national-id")
    assert AuditEvent.objects.get(action="auth.fail").details["reason"] == "national-id"


def test_s17_two_attributes_with_the_number(client: Client, asked: Asked) -> None:
    answer = good(asked)
    twice = (*answer.attributes, ("https://data.gov.dk/model/core/eid/cprNumber", (OTHER_CPR,)))
    refused(client, asked, replace(answer, attributes=twice), "attribute", "national-id")


@pytest.mark.parametrize(
    "change",
    [
        {"name_id": NAME_ID.replace("/person/", "/professional/")},
        {"name_id": NAME_ID.replace("/person/", "/professional/"), "name_id_format": TRANSIENT},
        {"name_id": "someone@example.dk"},
        {"name_id_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"},
    ],
    ids=["professional", "professional-transient", "e-mail", "unspecified"],
)
def test_s17_employees_and_other_kinds_of_names(client: Client, asked: Asked, change: dict[str, str]) -> None:
    refused(client, asked, good(asked, **change), "name-id")


def test_s17_a_birth_date_that_does_not_fit_the_number(client: Client, asked: Asked) -> None:
    refused(client, asked, good(asked).having(born=("1980-01-01",)), "birth-date")


@pytest.mark.parametrize("version", [None, ("DK-SAML-2.0",), ("OIO-SAML-4.0",), ("OIO-SAML-3.0 ",)])
def test_s18_only_versions_of_the_profile_that_we_know(
    client: Client, asked: Asked, version: tuple[str, ...] | None
) -> None:
    refused(client, asked, good(asked).having(spec=version), "spec-version")


@pytest.mark.parametrize("where", ["issuer", "wrapper_issuer"])
def test_s19_another_issuer(client: Client, asked: Asked, where: str) -> None:
    refused(client, asked, good(asked, **{where: "https://evil.example"}), "issuer")


SAML = f"{{{NS.split(chr(34))[1]}}}"
SIGNATURE = f"{{{DS}}}Signature"


def advice(evil: Any, real: Any) -> Any:
    etree.SubElement(evil, f"{SAML}Advice").append(real)
    return evil


def in_an_object(evil: Any, real: Any) -> Any:
    signature = real.find(SIGNATURE)
    evil.insert(1, signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(real)
    return evil


def around(evil: Any, real: Any) -> Any:
    evil.append(real)
    return evil


def inside(evil: Any, real: Any) -> Any:
    real.append(evil)
    return real


def same_id(evil: Any, real: Any) -> Any:
    evil.set("ID", real.get("ID"))
    return around(evil, real)


def copied_signature(evil: Any, real: Any) -> Any:
    evil.set("ID", real.get("ID"))
    evil.insert(1, real.find(SIGNATURE))
    return evil


@pytest.mark.parametrize("wrap", [advice, in_an_object, around, inside, same_id, copied_signature])
def test_s20_wrapped_inside_the_encryption(
    client: Client, asked: Asked, wrap: Callable[[Any, Any], Any]
) -> None:
    """An assertion of the attacker's and the signed one in one tree: whichever is read, none is taken."""

    def change(signed: str) -> str:
        evil = etree.fromstring(signed.replace(CPR, OTHER_CPR))
        evil.remove(evil.find(SIGNATURE))
        evil.set("ID", "_evil")
        return etree.tostring(wrap(evil, etree.fromstring(signed)), encoding="unicode")

    answer = good(asked, after_signing=change)
    refused(client, asked, answer, "element", "duplicate-id", "schema", "signature", "assertion", "library")
    assert not Account.objects.exists()


@pytest.mark.parametrize("where", ["before", "after", "extensions"])
def test_s20_a_second_assertion_beside_the_encrypted_one(client: Client, asked: Asked, where: str) -> None:
    evil = good(asked, signer=None).having(cpr=(OTHER_CPR,)).assertion()
    places = {
        "before": ("<saml:EncryptedAssertion>", f"{evil}<saml:EncryptedAssertion>"),
        "after": ("</samlp:Response>", f"{evil}</samlp:Response>"),
        "extensions": ("<samlp:Status>", f"<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>"),
    }
    refused(
        client, asked, good(asked, around=lambda text: text.replace(*places[where])), "encrypted-assertion"
    )


@pytest.mark.parametrize(
    ("signature", "check"),
    [
        (Signature(uri=""), "library"),
        (Signature(transforms=("ENVELOPED", "EXCL_C14N", "EXCL_C14N")), "transform"),
        (Signature(transforms=("ENVELOPED", "C14N")), "transform"),
        (Signature(transforms=("ENVELOPED", "EXCL_C14N_WITH_COMMENTS")), "transform"),
        (Signature(transforms=("ENVELOPED",)), "transform"),
        (Signature(canonical="C14N"), "algorithm"),
        (Signature(second_reference=True), "reference"),
    ],
    ids=["whole-document", "twice", "inclusive", "with-comments", "none", "inclusive-info", "two-references"],
)
def test_s21_the_signature_covers_the_assertion_and_nothing_is_done_to_it(
    client: Client, asked: Asked, signature: Signature, check: str
) -> None:
    refused(client, asked, good(asked, signature=signature), check, "signature", "reference")


@pytest.mark.parametrize(
    "name", ["1999/REC-xpath-19991116", "1999/REC-xslt-19991116", "2002/06/xmldsig-filter2"]
)
def test_s21_xpath_and_xslt_are_refused_before_anything_is_computed(
    client: Client, asked: Asked, name: str
) -> None:
    def add(signed: str) -> str:
        extra = f'<ds:Transform Algorithm="http://www.w3.org/TR/{name}"/></ds:Transforms>'
        return signed.replace("</ds:Transforms>", extra)

    refused(client, asked, good(asked, after_signing=add), "transform")


def test_s21_transforms_outside_the_encryption_are_looked_at_as_well(client: Client, asked: Asked) -> None:
    def add(text: str) -> str:
        cipher = f'<xenc:CipherReference xmlns:xenc="{XENC}" URI="http://evil.example/"/>'
        return text.replace("<xenc:CipherData>", f"<xenc:CipherData>{cipher}", 1)

    refused(client, asked, good(asked, around=add), "element")


def test_s22_two_readings_that_differ_are_worth_nothing(
    client: Client, asked: Asked, monkeypatch: Any
) -> None:
    """As if libxmlsec1 had verified one assertion and signxml another: both properly signed by the provider."""
    other = etree.fromstring(good(asked).having(cpr=(OTHER_CPR,)).assertion())

    class Mistaken(saml_response.XMLVerifier):
        def verify(self, data: Any, **rest: Any) -> Any:
            return super().verify(etree.tostring(other), **rest)

    monkeypatch.setattr(saml_response, "XMLVerifier", Mistaken)
    refused(client, asked, good(asked), "readings-differ")


def test_s22_values_come_from_the_tree_that_the_second_verifier_returns() -> None:
    asked = Asked("_a", "", None)
    assertion = etree.fromstring(good(asked).assertion())
    seen = saml_response.second_opinion(assertion, [idp_pair().certificate])
    assert seen is not assertion
    assert seen.find(f"{{{DS}}}Signature") is None
    for node in assertion.iter():
        if node.text == CPR:
            node.text = OTHER_CPR
    with pytest.raises(MessageRefused, match="signature"):
        saml_response.second_opinion(assertion, [idp_pair().certificate])


MARKUP = {
    "comment": f"{CPR[:4]}<!-- -->{CPR[4:]}",
    "instruction": f"{CPR[:4]}<?x y?>{CPR[4:]}",
}


@pytest.mark.parametrize("kind", MARKUP)
@pytest.mark.parametrize("moment", ["before_signing", "after_signing"])
def test_s23_comments_and_instructions_in_the_number(
    client: Client, asked: Asked, kind: str, moment: str
) -> None:
    answer = good(asked, **{moment: lambda text: text.replace(CPR, MARKUP[kind])})
    refused(client, asked, answer, "markup")


DOCTYPES = {
    "doctype": "<!DOCTYPE samlp:Response>",
    "entity": '<!DOCTYPE r [<!ENTITY a "b">]>',
    "external": '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "laughs": '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
    "comment": "<!-- hello -->",
    "instruction": '<?xml-stylesheet href="evil.xsl"?>',
    "utf-16": '<?xml version="1.0" encoding="UTF-16"?>',
}


@pytest.mark.parametrize("kind", DOCTYPES)
def test_s23_document_types_entities_and_the_like(client: Client, asked: Asked, kind: str) -> None:
    refused(client, asked, good(asked, around=lambda text: DOCTYPES[kind] + text), "markup")


def test_s23_a_plain_declaration_is_fine(client: Client, clinic: Clinic, asked: Asked) -> None:
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    accepted(client, clinic, asked, good(asked, around=lambda text: declaration + text))


def test_s24_two_encrypted_assertions(client: Client, asked: Asked) -> None:
    second = Encryption().around(good(asked).having(cpr=(OTHER_CPR,)).assertion())
    end = "</samlp:Response>"
    answer = good(asked, around=lambda text: text.replace(end, second.replace("_key", "_key2") + end))
    refused(client, asked, answer, "encrypted-assertion")


def test_s24_two_assertions_inside_one_encryption(client: Client, asked: Asked) -> None:
    answer = good(asked, after_signing=lambda signed: signed + signed.replace('ID="_', 'ID="_x'))
    refused(client, asked, answer, "assertion")


def status_of(code: str) -> str:
    below = f'<samlp:StatusCode Value="{STATUS}{code}"/>' if code else ""
    return f'<samlp:StatusCode Value="{STATUS}Responder">{below}</samlp:StatusCode>'


@pytest.mark.parametrize("code", ["AuthnFailed", "RequestDenied"])
def test_s25_cancelling_is_a_friendly_page(client: Client, clinic: Clinic, asked: Asked, code: str) -> None:
    page = bring(client, asked, good(asked, status=status_of(code)))
    assert page.status_code == 200
    assert reverse("clinic_front", args=[clinic.portal_identifier]) in page.content.decode()
    assert not is_signed_in(client)
    assert AuditEvent.objects.filter(action="auth.cancel").count() == 1
    assert LoginTransaction.objects.get().status == TransactionStatus.FAILED


@pytest.mark.parametrize(
    ("code", "reason"), [("NoAuthnContext", "assurance"), ("", "provider"), ("Unheard-of", "provider")]
)
def test_s25_the_provider_could_not(client: Client, asked: Asked, code: str, reason: str) -> None:
    refused(client, asked, good(asked, status=status_of(code)), "status")
    assert AuditEvent.objects.get(action="auth.fail").details["reason"] == reason


def test_s25_the_page_names_the_request_that_brought_the_answer(client: Client, asked: Asked) -> None:
    page = bring(client, asked, good(asked, status=status_of("")))
    assert AuditEvent.objects.get(action="auth.fail").request_id in page.content.decode()


def test_s26_the_same_answer_twice(client: Client, clinic: Clinic, asked: Asked) -> None:
    message = good(asked).encoded()
    first, second = (post_answer(message, asked.relay_state) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 400)
    client.get(first["Location"])
    enter(client, clinic)
    assert is_signed_in(client)
    assert post_answer(message, asked.relay_state).status_code == 400


def test_s26_the_same_assertion_in_a_new_wrapper(client: Client, clinic: Clinic, asked: Asked) -> None:
    answer = good(asked)
    accepted(client, clinic, asked, answer)
    assert post_answer(answer.encoded(), asked.relay_state).status_code == 400
    other, victim = Client(), begin_saml(Client(), clinic)
    stolen = replace(answer, wrapper_in_response_to=victim.request_id)
    page = bring(other, victim, stolen)
    assert page.status_code == 400
    assert LoginTransaction.objects.filter(status=TransactionStatus.VERIFIED).count() == 0


def test_s26_an_assertion_id_counts_once_whatever_it_answers(
    client: Client, clinic: Clinic, asked: Asked, provider: IdentityProvider
) -> None:
    UsedMessage.objects.create(
        provider=provider, message_id="_used", expires_at=timezone.now() + timedelta(days=1)
    )
    assert post_answer(good(asked, assertion_id="_used").encoded(), asked.relay_state).status_code == 400
    assert LoginTransaction.objects.get().status == TransactionStatus.STARTED


@pytest.mark.django_db(transaction=True)
def test_s26_of_two_workers_at_once_one_takes_it(client: Client, clinic: Clinic, asked: Asked) -> None:
    provider, message = IdentityProvider.objects.get(), good(asked).encoded()
    gate, outcomes = threading.Barrier(2), []
    real = saml_sign_in._note_verified

    def together(*arguments: Any) -> None:
        gate.wait(20)
        real(*arguments)

    def work() -> None:
        try:
            saml_sign_in.receive(provider, message=message, relay_state=asked.relay_state, now=timezone.now())
            outcomes.append("taken")
        except SignInRefused:
            outcomes.append("refused")
        finally:
            connections.close_all()

    saml_sign_in._note_verified = together
    try:
        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
    finally:
        saml_sign_in._note_verified = real
    assert sorted(outcomes) == ["refused", "taken"]
    assert UsedMessage.objects.count() == 1


def test_s27_an_answer_in_another_browser(client: Client, clinic: Clinic, asked: Asked) -> None:
    posted = post_answer(good(asked).encoded(), asked.relay_state)
    assert posted.status_code == 303
    stranger = Client()
    begin_saml(stranger, clinic)
    assert stranger.get(posted["Location"]).status_code == 400
    assert not is_signed_in(stranger)
    enter(stranger, clinic)
    assert not is_signed_in(stranger)
    assert client.get(posted["Location"]).status_code == 303


@pytest.mark.parametrize("handle", ["https://evil.example/", "", "made-up", "a\x00b", "x" * 5000])
def test_s28_the_relay_state_is_the_handle_of_a_sign_in(
    client: Client, clinic: Clinic, asked: Asked, handle: str
) -> None:
    page = post_answer(good(asked).encoded(), handle)
    assert page.status_code == 400
    assert "evil.example" not in page.content.decode()
    assert LoginTransaction.objects.get().status == TransactionStatus.STARTED


def test_s28_the_handle_of_another_sign_in(client: Client, clinic: Clinic, asked: Asked) -> None:
    other = begin_saml(Client(), clinic)
    page = client.get(post_answer(good(asked).encoded(), other.relay_state)["Location"])
    assert page.status_code == 400
    assert not is_signed_in(client)


def test_s28_the_handle_of_another_provider(client: Client, clinic: Clinic, asked: Asked) -> None:
    connect_saml(clinic, slug="other-test", issuer="https://other.example")
    assert post_answer(good(asked).encoded(), asked.relay_state, slug="other-test").status_code == 400
    accepted(client, clinic, asked, good(asked))


def test_s29_headers_of_a_proxy_change_no_address(
    client: Client, clinic: Clinic, provider: IdentityProvider
) -> None:
    evil = {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_HOST": "localhost:9999"}
    sent = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, SLUG]), **evil)
    asked = Asked.at(sent["Location"])
    assert asked.xml.get("AssertionConsumerServiceURL") == acs_address()
    form = {"SAMLResponse": good(asked).encoded(), "RelayState": asked.relay_state}
    posted = Client().post(reverse("identity_acs", args=[SLUG]), form, **evil)
    assert client.get(posted["Location"]).status_code == 303
    evil_asked = begin_saml(client, clinic)
    answer = good(
        evil_asked,
        destination="https://evil.example/sign-in/mitid-test/acs/",
        recipient="https://evil.example/",
    )
    form = {"SAMLResponse": answer.encoded(), "RelayState": evil_asked.relay_state}
    posted = Client().post(reverse("identity_acs", args=[SLUG]), form, **evil)
    assert client.get(posted["Location"]).status_code == 400


@pytest.mark.parametrize("place", [0, 20, -1])
def test_s30_a_flipped_bit_in_the_encryption_tells_nothing(client: Client, asked: Asked, place: int) -> None:
    def spoil(sealed: bytes) -> bytes:
        flipped = bytearray(sealed)
        flipped[place] ^= 1
        return bytes(flipped)

    refused(client, asked, good(asked, encryption=Encryption(spoil=spoil)), "decryption")


def test_s30_a_wrong_key_and_a_spoiled_message_look_the_same(
    client: Client, clinic: Clinic, asked: Asked
) -> None:
    wrong_key = bring(client, asked, good(asked, encryption=Encryption(to=pair("stranger"))))
    again = begin_saml(client, clinic)
    spoiled = bring(client, again, good(again, encryption=Encryption(spoil=lambda sealed: sealed[:-1])))
    assert [page.status_code for page in (wrong_key, spoiled)] == [400, 400]
    for page in (wrong_key, spoiled):
        assert "decrypt" not in page.content.decode()


@pytest.mark.parametrize(
    "encryption",
    [
        Encryption(),
        Encryption(beside=True),
        Encryption(key=f"{XENC}rsa-oaep-mgf1p", digest=""),
        Encryption(key=f"{XENC}rsa-oaep-mgf1p"),
    ],
    ids=["NemLog-in", "key-beside-the-data", "oaep-sha1", "oaep-sha256-mgf1p"],
)
def test_s31_the_shapes_of_encryption_that_real_providers_use(
    client: Client, clinic: Clinic, asked: Asked, encryption: Encryption
) -> None:
    accepted(client, clinic, asked, good(asked, encryption=encryption))


def test_s31_typed_values_and_line_breaks_as_other_software_writes_them(
    client: Client, clinic: Clinic, asked: Asked
) -> None:
    typed = (
        '<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">'
    )

    def change(text: str) -> str:
        return text.replace("<saml:AttributeValue>", typed).replace("><saml:", ">\n  <saml:")

    def spread(text: str) -> str:
        return text.replace("><", ">\n<")

    answer = good(asked, before_signing=change, after_signing=lambda text: f"{text}\n", around=spread)
    accepted(client, clinic, asked, answer)


def test_s35_two_certificates_of_the_provider_at_once(client: Client, clinic: Clinic) -> None:
    connect_saml(clinic, signing_certificates=[idp_pair().certificate, pair("new idp").certificate])
    for signer in (idp_pair(), pair("new idp")):
        asked = begin_saml(client, clinic)
        accepted(client, clinic, asked, good(asked, signer=signer))
        client = Client()


@pytest.mark.parametrize(
    "period",
    [
        {"begins": timedelta(days=-10), "ends": timedelta(seconds=-1)},
        {"begins": timedelta(hours=1), "ends": timedelta(days=3)},
    ],
    ids=["ended", "not-begun"],
)
def test_s35_a_certificate_out_of_its_time(
    client: Client, clinic: Clinic, period: dict[str, timedelta]
) -> None:
    old = make_pair("old", **period)
    connect_saml(clinic, signing_certificates=[idp_pair().certificate, old.certificate])
    asked = begin_saml(client, clinic)
    refused(client, asked, good(asked, signer=old), "signature")


def test_s35_both_of_our_keys_open_what_is_encrypted_to_them(client: Client, clinic: Clinic) -> None:
    provider = connect_saml(clinic)
    store_key(provider, pair("our next"), is_signing=False)
    for to in (our_pair(), pair("our next")):
        asked = begin_saml(client, clinic)
        accepted(client, clinic, asked, good(asked, encryption=Encryption(to=to)))
        client = Client()


@pytest.mark.parametrize(
    "form", [{}, {"SAMLResponse": "x"}, {"RelayState": "x"}, {"SAMLResponse": "%%%", "RelayState": "x"}]
)
def test_s36_missing_parts_are_a_calm_page(provider: IdentityProvider, form: dict[str, str]) -> None:
    assert Client().post(reverse("identity_acs", args=[SLUG]), form).status_code == 400


@pytest.mark.parametrize(
    "message",
    ["", "%%%", "bm8geG1s", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"<a/>").decode()],
)
def test_s36_what_is_no_message_ends_the_sign_in_calmly(client: Client, asked: Asked, message: str) -> None:
    page = client.get(post_answer(message, asked.relay_state)["Location"])
    assert page.status_code == 400
    assert "Traceback" not in page.content.decode()


def test_s36_looking_at_the_address_does_nothing(provider: IdentityProvider, client: Client) -> None:
    assert client.get(reverse("identity_acs", args=[SLUG])).status_code == 405
    assert client.post(reverse("identity_acs", args=["no-such"])).status_code == 404


def test_the_row_holds_nothing_readable_about_the_person(client: Client, asked: Asked) -> None:
    post_answer(good(asked).encoded(), asked.relay_state)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM identity_logintransaction t")
        row = cursor.fetchone()[0]
    for secret in (CPR, "Østergaard", NAME_ID, asked.relay_state, asked.request_id):
        assert secret not in row


def test_the_trail_holds_neither_number_nor_name(client: Client, clinic: Clinic, asked: Asked) -> None:
    accepted(client, clinic, asked, good(asked))
    again = begin_saml(client, clinic)
    bring(client, again, good(again, issuer=f"{ISSUER}/{CPR}"))
    written = str(list(AuditEvent.objects.values_list("details", "subject_id")))
    for secret in (CPR, NAME_ID, asked.relay_state, "Østergaard"):
        assert secret not in written
