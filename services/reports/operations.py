"""What reading the logs leaves behind: that a file was taken out."""

from datetime import datetime
from typing import Any

from django.db import transaction

from clinic_admin.models import Clinic
from portal import audit


@transaction.atomic
def record_export(*, clinic: Clinic, is_everyone: bool, actor: Any, now: datetime) -> None:
    """Record that `actor` takes the patient log out as a file; whether of all patients, but not of whom."""
    audit.record(
        action="patient_log.exported",
        subject=clinic,
        clinic_id=clinic.pk,
        actor=actor,
        now=now,
        is_everyone=is_everyone,
    )
