"""The checks that an ID token must pass (OpenID Connect Core 3.1.3.7 and identity research 9.1, O1-O22).

The library only verifies the signature; every claim is checked here, because libraries accept a token without nonce,
with several audiences, with too low an assurance, or without an expiry.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import jwt

from identity import national_id
from identity.choices import Assurance, SignInFault
from identity.models import IdentityProvider
from identity.providers.verified import Evidence

LEEWAY_SECONDS = 30
OLDEST_SECONDS = 300
LONGEST_SID = 200
LONGEST_LIFE_SECONDS = 24 * 60 * 60
_HASHES = {"ES256": "sha256", "RS256": "sha256", "PS256": "sha256", "ES384": "sha384", "EdDSA": "sha512"}
_FORBIDDEN_HEADERS = {"jku", "jwk", "x5u", "x5c", "crit"}

FindKey = Callable[[str, str], jwt.PyJWK | None]
"""(key id, algorithm) -> the provider's public key, or None."""


class TokenRefused(Exception):
    """The token fails a check. `check` names it; nothing of the token is repeated."""

    def __init__(self, check: str, fault: SignInFault = SignInFault.TOKEN) -> None:
        super().__init__(check)
        self.check = check
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Expected:
    """What we know about the sign-in that the token must answer."""

    nonce: str
    started_at: datetime
    required: Assurance
    must_be_fresh: bool
    """We asked for a new sign-in at the provider, so an old one there does not count."""
    access_token: str


def verify_id_token(
    token: str, *, provider: IdentityProvider, find_key: FindKey, expected: Expected, now: datetime
) -> Evidence:
    """Return whom the token vouches for. Raises TokenRefused at the first check that fails."""
    algorithm, claims = signed_claims(token, provider, find_key, typ="JWT")
    require(claims.get("typ", "ID") == "ID", "typ")
    _check_parties(claims, provider)
    _check_times(claims, expected, now)
    _check_binding(claims, expected, algorithm)
    assurance = _check_assurance(claims, provider, expected.required)
    return _person(claims, provider, assurance)


def signed_claims(
    token: str, provider: IdentityProvider, find_key: FindKey, *, typ: str
) -> tuple[str, dict[str, Any]]:
    """Return algorithm and claims of a token of this type (O1-O9), signed by a key and an algorithm of this provider.

    A token without a type is a plain JWT. Raises TokenRefused.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenRefused("malformed") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    require(isinstance(algorithm, str) and algorithm in provider.allowed_algs, "alg")
    require(not _FORBIDDEN_HEADERS & set(header), "header")
    require(str(header.get("typ", "JWT")).upper() == typ.upper(), "typ")
    require(isinstance(key_id, str) and bool(key_id), "kid")
    key = find_key(str(key_id), str(algorithm))
    if key is None:
        raise TokenRefused("kid")
    try:
        claims = json.loads(jwt.PyJWS().decode(token, key, algorithms=[str(algorithm)]))
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("signature") from None
    require(isinstance(claims, dict), "malformed")
    return str(algorithm), claims


def _check_parties(claims: dict[str, Any], provider: IdentityProvider) -> None:
    """O10-O13: from this provider, to us and nobody else."""
    require(claims.get("iss") == provider.issuer, "iss")
    require(claims.get("aud") in (provider.client_id, [provider.client_id]), "aud")
    require(claims.get("azp", provider.client_id) == provider.client_id, "azp")


def _check_times(claims: dict[str, Any], expected: Expected, now: datetime) -> None:
    """O14-O16, O20: made for this sign-in, just now, and not for ever."""
    clock, started = now.timestamp(), expected.started_at.timestamp()
    issued, ends = instant(claims, "iat"), instant(claims, "exp")
    require(clock < ends + LEEWAY_SECONDS, "exp")
    require(ends - issued <= LONGEST_LIFE_SECONDS, "exp")
    require(clock - OLDEST_SECONDS <= issued <= clock + LEEWAY_SECONDS, "iat")
    require(issued >= started - LEEWAY_SECONDS, "iat")
    if "nbf" in claims:
        require(instant(claims, "nbf") <= clock + LEEWAY_SECONDS, "nbf")
    if expected.must_be_fresh and "auth_time" in claims:
        require(instant(claims, "auth_time") >= started - LEEWAY_SECONDS, "auth_time")


def _check_binding(claims: dict[str, Any], expected: Expected, algorithm: str) -> None:
    """O17, O18: the answer to this browser's question, belonging to the access token beside it."""
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise TokenRefused("nonce")
    if "at_hash" in claims:
        digest = hashlib.new(_HASHES[algorithm], expected.access_token.encode()).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
        require(claims["at_hash"] == half, "at_hash")


def _check_assurance(claims: dict[str, Any], provider: IdentityProvider, required: Assurance) -> Assurance:
    """O19: what came back counts, not what was asked for; unknown values count as nothing."""
    reached = provider.assurance_of(claims.get(provider.acr_claim))
    if not reached.is_eid or reached < required:
        raise TokenRefused("acr", SignInFault.ASSURANCE)
    return reached


def _person(claims: dict[str, Any], provider: IdentityProvider, assurance: Assurance) -> Evidence:
    """O21, O22, O36: a whole national ID of the provider's country that fits the birth date it names."""
    name, session = _text(claims, "sub", longest=255), claims.get("sid")
    subject = _text(claims, provider.stable_id_claim, longest=200)
    number = _text(claims, provider.nid_claim, longest=20)
    if claims.get("nin_issuing_country", provider.country) != provider.country:
        raise TokenRefused("country", SignInFault.NATIONAL_ID)
    if not number.isascii() or not number.isdigit():
        raise TokenRefused("national-id", SignInFault.NATIONAL_ID)
    try:
        parsed = national_id.parse(number, provider.country)
    except national_id.BadNationalId:
        raise TokenRefused("national-id", SignInFault.NATIONAL_ID) from None
    if "birthdate" in claims and _day(claims["birthdate"]) != parsed.birth_date:
        raise TokenRefused("birthdate", SignInFault.NATIONAL_ID)
    given, family = _names(claims)
    return Evidence(
        issuer=provider.issuer,
        subject=subject,
        national_id=parsed.number,
        national_id_index=national_id.index(parsed),
        given_name=given,
        family_name=family,
        birth_date=parsed.birth_date,
        assurance=assurance,
        name_id=name,
        session_index=session if isinstance(session, str) and len(session) <= LONGEST_SID else "",
    )


def _names(claims: dict[str, Any]) -> tuple[str, str]:
    given, family, name = (
        value if isinstance(value := claims.get(claim), str) else ""
        for claim in ("given_name", "family_name", "name")
    )
    if not (given or family):
        given, _, family = name.rpartition(" ")
    return given.strip()[:80], family.strip()[:80]


def require(holds: bool, check: str) -> None:
    """Raise TokenRefused under this name unless it holds."""
    if not holds:
        raise TokenRefused(check)


def instant(claims: dict[str, Any], name: str) -> float:
    """Return a claim's seconds since 1970 (RFC 7519, NumericDate). Raises TokenRefused."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise TokenRefused(name)
    return float(value)


def _text(claims: dict[str, Any], name: str, *, longest: int) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise TokenRefused("subject", SignInFault.NATIONAL_ID)
    return value


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
