"""The HTTP-Redirect binding: a signed message in an address (SAML bindings 3.4.4)."""

import base64
import zlib
from urllib.parse import quote_plus, unquote_plus

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from identity.saml import certificates as saml_certificates
from identity.saml import xml as saml_xml
from identity.saml.xml import MessageRefused, require

_METHODS: dict[str, hashes.HashAlgorithm] = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": hashes.SHA384(),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": hashes.SHA512(),
}
RSA_SHA256 = next(iter(_METHODS))
LONGEST_RELAY_STATE = 80
"""Bytes (SAML bindings 3.4.3)."""


def address(target: str, kind: str, message: bytes, *, relay_state: str, private_key: str) -> str:
    """Return where to send the browser. `kind` is SAMLRequest or SAMLResponse, the key a PEM."""
    machine = zlib.compressobj(wbits=-15)
    packed = base64.b64encode(machine.compress(message) + machine.flush()).decode()
    parts = [(kind, packed), *([("RelayState", relay_state)] if relay_state else []), ("SigAlg", RSA_SHA256)]
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in parts)
    key = saml_certificates.private(private_key, is_known=True)
    signature = base64.b64encode(key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    joint = "&" if "?" in target else "?"
    return f"{target}{joint}{query}&Signature={quote_plus(signature)}"


def received(query: str, kind: str, certificates: list[str]) -> tuple[bytes, str]:
    """Return the message and the RelayState of a query string whose signature one of these keys made.

    The signature is over the text as the sender wrote it, so the raw query is needed. Raises MessageRefused.
    """
    raw = _parts(query)
    require({kind, "SigAlg", "Signature"} <= raw.keys(), "signature")
    digest = _METHODS.get(unquote_plus(raw["SigAlg"]))
    if digest is None:
        raise MessageRefused("algorithm")
    relay_state = unquote_plus(raw.get("RelayState", ""))
    require(len(relay_state.encode()) <= LONGEST_RELAY_STATE, "relay-state")
    named = [kind, *(["RelayState"] if "RelayState" in raw else []), "SigAlg"]
    signed = "&".join(f"{name}={raw[name]}" for name in named).encode()
    signature = saml_xml.decoded(unquote_plus(raw["Signature"]))
    require(any(_is_signed(one, signature, signed, digest) for one in certificates), "signature")
    return saml_xml.inflated(saml_xml.decoded(unquote_plus(raw[kind]))), relay_state


def _parts(query: str) -> dict[str, str]:
    """Return the raw values by name. A name that is there twice is refused: readers choose differently."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        require(name not in found, "query")
        found[name] = value
    return found


def _is_signed(certificate: str, signature: bytes, signed: bytes, digest: hashes.HashAlgorithm) -> bool:
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True
