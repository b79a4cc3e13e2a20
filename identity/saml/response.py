"""Opens and verifies a SAML response: python3-saml with the gaps closed that it leaves (identity research 3.1, 4.2).

python3-saml decrypts, checks the schema and verifies the signature with libxmlsec1. signxml then verifies the same
assertion with other code, and only the tree that it returns is read further (S22).
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import xmlsec
from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from identity.choices import SignInFault
from identity.saml import xml as saml_xml
from identity.saml.xml import DS, SAML, SAMLP, XENC, XENC11, MessageRefused, require

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
MOST_KEYS = 4
"""Encrypted keys in a message: each is tried with each of ours, which takes time (S34)."""
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
_ENCRYPTED = f"{{{SAML}}}EncryptedAssertion"
_ASSERTION = f"{{{SAML}}}Assertion"
_EXPECTED = SignatureConfiguration(
    require_x509=True,
    location="./",
    expect_references=1,
    signature_methods=frozenset(
        {SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512}
    ),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}),
)


class Cancelled(Exception):
    """The provider says that the person did not sign in."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom we believe, and what opens what is encrypted to us."""

    issuer: str
    sso_address: str
    certificates: list[str]
    """PEM; those in force."""
    our_entity_id: str
    acs: str
    """Where the answer must have been sent to."""
    private_keys: list[str]
    """PEM; two while we change keys."""
    our_certificate: str
    """PEM of the signing one."""
    allows_cbc: bool


@dataclass(frozen=True, slots=True)
class Wrapper:
    """What stands outside the signature: never believed, but it must not contradict what is signed."""

    destination: str
    in_response_to: str
    issuer: str


class OioSettings(OneLogin_Saml2_Settings):
    """python3-saml's settings, with as many keys to decrypt with as we have."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        super().__init__(settings=_settings(trust))


class OioResponse(OneLogin_Saml2_Response):
    """A response that is opened with either of our keys, and looked at again once it is open."""

    def _decrypt_assertion(self, xml: Any) -> Any:
        trust: Trust = self._settings.trust
        for key in trust.private_keys:
            opened = _opened(xml, key)
            if opened is not None:
                break
        else:
            raise MessageRefused("decryption")
        saml_xml.check_tree(opened)
        saml_xml.check_algorithms(opened, allows_cbc=trust.allows_cbc)
        # NemLog-in names the mask function in an element that the library's schema doesn't know (S31).
        for mask in list(self.document.iter(f"{{{XENC11}}}MGF")):
            mask.getparent().remove(mask)
        return opened


def verified(message: bytes, encoded: str, trust: Trust, request_id: str) -> tuple[Any, Wrapper]:
    """Return the signed assertion as the second verifier saw it, and what stood around it.

    `encoded` is the same message in base64, as python3-saml wants it. Raises MessageRefused, Cancelled.
    """
    root = saml_xml.parsed(message)
    require(root.tag == f"{{{SAMLP}}}Response", "root")
    saml_xml.check_algorithms(root, allows_cbc=trust.allows_cbc)
    _check_status(root)
    require(
        len(list(root.iter(_ENCRYPTED))) == 1 and len(root.findall(_ENCRYPTED)) == 1, "encrypted-assertion"
    )
    require(next(root.iter(_ASSERTION), None) is None, "encrypted-assertion")
    require(len(list(root.iter(f"{{{XENC}}}EncryptedKey"))) <= MOST_KEYS, "encryption")
    require(bool(trust.certificates and trust.private_keys), "certificate")
    assertion = _first_opinion(encoded, trust, request_id)
    return second_opinion(assertion, trust.certificates), _wrapper(root)


def _first_opinion(encoded: str, trust: Trust, request_id: str) -> Any:
    """Return the assertion that python3-saml decrypted and verified."""
    scheme, _, rest = trust.acs.partition("://")
    host, _, path = rest.partition("/")
    here = {"https": "on" if scheme == "https" else "off", "http_host": host, "script_name": f"/{path}"}
    try:
        response = OioResponse(OioSettings(trust), encoded)
        response.is_valid(here, request_id, raise_exceptions=True)
        response.get_attributes()  # refuses an attribute that is there twice
    except OneLogin_Saml2_ValidationError as error:
        raise MessageRefused(_WORDS.get(error.code, "library")) from None
    except (OneLogin_Saml2_Error, xmlsec.Error, etree.LxmlError, ValueError):
        raise MessageRefused("library") from None
    return saml_xml.only(response.decrypted_document, _ASSERTION, "assertion")


def second_opinion(assertion: Any, certificates: list[str]) -> Any:
    """Return the assertion that signxml verified; it must be the very one that was given. Raises MessageRefused."""
    text = etree.tostring(assertion, with_tail=False)
    for certificate in certificates:
        try:
            seen = XMLVerifier().verify(
                text,
                x509_cert=certificate,
                id_attribute="ID",
                expect_config=_EXPECTED,
                parser=saml_xml.parser(),
            )
        except (SignXMLException, ValueError):
            continue
        signed = seen.signed_xml  # type: ignore[union-attr]  # one reference is expected, so one result comes back
        require(signed is not None and _bare(signed) == _bare(assertion), "readings-differ")
        return signed
    raise MessageRefused("signature")


def _bare(assertion: Any) -> bytes:
    """Return the assertion without its signature, in canonical form."""
    copy = deepcopy(assertion)
    for signature in copy.findall(f"{{{DS}}}Signature"):
        copy.remove(signature)
    return bytes(etree.tostring(copy, method="c14n", exclusive=True))


def _opened(document: Any, key: str) -> Any:
    """Return a copy of the document in which the assertion is decrypted, or None if the key doesn't fit."""
    copy = deepcopy(document)
    outer = saml_xml.only(copy, _ENCRYPTED, "encrypted-assertion")
    data = saml_xml.only(outer, f"{{{XENC}}}EncryptedData", "encrypted-assertion")
    _bring_key_in(outer, data)
    try:
        OneLogin_Saml2_Utils.decrypt_element(data, key, inplace=True)
    except (xmlsec.Error, etree.LxmlError, ValueError):
        return None
    # Written out and read again: in the tree that libxmlsec1 hands over, lxml doesn't see every comment it holds.
    inside = saml_xml.parsed(etree.tostring(outer, with_tail=False))
    require([child.tag for child in inside] == [_ASSERTION], "assertion")
    copy.replace(outer, inside[0])
    return copy


def _bring_key_in(outer: Any, data: Any) -> None:
    """Put a key that stands beside the data, and is only named in it, where libxmlsec1 looks for it."""
    info = saml_xml.only(data, f"{{{DS}}}KeyInfo", "key-info")
    pointers = info.findall(f"{{{DS}}}RetrievalMethod")
    for pointer in pointers:
        info.remove(pointer)
    if pointers:
        named = {pointer.get("URI") for pointer in pointers}
        beside = [key for key in outer.findall(f"{{{XENC}}}EncryptedKey") if f"#{key.get('Id')}" in named]
        require(len(beside) == len(pointers), "key-info")
        info.extend(beside)


def _check_status(root: Any) -> None:
    """S25: the provider's no. Cancelling and a failed sign-in read the same in SAML."""
    status = saml_xml.only(root, f"{{{SAMLP}}}Status", "status")
    code = saml_xml.only(status, f"{{{SAMLP}}}StatusCode", "status")
    if code.get("Value") == SUCCESS:
        return
    below = code.find(f"{{{SAMLP}}}StatusCode")
    why = below.get("Value", "") if below is not None else ""
    if why in {f"{_STATUS}AuthnFailed", f"{_STATUS}RequestDenied"}:
        raise Cancelled
    if why == f"{_STATUS}NoAuthnContext":
        raise MessageRefused("status", SignInFault.ASSURANCE)
    raise MessageRefused("status", SignInFault.PROVIDER)


def _wrapper(root: Any) -> Wrapper:
    issuer = root.find(f"{{{SAML}}}Issuer")
    return Wrapper(
        destination=root.get("Destination", ""),
        in_response_to=root.get("InResponseTo", ""),
        issuer=saml_xml.text_of(issuer) if issuer is not None else "",
    )


def _settings(trust: Trust) -> dict[str, Any]:
    """Return what the research found to be the strictest that OIOSAML's shape allows."""
    redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": trust.our_entity_id,
            "assertionConsumerService": {"url": trust.acs},
            "x509cert": trust.our_certificate,
            "privateKey": trust.private_keys[0],
        },
        "idp": {
            "entityId": trust.issuer,
            "singleSignOnService": {"url": trust.sso_address, "binding": redirect},
            "x509certMulti": {"signing": trust.certificates},
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantAssertionsEncrypted": True,
            "wantMessagesSigned": False,
            "wantNameId": True,
            "wantAttributeStatement": True,
            "rejectDeprecatedAlgorithm": True,
            "allowRepeatAttributeName": False,
            "requestedAuthnContext": False,
            "allowSingleLabelDomains": True,  # it would refuse "localhost"; which addresses are good is said elsewhere
        },
    }


_CODES = OneLogin_Saml2_ValidationError
_WORDS = {
    _CODES.INVALID_XML_FORMAT: "schema",
    _CODES.INVALID_SIGNATURE: "signature",
    _CODES.NO_SIGNED_ASSERTION: "signature",
    _CODES.NO_SIGNATURE_FOUND: "signature",
    _CODES.WRONG_ISSUER: "issuer",
    _CODES.WRONG_AUDIENCE: "audience",
    _CODES.WRONG_INRESPONSETO: "in-response-to",
    _CODES.WRONG_DESTINATION: "destination",
    _CODES.WRONG_SUBJECTCONFIRMATION: "confirmation",
    _CODES.WRONG_NUMBER_OF_ASSERTIONS: "assertion",
    _CODES.DUPLICATED_ATTRIBUTE_NAME_FOUND: "attribute",
    _CODES.ASSERTION_EXPIRED: "conditions",
    _CODES.ASSERTION_TOO_EARLY: "conditions",
}
"""The library's complaints in words of the audit trail."""
