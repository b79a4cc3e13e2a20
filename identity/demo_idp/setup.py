"""Connects a clinic of the demo with the demo provider of its country."""

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from clinic_admin.models import Clinic
from identity.choices import ClientAuth, Protocol
from identity.demo_idp import keys, saml_keys, saml_operations
from identity.demo_idp.realms import OF_COUNTRY, Realm
from identity.models import ClinicIdentityProvider, IdentityProvider
from identity.saml import metadata as saml_metadata
from identity.saml import profile as saml_profile
from identity.saml import setup as saml_setup
from identity.saml.setup import Agreement
from portal import audit


class DemoOnly(RuntimeError):
    """The demo's providers were asked for in production."""


@transaction.atomic
def connect(clinic: Clinic, *, now: datetime, protocol: Protocol | None = None) -> IdentityProvider:
    """Let the clinic's patients sign in with the demo's BankID (Norway) or MitID (Denmark).

    BankID speaks OpenID Connect and MitID SAML, unless `protocol` says otherwise: brokers offer MitID by the first.

    Calling it again is harmless, and needed when BASE_URL or the secret key has changed. Raises DemoOnly.
    """
    if not settings.IS_DEVELOPMENT:
        raise DemoOnly("demo identity providers exist in the demo only")
    realm = OF_COUNTRY[clinic.country]  # type: ignore[index]  # the column holds the enumeration's values
    speaks_saml = (protocol or realm.protocol) == Protocol.SAML
    provider = _saml(realm, now) if speaks_saml else _oidc(realm)
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


def _oidc(realm: Realm) -> IdentityProvider:
    key = keys.client_key(realm.client_id)
    uses_key = realm.client_auth == ClientAuth.KEY
    provider, _ = IdentityProvider.objects.update_or_create(
        slug=realm.slug,
        defaults=_same(realm)
        | {
            "protocol": Protocol.OIDC,
            "client_id": realm.client_id,
            "client_auth": realm.client_auth,
            "client_secret": None if uses_key else keys.client_secret(realm.client_id),
            "private_key": keys.pem(key) if uses_key else None,
            "private_key_id": keys.key_id(key) if uses_key else "",
            "scopes": realm.scopes,
            "acr_request": realm.acr_request,
            "acr_claim": "acr",
            "acr_map": {value: int(level) for value, level in realm.acr.items()},
            "nid_claim": realm.nid_claim,
            "stable_id_claim": realm.stable_id_claim,
            "allowed_algs": ["ES256"],
            "use_par": True,
        },
    )
    return provider


def _saml(realm: Realm, now: datetime) -> IdentityProvider:
    """Load the provider's own metadata as an operator would; give the portal a key if it has none."""
    IdentityProvider.objects.filter(slug=realm.slug, protocol=Protocol.OIDC).update(
        protocol=Protocol.SAML,
        client_auth="",
        client_secret=None,
        allowed_algs=[],
        sso_address=saml_operations.sso_address(realm),
        signing_certificates=[saml_operations.own_key(realm).certificate],
        acr_claim=saml_profile.LOA,
        acr_map=saml_setup.LEVELS,
        nid_claim=saml_profile.CPR,
        spec_versions=saml_setup.SPEC_VERSIONS,
    )
    content = saml_operations.metadata(realm).encode()
    provider = saml_setup.connect(
        Agreement(slug=realm.slug, name=realm.name, country=realm.country, method=realm.method),
        saml_metadata.read(content, now=now),
        file_fingerprint=hashlib.sha256(content).hexdigest(),
        actor=audit.SYSTEM,
        now=now,
    )
    IdentityProvider.objects.filter(pk=provider.pk).update(is_active=True)
    pair = saml_keys.key_pair(f"portal-{realm.slug}")
    if not provider.own_keys.exists():
        saml_setup.add_key(
            provider,
            private_key=pair.private_key,
            certificate=pair.certificate,
            actor=audit.SYSTEM,
            now=now,
        )
    return provider


def _same(realm: Realm) -> dict[str, Any]:
    return {
        "country": realm.country,
        "method": realm.method,
        "name": realm.name,
        "issuer": realm.issuer,
        "is_active": True,
    }
