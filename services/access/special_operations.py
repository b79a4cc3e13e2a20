"""Changes of special rights that were asked for on a page: what the reader saw must still hold."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from clinic_admin.models import Clinic
from identity.models import User
from patients.models import Patient
from portal import audit
from services.access import operations, special_queries
from services.access.models import SpecialRights
from services.access.operations import RightsRefused
from services.access.policy import AS_STANDARD
from services.access.policy import SpecialRights as SpecialValues
from services.access.special_choices import SpecialRefusal
from services.access.special_queries import Filter


@transaction.atomic
def save_special_rights(
    *, patient: Patient, special: SpecialValues, seen: SpecialValues, actor: User | None, now: datetime
) -> None:
    """Give one patient these special rights, if those that the page showed are still the stored ones.

    Raises RightsRefused otherwise; saving what is stored already changes nothing.
    """
    Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    stored = SpecialRights.objects.filter(patient=patient).first()
    values = AS_STANDARD if stored is None else stored.values
    if values not in {seen, special}:
        raise RightsRefused(SpecialRefusal.CHANGED_MEANWHILE)
    operations.set_special_rights(patient=patient, special=special, actor=actor, now=now)


@transaction.atomic
def reset_all(
    *,
    clinic: Clinic,
    chosen: Filter,
    patient_ids: Collection[UUID] | None,
    expected: int,
    actor: User | None,
    now: datetime,
) -> int:
    """Put patients back to the standard: these ones, or with None all that the filter lets through. Returns how many.

    Raises RightsRefused when there are not as many as the reader was told (`expected`).
    """
    found = special_queries.to_reset(clinic=clinic, chosen=chosen, patient_ids=patient_ids)
    locked = list(
        found.select_related("special_rights")
        .only("pk", "clinic_id", "special_rights")
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
    )
    if len(locked) != expected or not locked:
        raise RightsRefused(SpecialRefusal.OTHER_NUMBER)
    events: list[tuple[Model, dict[str, Any]]] = [
        (
            patient,
            {
                "before": asdict(patient.special_rights.values),
                "after": asdict(AS_STANDARD),
                "together": len(locked),
            },
        )
        for patient in locked
    ]
    SpecialRights.objects.filter(patient__in=[patient.pk for patient in locked]).delete()
    audit.record_many(
        action="special_rights.changed",
        patients=events,
        actor=actor,
        now=now,
    )
    return len(locked)


@transaction.atomic
def undo_reset(
    *, clinic: Clinic, event_id: int, expected: int, actor: User | None, now: datetime
) -> int | None:
    """Give the patients of a reset back what they had; return how many, or None when there was no such reset.

    Who has got other special rights since keeps those. Raises RightsRefused when there are not as many to give back as
    the reader was told (`expected`), or none.
    """
    past = special_queries.past_reset(clinic=clinic, event_id=event_id)
    if past is None:
        return None
    locked = list(
        special_queries.to_give_back(clinic=clinic, past=past)
        .only("pk", "clinic_id")
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
    )
    if len(locked) != expected or not locked:
        raise RightsRefused(SpecialRefusal.OTHER_NUMBER)
    SpecialRights.objects.bulk_create(
        [SpecialRights(patient=patient, **asdict(past.before[patient.pk])) for patient in locked],
        batch_size=1000,
    )
    audit.record_many(
        action="special_rights.changed",
        patients=[
            (patient, {"before": asdict(AS_STANDARD), "after": asdict(past.before[patient.pk])})
            for patient in locked
        ],
        actor=actor,
        now=now,
    )
    return len(locked)
