"""Single logout, both ways: we tell the provider, or the provider tells us (identity research F15, S32-S34)."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from identity import queries
from identity.models import IdentityProvider, ProviderLogout, UsedMessage
from identity.providers import logout as provider_logout
from identity.providers import sessions as provider_sessions
from identity.providers.logout import SignedOut
from identity.saml import archive as saml_archive
from identity.saml import certificates as saml_certificates
from identity.saml import profile as saml_profile
from identity.saml import redirect as saml_redirect
from identity.saml import response as saml_response
from identity.saml import service_provider as saml
from identity.saml import xml as saml_xml
from identity.saml.sign_in import MESSAGES_ARE_KEPT
from identity.saml.xml import SAML, SAMLP, MessageRefused, only, require, text_of

OLDEST = timedelta(minutes=5)
_PARTIAL = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"


def request_address(leaving: ProviderLogout, now: datetime) -> str:
    """Return where the browser signs out at the provider, empty if that was done, is too old or can't be."""
    if not provider_logout.is_open(leaving, now):
        return ""
    try:
        return saml.logout_address(
            leaving.provider,
            request_id=leaving.request_id,
            name_id=leaving.name_id or "",
            name_id_format=leaving.name_id_format,
            session_index=leaving.session_index,
            relay_state=str(leaving.pk),
            now=now,
        )
    except MessageRefused:
        return ""


def receive_answer(provider: IdentityProvider, query: str, now: datetime) -> SignedOut:
    """Take the provider's answer to our request. `query` is the raw query string. Raises MessageRefused."""
    root, relay_state = _opened(provider, query, "SAMLResponse", "LogoutResponse", now)
    leaving = ProviderLogout.objects.filter(
        provider=provider,
        request_id=root.get("InResponseTo", ""),
        answered_at__isnull=True,
        expires_at__gt=now,
    )
    found = leaving.select_related("clinic", "provider").first()
    if found is None or relay_state not in ("", str(found.pk)):
        raise MessageRefused("in-response-to")
    code = only(only(root, f"{{{SAMLP}}}Status", "status"), f"{{{SAMLP}}}StatusCode", "status")
    below = code.find(f"{{{SAMLP}}}StatusCode")
    partial = below is not None and below.get("Value") == _PARTIAL
    everywhere = code.get("Value") == saml_response.SUCCESS and not partial
    with transaction.atomic():
        require(leaving.filter(pk=found.pk).update(answered_at=now) == 1, "in-response-to")
        return provider_logout.note_answered(found, everywhere=everywhere, now=now)


def receive_request(provider: IdentityProvider, query: str, now: datetime) -> str:
    """End the sessions that the provider names, and return where to send the browser with our answer.

    `query` is the raw query string. Nothing happens twice for one request. Raises MessageRefused.
    """
    root, relay_state = _opened(provider, query, "SAMLRequest", "LogoutRequest", now)
    if root.get("NotOnOrAfter") is not None:
        require(now < saml_profile.instant(root, "NotOnOrAfter", "too-old"), "too-old")
    name_id = text_of(only(root, f"{{{SAML}}}NameID", "name-id"))
    indexes = [text_of(one) for one in root.findall(f"{{{SAMLP}}}SessionIndex")]
    identifier = root.get("ID") or ""
    try:
        with transaction.atomic():
            UsedMessage.objects.create(
                provider=provider, message_id=identifier, expires_at=now + MESSAGES_ARE_KEPT
            )
            provider_sessions.end(provider, name_id=name_id, session_indexes=indexes, now=now)
    except IntegrityError:
        raise MessageRefused("replay") from None
    return saml.logout_answer_address(provider, in_response_to=identifier, relay_state=relay_state, now=now)


def _opened(provider: IdentityProvider, query: str, kind: str, tag: str, now: datetime) -> tuple[Any, str]:
    """Return a logout message of the provider's, signed, for us and new, and its RelayState."""
    require(provider.is_active and queries.is_usable(provider), "provider")
    certificates = saml_certificates.in_force(provider.signing_certificates, now)
    message, relay_state = saml_redirect.received(query, kind, certificates)
    root = saml_xml.parsed(message)
    require(root.tag == f"{{{SAMLP}}}{tag}" and root.get("Version") == "2.0", "root")
    require(text_of(only(root, f"{{{SAML}}}Issuer", "issuer")) == provider.issuer, "issuer")
    require(root.get("Destination") == saml.own_address(provider, "identity_slo"), "destination")
    issued = saml_profile.instant(root, "IssueInstant", "issue-instant")
    require(now - OLDEST <= issued <= now + saml_profile.SKEW, "too-old")
    require(0 < len(root.get("ID") or "") <= 200, "id")
    saml_archive.received(provider, root, query, now)
    return root, relay_state
