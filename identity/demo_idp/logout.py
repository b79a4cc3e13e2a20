"""Logout at the demo's providers by OpenID Connect, both ways: the browser comes, or the portal is called."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
from django.conf import settings
from django.urls import reverse

from identity.choices import Protocol
from identity.demo_idp import keys, open_sessions
from identity.demo_idp.models import OpenSession
from identity.demo_idp.operations import OAuthError
from identity.demo_idp.realms import Realm
from identity.models import IdentityProvider

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_LASTS = timedelta(minutes=2)
TIMEOUT_SECONDS = 5.0


def end_session(realm: Realm, form: dict[str, str]) -> str:
    """End the session that the portal's ID token names; return where to send the browser. Raises OAuthError.

    The token must be one of ours, for the portal, and may be over; the way back must be the one agreed on.
    """
    claims = _hint(realm, form.get("id_token_hint", ""))
    back = f"{settings.BASE_URL}{reverse('identity_logged_out', args=[realm.slug])}"
    fits = (
        form.get("post_logout_redirect_uri") == back
        and form.get("client_id", realm.client_id) == realm.client_id
    )
    if not fits:
        raise OAuthError("invalid_request")
    open_sessions.end(realm, str(claims.get("sid", "")))
    return f"{back}?{urlencode({'state': form.get('state', '')})}"


def tell_portal(realm: Realm, session: OpenSession, *, now: datetime) -> bool:
    """Call the portal so that it ends its session, too, and return whether it says that it has."""
    address = f"{settings.BASE_URL}{reverse('identity_back_channel', args=[realm.slug])}"
    try:
        answer = httpx.post(
            address,
            data={"logout_token": logout_token(realm, session, now=now)},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


def logout_token(realm: Realm, session: OpenSession, *, now: datetime) -> str:
    """Return the signed message that this session is over (Back-Channel Logout 1.0, 2.4)."""
    claims: dict[str, Any] = {
        "iss": realm.issuer,
        "aud": realm.client_id,
        "sub": session.name_id,
        "sid": session.session_index,
        "jti": secrets.token_urlsafe(24),
        "iat": int(now.timestamp()),
        "exp": int((now + TOKEN_LASTS).timestamp()),
        "events": {EVENT: {}},
    }
    key = keys.signing_key(realm.slug)
    headers = {"kid": keys.key_id(key), "typ": "logout+jwt"}
    return jwt.encode(claims, key, algorithm="ES256", headers=headers)


def _hint(realm: Realm, token: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.signing_key(realm.slug).public_key(),
            algorithms=["ES256"],
            audience=realm.client_id,
            issuer=realm.issuer,
            options={"verify_exp": False},
        )
    except jwt.PyJWTError:
        raise OAuthError("invalid_request") from None
    return claims


def speaks_saml(realm: Realm) -> bool:
    """Return whether the portal knows this provider by SAML, and so is told through the browser."""
    return IdentityProvider.objects.filter(slug=realm.slug, protocol=Protocol.SAML).exists()
