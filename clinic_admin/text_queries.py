"""The texts that a clinic writes: what is in force, and what was before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from clinic_admin.choices import GUIDANCE, LANGUAGES, Service, TextKind
from clinic_admin.factory_texts import factory_text
from clinic_admin.models import Clinic, ClinicText, Provider
from portal.ready import Given, Ready

VERSIONS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class TextKey:
    """Which of the clinic's texts: signatures have a provider and no language, the others a language."""

    kind: TextKind
    language: str = ""
    provider_id: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text in force. Number 0 is the factory's, which nobody saved."""

    body: str
    is_factory: bool
    number: int = 0
    saved_at: datetime | None = None
    saved_by: UUID | None = None


def text(clinic: Clinic, key: TextKey) -> Text:
    """Return the text in force. One query."""
    asked: dict[str, Any] = {"clinic": clinic.pk, "kind": key.kind.value, "language": key.language}
    if key.provider_id:
        return as_text(_OF_PROVIDER.first(**asked, provider=key.provider_id), key)
    return as_text(_OF_CLINIC.first(**asked), key)


def _newest(provider: Q) -> QuerySet[ClinicText]:
    return ClinicText.objects.filter(
        provider, clinic=Given("clinic"), kind=Given("kind"), language=Given("language")
    ).order_by("-number")[:1]


_OF_CLINIC = Ready(lambda: _newest(Q(provider__isnull=True)))
_OF_PROVIDER = Ready(lambda: _newest(Q(provider=Given("provider"))))


def text_before(clinic: Clinic, key: TextKey, number: int) -> Text | None:
    """Return what was in force before version `number`; None for the factory text, which had nothing before it."""
    if number == 0:
        return None
    return as_text(versions(clinic, key).filter(number=number - 1).first(), key)


def as_text(row: ClinicText | None, key: TextKey) -> Text:
    """Return the row as a text; without a row it is the factory's."""
    factory = factory_text(key.kind, key.language)
    if row is None:
        return Text(body=factory, is_factory=True)
    return Text(
        body=factory if row.body is None else row.body,
        is_factory=row.body is None,
        number=row.number,
        saved_at=row.saved_at,
        saved_by=row.saved_by_id,
    )


def versions(clinic: Clinic, key: TextKey) -> QuerySet[ClinicText]:
    """Return what was saved, newest first; the unique index is read backwards."""
    provider = Q(provider_id=key.provider_id) if key.provider_id else Q(provider__isnull=True)
    return ClinicText.objects.filter(provider, clinic=clinic, kind=key.kind, language=key.language).order_by(
        "-number"
    )


def guidance(clinic: Clinic, service: Service, language: str) -> str:
    """Return what patients read on the service's page, as the clinic wrote it; empty when they read nothing.

    `language` is that of the page, as in "nb" or "en-gb"; one we have no texts in gets the clinic's.
    """
    return text(clinic, TextKey(GUIDANCE[service], written_language(clinic, language))).body


def about(clinic: Clinic, language: str) -> str:
    """Return what the clinic says about itself; if not in this language, then in its own."""
    spoken = written_language(clinic, language)
    found = text(clinic, TextKey(TextKind.ABOUT, spoken)).body
    if found or spoken == clinic.language:
        return found
    return text(clinic, TextKey(TextKind.ABOUT, clinic.language)).body


def signature(provider: Provider) -> str:
    """Return what stands below the provider's written answers; empty when they wrote none."""
    return text(provider.clinic, TextKey(TextKind.SIGNATURE, provider_id=provider.pk)).body


def written_language(clinic: Clinic, language: str) -> str:
    """Return the language of our texts that fits a page's language best."""
    short = language[:2].lower()
    return short if short in LANGUAGES else clinic.language


def signed_providers(clinic: Clinic) -> list[tuple[Provider, str]]:
    """Return the active providers with their signatures, empty for none. Two queries."""
    newest = (
        ClinicText.objects.filter(clinic=clinic, kind=TextKind.SIGNATURE)
        .order_by("provider_id", "-number")
        .distinct("provider_id")
        .values_list("provider_id", "body")
    )
    signatures = dict(newest)
    return [
        (provider, signatures.get(provider.pk) or "")
        for provider in Provider.objects.for_clinic(clinic).active()
    ]


def provider_of(clinic: Clinic, provider_id: int) -> Provider | None:
    """Return the clinic's own active provider, or None."""
    return Provider.objects.for_clinic(clinic).active().filter(pk=provider_id).first()
