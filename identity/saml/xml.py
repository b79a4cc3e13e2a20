"""Reading XML that strangers send. What could make two readers see different things is refused before anyone reads it.

The gate is passed twice: by the message as it came, because python3-saml decrypts while it is constructed, and by
what was inside the encryption (identity research 3.1, S5, S20-S24, S34).
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Any

from lxml import etree

from identity.choices import SignInFault

LONGEST_MESSAGE = 200_000
"""Bytes of a message. A real answer has about 15,000."""
MOST_ELEMENTS, DEEPEST = 2_000, 40

SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
MD, DS = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"
XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"

SIGNATURE_METHODS = {f"{_MORE}rsa-sha256", f"{_MORE}rsa-sha384", f"{_MORE}rsa-sha512"}
DIGESTS = {f"{XENC}sha256", f"{_MORE}sha384", f"{XENC}sha512"}
_OAEP_DIGESTS = DIGESTS | {f"{DS}sha1"}
_MASKS = {f"{XENC11}mgf1sha{size}" for size in (1, 256, 384, 512)}
_KEY_TRANSPORT = {f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep"}
_GCM = {f"{XENC11}aes{size}-gcm" for size in (128, 192, 256)}
_CBC = {f"{XENC}aes{size}-cbc" for size in (128, 192, 256)}
_REFUSED = {
    f"{{{DS}}}Object",
    f"{{{DS}}}Manifest",
    f"{{{XENC}}}CipherReference",
    f"{{{XENC}}}EncryptionProperties",
    f"{{{SAML}}}Advice",
    f"{{{SAML}}}EncryptedID",
    f"{{{SAML}}}EncryptedAttribute",
}
"""Places where something unsigned could stand, or that lead elsewhere. No provider of ours uses them."""
_DECLARATION = re.compile(
    rb"\A<\?xml version=[\"']1\.0[\"'](?: encoding=[\"']utf-8[\"'])?(?: standalone=[\"'](?:yes|no)[\"'])? ?\?>",
    re.IGNORECASE,
)


class MessageRefused(Exception):
    """A message fails a check. `check` names it; nothing of the message is repeated."""

    def __init__(self, check: str, fault: SignInFault = SignInFault.TOKEN) -> None:
        super().__init__(check)
        self.check = check
        self.fault = fault


def require(holds: bool, check: str, fault: SignInFault = SignInFault.TOKEN) -> None:
    """Raise MessageRefused unless it holds."""
    if not holds:
        raise MessageRefused(check, fault)


def decoded(text: str) -> bytes:
    """Return what the base64 text of a form or an address stands for. Raises MessageRefused."""
    require(0 < len(text) <= LONGEST_MESSAGE * 4 // 3 + 4_000, "size")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MessageRefused("base64") from None


def inflated(raw: bytes) -> bytes:
    """Return the message behind raw DEFLATE (SAML bindings 3.4.4.1), however small it was made. Raises MessageRefused."""
    machine = zlib.decompressobj(-15)
    try:
        message = machine.decompress(raw, LONGEST_MESSAGE + 1)
    except zlib.error:
        raise MessageRefused("deflate") from None
    require(len(message) <= LONGEST_MESSAGE, "size")
    require(machine.eof and not machine.unused_data, "deflate")
    return message


def parser() -> Any:
    """Return a parser that fetches nothing and expands nothing."""
    return etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )


def parsed(message: bytes) -> Any:
    """Return the root of a message without document type, comments, instructions or CDATA. Raises MessageRefused."""
    require(len(message) <= LONGEST_MESSAGE, "size")
    body = _DECLARATION.sub(b"", message.strip(), count=1)
    require(b"\x00" not in body and b"<!" not in body and b"<?" not in body, "markup")
    try:
        body.decode("utf-8")
        root = etree.fromstring(body, parser())
    except (UnicodeDecodeError, etree.XMLSyntaxError, ValueError):
        raise MessageRefused("malformed") from None
    check_tree(root)
    return root


def check_tree(root: Any) -> None:
    """Refuse a tree that is too large, or holds anything but elements and text, or the same ID twice."""
    seen: set[str] = set()
    for number, (element, depth) in enumerate(_walk(root)):
        require(number < MOST_ELEMENTS and depth < DEEPEST, "size")
        require(isinstance(element.tag, str), "markup")
        require(element.tag not in _REFUSED, "element")
        for name in ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id"):
            identifier = element.get(name)
            require(identifier is None or identifier not in seen, "duplicate-id")
            seen |= {identifier} if identifier is not None else set()


def check_algorithms(root: Any, *, allows_cbc: bool) -> None:
    """Refuse every algorithm and transform that is not on the list, wherever it stands. Raises MessageRefused."""
    for element in root.iter():
        if element.tag == f"{{{DS}}}Transforms":
            _check_transforms(element)
        if element.tag == f"{{{DS}}}SignedInfo":
            require(len(element.findall(f"{{{DS}}}Reference")) == 1, "reference")
        if element.tag == f"{{{DS}}}RetrievalMethod":
            require(element.get("URI", "").startswith("#") and len(element) == 0, "key-info")
        algorithm = element.get("Algorithm")
        if algorithm is not None:
            require(algorithm in _allowed(element, allows_cbc=allows_cbc), _complaint(element))


def _allowed(element: Any, *, allows_cbc: bool) -> set[str]:
    parent = element.getparent()
    above = parent.tag if parent is not None else ""
    in_key = above == f"{{{XENC}}}EncryptedKey"
    known: dict[str, set[str]] = {
        f"{{{DS}}}CanonicalizationMethod": {EXCLUSIVE},
        f"{{{DS}}}Transform": {EXCLUSIVE, ENVELOPED},
        f"{{{DS}}}SignatureMethod": SIGNATURE_METHODS,
        f"{{{DS}}}DigestMethod": _OAEP_DIGESTS if above == f"{{{XENC}}}EncryptionMethod" else DIGESTS,
        f"{{{XENC11}}}MGF": _MASKS,
        f"{{{XENC}}}EncryptionMethod": _KEY_TRANSPORT if in_key else _GCM | (_CBC if allows_cbc else set()),
    }
    return known.get(element.tag, set())


def _check_transforms(transforms: Any) -> None:
    """S21: the signature's own element is left out, the rest made canonical, and nothing else is done to it."""
    named = [one.get("Algorithm") for one in transforms]
    require(named == [ENVELOPED, EXCLUSIVE], "transform")


def _complaint(element: Any) -> str:
    name = etree.QName(element).localname
    return {"Transform": "transform", "EncryptionMethod": "encryption", "MGF": "encryption"}.get(
        name, "algorithm"
    )


def _walk(root: Any) -> Iterator[tuple[Any, int]]:
    waiting = [(root, 0)]
    while waiting:
        element, depth = waiting.pop()
        yield element, depth
        waiting.extend((child, depth + 1) for child in element)


def text_of(element: Any) -> str:
    """Return the text of an element that holds nothing else. Raises MessageRefused."""
    require(len(element) == 0, "element")
    return element.text or ""


def only(parent: Any, tag: str, check: str) -> Any:
    """Return the one child of this name ("{namespace}Name"). Raises MessageRefused if there are none or several."""
    found = parent.findall(tag)
    require(len(found) == 1, check)
    return found[0]
