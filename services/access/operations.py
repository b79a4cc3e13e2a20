"""Changes of rights. Each locks the row that the setting hangs on: queries.lock_facts waits for it, and it for that."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from clinic_admin.models import Clinic, Provider
from identity.models import User
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.access import queries
from services.access.choices import AccessRefusal, Column
from services.access.models import ProviderRights, SpecialRights
from services.access.policy import AS_STANDARD, NO_RIGHTS, Rights, Services
from services.access.policy import SpecialRights as SpecialValues


class RightsRefused(Refused):
    """A change of rights was refused."""


@transaction.atomic
def save_services(
    *,
    clinic: Clinic,
    provider_id: int,
    allowed: bool,
    columns: Mapping[Column, Rights],
    actor: User | None,
    now: datetime,
    seen: str | None = None,
) -> None:
    """Set a provider's portal access and the given columns as one change (000 §3).

    `seen` is the policy.Services.token that the page was made with; None saves regardless. Raises RightsRefused for
    someone who is no active provider of the clinic, and when someone saved something else since the page was made.
    """
    provider = _lock_provider(clinic, provider_id)
    if seen is not None:
        stored = Services(provider.has_portal_access, queries.columns_of(provider))
        wanted = Services(allowed, {**stored.columns, **columns})
        if stored.token not in {seen, wanted.token}:
            raise RightsRefused(AccessRefusal.CHANGED_MEANWHILE)
    _set_access(provider, allowed, actor, now)
    for column, rights in columns.items():
        _set_column(provider, column, rights, actor, now)


@transaction.atomic
def set_portal_access(*, provider: Provider, allowed: bool, actor: User | None, now: datetime) -> None:
    """Let patients reach the provider through the portal, or stop that. Raises RightsRefused."""
    _set_access(_lock_provider(provider.clinic, provider.pk), allowed, actor, now)


@transaction.atomic
def set_provider_rights(
    *,
    clinic: Clinic,
    provider_id: int,
    column: Column,
    rights: Rights,
    actor: User | None,
    now: datetime,
) -> None:
    """Set one column of a provider's rights. Raises RightsRefused."""
    _set_column(_lock_provider(clinic, provider_id), column, rights, actor, now)


@transaction.atomic
def set_special_rights(
    *, patient: Patient, special: SpecialValues, actor: User | None, now: datetime
) -> None:
    """Give one patient other rights than the standard (000 §3.2); all as standard removes the exception."""
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    stored = SpecialRights.objects.filter(patient=patient).first()
    before = _special_values(stored)
    if before == special:
        return
    if special == AS_STANDARD:
        SpecialRights.objects.filter(patient=patient).delete()
    else:
        SpecialRights.objects.update_or_create(patient=patient, defaults=asdict(special))
    audit.record(
        action="special_rights.changed",
        subject=patient,
        patient_id=patient.pk,
        actor=actor,
        now=now,
        before=asdict(before),
        after=asdict(special),
    )


def reset_special_rights(*, patient: Patient, actor: User | None, now: datetime) -> None:
    """Put one patient back to the standard."""
    set_special_rights(patient=patient, special=AS_STANDARD, actor=actor, now=now)


def _lock_provider(clinic: Clinic, provider_id: int) -> Provider:
    found = Provider.objects.for_clinic(clinic).select_for_update(no_key=True).filter(pk=provider_id).first()
    if found is None or not found.is_active:
        raise RightsRefused(AccessRefusal.UNKNOWN_PROVIDER)
    return found


def _set_access(provider: Provider, allowed: bool, actor: User | None, now: datetime) -> None:
    if provider.has_portal_access == allowed:
        return
    provider.has_portal_access = allowed
    provider.save(update_fields=["has_portal_access"])
    audit.record(
        action="portal_access.changed",
        subject=provider,
        actor=actor,
        now=now,
        before=not allowed,
        after=allowed,
    )


def _set_column(
    provider: Provider, column: Column, rights: Rights, actor: User | None, now: datetime
) -> None:
    stored = ProviderRights.objects.filter(provider=provider, column=column).first()
    before = _rights_values(stored)
    if before == rights:
        return
    ProviderRights.objects.update_or_create(provider=provider, column=column, defaults=asdict(rights))
    audit.record(
        action="rights.changed",
        subject=provider,
        actor=actor,
        now=now,
        column=column.value,
        before=asdict(before),
        after=asdict(rights),
    )


def _rights_values(stored: ProviderRights | None) -> Rights:
    return NO_RIGHTS if stored is None else stored.values


def _special_values(stored: SpecialRights | None) -> SpecialValues:
    return AS_STANDARD if stored is None else stored.values
