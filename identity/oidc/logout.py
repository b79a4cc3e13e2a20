"""Single logout by OpenID Connect, both ways: the browser goes to the provider, or the provider calls us (O37, O38).

RP-Initiated Logout 1.0 and Back-Channel Logout 1.0. The ID token that the first one shows holds the national ID, so it
travels in a posted form, never in an address.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from identity import queries
from identity.models import IdentityProvider, ProviderLogout, UsedMessage
from identity.oidc import metadata as oidc_metadata
from identity.oidc import token as oidc_token
from identity.oidc.token import LEEWAY_SECONDS, TokenRefused, instant, require
from identity.providers import logout as provider_logout
from identity.providers import sessions as provider_sessions
from identity.providers.logout import SignedOut
from identity.saml.sign_in import MESSAGES_ARE_KEPT

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPE = "logout+jwt"
OLDEST_SECONDS = 120
LONGEST_TOKEN = 16 * 1024
_LONGEST_CLAIM = 255


@dataclass(frozen=True, slots=True)
class LogoutForm:
    """What the browser posts to the provider."""

    address: str
    fields: dict[str, str]
    origins: tuple[str, ...]
    """For the page's content security policy (form_action_origins)."""

    def __repr__(self) -> str:
        """Say nothing of the token in logs and error reports."""
        return "<LogoutForm>"


def request_form(leaving: ProviderLogout, now: datetime) -> LogoutForm | None:
    """Return the form that signs the browser out at the provider; None if that was done, is too old or can't be.

    Raises ProviderUnreachable.
    """
    provider = leaving.provider
    if not provider_logout.is_open(leaving, now) or not leaving.id_token:
        return None
    address = oidc_metadata.memory.metadata_of(provider, now).end_session_endpoint
    if address is None:
        return None
    fields = {
        "id_token_hint": leaving.id_token,
        "client_id": provider.client_id,
        "post_logout_redirect_uri": return_address(provider),
        "state": leaving.request_id,
    }
    return LogoutForm(address, fields, _origins(provider, address))


def return_address(provider: IdentityProvider) -> str:
    """Return the post_logout_redirect_uri that is registered with the provider."""
    return f"{settings.BASE_URL}{reverse('identity_logged_out', args=[provider.slug])}"


@transaction.atomic
def receive_return(provider: IdentityProvider, state: str, now: datetime) -> SignedOut | None:
    """Take the browser back from the provider, once. None if no logout of this provider waits for it.

    The provider sends it back when it has signed the person out; nothing in the answer is signed, and nothing here
    depends on it.
    """
    known = ProviderLogout.objects.filter(provider=provider, request_id=state, answered_at__isnull=True)
    found = known.select_related("clinic", "provider").first()
    if found is None or not known.update(answered_at=now, id_token=None):
        return None
    return provider_logout.note_answered(found, everywhere=now < found.expires_at, now=now)


def receive_token(provider: IdentityProvider, token: str, now: datetime) -> int:
    """End the sessions that the provider's logout token names, and return how many there were.

    Raises TokenRefused, ProviderUnreachable.
    """
    require(provider.is_active and queries.is_usable(provider), "provider")
    require(0 < len(token) <= LONGEST_TOKEN, "malformed")
    find_key = oidc_metadata.key_finder(provider, now)
    _, claims = oidc_token.signed_claims(token, provider, find_key, typ=TYPE)
    _check(claims, provider, now)
    used = hashlib.sha256(_text(claims, "jti").encode()).hexdigest()
    subject, session = _text(claims, "sub"), _text(claims, "sid")
    try:
        with transaction.atomic():
            UsedMessage.objects.create(
                provider=provider, message_id=f"jti:{used}", expires_at=now + MESSAGES_ARE_KEPT
            )
            return provider_sessions.end(
                provider, name_id=subject, session_indexes=[session] if session else [], now=now
            )
    except IntegrityError:
        raise TokenRefused("replay") from None


def _check(claims: dict[str, Any], provider: IdentityProvider, now: datetime) -> None:
    """Back-Channel Logout 1.0, 2.4 and 2.6; how old it may be is ASVS 10.5.5."""
    require(claims.get("iss") == provider.issuer, "iss")
    require(claims.get("aud") in (provider.client_id, [provider.client_id]), "aud")
    clock = now.timestamp()
    require(clock - OLDEST_SECONDS <= instant(claims, "iat") <= clock + LEEWAY_SECONDS, "iat")
    require(clock < instant(claims, "exp") + LEEWAY_SECONDS, "exp")
    events = claims.get("events")
    require(isinstance(events, dict) and isinstance(events.get(EVENT), dict), "events")
    require("nonce" not in claims, "nonce")
    require(bool(_text(claims, "jti")), "jti")
    require(bool(_text(claims, "sub") or _text(claims, "sid")), "subject")


def _text(claims: dict[str, Any], name: str) -> str:
    """Return the claim, empty if it is missing. Raises TokenRefused if it is anything but a short text."""
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_CLAIM or (name in claims and not value):
        raise TokenRefused(name)
    return value


def _origins(provider: IdentityProvider, address: str) -> tuple[str, ...]:
    parts = urlsplit(address)
    own = f"{parts.scheme}://{parts.netloc}"
    if own == settings.BASE_URL:
        return ()
    return (own, *(f"https://{host}" for host in provider.extra_hosts))
