"""How identity providers are doing, for those who run the installation: numbers only, of about the last hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

from identity.choices import Protocol, TransactionStatus
from identity.models import IdentityProvider, LoginTransaction

WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """One provider that is in use."""

    slug: str
    name: str
    speaks_saml: bool
    begun: int
    """Sign-ins whose time ended within the last hour or runs still."""
    came_in: int
    failed: int
    """Failed or cancelled; the two look the same from here."""
    last_began_at: datetime | None
    metadata_at: datetime | None
    """SAML: when its metadata was loaded. OpenID Connect reads it anew every hour by itself."""


def of_all(now: datetime) -> list[ProviderHealth]:
    """Return the active providers by name. Two queries."""
    ended: dict[int, dict[str, Any]] = {
        row["provider"]: dict(row)
        for row in LoginTransaction.objects.filter(expires_at__gt=now - WINDOW)
        .values("provider")
        .annotate(
            begun=Count("pk"),
            came_in=Count("pk", filter=Q(status=TransactionStatus.CONSUMED)),
            failed=Count("pk", filter=Q(status=TransactionStatus.FAILED)),
            last=Max("created_at"),
        )
    }
    nothing: dict[str, Any] = {"begun": 0, "came_in": 0, "failed": 0, "last": None}
    return [
        ProviderHealth(
            slug=one.slug,
            name=one.name,
            speaks_saml=one.protocol == Protocol.SAML,
            begun=ended.get(one.pk, nothing)["begun"],
            came_in=ended.get(one.pk, nothing)["came_in"],
            failed=ended.get(one.pk, nothing)["failed"],
            last_began_at=ended.get(one.pk, nothing)["last"],
            metadata_at=one.metadata_loaded_at,
        )
        for one in IdentityProvider.objects.filter(is_active=True).order_by("name", "slug")
    ]
