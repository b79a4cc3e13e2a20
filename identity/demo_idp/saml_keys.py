"""RSA keys of the demo's SAML provider, and of the portal at it: made when first asked for, then kept.

Unlike keys on a curve they can't be derived from the installation's secret.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from identity.demo_idp.models import SamlKey

BITS = 3072
LASTS = timedelta(days=3 * 365)
"""As long as the real ones (OCES3)."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key and its certificate, both PEM."""

    private_key: str
    certificate: str


def key_pair(name: str) -> KeyPair:
    """Return the pair of this name; all processes have the same. One that has nearly ended is made anew."""
    row = SamlKey.objects.filter(name=name).first()
    if row is not None and row.ends_at - datetime.now(UTC) < timedelta(days=90):
        row.delete()
        row = None
    if row is None:
        made = make(name)
        end = x509.load_pem_x509_certificate(made.certificate.encode()).not_valid_after_utc
        row, _ = SamlKey.objects.get_or_create(
            name=name,
            defaults={"private_key": made.private_key, "certificate": made.certificate, "ends_at": end},
        )
    return KeyPair(row.private_key or "", row.certificate)


def make(name: str) -> KeyPair:
    """Return a new pair with a certificate that nobody but itself vouches for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} (demo)")])
    begins = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + LASTS)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(plain.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())
