"""What the demo's providers do: OpenID Connect as the real ones speak it (ES256, PAR, PKCE S256, codes used once)."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus, urlencode

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from identity.choices import ClientAuth
from identity.demo_idp import keys, open_sessions
from identity.demo_idp.models import Grant, UsedAssertion
from identity.demo_idp.realms import Realm

HANDLE_PREFIX = "urn:ietf:params:oauth:request_uri:"
GRANT_LASTS = timedelta(minutes=10)
CODE_LASTS = timedelta(seconds=60)
TOKEN_LASTS = timedelta(seconds=300)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class OAuthError(Exception):
    """The request is refused with an error code of RFC 6749 5.2."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class ClientProof:
    """How a client says who it is: the Authorization header and the form of its request."""

    authorization: str
    form: dict[str, str]


def discovery(realm: Realm) -> dict[str, Any]:
    """Return the discovery document."""
    base = realm.issuer
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "pushed_authorization_request_endpoint": f"{base}/par",
        "end_session_endpoint": f"{base}/end-session",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [realm.client_auth.value],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "acr_values_supported": list(realm.acr),
        "scopes_supported": realm.scopes.split(),
    }


def push(realm: Realm, proof: ClientProof, *, now: datetime) -> str:
    """Keep an authorization request and return its handle. Raises OAuthError."""
    with transaction.atomic():  # of its own: a proof that was shown is used up, whatever comes of the request
        _authenticate(realm, proof, now)
        _forget_old(now)
    asked = {name: value for name, value in proof.form.items() if not name.startswith("client_assertion")}
    callback = f"{settings.BASE_URL}{reverse('identity_callback', args=[realm.slug])}"
    required = {
        "response_type": "code",
        "client_id": realm.client_id,
        "redirect_uri": callback,
        "code_challenge_method": "S256",
    }
    if any(asked.get(name) != value for name, value in required.items()):
        raise OAuthError("invalid_request")
    if not all(asked.get(name) for name in ("state", "nonce", "code_challenge")):
        raise OAuthError("invalid_request")
    if "openid" not in asked.get("scope", "").split():
        raise OAuthError("invalid_scope")
    handle = HANDLE_PREFIX + secrets.token_urlsafe(24)
    Grant.objects.create(
        realm=realm.slug,
        client_id=realm.client_id,
        asked=asked,
        handle_hash=_hash(handle),
        expires_at=now + GRANT_LASTS,
    )
    return handle


def pushed_request(realm: Realm, *, handle: str, client_id: str, now: datetime) -> Grant | None:
    """Return the request behind a handle, as long as nobody was chosen for it."""
    return Grant.objects.filter(
        realm=realm.slug,
        client_id=client_id,
        handle_hash=_hash(handle),
        code_hash__isnull=True,
        expires_at__gt=now,
    ).first()


@transaction.atomic
def choose(realm: Realm, grant: Grant, about: dict[str, str], *, now: datetime) -> str:
    """Let the chosen person sign in, and return the address to send the browser back to."""
    number = about[realm.nid_claim]
    stable = hashlib.sha256(f"{realm.slug}:{number}:{settings.INDEX_KEY.hex()}".encode()).hexdigest()
    claims: dict[str, Any] = {
        **about,
        "sub": stable[:24],
        realm.stable_id_claim: f"9578-5999-4-{int(stable[:10], 16) % 10**7:07d}-{stable[10:16]}",
        "amr": ["bid"] if about["acr"].endswith(("LOA=4", "High")) else ["bis"],
        "sid": secrets.token_urlsafe(12),
        "auth_time": int(now.timestamp()),
    }
    code = secrets.token_urlsafe(24)
    taken = Grant.objects.filter(pk=grant.pk, code_hash__isnull=True).update(
        code_hash=_hash(code), claims=json.dumps(claims), expires_at=now + CODE_LASTS
    )
    if not taken:
        raise OAuthError("invalid_request")
    open_sessions.begin(realm, name_id=claims["sub"], session_index=claims["sid"], who=about["name"], now=now)
    return _answer(realm, grant, {"code": code})


@transaction.atomic
def cancel(realm: Realm, grant: Grant) -> str:
    """Forget the request, and return the address that tells the client that the person cancelled."""
    Grant.objects.filter(pk=grant.pk).delete()
    return _answer(realm, grant, {"error": "access_denied"})


def redeem(realm: Realm, proof: ClientProof, *, now: datetime) -> dict[str, Any]:
    """Exchange a code for tokens, once. Raises OAuthError."""
    form = proof.form
    with transaction.atomic():
        _authenticate(realm, proof, now)
    if form.get("grant_type") != "authorization_code":
        raise OAuthError("unsupported_grant_type")
    with transaction.atomic():
        grant = (
            Grant.objects.select_for_update()
            .filter(realm=realm.slug, code_hash=_hash(form.get("code", "")), expires_at__gt=now)
            .first()
        )
        if grant is not None:
            grant.delete()  # also when a check below fails: a code is shown once
    if grant is None or grant.claims is None:
        raise OAuthError("invalid_grant")
    challenge = _half_url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    fits = form.get("redirect_uri") == grant.asked["redirect_uri"] and hmac.compare_digest(
        challenge, grant.asked["code_challenge"]
    )
    if not fits:
        raise OAuthError("invalid_grant")
    return _tokens(realm, grant, json.loads(grant.claims), now)


def _tokens(realm: Realm, grant: Grant, claims: dict[str, Any], now: datetime) -> dict[str, Any]:
    access_token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(access_token.encode()).digest()
    payload = claims | {
        "iss": realm.issuer,
        "aud": realm.client_id,
        "azp": realm.client_id,
        "typ": "ID",
        "nonce": grant.asked["nonce"],
        "iat": int(now.timestamp()),
        "exp": int((now + TOKEN_LASTS).timestamp()),
        "at_hash": _half_url(digest[: len(digest) // 2]),
    }
    key = keys.signing_key(realm.slug)
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LASTS.total_seconds()),
        "id_token": jwt.encode(payload, key, algorithm="ES256", headers={"kid": keys.key_id(key)}),
    }


def _authenticate(realm: Realm, proof: ClientProof, now: datetime) -> None:
    proven = (
        _has_key(realm, proof.form, now)
        if realm.client_auth == ClientAuth.KEY
        else _has_secret(realm, proof.authorization)
    )
    if not proven:
        raise OAuthError("invalid_client", status=401)


def _has_secret(realm: Realm, authorization: str) -> bool:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return False
    expected = keys.client_secret(realm.client_id).encode()
    return unquote_plus(name) == realm.client_id and hmac.compare_digest(
        unquote_plus(secret).encode(), expected
    )


def _has_key(realm: Realm, form: dict[str, str], now: datetime) -> bool:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        return False
    try:
        claims = jwt.decode(
            form.get("client_assertion", ""),
            keys.client_key(realm.client_id).public_key(),
            algorithms=["ES256"],
            audience=realm.issuer,
            issuer=realm.client_id,
            options={"require": ["exp", "iat", "jti", "sub"]},
        )
    except jwt.PyJWTError:
        return False
    return claims["sub"] == realm.client_id and _first_use(str(claims["jti"]), claims["exp"])


def _first_use(jti: str, expires: int) -> bool:
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(jti=jti[:100], expires_at=datetime.fromtimestamp(expires, tz=UTC))
    except IntegrityError:
        return False
    return True


def _forget_old(now: datetime) -> None:
    Grant.objects.filter(expires_at__lt=now).delete()
    UsedAssertion.objects.filter(expires_at__lt=now - timedelta(minutes=5)).delete()


def _answer(realm: Realm, grant: Grant, parts: dict[str, str]) -> str:
    named = parts | {"state": grant.asked["state"], "iss": realm.issuer}
    return f"{grant.asked['redirect_uri']}?{urlencode(named)}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _half_url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
