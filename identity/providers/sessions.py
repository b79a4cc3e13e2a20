"""Sessions here that stand on one at a provider: remembered, found and ended by the provider's names for them."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest

from identity.choices import EndReason
from identity.models import IdentityProvider, ProviderLogout, ProviderSession, UsedMessage, User
from identity.providers.verified import Evidence
from identity.session import open_sessions
from portal import audit, crypto, network_address


def index_of(name_id: str) -> str:
    """Return the keyed hash by which the provider's name for a person is found."""
    return crypto.blind_index(name_id, purpose="name-id")


def remember(
    request: HttpRequest, user: User, provider: IdentityProvider, evidence: Evidence, *, now: datetime
) -> None:
    """Note which session at the provider the browser's new session stands on; that one is stored already."""
    key = request.session.session_key
    if key is None:
        return
    ProviderSession.objects.create(
        provider=provider,
        user=user,
        session_id=key,
        name_id=evidence.name_id,
        name_id_format=evidence.name_id_format,
        id_token=evidence.id_token or None,
        name_id_index=index_of(evidence.name_id),
        session_index=evidence.session_index,
        created_at=now,
    )


def of(request: HttpRequest) -> ProviderSession | None:
    """Return what the browser's session stands on, or None."""
    key = request.session.session_key
    if not key:
        return None
    return ProviderSession.objects.filter(session_id=key).select_related("provider", "user").first()


@transaction.atomic
def end(provider: IdentityProvider, *, name_id: str = "", session_indexes: list[str], now: datetime) -> int:
    """End the sessions that stand on these of the provider, on whatever device, and return how many there were.

    Without an index all of the person's sessions at this provider are meant (SAML core 3.7.1, Back-Channel Logout 2.6),
    with an index alone the one of that name. Without either nothing is.
    """
    if not name_id and not session_indexes:
        return 0
    found = ProviderSession.objects.filter(provider=provider)
    if name_id:
        found = found.filter(name_id_index=index_of(name_id))
    if session_indexes:
        found = found.filter(session_index__in=session_indexes)
    rows = list(found.select_related("user").select_for_update(of=("self",)))
    keys_of: dict[User, list[str]] = {}
    for row in rows:
        keys_of.setdefault(row.user, []).append(row.session_id)
    ended = 0
    for user, keys in keys_of.items():
        count = open_sessions.end(user, keys, why=EndReason.AT_PROVIDER, actor=audit.SYSTEM, now=now)
        _note_asked(provider, user, count=count, now=now)
        ended += count
    if not keys_of:
        _note_asked(provider, None, count=0, now=now)
    return ended


def _note_asked(provider: IdentityProvider, user: User | None, *, count: int, now: datetime) -> None:
    """Record that the provider, by its own call or through the browser, asked for the end of sessions."""
    audit.record(
        action="slo.in",
        subject=user or provider,
        actor=audit.SYSTEM,
        now=now,
        login_id=user.pk if user else None,
        from_address=network_address.current(),
        provider=provider.slug,
        count=count,
    )


def sweep(*, now: datetime) -> None:
    """Delete what has had its time."""
    UsedMessage.objects.filter(expires_at__lt=now).delete()
    ProviderLogout.objects.filter(expires_at__lt=now).delete()
