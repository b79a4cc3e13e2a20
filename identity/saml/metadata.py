"""SAML metadata: reading a provider's file, and writing our own (SAML metadata 2.0)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from identity.models import IdentityProvider, ProviderKey
from identity.saml import certificates as saml_certificates
from identity.saml import profile as saml_profile
from identity.saml import service_provider as saml
from identity.saml import xml as saml_xml
from identity.saml.certificates import BadCertificate
from identity.saml.xml import DS, MD, SAMLP, XENC, XENC11, MessageRefused

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
LARGEST_FILE = 5_000_000
"""Bytes. A federation's file holds many providers."""


class UnusableMetadata(ValueError):
    """The file can't be used. The message is a sentence for an operator."""


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What a provider's file says about it."""

    entity_id: str
    sso_address: str
    slo_address: str
    slo_response_address: str
    signing_certificates: list[str]
    """PEM."""


def read(content: bytes, *, entity_id: str = "", now: datetime) -> ProviderMetadata:
    """Return what the file says about the provider in it; `entity_id` chooses one of several.

    The signature in it is not what makes it trusted: that is the fingerprint that the operator got another way.
    Raises UnusableMetadata.
    """
    entity = _entity(_root(content), entity_id)
    role = entity.find(f"{{{MD}}}IDPSSODescriptor")
    for element in (entity, role):
        until = element.get("validUntil")
        if until is not None and saml_profile.instant(element, "validUntil", "") <= now:
            raise UnusableMetadata("The metadata is no longer valid. Ask the provider for a new file.")
    sso, _ = _addresses(role, "SingleSignOnService")
    slo, slo_response = _addresses(role, "SingleLogoutService")
    if not sso:
        raise UnusableMetadata("The provider takes no requests by HTTP-Redirect.")
    certificates = _certificates(role)
    if not certificates:
        raise UnusableMetadata("There is no signing certificate in it.")
    return ProviderMetadata(entity.get("entityID", ""), sso, slo, slo_response, certificates)


def _root(content: bytes) -> Any:
    if len(content) > LARGEST_FILE:
        raise UnusableMetadata("The file is too large.")
    try:
        root = etree.fromstring(content, saml_xml.parser())
    except (etree.XMLSyntaxError, ValueError):
        raise UnusableMetadata("The file is not XML.") from None
    if root.getroottree().docinfo.doctype:
        raise UnusableMetadata("The file has a document type, which metadata never has.")
    return root


def _entity(root: Any, entity_id: str) -> Any:
    found = [
        one
        for one in root.iter(f"{{{MD}}}EntityDescriptor")
        if one.find(f"{{{MD}}}IDPSSODescriptor") is not None
    ]
    wanted = [one for one in found if entity_id in ("", one.get("entityID"))]
    if not wanted:
        raise UnusableMetadata("There is no such identity provider in it.")
    if len(wanted) > 1:
        raise UnusableMetadata("There are several identity providers in it. Say which one with --entity-id.")
    return wanted[0]


def _addresses(role: Any, name: str) -> tuple[str, str]:
    """Return where requests and answers go by HTTP-Redirect, empty if nowhere."""
    for service in role.findall(f"{{{MD}}}{name}"):
        if service.get("Binding") == REDIRECT:
            return service.get("Location", ""), service.get("ResponseLocation", "")
    return "", ""


def _certificates(role: Any) -> list[str]:
    found: list[str] = []
    for descriptor in role.findall(f"{{{MD}}}KeyDescriptor"):
        if descriptor.get("use", "signing") == "signing":
            for element in descriptor.iter(f"{{{DS}}}X509Certificate"):
                try:
                    text = saml_certificates.from_base64(element.text or "")
                    saml_certificates.loaded(text)
                except BadCertificate as bad:
                    raise UnusableMetadata(str(bad)) from None
                found += [text] if text not in found else []
    return found


def own(provider: IdentityProvider) -> bytes:
    """Return our metadata for the provider, signed, good until the signing certificate ends. Raises MessageRefused."""
    keys = saml.keys_of(provider)
    if not keys or not keys[0].is_signing:
        raise MessageRefused("no-key")
    signing = keys[0]
    entity = etree.Element(f"{{{MD}}}EntityDescriptor", nsmap={"md": MD, "ds": DS})
    entity.set("ID", f"_{signing.fingerprint}")
    entity.set("entityID", provider.client_id)
    entity.set("validUntil", signing.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    role = _child(
        entity,
        "SPSSODescriptor",
        protocolSupportEnumeration=SAMLP,
        AuthnRequestsSigned="true",
        WantAssertionsSigned="true",
    )
    _add_keys(role, keys)
    _child(role, "SingleLogoutService", Binding=REDIRECT, Location=saml.own_address(provider, "identity_slo"))
    _child(role, "NameIDFormat").text = saml_profile.PERSISTENT
    acs = saml.own_address(provider, "identity_acs")
    _child(role, "AssertionConsumerService", Binding=saml.POST, Location=acs, index="0", isDefault="true")
    _add_attributes(role, provider)
    return _signed(entity, signing)


def _add_keys(role: Any, keys: list[ProviderKey]) -> None:
    """Name every key for both uses, so that the provider is ready before we change the one that signs."""
    for use in ("signing", "encryption"):
        for key in keys:
            descriptor = _child(role, "KeyDescriptor", use=use)
            info = etree.SubElement(descriptor, f"{{{DS}}}KeyInfo")
            data = etree.SubElement(info, f"{{{DS}}}X509Data")
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = saml_certificates.to_base64(
                key.certificate
            )
            if use == "encryption":
                for method in (f"{XENC11}aes256-gcm", f"{XENC11}rsa-oaep", f"{XENC}rsa-oaep-mgf1p"):
                    _child(descriptor, "EncryptionMethod", Algorithm=method)


def _add_attributes(role: Any, provider: IdentityProvider) -> None:
    service = _child(role, "AttributeConsumingService", index="0", isDefault="true")
    name = _child(service, "ServiceName")
    name.text = "Venterom"
    name.set("{http://www.w3.org/XML/1998/namespace}lang", "da")
    required = (saml_profile.SPEC_VERSION, provider.acr_claim, provider.nid_claim)
    for attribute in (*required, saml_profile.GIVEN, saml_profile.FAMILY):
        _child(
            service,
            "RequestedAttribute",
            Name=attribute,
            NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
            isRequired="true" if attribute in required else "false",
        )


def _child(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{MD}}}{name}", attributes)


def _signed(entity: Any, key: ProviderKey) -> bytes:
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    placeholder = etree.Element(f"{{{DS}}}Signature", Id="placeholder")
    entity.insert(0, placeholder)
    signed = signer.sign(
        entity,
        key=key.private_key,
        cert=key.certificate,
        reference_uri=f"#{entity.get('ID')}",
        id_attribute="ID",
    )
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="utf-8"))
