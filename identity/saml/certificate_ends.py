"""When the certificates of SAML providers end: theirs and ours, for whoever must change them in time."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from clinic_admin.models import Clinic
from identity.choices import Protocol
from identity.models import IdentityProvider
from identity.saml import certificates as saml_certificates


@dataclass(frozen=True, slots=True)
class CertificateEnd:
    """One certificate."""

    provider: str
    """Slug."""
    name: str
    """What patients call the provider."""
    is_ours: bool
    is_signing: bool
    fingerprint: str
    """SHA-256, hex."""
    ends_at: datetime
    is_urgent: bool
    """Ends within sixty days, or has ended."""
    is_over: bool


def of_clinic(clinic: Clinic, now: datetime) -> list[CertificateEnd]:
    """Return the certificates of the providers that the clinic uses, the first to end first. Two queries."""
    return _ends(IdentityProvider.objects.filter(clinics__clinic=clinic), now)


def of_all(now: datetime) -> list[CertificateEnd]:
    """Return the certificates of all active providers, the first to end first. Two queries."""
    return _ends(IdentityProvider.objects.all(), now)


def _ends(providers: QuerySet[IdentityProvider], now: datetime) -> list[CertificateEnd]:
    found: list[CertificateEnd] = []
    speaking = providers.filter(protocol=Protocol.SAML, is_active=True).prefetch_related("own_keys")
    for provider in speaking:
        theirs = [(text, False, True) for text in provider.signing_certificates]
        ours = [(key.certificate, True, key.is_signing) for key in provider.own_keys.all()]
        for text, is_ours, is_signing in [*theirs, *ours]:
            end = saml_certificates.ends_at(text)
            found.append(
                CertificateEnd(
                    provider=provider.slug,
                    name=provider.name,
                    is_ours=is_ours,
                    is_signing=is_signing,
                    fingerprint=saml_certificates.fingerprint(text),
                    ends_at=end,
                    is_urgent=saml_certificates.ends_soon(end, now),
                    is_over=end <= now,
                )
            )
    return sorted(found, key=lambda one: one.ends_at)
