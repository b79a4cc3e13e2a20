"""The portal as SAML service provider: sending a browser to a provider, and reading the answer it comes back with."""

import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from lxml import etree

from identity.choices import Assurance
from identity.models import IdentityProvider, ProviderKey
from identity.oidc import http as oidc_http
from identity.providers.verified import Evidence
from identity.saml import archive as saml_archive
from identity.saml import certificates as saml_certificates
from identity.saml import profile as saml_profile
from identity.saml import redirect as saml_redirect
from identity.saml import response as saml_response
from identity.saml import xml as saml_xml
from identity.saml.profile import Expected
from identity.saml.response import Trust
from identity.saml.xml import SAML, SAMLP, MessageRefused

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSON = "https://data.gov.dk/eid/Person"
LEVELS = {
    Assurance.SUBSTANTIAL: "https://data.gov.dk/concept/core/nsis/loa/Substantial",
    Assurance.HIGH: "https://data.gov.dk/concept/core/nsis/loa/High",
}


def own_address(provider: IdentityProvider, name: str) -> str:
    """Return one of our addresses that the provider knows: identity_acs, identity_slo or identity_saml_metadata."""
    return f"{settings.BASE_URL}{reverse(name, args=[provider.slug])}"


def request_id_of(nonce: str) -> str:
    """Return the ID of the request with this nonce; an XML ID begins with a letter or underscore."""
    return f"_{nonce}"


def asks_anew(provider: IdentityProvider, *, step_up: bool) -> bool:
    """Return whether the provider is asked for a new sign-in: always, unless the agreement says otherwise."""
    return step_up or provider.extra_params.get("force_authn", True) is not False


def keys_of(provider: IdentityProvider) -> list[ProviderKey]:
    """Return our keys at the provider, the signing one first. One query."""
    return list(provider.own_keys.order_by("-is_signing", "-created_at"))


def signing_key(provider: IdentityProvider) -> str:
    """Return the PEM of the key that signs our messages. Raises MessageRefused if there is none."""
    key = provider.own_keys.filter(is_signing=True).first()
    if key is None:
        raise MessageRefused("no-key")
    return key.private_key or ""


def request_address(
    provider: IdentityProvider,
    *,
    state: str,
    nonce: str,
    required: Assurance,
    step_up: bool,
    now: datetime,
) -> str:
    """Return where to send the browser: a signed request that says nothing about the person. Raises MessageRefused."""
    check_address(provider.sso_address)
    message = _request(
        "AuthnRequest",
        provider,
        request_id=request_id_of(nonce),
        destination=provider.sso_address,
        now=now,
        AssertionConsumerServiceURL=own_address(provider, "identity_acs"),
        ProtocolBinding=POST,
        ForceAuthn="true" if asks_anew(provider, step_up=step_up) else "false",
    )
    asked = etree.SubElement(message, f"{{{SAMLP}}}RequestedAuthnContext", Comparison="minimum")
    for value in (LEVELS[max(required, Assurance.SUBSTANTIAL)], PERSON):
        etree.SubElement(asked, f"{{{SAML}}}AuthnContextClassRef").text = value
    return _signed(provider, provider.sso_address, "SAMLRequest", message, state, now)


def logout_address(
    provider: IdentityProvider,
    *,
    request_id: str,
    name_id: str,
    name_id_format: str,
    session_index: str,
    relay_state: str,
    now: datetime,
) -> str:
    """Return where to send the browser to sign out at the provider as well. Raises MessageRefused."""
    check_address(provider.slo_address)
    message = _request(
        "LogoutRequest", provider, request_id=request_id, destination=provider.slo_address, now=now
    )
    name = etree.SubElement(message, f"{{{SAML}}}NameID")
    name.text = name_id
    if name_id_format:
        name.set("Format", name_id_format)
    if session_index:
        etree.SubElement(message, f"{{{SAMLP}}}SessionIndex").text = session_index
    return _signed(provider, provider.slo_address, "SAMLRequest", message, relay_state, now)


def logout_answer_address(
    provider: IdentityProvider, *, in_response_to: str, relay_state: str, now: datetime
) -> str:
    """Return where to send the browser after the provider signed it out here. Raises MessageRefused."""
    target = provider.slo_response_address or provider.slo_address
    check_address(target)
    message = _request(
        "LogoutResponse",
        provider,
        request_id=new_id(),
        destination=target,
        now=now,
        InResponseTo=in_response_to,
    )
    status = etree.SubElement(message, f"{{{SAMLP}}}Status")
    etree.SubElement(status, f"{{{SAMLP}}}StatusCode", Value=saml_response.SUCCESS)
    return _signed(provider, target, "SAMLResponse", message, relay_state, now)


def new_id() -> str:
    """Return an ID that nobody guesses."""
    return f"_{secrets.token_hex(20)}"


def read_response(
    provider: IdentityProvider, *, message: str, expected: Expected, now: datetime
) -> tuple[str, Evidence]:
    """Return the ID of the assertion in a response (base64), and whom it vouches for.

    Raises MessageRefused at the first check that fails, Cancelled where the provider says that nobody signed in.
    """
    keys = keys_of(provider)
    trust = Trust(
        issuer=provider.issuer,
        sso_address=provider.sso_address,
        certificates=saml_certificates.in_force(provider.signing_certificates, now),
        our_entity_id=provider.client_id,
        acs=expected.recipient,
        private_keys=[key.private_key or "" for key in keys],
        our_certificate=keys[0].certificate if keys else "",
        allows_cbc=provider.allows_cbc,
    )
    raw = saml_xml.decoded(message)
    assertion, wrapper = saml_response.verified(raw, message, trust, expected.request_id)
    return saml_profile.validated(assertion, wrapper, provider=provider, expected=expected, now=now)


def check_address(address: str) -> None:
    """Refuse an address that a browser may not be sent to: http, or the demo's in production. Raises MessageRefused."""
    try:
        oidc_http.check_scheme(address)
    except oidc_http.ProviderUnreachable as error:
        raise MessageRefused(str(error)) from None


def _request(
    kind: str,
    provider: IdentityProvider,
    *,
    request_id: str,
    destination: str,
    now: datetime,
    **attributes: str,
) -> Any:
    """Return a message with what all of them carry."""
    message = etree.Element(f"{{{SAMLP}}}{kind}", nsmap={"samlp": SAMLP, "saml": SAML})
    named = {
        "ID": request_id,
        "Version": "2.0",
        "IssueInstant": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Destination": destination,
        **attributes,
    }
    for name, value in named.items():
        message.set(name, value)
    etree.SubElement(message, f"{{{SAML}}}Issuer").text = provider.client_id
    return message


def _signed(
    provider: IdentityProvider, target: str, kind: str, message: Any, relay_state: str, now: datetime
) -> str:
    address = saml_redirect.address(
        target,
        kind,
        etree.tostring(message),
        relay_state=relay_state,
        private_key=signing_key(provider),
    )
    saml_archive.sent(provider, message, urlsplit(address).query, now)
    return address
