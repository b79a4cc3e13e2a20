"""Writes the audit trail, in the transaction of the change it tells of."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from portal import request_id, session_reference
from portal.models import AuditEvent
from portal.together import fresh

SYSTEM = None
"""The actor of what the product does by itself."""

_EVENTS_AT_ONCE = 2000


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
    login_id: UUID | None = None,
    from_address: str | None = None,
    **details: Any,
) -> AuditEvent:
    """Store that `actor` (a User, or SYSTEM) did `action` (noun.verb) to `subject`, and in which session.

    `now` is an aware instant. `login_id`: the patient's login that a sign-in is about; `from_address`: where
    it came from (network_address.current). `details` must be JSON and free of names, national IDs and texts.
    Raises OutsideTransaction outside an atomic block.
    """
    _must_be_within(action)
    written = event(action=action, subject=subject, actor=actor, now=now, **details)
    written.clinic_id = clinic_id if clinic_id is not None else written.clinic_id
    written.patient_id = patient_id if patient_id is not None else written.patient_id
    written.login_id = login_id
    written.network_address = from_address
    written.save(force_insert=True)
    return written


def record_many(
    *, action: str, patients: Sequence[tuple[models.Model, dict[str, Any]]], actor: Any, now: datetime
) -> list[AuditEvent]:
    """Store the same action on many patients, each with its own details, in few statements; see record.

    Returns the events in the order of the patients.
    """
    _must_be_within(action)
    events = [
        event(action=action, subject=patient, actor=actor, now=now, **details)
        for patient, details in patients
    ]
    for one, (patient, _details) in zip(events, patients, strict=True):
        one.patient_id = patient.pk
    return AuditEvent.objects.bulk_create(events, batch_size=_EVENTS_AT_ONCE)


def _must_be_within(action: str) -> None:
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"{action} must be recorded in the transaction that does it")


def record_listed(
    *,
    action: str,
    patient_ids: Iterable[UUID],
    clinic_id: int,
    page: str,
    period: str,
    actor: Any,
    now: datetime,
) -> None:
    """Store that `actor` saw these patients on a page that names many; once for each patient, page and period.

    The constraint audit_listed_once, which knows the action, sees to that. `page` and `period` (the quarter of an hour)
    make up the subject, at most 40 characters. One statement, no read: what stands there already stays.
    Raises OutsideTransaction.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction("a look must be recorded in the transaction that hands the page out")
    in_session = session_reference.current()
    events = [
        AuditEvent(
            at=now,
            clinic_id=clinic_id,
            actor_kind=AuditEvent.ActorKind(actor.kind),
            actor_id=actor.pk,
            patient_id=patient_id,
            action=action,
            subject_type="page",
            subject_id=f"{page}@{period}",
            details={"page": page},
            request_id=request_id.current(),
            session_reference=in_session,
        )
        for patient_id in dict.fromkeys(patient_ids)
    ]
    AuditEvent.objects.bulk_create(events, batch_size=_EVENTS_AT_ONCE, ignore_conflicts=True)


def event(*, action: str, subject: models.Model, actor: Any, now: datetime, **details: Any) -> AuditEvent:
    """Return the event for a caller that stores it by one statement with the change (portal/together.py); see record."""
    kind = AuditEvent.ActorKind.SYSTEM if actor is SYSTEM else AuditEvent.ActorKind(actor.kind)
    return fresh(
        AuditEvent,
        at=now,
        clinic_id=getattr(subject, "clinic_id", None),
        actor_kind=kind,
        actor_id=None if actor is SYSTEM else actor.pk,
        patient_id=getattr(subject, "patient_id", None),
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        details=details,
        request_id=request_id.current(),
        session_reference=None if actor is SYSTEM else session_reference.current(),
    )
