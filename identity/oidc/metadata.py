"""What a provider publishes about itself: its addresses and its keys. Kept in memory by each process."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from identity.models import IdentityProvider
from identity.oidc import http as oidc_http
from identity.oidc.http import ProviderUnreachable

ADDRESSES_LAST = timedelta(hours=1)
KEYS_LAST = timedelta(minutes=10)
KEYS_LAST_IN_AN_OUTAGE = timedelta(hours=24)
REFETCH_PAUSE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The provider's checked discovery document (OpenID Connect Discovery 4.2)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    par_endpoint: str | None
    end_session_endpoint: str | None
    """Where browsers sign out (RP-Initiated Logout 1.0, 2.1); None: it has no logout that we can use."""
    sends_issuer: bool
    """Its answers name it (RFC 9207), so an answer without a name is not its own."""


@dataclass(slots=True)
class _Keys:
    by_id: dict[str, dict[str, Any]]
    fetched_at: datetime
    tried_at: datetime
    """When the set was last fetched or an attempt failed."""
    searched_at: datetime | None = None
    """When it was last fetched only because a token named a key that was not there."""


@dataclass
class ProviderMemory:
    """One process's copy of what the providers publish."""

    _metadata: dict[tuple[str, int], tuple[datetime, Metadata]] = field(default_factory=dict)
    _keys: dict[str, _Keys] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def metadata_of(self, provider: IdentityProvider, now: datetime) -> Metadata:
        """Return the provider's addresses, at most an hour old. Raises ProviderUnreachable."""
        mark = (provider.issuer, hash((tuple(provider.extra_hosts), provider.use_par)))
        known = self._metadata.get(mark)
        if known and now - known[0] < ADDRESSES_LAST:
            return known[1]
        found = fetch_metadata(provider)
        self._metadata[mark] = (now, found)
        return found

    def key_of(self, provider: IdentityProvider, key_id: str, now: datetime) -> dict[str, Any] | None:
        """Return the provider's key with this id, or None if it has none.

        An unknown id makes us look again, at most once a minute: made-up ids can't make us flood the provider.
        Keys that were withdrawn stop counting within ten minutes. When the provider can't be reached the last
        good set counts for a day. Raises ProviderUnreachable if there is no usable set.
        """
        address = self.metadata_of(provider, now).jwks_uri
        with self._lock:
            keys = self._current(provider, address, now)
            if key_id not in keys.by_id and (
                keys.searched_at is None or now - keys.searched_at >= REFETCH_PAUSE
            ):
                keys = self._fetch(provider, address, now, last_good=keys)
                keys.searched_at = now
            return keys.by_id.get(key_id)

    def _current(self, provider: IdentityProvider, address: str, now: datetime) -> _Keys:
        keys = self._keys.get(address)
        if keys is None:
            return self._fetch(provider, address, now, last_good=None)
        if now - keys.fetched_at < KEYS_LAST:
            return keys
        if now - keys.tried_at < REFETCH_PAUSE and now - keys.fetched_at < KEYS_LAST_IN_AN_OUTAGE:
            return keys
        return self._fetch(provider, address, now, last_good=keys)

    def _fetch(
        self, provider: IdentityProvider, address: str, now: datetime, *, last_good: _Keys | None
    ) -> _Keys:
        try:
            by_id = fetch_keys(provider, address)
        except ProviderUnreachable:
            if last_good is None or now - last_good.fetched_at >= KEYS_LAST_IN_AN_OUTAGE:
                raise
            last_good.tried_at = now
            return last_good
        searched_at = last_good.searched_at if last_good else None
        fresh = _Keys(by_id=by_id, fetched_at=now, tried_at=now, searched_at=searched_at)
        self._keys[address] = fresh
        return fresh


memory = ProviderMemory()


def fetch_metadata(provider: IdentityProvider) -> Metadata:
    """Fetch and check the discovery document. Raises ProviderUnreachable if it is another issuer's or unsafe."""
    document = oidc_http.get_json(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration", provider)
    if document.get("issuer") != provider.issuer:
        raise ProviderUnreachable("other issuer")
    par = document.get("pushed_authorization_request_endpoint")
    if provider.use_par and not par:
        raise ProviderUnreachable("no PAR endpoint")
    return Metadata(
        authorization_endpoint=oidc_http.check_address(document.get("authorization_endpoint"), provider),
        token_endpoint=oidc_http.check_address(document.get("token_endpoint"), provider),
        jwks_uri=oidc_http.check_address(document.get("jwks_uri"), provider),
        par_endpoint=oidc_http.check_address(par, provider) if provider.use_par else None,
        end_session_endpoint=_usable(document.get("end_session_endpoint"), provider),
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _usable(address: object, provider: IdentityProvider) -> str | None:
    """Return an address that is no condition for signing in; one that browsers can't be sent to is as good as none."""
    try:
        return oidc_http.check_address(address, provider)
    except ProviderUnreachable:
        return None


def fetch_keys(provider: IdentityProvider, address: str) -> dict[str, dict[str, Any]]:
    """Fetch the provider's public signing keys by id; secrets and encryption keys in the set are passed over."""
    found = oidc_http.get_json(address, provider).get("keys")
    if not isinstance(found, list):
        raise ProviderUnreachable("no keys")
    usable = {
        key["kid"]: key
        for key in found
        if isinstance(key, dict)
        and isinstance(key.get("kid"), str)
        and key.get("kty") in {"EC", "RSA", "OKP"}
        and key.get("use", "sig") == "sig"
    }
    if not usable:
        raise ProviderUnreachable("no keys")
    return usable


def key_finder(provider: IdentityProvider, now: datetime) -> Callable[[str, str], jwt.PyJWK | None]:
    """Return what finds the provider's public key by id and algorithm. It raises ProviderUnreachable."""

    def find_key(key_id: str, algorithm: str) -> jwt.PyJWK | None:
        key = memory.key_of(provider, key_id, now)
        return public_key(key, algorithm) if key else None

    return find_key


def public_key(key: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """Return the key ready to verify with this algorithm, or None if it is not for it."""
    if key.get("alg", algorithm) != algorithm:
        return None
    try:
        return jwt.PyJWK({name: value for name, value in key.items() if name != "d"}, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError):
        return None
