"""ID tokens that must not be believed (numbers: docs/security.md)."""

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import date, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Country
from identity import national_id
from identity.choices import Assurance, SignInFault
from identity.oidc import metadata as oidc_metadata
from identity.oidc.token import Expected, TokenRefused, verify_id_token
from identity.providers.verified import Evidence
from tests.identity.build_identity import (
    ACCESS_TOKEN,
    BORN,
    CLIENT_ID,
    HIGH,
    ISSUER,
    NONCE,
    NOW,
    NUMBER,
    SUBSTANTIAL,
    Signer,
    id_claims,
    provider_row,
)

SIGNER = Signer()
PUBLISHED = {SIGNER.kid: SIGNER.jwk()}


def verify(
    token: str,
    *,
    required: Assurance = Assurance.SUBSTANTIAL,
    fresh: bool = False,
    access_token: str = ACCESS_TOKEN,
    **provider: Any,
) -> Evidence:
    def find_key(kid: str, algorithm: str) -> jwt.PyJWK | None:
        key = PUBLISHED.get(kid)
        return oidc_metadata.public_key(key, algorithm) if key else None

    return verify_id_token(
        token,
        provider=provider_row(**provider),
        find_key=find_key,
        expected=Expected(
            nonce=NONCE,
            started_at=NOW - timedelta(seconds=60),
            required=required,
            must_be_fresh=fresh,
            access_token=access_token,
        ),
        now=NOW,
    )


def refused(token: str, check: str, **how: Any) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        verify(token, **how)
    assert caught.value.check == check
    return caught.value


def without_library(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_good_token_tells_who_it_is() -> None:
    evidence = verify(SIGNER.sign(id_claims()), required=Assurance.HIGH)
    assert (evidence.national_id, evidence.subject) == (NUMBER, "9578-5999-4-1234567")
    assert (evidence.given_name, evidence.family_name, evidence.birth_date) == ("Line", "Danser", BORN)
    assert evidence.assurance == Assurance.HIGH
    assert evidence.national_id_index == national_id.index(national_id.parse(NUMBER, "NO"))


def test_what_a_token_said_does_not_show_when_printed() -> None:
    assert NUMBER not in repr(verify(SIGNER.sign(id_claims())))


def test_o1_a_changed_payload_is_refused() -> None:
    header, payload, signature = SIGNER.sign(id_claims()).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps(claims | {"name": "X"}).encode()).rstrip(b"=").decode()
    refused(f"{header}.{other}.{signature}", "signature")


def test_o2_a_signature_by_another_key_with_the_same_name_is_refused() -> None:
    refused(Signer(SIGNER.kid).sign(id_claims()), "signature")


@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
def test_o3_an_unsigned_token_is_refused(name: str) -> None:
    refused(without_library({"alg": name, "kid": SIGNER.kid}, id_claims()), "alg")


def test_o4_the_public_key_as_shared_secret_is_refused() -> None:
    public = SIGNER.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    start = without_library({"alg": "HS256", "kid": SIGNER.kid}, id_claims()).rpartition(".")[0]
    mark = hmac.new(public, start.encode(), hashlib.sha256).digest()
    token = f"{start}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"
    refused(token, "alg")
    refused(token, "kid", allowed_algs=["ES256", "HS256"])


def test_o5_an_algorithm_of_other_providers_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(id_claims(), key, algorithm="RS256", headers={"kid": SIGNER.kid})
    refused(token, "alg")
    refused(token, "kid", allowed_algs=["ES256", "RS256"])


@pytest.mark.parametrize("header", ["jwk", "jku", "x5u", "x5c"])
def test_o6_a_token_that_brings_its_own_key_is_refused(header: str) -> None:
    attacker = Signer()
    brought = {
        "jwk": attacker.jwk(),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/x",
        "x5c": ["AA"],
    }
    refused(attacker.sign(id_claims(), **{header: brought[header]}), "header")


def test_o7_an_extension_that_must_be_understood_is_refused() -> None:
    with pytest.raises(TokenRefused):
        verify(SIGNER.sign(id_claims(), crit=["exp"], exp=1))


def test_o8_an_unknown_or_missing_key_id_is_refused() -> None:
    refused(SIGNER.sign(id_claims(), kid="another"), "kid")
    refused(SIGNER.sign(id_claims(), kid=None), "kid")


def test_o9_another_kind_of_token_is_refused() -> None:
    refused(SIGNER.sign(id_claims(), typ="logout+jwt"), "typ")
    refused(SIGNER.sign(id_claims(), typ="at+jwt"), "typ")
    refused(SIGNER.sign(id_claims(typ="Bearer")), "typ")


@pytest.mark.parametrize(
    "issuer", [f"{ISSUER}/", "https://idp.example/realms/prod", "https://evil.example", None]
)
def test_o10_another_issuer_is_refused(issuer: str | None) -> None:
    refused(SIGNER.sign(id_claims(iss=issuer)), "iss")


@pytest.mark.parametrize("audience", ["venterom-other-clinic", None, [], ["venterom-other-clinic"]])
def test_o11_a_token_for_another_client_is_refused(audience: Any) -> None:
    refused(SIGNER.sign(id_claims(aud=audience)), "aud")


def test_o12_a_token_for_us_and_others_is_refused() -> None:
    refused(SIGNER.sign(id_claims(aud=[CLIENT_ID, "another"])), "aud")
    assert verify(SIGNER.sign(id_claims(aud=[CLIENT_ID])))


def test_o13_a_token_that_another_client_asked_for_is_refused() -> None:
    refused(SIGNER.sign(id_claims(azp="another")), "azp")


@pytest.mark.parametrize(
    "ends",
    [
        None,
        "tomorrow",
        True,
        float("1e300"),
        int((NOW - timedelta(minutes=1)).timestamp()),
        int((NOW + timedelta(days=3650)).timestamp()),
    ],
)
def test_o14_a_token_that_is_over_or_never_ends_is_refused(ends: Any) -> None:
    refused(SIGNER.sign(id_claims(exp=ends)), "exp")


@pytest.mark.parametrize("issued", [None, "now", NOW - timedelta(hours=1), NOW + timedelta(minutes=2)])
def test_o15_a_token_of_another_time_is_refused(issued: Any) -> None:
    stamp = int(issued.timestamp()) if hasattr(issued, "timestamp") else issued
    refused(SIGNER.sign(id_claims(iat=stamp)), "iat")


def test_o15_a_token_from_before_this_sign_in_is_refused() -> None:
    refused(SIGNER.sign(id_claims(iat=int((NOW - timedelta(seconds=120)).timestamp()))), "iat")


def test_o16_a_token_that_is_not_valid_yet_is_refused() -> None:
    refused(SIGNER.sign(id_claims(nbf=int((NOW + timedelta(minutes=2)).timestamp()))), "nbf")


@pytest.mark.parametrize("nonce", [None, "the-nonce-of-another-sign-in", "", 7, "æ"])
def test_o17_a_nonce_that_is_missing_or_of_another_sign_in_is_refused(nonce: Any) -> None:
    refused(SIGNER.sign(id_claims(nonce=nonce)), "nonce")


def test_o18_a_token_that_belongs_to_another_access_token_is_refused() -> None:
    refused(SIGNER.sign(id_claims()), "at_hash", access_token="another")
    refused(SIGNER.sign(id_claims(at_hash=["x"])), "at_hash")
    assert verify(SIGNER.sign(id_claims(at_hash=None)), access_token="another")


@pytest.mark.parametrize(
    "acr", [None, "urn:evil:bid;LOA=4", "urn:bankid:bid;LOA=4 ", "urn:bankid:bid", 4, [HIGH], {"a": 1}]
)
def test_o19_an_unknown_assurance_counts_as_none(acr: Any) -> None:
    assert refused(SIGNER.sign(id_claims(acr=acr)), "acr").fault == SignInFault.ASSURANCE


def test_o19_too_low_an_assurance_is_refused_whatever_was_asked_for() -> None:
    refused(SIGNER.sign(id_claims(acr=SUBSTANTIAL)), "acr", required=Assurance.HIGH)
    assert verify(SIGNER.sign(id_claims(acr=SUBSTANTIAL))).assurance == Assurance.SUBSTANTIAL


def test_o20_an_old_sign_in_at_the_provider_does_not_count_when_a_new_one_was_asked_for() -> None:
    old = int((NOW - timedelta(minutes=10)).timestamp())
    refused(SIGNER.sign(id_claims(auth_time=old)), "auth_time", fresh=True)
    assert verify(SIGNER.sign(id_claims(auth_time=old)))


@pytest.mark.parametrize("claim", ["sub", "bankid_altsub", "nnin_altsub"])
@pytest.mark.parametrize("value", [None, 14048812345, "", ["x"]])
def test_o21_a_token_without_usable_names_of_the_person_is_refused(claim: str, value: Any) -> None:
    refused(SIGNER.sign(id_claims(**{claim: value})), "subject")


@pytest.mark.parametrize(
    "number", [NUMBER[:10], f"{NUMBER}0", f" {NUMBER}", f"{NUMBER[:6]} {NUMBER[6:]}", "١" * 11]
)
def test_o21_a_number_that_is_not_eleven_digits_is_refused(number: str) -> None:
    refused(SIGNER.sign(id_claims(nnin_altsub=number)), "national-id")


@pytest.mark.parametrize("birthdate", ["1988-04-15", "14.04.1988", 19880414, ""])
def test_o22_a_birth_date_that_does_not_fit_the_number_is_refused(birthdate: Any) -> None:
    refused(SIGNER.sign(id_claims(birthdate=birthdate)), "birthdate")


@given(born=st.dates(date(1920, 1, 1), date(2020, 12, 31)), serial=st.integers(0, 200))
def test_o22_every_number_fits_its_own_birth_date(born: date, serial: int) -> None:
    number = national_id.make_synthetic(Country.NORWAY, born, serial=serial)
    token = SIGNER.sign(id_claims(nnin_altsub=number, birthdate=born.isoformat()))
    assert verify(token).birth_date == born


def test_o36_a_danish_provider_cannot_vouch_for_a_norwegian_number() -> None:
    refused(SIGNER.sign(id_claims()), "national-id", country=Country.DENMARK)
    refused(SIGNER.sign(id_claims(nin_issuing_country="DK")), "country")


@given(
    st.text(max_size=200)
    | st.builds(".".join, st.lists(st.text("abcAB_-", max_size=20), min_size=3, max_size=3))
)
def test_nonsense_is_refused_and_never_an_error(token: str) -> None:
    with pytest.raises(TokenRefused):
        verify(token)


@given(
    st.sampled_from(sorted(id_claims())),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
def test_a_claim_of_the_wrong_kind_is_never_an_error(claim: str, value: Any) -> None:
    with contextlib.suppress(TokenRefused):
        verify(SIGNER.sign(id_claims() | {claim: value}))
