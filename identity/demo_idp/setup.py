"""Connects a clinic of the demo with the demo provider of its country."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from clinic_admin.models import Clinic
from identity.choices import ClientAuth
from identity.demo_idp import keys
from identity.demo_idp.realms import OF_COUNTRY
from identity.models import ClinicIdentityProvider, IdentityProvider
from portal import audit


class DemoOnly(RuntimeError):
    """The demo's providers were asked for in production."""


@transaction.atomic
def connect(clinic: Clinic, *, now: datetime) -> IdentityProvider:
    """Let the clinic's patients sign in with the demo's BankID (Norway) or MitID (Denmark).

    Calling it again is harmless, and needed when BASE_URL or the secret key has changed. Raises DemoOnly.
    """
    if not settings.IS_DEVELOPMENT:
        raise DemoOnly("demo identity providers exist in the demo only")
    realm = OF_COUNTRY[clinic.country]  # type: ignore[index]  # the column holds the enumeration's values
    key = keys.client_key(realm.client_id)
    uses_key = realm.client_auth == ClientAuth.KEY
    provider, _ = IdentityProvider.objects.update_or_create(
        slug=realm.slug,
        defaults={
            "country": realm.country,
            "method": realm.method,
            "name": realm.name,
            "issuer": realm.issuer,
            "client_id": realm.client_id,
            "client_auth": realm.client_auth,
            "client_secret": None if uses_key else keys.client_secret(realm.client_id),
            "private_key": keys.pem(key) if uses_key else None,
            "private_key_id": keys.key_id(key) if uses_key else "",
            "scopes": realm.scopes,
            "acr_request": realm.acr_request,
            "acr_map": {value: int(level) for value, level in realm.acr.items()},
            "nid_claim": realm.nid_claim,
            "stable_id_claim": realm.stable_id_claim,
            "allowed_algs": ["ES256"],
            "use_par": True,
            "is_active": True,
        },
    )
    _, is_new = ClinicIdentityProvider.objects.get_or_create(clinic=clinic, provider=provider)
    if is_new:
        audit.record(
            action="provider.connected",
            subject=provider,
            actor=audit.SYSTEM,
            now=now,
            clinic_id=clinic.pk,
            provider=provider.slug,
        )
    return provider
