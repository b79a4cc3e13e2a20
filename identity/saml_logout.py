"""Single logout, both ways: we tell the provider, or the provider tells us (identity research F15, S32-S34)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from clinic_admin.models import Clinic
from identity import (
    provider_sessions,
    queries,
    saml,
    saml_certificates,
    saml_profile,
    saml_redirect,
    saml_response,
    saml_xml,
)
from identity.models import IdentityProvider, ProviderLogout, UsedMessage
from identity.saml_sign_in import MESSAGES_ARE_KEPT
from identity.saml_xml import SAML, SAMLP, MessageRefused, only, require, text_of

LOGOUT_LASTS = timedelta(minutes=5)
OLDEST = timedelta(minutes=5)
_PARTIAL = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What a provider said to our request to sign out."""

    clinic: Clinic
    everywhere: bool
    """Signed out at the provider and at everyone else it knows of."""


def begin(request: HttpRequest, *, clinic: Clinic, now: datetime) -> ProviderLogout | None:
    """Note that the browser signs out at the provider, too; call it before the session here ends.

    None if the session stands on no provider with single logout.
    """
    session = provider_sessions.of(request)
    if session is None or not session.provider.slo_address or not queries.is_usable(session.provider):
        return None
    leaving = ProviderLogout.objects.create(
        provider=session.provider,
        clinic=clinic,
        request_id=saml.new_id(),
        name_id=session.name_id,
        name_id_format=session.name_id_format,
        session_index=session.session_index,
        created_at=now,
        expires_at=now + LOGOUT_LASTS,
    )
    session.delete()
    return leaving


def waiting(provider: IdentityProvider, logout_id: UUID) -> ProviderLogout | None:
    """Return the logout with this id at the provider."""
    return ProviderLogout.objects.filter(pk=logout_id, provider=provider).select_related("clinic").first()


def request_address(leaving: ProviderLogout, now: datetime) -> str:
    """Return where the browser signs out at the provider, empty if that was done, is too old or can't be."""
    if leaving.answered_at is not None or now >= leaving.expires_at:
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
    found = leaving.select_related("clinic").first()
    if found is None or relay_state not in ("", str(found.pk)):
        raise MessageRefused("in-response-to")
    require(leaving.filter(pk=found.pk).update(answered_at=now) == 1, "in-response-to")
    code = only(only(root, f"{{{SAMLP}}}Status", "status"), f"{{{SAMLP}}}StatusCode", "status")
    below = code.find(f"{{{SAMLP}}}StatusCode")
    partial = below is not None and below.get("Value") == _PARTIAL
    return SignedOut(found.clinic, everywhere=code.get("Value") == saml_response.SUCCESS and not partial)


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
    return root, relay_state
