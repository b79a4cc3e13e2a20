"""Writes the audit trail, in the transaction of the change it tells of."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from portal import request_id
from portal.models import AuditEvent

SYSTEM = None
"""The actor of what the product does by itself."""


class OutsideTransaction(RuntimeError):
    """An audit event was written outside a transaction: it could tell of something that never happened."""


def record(
    *,
    action: str,
    subject: models.Model,
    actor: Any,
    now: datetime,
    clinic_id: int | None = None,
    patient_id: UUID | None = None,
    **details: Any,
) -> AuditEvent:
    """Store that `actor` (a User, or SYSTEM) did `action` (noun.verb) to `subject`.

    `now` is an aware instant. `details` must be JSON and free of names, national IDs and texts.
    Raises OutsideTransaction outside an atomic block.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"{action} must be recorded in the transaction that does it")
    kind = AuditEvent.ActorKind.SYSTEM if actor is SYSTEM else AuditEvent.ActorKind(actor.kind)
    return AuditEvent.objects.create(
        at=now,
        clinic_id=clinic_id if clinic_id is not None else getattr(subject, "clinic_id", None),
        actor_kind=kind,
        actor_id=None if actor is SYSTEM else actor.pk,
        patient_id=patient_id if patient_id is not None else getattr(subject, "patient_id", None),
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        details=details,
        request_id=request_id.current(),
    )
