"""Certificates and keys of SAML: reading them, naming them, and knowing when they end."""

import base64
import binascii
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SHORTEST_KEY = 2048
"""Bits of RSA."""
WARNINGS = (timedelta(days=60), timedelta(days=30), timedelta(days=7))
"""So long before a certificate ends it is told, ever more urgently (reliability design, 9)."""


class BadCertificate(ValueError):
    """It can't be read, or is of a kind that isn't used. The message is a sentence for an operator."""


def from_base64(text: str) -> str:
    """Return the PEM of a certificate as it stands in metadata (base64 of DER). Raises BadCertificate."""
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        raise BadCertificate("A certificate in it can't be read.") from None
    return pem(certificate)


def loaded(text: str) -> x509.Certificate:
    """Return the certificate of a PEM with an RSA key of 2048 bits or more. Raises BadCertificate."""
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise BadCertificate("The certificate can't be read.") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SHORTEST_KEY:
        raise BadCertificate(f"The certificate's key must be RSA with {SHORTEST_KEY} bits or more.")
    return certificate


def private(text: str, *, is_known: bool = False) -> rsa.RSAPrivateKey:
    """Return the RSA key of a PEM without password; one that `is_known` isn't proven to be sound again.

    Raises BadCertificate.
    """
    try:
        key = serialization.load_pem_private_key(
            text.encode(), password=None, unsafe_skip_rsa_key_validation=is_known
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadCertificate("The key can't be read. It must be PEM without a password.") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadCertificate("The key must be RSA.")
    return key


def belongs(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> bool:
    """Return whether the certificate is about this key."""
    public = certificate.public_key()
    return (
        isinstance(public, rsa.RSAPublicKey) and public.public_numbers() == key.public_key().public_numbers()
    )


def pem(certificate: x509.Certificate) -> str:
    """Return the certificate as it is stored."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def to_base64(text: str) -> str:
    """Return a PEM certificate as it stands in metadata."""
    return base64.b64encode(loaded(text).public_bytes(serialization.Encoding.DER)).decode()


def fingerprint(text: str) -> str:
    """Return the SHA-256 of a PEM certificate, 64 hex digits."""
    return x509.load_pem_x509_certificate(text.encode()).fingerprint(hashes.SHA256()).hex()


def ends_at(text: str) -> datetime:
    """Return when a PEM certificate ends, in UTC."""
    return x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc


def in_force(certificates: list[str], now: datetime) -> list[str]:
    """Return those that have begun and not ended (S35)."""
    return [
        text
        for text in certificates
        if (one := x509.load_pem_x509_certificate(text.encode())).not_valid_before_utc
        <= now
        < one.not_valid_after_utc
    ]


def ends_soon(end: datetime, now: datetime) -> bool:
    """Return whether it is time to change a certificate with this end, or past it."""
    return end - now <= max(WARNINGS)
