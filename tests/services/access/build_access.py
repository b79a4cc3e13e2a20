"""Builders of rights, ticks and absences."""

from datetime import date

from clinic_admin.choices import Service
from delegation.models import Absence, AbsenceCover, MatrixTick
from services.access.choices import Column
from services.access.models import ProviderRights, SpecialRights

EVERYONE = "others"


def give(provider, column=Column.WITH_GP, **rights):
    """Store one column of the provider's rights."""
    return ProviderRights.objects.create(provider=provider, column=column, **rights)


def tick(provider, *rows, services=(Service.BOOKING,)):
    """Tick the provider in these rows: providers whose lists they are, or EVERYONE for all other patients."""
    for service in services:
        for row in rows:
            MatrixTick.objects.create(
                clinic=provider.clinic,
                service=service,
                row=None if row == EVERYONE else row,
                provider=provider,
            )


def away(provider, first_day, last_day, cover=None, covers=None):
    """Store an absence: one cover for all services, or `covers` by service."""
    absence = Absence.objects.create(
        clinic=provider.clinic, provider=provider, first_day=first_day, last_day=last_day
    )
    for service, one in (covers or dict.fromkeys(Service, cover)).items():
        if one is not None:
            AbsenceCover.objects.create(
                clinic=provider.clinic, absence=absence, service=service, provider=one
            )
    return absence


def special(patient, **rights):
    """Store what the patient has instead of the standard."""
    return SpecialRights.objects.create(patient=patient, **rights)


TUESDAY = date(2026, 6, 30)
