"""A SAML provider of the tests' own. It signs, encrypts and forges with code that neither the portal nor the demo has."""

import base64
import functools
import os
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.test import Client
from django.urls import reverse
from lxml import etree

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from identity.choices import Assurance, Method, Protocol
from identity.models import ClinicIdentityProvider, IdentityProvider, ProviderKey

SLUG = "mitid-test"
ISSUER = "https://saml.idp.example"
OUR_NAME = "https://portal.example/saml"
BORN = date(1975, 5, 2)
CPR = national_id.make_synthetic(Country.DENMARK, BORN, serial=71)
OTHER_CPR = national_id.make_synthetic(Country.DENMARK, date(1970, 1, 2), serial=72)
NAME_ID = "https://data.gov.dk/model/core/eid/person/uuid/1b3c2d4e-0000-4000-8000-000000000001"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
SESSION_INDEX = "_session-1"
MODEL = "https://data.gov.dk/model/core/"
SPEC, CPR_NAME = f"{MODEL}specVersion", f"{MODEL}eid/cprNumber"
LOA = "https://data.gov.dk/concept/core/nsis/loa"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
GCM, OAEP = "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#rsa-oaep"
XENC, DS = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2000/09/xmldsig#"
NS = 'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"

Change = Callable[[str], str]


@dataclass(frozen=True)
class Pair:
    """A key and a certificate, both PEM."""

    key: str
    certificate: str

    @property
    def public(self) -> rsa.RSAPublicKey:
        """Return the public half."""
        found = x509.load_pem_x509_certificate(self.certificate.encode()).public_key()
        assert isinstance(found, rsa.RSAPublicKey)
        return found


def make_pair(
    name: str, *, begins: timedelta = timedelta(days=-1), ends: timedelta = timedelta(days=700)
) -> Pair:
    """Return a new pair, its certificate good from and until so long from now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(plain.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())


@functools.cache
def pair(name: str) -> Pair:
    """Return the pair of this name, the same within one run."""
    return make_pair(name)


def idp_pair() -> Pair:
    """Return the provider's pair."""
    return pair("idp")


def our_pair() -> Pair:
    """Return the portal's pair."""
    return pair("portal")


def saml_row(**values: Any) -> IdentityProvider:
    """Return an unsaved row shaped like the national citizen access."""
    defaults = {
        "slug": SLUG,
        "protocol": Protocol.SAML,
        "country": Country.DENMARK,
        "method": Method.MITID,
        "name": "MitID",
        "issuer": ISSUER,
        "client_id": OUR_NAME,
        "client_auth": "",
        "acr_claim": LOA,
        "acr_map": {"Substantial": int(Assurance.SUBSTANTIAL), "High": int(Assurance.HIGH)},
        "nid_claim": CPR_NAME,
        "sso_address": f"{ISSUER}/sso",
        "slo_address": f"{ISSUER}/slo",
        "signing_certificates": [idp_pair().certificate],
        "spec_versions": ["OIO-SAML-3.0"],
        "use_par": False,
    }
    return IdentityProvider(**(defaults | values))


def connect_saml(clinic: Clinic, **values: Any) -> IdentityProvider:
    """Let the clinic's patients sign in there, with a key of ours."""
    provider = saml_row(**values)
    provider.save()
    ClinicIdentityProvider.objects.create(clinic=clinic, provider=provider)
    store_key(provider, our_pair(), is_signing=True)
    return provider


def store_key(provider: IdentityProvider, own: Pair, *, is_signing: bool) -> ProviderKey:
    """Give the portal a key at the provider."""
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    return ProviderKey.objects.create(
        provider=provider,
        private_key=own.key,
        certificate=own.certificate,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        ends_at=certificate.not_valid_after_utc,
        is_signing=is_signing,
        created_at=datetime.now(UTC),
    )


@dataclass(frozen=True)
class Asked:
    """What the portal sent."""

    request_id: str
    relay_state: str
    xml: Any

    @classmethod
    def at(cls, address: str) -> "Asked":
        """Return what an address holds."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        root = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))
        return cls(root.get("ID"), query.get("RelayState", ""), root)


def saml_text(moment: datetime) -> str:
    """Return an instant as SAML writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def acs_address(slug: str = SLUG) -> str:
    """Return where answers go."""
    return f"{settings.BASE_URL}{reverse('identity_acs', args=[slug])}"


def slo_address(slug: str = SLUG) -> str:
    """Return where logout messages go."""
    return f"{settings.BASE_URL}{reverse('identity_slo', args=[slug])}"


def same(text: str) -> str:
    """Change nothing."""
    return text


@dataclass(frozen=True)
class Forged:
    """A response in the making. As it stands it is a good one; each part can be another."""

    in_response_to: str | None
    wrapper_in_response_to: str | None
    destination: str | None
    recipient: str | None
    assertion_id: str = field(default_factory=lambda: f"_{secrets.token_hex(12)}")
    issuer: str = ISSUER
    wrapper_issuer: str = ISSUER
    audience: str | None = OUR_NAME
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    confirmed_until: timedelta | None = timedelta(minutes=5)
    not_before: timedelta = timedelta()
    not_on_or_after: timedelta = timedelta(minutes=5)
    authn_ago: timedelta = timedelta()
    name_id: str = NAME_ID
    name_id_format: str = PERSISTENT
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = (
        (SPEC, ("OIO-SAML-3.0",)),
        (LOA, ("Substantial",)),
        (CPR_NAME, (CPR,)),
        (f"{MODEL}eid/firstName", ("Søren",)),
        (f"{MODEL}eid/lastName", ("Østergaard",)),
        (f"{MODEL}eid/dateOfBirth", (BORN.isoformat(),)),
    )
    signer: Pair | None = field(default_factory=idp_pair)
    signature: "Signature" = field(default_factory=lambda: Signature())
    encryption: "Encryption | None" = field(default_factory=lambda: Encryption())
    status: str = f'<samlp:StatusCode Value="{STATUS}Success"/>'
    before_signing: Change = same
    after_signing: Change = same
    around: Change = same
    """What is done to the whole response, at the end."""

    @classmethod
    def answering(cls, asked: Asked, **changes: Any) -> "Forged":
        """Return the good answer to a request, with changes."""
        good = cls(
            in_response_to=asked.request_id,
            wrapper_in_response_to=asked.request_id,
            destination=acs_address(),
            recipient=acs_address(),
        )
        return replace(good, **changes)

    def having(self, **values: tuple[str, ...] | None) -> "Forged":
        """Return it with other values of attributes, by the short names spec, loa and cpr; None takes one away."""
        names = {"spec": SPEC, "loa": LOA, "cpr": CPR_NAME, "born": f"{MODEL}eid/dateOfBirth"}
        others = {names[name]: value for name, value in values.items()}
        kept = [(name, others.get(name, old)) for name, old in self.attributes]
        return replace(self, attributes=tuple((name, value) for name, value in kept if value is not None))

    def assertion(self) -> str:
        """Return the assertion, signed if someone signs."""
        text = self.before_signing(self._plain())
        if self.signer is not None:
            text = self.signature.made(text, self.signer)
        return self.after_signing(text)

    def text(self) -> str:
        """Return the whole response."""
        inside = ""
        if "Success" in self.status:
            inside = self.assertion()
            if self.encryption is not None:
                inside = self.encryption.around(inside)
        return self.around(
            f'<samlp:Response {NS} ID="_{secrets.token_hex(12)}" Version="2.0" IssueInstant="{saml_text(self.now)}"'
            f"{_attribute('Destination', self.destination)}"
            f"{_attribute('InResponseTo', self.wrapper_in_response_to)}>"
            f"<saml:Issuer>{self.wrapper_issuer}</saml:Issuer><samlp:Status>{self.status}</samlp:Status>"
            f"{inside}</samlp:Response>"
        )

    def encoded(self) -> str:
        """Return it as a form holds it."""
        return base64.b64encode(self.text().encode()).decode()

    def _plain(self) -> str:
        attributes = "".join(
            f'<saml:Attribute Name="{name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes
        )
        until = None if self.confirmed_until is None else saml_text(self.now + self.confirmed_until)
        audience = (
            f"<saml:AudienceRestriction><saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction>"
            if self.audience is not None
            else ""
        )
        return (
            f'<saml:Assertion {NS} ID="{self.assertion_id}" Version="2.0" IssueInstant="{saml_text(self.now)}">'
            f"<saml:Issuer>{self.issuer}</saml:Issuer><saml:Subject>"
            f'<saml:NameID Format="{self.name_id_format}">{self.name_id}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData'
            f"{_attribute('InResponseTo', self.in_response_to)}{_attribute('NotOnOrAfter', until)}"
            f"{_attribute('Recipient', self.recipient)}/></saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{saml_text(self.now + self.not_before)}" '
            f'NotOnOrAfter="{saml_text(self.now + self.not_on_or_after)}">{audience}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{saml_text(self.now - self.authn_ago)}" '
            f'SessionIndex="{SESSION_INDEX}"><saml:AuthnContext><saml:AuthnContextClassRef>'
            "https://data.gov.dk/concept/core/nsis/loa/Substantial</saml:AuthnContextClassRef></saml:AuthnContext>"
            f"</saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
        )


def _attribute(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{value}"'


@dataclass(frozen=True)
class Signature:
    """How an assertion is signed."""

    method: str = "RSA_SHA256"
    digest: str = "SHA256"
    transforms: tuple[str, ...] = ("ENVELOPED", "EXCL_C14N")
    canonical: str = "EXCL_C14N"
    uri: str | None = None
    second_reference: bool = False
    certificate: Pair | None = None
    """Whose certificate is put beside it, if not the signer's."""

    def made(self, text: str, signer: Pair) -> str:
        """Return the signed element."""
        root = etree.fromstring(text.encode())
        named = xmlsec.constants
        signature = xmlsec.template.create(
            root, getattr(named, f"Transform{_pascal(self.canonical)}"), _transform(self.method), ns="ds"
        )
        issuer = root.find(f"{SAML}Issuer")
        root.insert(0 if issuer is None else root.index(issuer) + 1, signature)
        uri = f"#{root.get('ID')}" if self.uri is None else self.uri
        for _ in range(2 if self.second_reference else 1):
            reference = xmlsec.template.add_reference(signature, _transform(self.digest), uri=uri)
            for transform in self.transforms:
                xmlsec.template.add_transform(reference, _transform(transform))
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
        xmlsec.tree.add_ids(root, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(signer.key.encode(), xmlsec.KeyFormat.PEM, None)
        shown = self.certificate or signer
        context.key.load_cert_from_memory(shown.certificate.encode(), xmlsec.KeyFormat.PEM)
        context.sign(signature)
        return etree.tostring(root, encoding="unicode")


def _transform(name: str) -> Any:
    return getattr(xmlsec.constants, f"Transform{_pascal(name)}")


def _pascal(name: str) -> str:
    return {
        "RSA_SHA256": "RsaSha256",
        "RSA_SHA1": "RsaSha1",
        "RSA_SHA512": "RsaSha512",
        "SHA256": "Sha256",
        "SHA1": "Sha1",
        "SHA512": "Sha512",
        "ENVELOPED": "Enveloped",
        "EXCL_C14N": "ExclC14N",
        "C14N": "InclC14N",
        "EXCL_C14N_WITH_COMMENTS": "ExclC14NWithComments",
    }[name]


@dataclass(frozen=True)
class Encryption:
    """How an assertion is encrypted: as NemLog-in does it, unless said otherwise."""

    to: Pair = field(default_factory=our_pair)
    data: str = GCM
    key: str = OAEP
    digest: str = "sha256"
    beside: bool = False
    """The encrypted key stands beside the data, which only names it."""
    spoil: Callable[[bytes], bytes] = bytes

    def around(self, plain: str) -> str:
        """Return the EncryptedAssertion."""
        secret, sealed = self._sealed(plain.encode())
        wrapped = base64.b64encode(self._wrapped(secret)).decode()
        method = (
            f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{XENC}sha256"/>' if self.digest == "sha256" else ""
        )
        mask = (
            '<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" '
            'Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/>'
            if self.key == OAEP
            else ""
        )
        encrypted_key = (
            f'<xenc:EncryptedKey xmlns:xenc="{XENC}" Id="_key"><xenc:EncryptionMethod Algorithm="{self.key}">{method}{mask}'
            f"</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData>"
            "</xenc:EncryptedKey>"
        )
        pointer = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="#_key"/>'
        return (
            f'<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element">'
            f'<xenc:EncryptionMethod Algorithm="{self.data}"/>'
            f'<ds:KeyInfo xmlns:ds="{DS}">{pointer if self.beside else encrypted_key}</ds:KeyInfo><xenc:CipherData>'
            f"<xenc:CipherValue>{base64.b64encode(self.spoil(sealed)).decode()}</xenc:CipherValue></xenc:CipherData>"
            f"</xenc:EncryptedData>{encrypted_key if self.beside else ''}</saml:EncryptedAssertion>"
        )

    def _sealed(self, plain: bytes) -> tuple[bytes, bytes]:
        if self.data.endswith("gcm"):
            secret, nonce = AESGCM.generate_key(bit_length=256), os.urandom(12)
            return secret, nonce + AESGCM(secret).encrypt(nonce, plain, None)
        triple = self.data.endswith("tripledes-cbc")
        secret = os.urandom(24 if triple else 32)
        algorithm = TripleDES(secret) if triple else algorithms.AES(secret)
        start = os.urandom(algorithm.block_size // 8)
        padder = block_padding.ANSIX923(algorithm.block_size).padder()
        full = padder.update(plain) + padder.finalize()
        machine = Cipher(algorithm, modes.CBC(start)).encryptor()
        return secret, start + machine.update(full) + machine.finalize()

    def _wrapped(self, secret: bytes) -> bytes:
        if self.key.endswith("rsa-1_5"):
            return self.to.public.encrypt(secret, padding.PKCS1v15())
        digest = hashes.SHA256() if self.digest == "sha256" else hashes.SHA1()
        mask = hashes.SHA256() if self.key == OAEP else hashes.SHA1()
        return self.to.public.encrypt(secret, padding.OAEP(padding.MGF1(mask), digest, None))


def begin_saml(client: Client, clinic: Clinic, **form: str) -> Asked:
    """Post the form of the clinic's front page and return what the portal asks the provider."""
    sent = client.post(reverse("identity:sign_in", args=[clinic.portal_identifier, SLUG]), form)
    assert sent.status_code == 303, sent.content
    return Asked.at(sent["Location"])


def post_answer(message: str, relay_state: str, slug: str = SLUG) -> Any:
    """Post an answer as the provider's page does: from another site, without any cookie."""
    sent = {"SAMLResponse": message, "RelayState": relay_state}
    return Client().post(reverse("identity_acs", args=[slug]), sent)


def come_back(client: Client, asked: Asked, **changes: Any) -> Any:
    """Bring an answer back with everything that browsers do, up to the page that says who may go on."""
    return bring(client, asked, Forged.answering(asked, **changes))


def bring(client: Client, asked: Asked, answer: Forged) -> Any:
    """Post an answer, and follow to the page that has the session."""
    posted = post_answer(answer.encoded(), asked.relay_state)
    return client.get(posted["Location"]) if posted.status_code == 303 else posted


def logout_message(kind: str, **parts: Any) -> str:
    """Return a LogoutRequest or LogoutResponse of the provider's."""
    now = parts.get("now") or datetime.now(UTC)
    index = parts.get("session_index", SESSION_INDEX)
    status = parts.get("status", f'<samlp:StatusCode Value="{STATUS}Success"/>')
    inside = {
        "LogoutRequest": f'<saml:NameID Format="{PERSISTENT}">{parts.get("name_id", NAME_ID)}</saml:NameID>'
        + (f"<samlp:SessionIndex>{index}</samlp:SessionIndex>" if index else ""),
        "LogoutResponse": f"<samlp:Status>{status}</samlp:Status>",
    }[kind]
    return (
        f'<samlp:{kind} {NS} ID="{parts.get("message_id") or "_" + secrets.token_hex(12)}" Version="2.0" '
        f'IssueInstant="{saml_text(now)}"{_attribute("Destination", parts.get("destination", slo_address()))}'
        f"{_attribute('InResponseTo', parts.get('in_response_to'))}"
        f"{_attribute('NotOnOrAfter', parts.get('not_on_or_after'))}>"
        f"<saml:Issuer>{parts.get('issuer', ISSUER)}</saml:Issuer>{inside}</samlp:{kind}>"
    )


def signed_query(
    kind: str,
    message: str,
    *,
    signer: Pair | None = None,
    method: str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    relay_state: str = "",
    raw: bytes | None = None,
) -> str:
    """Return the query string with a signed message; `raw` replaces the packed message."""
    machine = zlib.compressobj(wbits=-15)
    packed = raw if raw is not None else machine.compress(message.encode()) + machine.flush()
    parts = {kind: base64.b64encode(packed).decode()}
    parts |= {"RelayState": relay_state} if relay_state else {}
    query = urlencode(parts | {"SigAlg": method})
    digest = hashes.SHA1() if method.endswith("sha1") else hashes.SHA256()
    key = serialization.load_pem_private_key((signer or idp_pair()).key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    made = base64.b64encode(key.sign(query.encode(), padding.PKCS1v15(), digest)).decode()
    return f"{query}&{urlencode({'Signature': made})}"
