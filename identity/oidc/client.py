"""The portal as OpenID Connect client: sending a browser to a provider, and redeeming the code it comes back with.

Authorization code flow with PKCE S256 (RFC 7636), state, nonce, pushed requests (RFC 9126), and issuer in the answer
(RFC 9207). The address a browser sees holds nothing about the person.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt

from identity.choices import ClientAuth
from identity.models import IdentityProvider
from identity.oidc import http as oidc_http
from identity.oidc import metadata as oidc_metadata
from identity.oidc import token as oidc_token
from identity.oidc.http import ProviderUnreachable
from identity.oidc.token import Expected
from identity.providers.verified import Evidence

ASSERTION_LASTS = timedelta(seconds=60)
LONGEST_KEPT_TOKEN = 16 * 1024
"""A longer ID token would not pass as a form's field everywhere; the person then signs out here only."""
HTTP_OK, HTTP_CREATED = 200, 201


@dataclass(frozen=True, slots=True)
class Question:
    """The secrets of one sign-in: what ties the provider's answer to the browser that asked."""

    state: str
    nonce: str
    code_verifier: str

    @classmethod
    def new(cls) -> "Question":
        """Return fresh ones, 256 bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def code_challenge(self) -> str:
        """Return what the provider keeps of the verifier (RFC 7636 4.2)."""
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def hash_of_state(state: str) -> str:
    """Return what is stored of a state: without the browser's copy the row can't be answered."""
    return hashlib.sha256(state.encode()).hexdigest()


def asks_anew(provider: IdentityProvider, *, step_up: bool) -> bool:
    """Return whether the provider is asked for a new sign-in instead of trusting one it remembers."""
    return step_up or provider.extra_params.get("prompt") == "login"


def authorization_address(
    provider: IdentityProvider,
    question: Question,
    *,
    redirect_uri: str,
    language: str,
    step_up: bool,
    now: datetime,
) -> str:
    """Return where to send the browser; with PAR it holds a handle only. Raises ProviderUnreachable."""
    metadata = oidc_metadata.memory.metadata_of(provider, now)
    asked: dict[str, str] = {
        "response_type": "code",
        "response_mode": "query",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.scopes,
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": question.code_challenge,
        "code_challenge_method": "S256",
        "ui_locales": language,
        **provider.extra_params,
    }
    if provider.acr_request:
        asked["acr_values"] = provider.acr_request
    if step_up:
        asked["prompt"] = "login"
    if metadata.par_endpoint:
        handle = _push(provider, metadata.par_endpoint, asked, now)
        asked = {"client_id": provider.client_id, "request_uri": handle}
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"


def answers_for(provider: IdentityProvider, issuer: str | None, now: datetime) -> bool:
    """Return whether an answer that names this issuer (or nobody) can be the provider's own (RFC 9207 2.4)."""
    if issuer is None:
        return not oidc_metadata.memory.metadata_of(provider, now).sends_issuer
    return hmac.compare_digest(issuer.encode(), provider.issuer.encode())


def redeem(
    provider: IdentityProvider,
    *,
    code: str,
    code_verifier: str,
    redirect_uri: str,
    expected: Expected,
    now: datetime,
) -> Evidence:
    """Exchange the code for an ID token and return whom it vouches for.

    `expected.access_token` is filled in here. The access token is dropped afterwards, and so is the ID token unless the
    provider has a logout that asks for it. Raises ProviderUnreachable, TokenRefused.
    """
    metadata = oidc_metadata.memory.metadata_of(provider, now)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    status, answer = _post(provider, metadata.token_endpoint, form, now)
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if status != HTTP_OK:
        raise ProviderUnreachable(f"token endpoint: status {status}")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise ProviderUnreachable("token endpoint: no token")

    evidence = oidc_token.verify_id_token(
        id_token,
        provider=provider,
        find_key=oidc_metadata.key_finder(provider, now),
        expected=Expected(
            nonce=expected.nonce,
            started_at=expected.started_at,
            required=expected.required,
            must_be_fresh=expected.must_be_fresh,
            access_token=access_token,
        ),
        now=now,
    )
    is_kept = metadata.end_session_endpoint and len(id_token) <= LONGEST_KEPT_TOKEN
    return replace(evidence, id_token=id_token) if is_kept else evidence


def _push(provider: IdentityProvider, address: str, asked: dict[str, str], now: datetime) -> str:
    status, answer = _post(provider, address, asked, now)
    handle = answer.get("request_uri")
    if status != HTTP_CREATED or not isinstance(handle, str):
        raise ProviderUnreachable(f"PAR endpoint: status {status}")
    return handle


def _post(
    provider: IdentityProvider, address: str, form: dict[str, str], now: datetime
) -> tuple[int, dict[str, Any]]:
    headers: dict[str, str] = {"Accept": "application/json"}
    if provider.client_auth == ClientAuth.KEY:
        form = form | {
            "client_id": provider.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": client_assertion(provider, now),
        }
    else:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return oidc_http.post_form(address, provider, form, headers)


def client_assertion(provider: IdentityProvider, now: datetime) -> str:
    """Return a proof that we are the client, good once and for a minute (RFC 7523 3)."""
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "jti": secrets.token_urlsafe(24),
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LASTS).timestamp()),
    }
    return jwt.encode(
        claims, provider.private_key or "", algorithm="ES256", headers={"kid": provider.private_key_id}
    )
