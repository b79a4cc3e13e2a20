"""Keys and secrets of the demo's providers, derived from the installation's own: all processes have the same."""

import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from jwt.algorithms import ECAlgorithm

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (SEC 2)."""


def signing_key(realm: str) -> ec.EllipticCurvePrivateKey:
    """Return the key with which the provider signs."""
    return _key(f"signing:{realm}")


def client_key(client_id: str) -> ec.EllipticCurvePrivateKey:
    """Return the key by which a client with private_key_jwt proves itself."""
    return _key(f"client:{client_id}")


def client_secret(client_id: str) -> str:
    """Return the secret of a client with client_secret_basic."""
    return _derived(f"secret:{client_id}").hex()


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the key as it is stored."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def key_id(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the name of the key: a fingerprint of its public half."""
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    return hashlib.sha256(point).hexdigest()[:16]


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the public half as a provider publishes it (RFC 7517)."""
    shape: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return shape | {"kid": key_id(key), "alg": "ES256", "use": "sig"}


def _key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(_derived(label), "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def _derived(label: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"demo-idp:{label}".encode(), hashlib.sha256).digest()
