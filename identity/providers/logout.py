"""Signing out at the provider, too, whatever it speaks: noted here, done by saml_logout and oidc_logout."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from clinic_admin.models import Clinic
from identity import queries, sessions
from identity.choices import Protocol
from identity.models import IdentityProvider, ProviderLogout
from identity.providers import sessions as provider_sessions
from identity.saml import service_provider as saml
from portal import audit, network_address

LOGOUT_LASTS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What came of signing out at a provider."""

    clinic: Clinic
    everywhere: bool
    """Signed out at the provider and at everyone else it knows of."""


@transaction.atomic
def begin(request: HttpRequest, *, clinic: Clinic, now: datetime) -> ProviderLogout | None:
    """Note that the browser signs out at the provider, too; call it before the session here ends.

    None if the session stands on no provider with single logout. Asks the provider nothing.
    """
    session = provider_sessions.of(request)
    if session is None or not queries.is_usable(session.provider):
        return None
    speaks_saml = session.provider.protocol == Protocol.SAML
    if not (session.provider.slo_address if speaks_saml else session.id_token):
        return None
    leaving = ProviderLogout.objects.create(
        provider=session.provider,
        clinic=clinic,
        request_id=saml.new_id() if speaks_saml else secrets.token_urlsafe(32),
        name_id=session.name_id,
        id_token=session.id_token,
        name_id_format=session.name_id_format,
        session_index=session.session_index,
        created_at=now,
        expires_at=now + LOGOUT_LASTS,
    )
    audit.record(
        action="slo.out",
        subject=leaving,
        actor=session.user,
        now=now,
        login_id=session.user_id,
        from_address=network_address.current(),
        provider=session.provider.slug,
    )
    return leaving


def note_answered(leaving: ProviderLogout, *, everywhere: bool, now: datetime) -> SignedOut:
    """Record what came back from the provider, and return it."""
    audit.record(
        action="slo.answered",
        subject=leaving,
        actor=audit.SYSTEM,
        now=now,
        from_address=network_address.current(),
        provider=leaving.provider.slug,
        everywhere=everywhere,
    )
    return SignedOut(leaving.clinic, everywhere=everywhere)


def waiting(request: HttpRequest, provider: IdentityProvider, logout_id: UUID) -> ProviderLogout | None:
    """Return the logout with this id at the provider, in the browser that signed out."""
    if sessions.leaving(request) != str(logout_id):
        return None
    return ProviderLogout.objects.filter(pk=logout_id, provider=provider).select_related("clinic").first()


def is_open(leaving: ProviderLogout, now: datetime) -> bool:
    """Return whether the browser can still be sent on with it."""
    return leaving.answered_at is None and now < leaving.expires_at
