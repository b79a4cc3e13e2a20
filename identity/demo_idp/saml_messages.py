"""SAML as the national citizen access speaks it: OIOSAML 3, signed and encrypted.

Written without a line of what verifies it in the portal: XML is built as text and signed by libxmlsec1, the
encryption is made by hand in NemLog-in's shape (AES-256-GCM, RSA-OAEP with SHA-256), so that both can't be wrong in
the same way.
"""

import base64
import os
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus
from xml.sax.saxutils import escape, quoteattr

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from identity.demo_idp.saml_keys import KeyPair

NAMES = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
}
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
LASTS = timedelta(minutes=5)
_LONGEST = 100_000
_EID = "https://data.gov.dk/model/core/eid/"
_XMLNS = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMES.items())


class BadMessage(ValueError):
    """A message is not signed by the portal, or can't be read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request of the portal says."""

    request_id: str
    issuer: str
    destination: str
    acs: str
    relay_state: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an assertion is about."""

    name_id: str
    session_index: str
    loa: str
    attributes: dict[str, str]
    """Short name below the national model's address -> value."""


def opened(query: str, kind: str, certificates: list[str]) -> tuple[Any, str]:
    """Return the root of a signed message in a query string, and its RelayState. Raises BadMessage."""
    values = dict(parse_qsl(query, keep_blank_values=True))
    names = [kind, *(["RelayState"] if "RelayState" in values else []), "SigAlg"]
    if not {*names, "Signature"} <= values.keys() or values["SigAlg"] != RSA_SHA256:
        raise BadMessage("not signed as agreed")
    signed = "&".join(f"{name}={quote_plus(values[name])}" for name in names).encode()
    try:
        signature = base64.b64decode(values["Signature"])
        text = zlib.decompressobj(-15).decompress(base64.b64decode(values[kind]), _LONGEST)
    except (ValueError, zlib.error):
        raise BadMessage("not readable") from None
    if not any(_verifies(one, signed, signature) for one in certificates):
        raise BadMessage("not signed by the portal")
    try:
        return etree.fromstring(text), values.get("RelayState", "")
    except etree.XMLSyntaxError:
        raise BadMessage("not XML") from None


def asked(root: Any, relay_state: str) -> Asked:
    """Return what an AuthnRequest says. Raises BadMessage."""
    if root.tag != f"{{{NAMES['samlp']}}}AuthnRequest":
        raise BadMessage("not a request to sign in")
    return Asked(
        request_id=root.get("ID", ""),
        issuer=root.findtext("saml:Issuer", "", NAMES),
        destination=root.get("Destination", ""),
        acs=root.get("AssertionConsumerServiceURL", ""),
        relay_state=relay_state,
    )


def answer(
    question: Asked, subject: Subject, *, issuer: str, key: KeyPair, encrypt_to: str, now: datetime
) -> str:
    """Return the response (base64) that vouches for the subject."""
    assertion = _signed(_assertion(question, subject, issuer=issuer, now=now), key)
    inside = f"<saml:EncryptedAssertion>{_encrypted(assertion, encrypt_to)}</saml:EncryptedAssertion>"
    return _response(question, f'<samlp:StatusCode Value="{STATUS}Success"/>', inside, issuer, now)


def refusal(question: Asked, *, issuer: str, now: datetime) -> str:
    """Return the response (base64) that says that nobody signed in."""
    code = f'<samlp:StatusCode Value="{STATUS}Responder"><samlp:StatusCode Value="{STATUS}AuthnFailed"/></samlp:StatusCode>'
    return _response(question, code, "", issuer, now)


def logout_request(subject: tuple[str, str], *, issuer: str, destination: str, now: datetime) -> str:
    """Return a request to end the session (name, session index)."""
    name_id, session_index = subject
    return (
        f'<samlp:LogoutRequest {_XMLNS} ID="{_new_id()}" Version="2.0" IssueInstant="{_text(now)}" '
        f'Destination={quoteattr(destination)} NotOnOrAfter="{_text(now + LASTS)}">'
        f"<saml:Issuer>{escape(issuer)}</saml:Issuer>"
        f'<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{escape(name_id)}</saml:NameID>'
        f"<samlp:SessionIndex>{escape(session_index)}</samlp:SessionIndex></samlp:LogoutRequest>"
    )


def logout_response(in_response_to: str, *, issuer: str, destination: str, now: datetime) -> str:
    """Return the answer that says that everything is over."""
    return (
        f'<samlp:LogoutResponse {_XMLNS} ID="{_new_id()}" Version="2.0" IssueInstant="{_text(now)}" '
        f"Destination={quoteattr(destination)} InResponseTo={quoteattr(in_response_to)}>"
        f"<saml:Issuer>{escape(issuer)}</saml:Issuer>"
        f'<samlp:Status><samlp:StatusCode Value="{STATUS}Success"/></samlp:Status></samlp:LogoutResponse>'
    )


def redirect(destination: str, kind: str, message: str, *, relay_state: str, key: KeyPair) -> str:
    """Return the address with the signed message in it."""
    packer = zlib.compressobj(wbits=-15)
    packed = base64.b64encode(packer.compress(message.encode()) + packer.flush()).decode()
    parts = {kind: packed, **({"RelayState": relay_state} if relay_state else {}), "SigAlg": RSA_SHA256}
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in parts.items())
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.private_key.encode(), xmlsec.KeyFormat.PEM, None)
    made = base64.b64encode(context.sign_binary(query.encode(), xmlsec.Transform.RSA_SHA256)).decode()
    return f"{destination}?{query}&Signature={quote_plus(made)}"


def _assertion(question: Asked, subject: Subject, *, issuer: str, now: datetime) -> str:
    values = {
        "https://data.gov.dk/model/core/specVersion": "OIO-SAML-3.0",
        "https://data.gov.dk/concept/core/nsis/loa": subject.loa,
        **{f"{_EID}{name}": value for name, value in subject.attributes.items()},
    }
    attributes = "".join(
        f'<saml:Attribute Name="{name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
        f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue></saml:Attribute>"
        for name, value in values.items()
    )
    return (
        f'<saml:Assertion {_XMLNS} ID="{_new_id()}" Version="2.0" IssueInstant="{_text(now)}">'
        f"<saml:Issuer>{escape(issuer)}</saml:Issuer><saml:Subject>"
        f'<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{escape(subject.name_id)}</saml:NameID>'
        f'<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData '
        f'InResponseTo={quoteattr(question.request_id)} NotOnOrAfter="{_text(now + LASTS)}" '
        f"Recipient={quoteattr(question.acs)}/></saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{_text(now)}" NotOnOrAfter="{_text(now + LASTS)}"><saml:AudienceRestriction>'
        f"<saml:Audience>{escape(question.issuer)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{_text(now)}" SessionIndex="{subject.session_index}"><saml:AuthnContext>'
        f"<saml:AuthnContextClassRef>https://data.gov.dk/concept/core/nsis/loa/{subject.loa}</saml:AuthnContextClassRef>"
        f"</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement>"
        f"</saml:Assertion>"
    )


def _response(question: Asked, code: str, inside: str, issuer: str, now: datetime) -> str:
    text = (
        f'<samlp:Response {_XMLNS} ID="{_new_id()}" Version="2.0" IssueInstant="{_text(now)}" '
        f"Destination={quoteattr(question.acs)} InResponseTo={quoteattr(question.request_id)}>"
        f"<saml:Issuer>{escape(issuer)}</saml:Issuer><samlp:Status>{code}</samlp:Status>{inside}</samlp:Response>"
    )
    return base64.b64encode(text.encode()).decode()


def _signed(assertion: str, key: KeyPair) -> bytes:
    root = etree.fromstring(assertion.encode())
    signature = xmlsec.template.create(root, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds")
    root.insert(1, signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=f"#{root.get('ID')}")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.private_key.encode(), xmlsec.KeyFormat.PEM, None)
    context.key.load_cert_from_memory(key.certificate.encode(), xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return bytes(etree.tostring(root))


def _encrypted(plain: bytes, certificate: str) -> str:
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise BadMessage("not an RSA key")
    secret, nonce = AESGCM.generate_key(bit_length=256), os.urandom(12)
    sealed = base64.b64encode(nonce + AESGCM(secret).encrypt(nonce, plain, None)).decode()
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    wrapped = base64.b64encode(public.encrypt(secret, oaep)).decode()
    return (
        '<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" '
        'Type="http://www.w3.org/2001/04/xmlenc#Element">'
        '<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>'
        '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey>'
        '<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#rsa-oaep">'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        '<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" '
        'Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha256"/></xenc:EncryptionMethod>'
        f"<xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"
        f"</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData>"
        "</xenc:EncryptedData>"
    )


def _verifies(certificate: str, signed: bytes, signature: bytes) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate.encode(), xmlsec.KeyFormat.CERT_PEM, None)
    try:
        context.verify_binary(signed, xmlsec.Transform.RSA_SHA256, signature)
    except xmlsec.Error:
        return False
    return True


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _new_id() -> str:
    return f"_{secrets.token_hex(16)}"
