"""Connecting a SAML provider: metadata by fingerprint, our own metadata, keys that change, certificates that end."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from lxml import etree
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from identity.choices import Method, Protocol
from identity.models import IdentityProvider, ProviderKey
from portal.models import AuditEvent
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import provider_row
from tests.identity.build_saml import (
    ISSUER,
    OUR_NAME,
    SLUG,
    Asked,
    Pair,
    acs_address,
    begin_saml,
    connect_saml,
    idp_pair,
    make_pair,
    our_pair,
    pair,
    slo_address,
    store_key,
)
from tests.identity.saml_fixtures import clinic, provider

pytestmark = pytest.mark.django_db
__all__ = ["clinic", "provider"]

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
MD, DS = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"


def print_of(own: Pair) -> str:
    return x509.load_pem_x509_certificate(own.certificate.encode()).fingerprint(hashes.SHA256()).hex()


def base64_of(own: Pair) -> str:
    return "".join(own.certificate.split("\n")[1:-2])


def metadata_text(*signers: Pair, extra: str = "", entity_id: str = ISSUER, host: str = ISSUER) -> str:
    keys = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>'
        f"{base64_of(one)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for one in signers
    )
    return (
        f'<md:EntityDescriptor xmlns:md="{MD}" entityID="{entity_id}"{extra}><!-- theirs -->'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}'
        f'<md:SingleLogoutService Binding="{REDIRECT}" Location="{host}/slo" ResponseLocation="{host}/slo-done"/>'
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{host}/post"/>'
        f'<md:SingleSignOnService Binding="{REDIRECT}" Location="{host}/sso"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "metadata.xml"
    path.write_text(metadata_text(idp_pair()))
    return path


def load(file: Path, *options: str) -> None:
    call_command("saml_provider", SLUG, str(file), *options)


def exit_code(*arguments: str) -> int:
    with pytest.raises(CommandError) as error:
        call_command(*arguments)
    return int(error.value.returncode)


def test_metadata_is_loaded_when_every_certificate_is_named(db: None, file: Path, capsys: Any) -> None:
    named = ("--fingerprint", print_of(idp_pair()).upper())
    load(file, *named)
    assert "Nothing is stored yet" in capsys.readouterr().out
    assert not IdentityProvider.objects.exists()
    load(file, *named, "--apply")
    row = IdentityProvider.objects.get()
    assert (row.issuer, row.sso_address, row.slo_address) == (ISSUER, f"{ISSUER}/sso", f"{ISSUER}/slo")
    assert row.slo_response_address == f"{ISSUER}/slo-done"
    assert (row.protocol, row.method, row.country) == (Protocol.SAML, Method.MITID, "DK")
    assert row.client_id.endswith(reverse("identity_saml_metadata", args=[SLUG]))
    assert row.signing_certificates == [idp_pair().certificate]
    assert len(row.metadata_fingerprint) == 64
    assert AuditEvent.objects.get().action == "provider.metadata-loaded"


def test_colons_in_a_fingerprint_are_fine(db: None, file: Path) -> None:
    text = print_of(idp_pair())
    load(file, "--fingerprint", ":".join(text[place : place + 2] for place in range(0, 64, 2)), "--apply")
    assert IdentityProvider.objects.exists()


def test_another_fingerprint_stops_everything(db: None, file: Path) -> None:
    assert exit_code("saml_provider", SLUG, str(file), "--apply") == 1
    assert exit_code("saml_provider", SLUG, str(file), "--fingerprint", "00" * 32, "--apply") == 1
    assert not IdentityProvider.objects.exists()


def test_of_two_certificates_both_must_be_named(provider: IdentityProvider, file: Path) -> None:
    file.write_text(metadata_text(idp_pair(), pair("new idp")))
    first = ("--fingerprint", print_of(idp_pair()))
    assert exit_code("saml_provider", SLUG, str(file), *first, "--apply") == 1
    assert len(IdentityProvider.objects.get().signing_certificates) == 1
    load(file, *first, "--fingerprint", print_of(pair("new idp")), "--apply")
    row = IdentityProvider.objects.get()
    assert row.signing_certificates == [idp_pair().certificate, pair("new idp").certificate]
    assert row.own_keys.count() == 1


def ec_certificate() -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    made = make_pair("x")
    name = x509.load_pem_x509_certificate(made.certificate.encode())
    certificate = (
        x509.CertificateBuilder(name.subject, name.issuer, key.public_key(), 1)
        .not_valid_before(name.not_valid_before_utc)
        .not_valid_after(name.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Pair(plain, certificate.public_bytes(Encoding.PEM).decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not xml",
        "<a/>",
        metadata_text(),
        metadata_text(ec_certificate()),
        metadata_text(idp_pair()).replace(base64_of(idp_pair()), "AAAA"),
        metadata_text(idp_pair()).replace(REDIRECT, "urn:other"),
        metadata_text(idp_pair(), extra=' validUntil="2020-01-01T00:00:00Z"'),
        '<!DOCTYPE a [<!ENTITY b "c">]>' + metadata_text(idp_pair()),
    ],
    ids=["empty", "text", "other", "no-key", "ec-key", "bad-key", "no-redirect", "over", "doctype"],
)
def test_a_file_that_cannot_be_used_says_so(db: None, file: Path, text: str) -> None:
    file.write_text(text)
    assert exit_code("saml_provider", SLUG, str(file), "--fingerprint", print_of(idp_pair()), "--apply") == 2
    assert exit_code("saml_provider", SLUG, f"{file}.missing") == 2
    assert not IdentityProvider.objects.exists()


def test_one_of_several_providers_is_chosen_by_its_name(db: None, file: Path) -> None:
    both = metadata_text(idp_pair()) + metadata_text(idp_pair(), entity_id="https://second.example")
    file.write_text(f'<md:EntitiesDescriptor xmlns:md="{MD}">{both}</md:EntitiesDescriptor>')
    named = ("--fingerprint", print_of(idp_pair()), "--apply")
    assert exit_code("saml_provider", SLUG, str(file), *named) == 2
    load(file, *named, "--entity-id", "https://second.example")
    assert IdentityProvider.objects.get().issuer == "https://second.example"


def test_production_takes_no_plain_addresses(db: None, file: Path, settings: Any) -> None:
    settings.IS_DEVELOPMENT = False
    file.write_text(metadata_text(idp_pair(), host="http://saml.idp.example"))
    assert exit_code("saml_provider", SLUG, str(file), "--fingerprint", print_of(idp_pair()), "--apply") == 2


def test_a_provider_of_another_protocol_is_not_overwritten(db: None, file: Path) -> None:
    provider_row(slug=SLUG).save()
    assert exit_code("saml_provider", SLUG, str(file), "--fingerprint", print_of(idp_pair()), "--apply") == 2
    assert IdentityProvider.objects.get().protocol == Protocol.OIDC


def our_metadata(slug: str = SLUG) -> Any:
    answer = Client().get(reverse("identity_saml_metadata", args=[slug]))
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    return etree.fromstring(answer.content)


def test_our_metadata_is_signed_valid_and_says_everything(provider: IdentityProvider) -> None:
    content = Client().get(reverse("identity_saml_metadata", args=[SLUG])).content
    root = etree.fromstring(content)
    assert OneLogin_Saml2_XML.validate_xml(root, "saml-schema-metadata-2.0.xsd") is root
    assert OneLogin_Saml2_Utils.validate_metadata_sign(content, cert=our_pair().certificate)
    assert root.get("entityID") == OUR_NAME
    role = root.find(f"{{{MD}}}SPSSODescriptor")
    assert (role.get("AuthnRequestsSigned"), role.get("WantAssertionsSigned")) == ("true", "true")
    assert role.find(f"{{{MD}}}AssertionConsumerService").get("Location") == acs_address()
    assert role.find(f"{{{MD}}}SingleLogoutService").get("Location") == slo_address()
    key = ProviderKey.objects.get()
    assert root.get("validUntil") == key.ends_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    required = [
        one.get("Name") for one in role.iter(f"{{{MD}}}RequestedAttribute") if one.get("isRequired") == "true"
    ]
    assert "https://data.gov.dk/model/core/eid/cprNumber" in required


def test_without_a_key_there_is_no_metadata(provider: IdentityProvider) -> None:
    provider.own_keys.all().delete()
    assert Client().get(reverse("identity_saml_metadata", args=[SLUG])).status_code == 404


def certificates_in(root: Any, use: str) -> list[str]:
    return [
        element.text
        for descriptor in root.iter(f"{{{MD}}}KeyDescriptor")
        if descriptor.get("use") == use
        for element in descriptor.iter(f"{{{DS}}}X509Certificate")
    ]


def files_of(folder: Path, own: Pair) -> list[str]:
    paths = [folder / "key.pem", folder / "certificate.pem"]
    paths[0].write_text(own.key)
    paths[1].write_text(own.certificate)
    return [str(path) for path in paths]


def test_our_key_is_changed_while_patients_sign_in(
    provider: IdentityProvider, clinic: Clinic, client: Client, tmp_path: Path, capsys: Any
) -> None:
    new = pair("our next")
    call_command("saml_keys", SLUG, "--add", *files_of(tmp_path, new))
    assert "ours, decrypts" in capsys.readouterr().out
    for use in ("signing", "encryption"):
        assert certificates_in(our_metadata(), use) == [base64_of(our_pair()), base64_of(new)]
    assert exit_code("saml_keys", SLUG, "--retire", print_of(our_pair())) == 2
    assert exit_code("saml_keys", SLUG, "--add", *files_of(tmp_path, pair("our third"))) == 2
    call_command("saml_keys", SLUG, "--use", print_of(new)[:12])
    assert ProviderKey.objects.get(is_signing=True).fingerprint == print_of(new)
    sent = begin_saml(client, clinic)
    assert isinstance(sent, Asked)
    call_command("saml_keys", SLUG, "--retire", print_of(our_pair()))
    assert certificates_in(our_metadata(), "signing") == [base64_of(new)]
    assert [
        event.action for event in AuditEvent.objects.filter(action__startswith="provider.").order_by("pk")
    ] == [
        "provider.key-added",
        "provider.key-used",
        "provider.key-retired",
    ]


def test_the_first_key_signs_at_once(provider: IdentityProvider, tmp_path: Path) -> None:
    provider.own_keys.all().delete()
    call_command("saml_keys", SLUG, "--add", *files_of(tmp_path, our_pair()))
    assert ProviderKey.objects.get().is_signing


@pytest.mark.parametrize(
    "own",
    [
        Pair(our_pair().key, pair("stranger").certificate),
        Pair("not a key", our_pair().certificate),
        Pair(our_pair().key, "not a certificate"),
        ec_certificate(),
        make_pair("over", begins=timedelta(days=-9), ends=timedelta(days=-1)),
        our_pair(),
    ],
    ids=["another-key", "no-key", "no-certificate", "ec", "over", "there-already"],
)
def test_keys_that_cannot_be_used_are_refused(provider: IdentityProvider, tmp_path: Path, own: Pair) -> None:
    assert exit_code("saml_keys", SLUG, "--add", *files_of(tmp_path, own)) == 2
    assert ProviderKey.objects.count() == 1


def test_wrong_names_are_told(provider: IdentityProvider, tmp_path: Path) -> None:
    assert exit_code("saml_keys", "no-such") == 2
    assert exit_code("saml_keys", SLUG, "--use", "00") == 2
    assert exit_code("saml_keys", SLUG, "--use", "") == 2
    assert exit_code("saml_keys", SLUG, "--add", str(tmp_path / "a"), str(tmp_path / "b")) == 2


def test_s35_the_end_of_a_certificate_is_told_in_time(clinic: Clinic, client: Client, capsys: Any) -> None:
    provider = connect_saml(clinic)
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    address = reverse("identity_admin:sign_in", args=[clinic.portal_identifier])
    client.cookies["django_language"] = "en"
    assert "ends soon" not in client.get(address).content.decode()
    assert not warnings()
    call_command("saml_keys", SLUG)
    store_key(provider, make_pair("ours", ends=timedelta(days=59)), is_signing=False)
    assert "ends soon" in client.get(address).content.decode()
    assert len(warnings()) == 1
    assert exit_code("saml_keys", SLUG) == 1
    assert "CHANGE IT" in capsys.readouterr().out
    over = make_pair("theirs", begins=timedelta(days=-9), ends=timedelta(days=-1))
    IdentityProvider.objects.update(signing_certificates=[idp_pair().certificate, over.certificate])
    assert "has ended" in client.get(address).content.decode()
    assert len(warnings()) == 2


def warnings() -> list[Any]:
    found = run_checks(databases=["default"], tags=["database"])
    return [check for check in found if check.id == "identity.W001"]


def test_a_clinic_sees_certificates_of_its_own_providers_only(
    clinic: Clinic, provider: IdentityProvider, client: Client
) -> None:
    provider.clinics.all().delete()
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    page = client.get(reverse("identity_admin:sign_in", args=[clinic.portal_identifier]))
    assert "certificates" not in page.content.decode()


def test_keys_rest_encrypted(provider: IdentityProvider, django_assert_num_queries: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM identity_providerkey t")
        row = cursor.fetchone()[0]
    assert "PRIVATE KEY" not in row


def test_the_demos_metadata_is_read_by_others(db: None, settings: Any) -> None:
    content = Client().get("/demo-idp/mitid/saml/metadata").content
    read = OneLogin_Saml2_IdPMetadataParser.parse(content.decode())
    assert read["idp"]["entityId"] == f"{settings.BASE_URL}/demo-idp/mitid"
    assert read["idp"]["singleSignOnService"]["url"].endswith("/demo-idp/mitid/saml/sso")
    assert Client().get("/demo-idp/bankid/saml/metadata").status_code == 404
