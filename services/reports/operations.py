"""What reading the logs leaves behind: that a file was taken out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from patients.choices import SeenIn
from patients.operations import note_listed
from portal import audit


@transaction.atomic
def record_export(
    *, clinic: Clinic, patient_ids: Iterable[UUID], is_everyone: bool, actor: Any, now: datetime
) -> None:
    """Record that `actor` takes the patient log out as a file: for the clinic, and for each patient who is in it."""
    note_listed(clinic=clinic, patient_ids=patient_ids, page=SeenIn.FILE, actor=actor, now=now)
    audit.record(
        action="patient_log.exported",
        subject=clinic,
        clinic_id=clinic.pk,
        actor=actor,
        now=now,
        is_everyone=is_everyone,
    )


@transaction.atomic
def record_paid_export(
    *, clinic: Clinic, patient_ids: Iterable[UUID], month: str, actor: Any, now: datetime
) -> None:
    """Record that `actor` takes the reminders that patients pay for out as a file, as record_export does."""
    note_listed(clinic=clinic, patient_ids=patient_ids, page=SeenIn.PAID_FILE, actor=actor, now=now)
    audit.record(
        action="paid_reminders.exported",
        subject=clinic,
        clinic_id=clinic.pk,
        actor=actor,
        now=now,
        month=month,
    )
