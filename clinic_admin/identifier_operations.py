"""Changing where a clinic's portal is, with the vendor's day password (000 §2.1)."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from clinic_admin import day_password
from clinic_admin.choices import ClinicRefusal
from clinic_admin.models import Clinic, FormerIdentifier
from clinic_admin.operations import ClinicChangeRefused, clean_identifier, locked
from portal import audit, throttle
from portal.throttle import Limit

TRIES = Limit("day-password", count=5, period=timedelta(hours=1))
"""Per clinic. A day password has 60 bits; this keeps guessing pointless and mistyping cheap."""


def change_identifier(*, clinic: Clinic, identifier: str, password: str, actor: Any, now: datetime) -> None:
    """Give the clinic's portal another identifier; the old one leads on to the new.

    The day is the clinic's local day. Every try counts and a wrong one is recorded (never the password), also
    though nothing else changes: so counting and changing are two transactions.
    Raises ClinicChangeRefused: too many tries, wrong password, an identifier that can't be used, is the same, or is
    or was another clinic's.
    """
    wanted = clean_identifier(identifier)
    if wanted == clinic.portal_identifier:
        raise ClinicChangeRefused(ClinicRefusal.IDENTIFIER_SAME)
    refusal = _check(clinic, password, actor, now)
    if refusal is not None:
        raise ClinicChangeRefused(refusal)
    _change(clinic, wanted, actor, now)


@transaction.atomic
def _check(clinic: Clinic, password: str, actor: Any, now: datetime) -> ClinicRefusal | None:
    if throttle.is_exceeded(TRIES, key=str(clinic.pk), now=now):
        refusal = ClinicRefusal.TOO_MANY_TRIES
    elif not day_password.matches(password, now.astimezone(clinic.zone).date()):
        refusal = ClinicRefusal.DAY_PASSWORD_WRONG
    else:
        return None
    audit.record(
        action="clinic.identifier_refused",
        subject=clinic,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        reason=refusal.value,
    )
    return refusal


@transaction.atomic
def _change(clinic: Clinic, wanted: str, actor: Any, now: datetime) -> None:
    row = locked(clinic)
    old = row.portal_identifier
    row.portal_identifier = wanted
    try:
        with transaction.atomic():
            row.save(update_fields=["portal_identifier"])
    except IntegrityError:
        raise ClinicChangeRefused(ClinicRefusal.IDENTIFIER_TAKEN) from None
    # Asked after writing, which waits for whoever is just giving the identifier up: so it can't be missed.
    if FormerIdentifier.objects.filter(identifier=wanted).exclude(clinic=row).exists():
        raise ClinicChangeRefused(ClinicRefusal.IDENTIFIER_HAD)
    row.former_identifiers.filter(identifier=wanted).delete()
    FormerIdentifier.objects.create(identifier=old, clinic=row)
    audit.record(
        action="clinic.identifier_changed",
        subject=row,
        actor=actor,
        now=now,
        clinic_id=row.pk,
        before=old,
        after=wanted,
    )
    clinic.portal_identifier = wanted
