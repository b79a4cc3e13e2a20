"""Connecting a SAML provider: its metadata, trusted by fingerprint, and our keys at it, two while we change them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from clinic_admin.choices import Country
from identity.choices import Assurance, Method, Protocol
from identity.models import IdentityProvider, ProviderKey
from identity.saml import certificates as saml_certificates
from identity.saml import profile as saml_profile
from identity.saml import service_provider as saml
from identity.saml.certificates import BadCertificate
from identity.saml.metadata import ProviderMetadata
from identity.saml.xml import MessageRefused
from portal import audit

MOST_KEYS = 2
LEVELS = {"Substantial": int(Assurance.SUBSTANTIAL), "High": int(Assurance.HIGH)}
SPEC_VERSIONS = ["OIO-SAML-3.0"]


class SetupRefused(ValueError):
    """Nothing was changed. The message is a sentence for an operator."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What we call the provider, and what it calls us."""

    slug: str
    name: str
    country: Country
    method: Method
    our_entity_id: str = ""
    """Empty: the address of our metadata."""
    allows_cbc: bool = False


def untrusted(metadata: ProviderMetadata, fingerprints: list[str]) -> list[str]:
    """Return the fingerprints of signing certificates in the file that the operator did not name."""
    given = {one.replace(":", "").replace(" ", "").lower() for one in fingerprints}
    return [
        name
        for certificate in metadata.signing_certificates
        if (name := saml_certificates.fingerprint(certificate)) not in given
    ]


@transaction.atomic
def connect(
    agreement: Agreement, metadata: ProviderMetadata, *, file_fingerprint: str, actor: Any, now: datetime
) -> IdentityProvider:
    """Store the provider as its metadata has it, new or in place of what was stored. Raises SetupRefused."""
    for address in (metadata.sso_address, metadata.slo_address, metadata.slo_response_address):
        _check_address(address)
    values = {
        "name": agreement.name,
        "country": agreement.country,
        "method": agreement.method,
        "issuer": metadata.entity_id,
        "client_id": agreement.our_entity_id or _own_entity_id(agreement.slug),
        "sso_address": metadata.sso_address,
        "slo_address": metadata.slo_address,
        "slo_response_address": metadata.slo_response_address,
        "signing_certificates": metadata.signing_certificates,
        "metadata_fingerprint": file_fingerprint,
        "metadata_loaded_at": now,
        "allows_cbc": agreement.allows_cbc,
    }
    first = {
        "protocol": Protocol.SAML,
        "client_auth": "",
        "acr_claim": saml_profile.LOA,
        "acr_map": LEVELS,
        "nid_claim": saml_profile.CPR,
        "spec_versions": SPEC_VERSIONS,
        "allowed_algs": [],
        "use_par": False,
    }
    provider = IdentityProvider.objects.select_for_update().filter(slug=agreement.slug).first()
    if provider is not None and provider.protocol != Protocol.SAML:
        raise SetupRefused("A provider of this name exists that does not speak SAML.")
    if provider is None:
        provider = IdentityProvider(slug=agreement.slug, **first)
    for name, value in values.items():
        setattr(provider, name, value)
    provider.save()
    audit.record(
        action="provider.metadata-loaded", subject=provider, actor=actor, now=now, provider=provider.slug
    )
    return provider


@transaction.atomic
def add_key(
    provider: IdentityProvider, *, private_key: str, certificate: str, actor: Any, now: datetime
) -> ProviderKey:
    """Add a key of ours; the first one signs at once, the second only decrypts until it is used. Raises SetupRefused."""
    IdentityProvider.objects.select_for_update().get(pk=provider.pk)
    try:
        belongs = saml_certificates.belongs(
            saml_certificates.private(private_key), saml_certificates.loaded(certificate)
        )
    except BadCertificate as bad:
        raise SetupRefused(str(bad)) from None
    if not belongs:
        raise SetupRefused("The certificate is about another key.")
    if not saml_certificates.in_force([certificate], now):
        raise SetupRefused("The certificate has ended, or has not begun.")
    keys = saml.keys_of(provider)
    fingerprint = saml_certificates.fingerprint(certificate)
    if fingerprint in [key.fingerprint for key in keys]:
        raise SetupRefused("This certificate is there already.")
    if len(keys) >= MOST_KEYS:
        raise SetupRefused("There are two keys already. Retire one first.")
    key = ProviderKey.objects.create(
        provider=provider,
        private_key=private_key,
        certificate=certificate,
        fingerprint=fingerprint,
        ends_at=saml_certificates.ends_at(certificate),
        is_signing=not keys,
        created_at=now,
    )
    _note("provider.key-added", key, actor, now)
    return key


@transaction.atomic
def use_key(provider: IdentityProvider, fingerprint: str, *, actor: Any, now: datetime) -> ProviderKey:
    """Sign with this key from now on; the other one goes on decrypting. Raises SetupRefused."""
    key = _key(provider, fingerprint)
    provider.own_keys.update(is_signing=False)
    key.is_signing = True
    key.save(update_fields=["is_signing"])
    _note("provider.key-used", key, actor, now)
    return key


@transaction.atomic
def retire_key(provider: IdentityProvider, fingerprint: str, *, actor: Any, now: datetime) -> None:
    """Forget a key. What is encrypted to it can't be opened any more. Raises SetupRefused for the one that signs."""
    key = _key(provider, fingerprint)
    if key.is_signing:
        raise SetupRefused("This key signs. Use the other one first.")
    _note("provider.key-retired", key, actor, now)
    key.delete()


def _key(provider: IdentityProvider, fingerprint: str) -> ProviderKey:
    given = fingerprint.replace(":", "").lower()
    found = [key for key in saml.keys_of(provider) if given and key.fingerprint.startswith(given)]
    if len(found) != 1:
        raise SetupRefused("No key has this fingerprint, or both have.")
    return found[0]


def _own_entity_id(slug: str) -> str:
    return f"{settings.BASE_URL}{reverse('identity_saml_metadata', args=[slug])}"


def _check_address(address: str) -> None:
    if address:
        try:
            saml.check_address(address)
        except MessageRefused:
            raise SetupRefused(f"Browsers can't be sent to {address}: it is not https.") from None


def _note(action: str, key: ProviderKey, actor: Any, now: datetime) -> None:
    audit.record(
        action=action,
        subject=key,
        actor=actor,
        now=now,
        provider=key.provider.slug,
        fingerprint=key.fingerprint,
    )
