"""What reading the logs leaves behind: a full national ID that was shown, and a file that was taken out."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from identity.models import User
from patients.models import Patient
from portal import audit


@transaction.atomic
def show_national_id(*, clinic: Clinic, patient_id: UUID, actor: User, now: datetime) -> Patient:
    """Return the clinic's patient with the national ID, and record that `actor` saw it.

    Raises Patient.DoesNotExist for another clinic's patient.
    """
    patient: Patient = Patient.objects.for_clinic(clinic).get(pk=patient_id)
    audit.record(
        action="patient.national_id_shown", subject=patient, patient_id=patient.pk, actor=actor, now=now
    )
    return patient


@transaction.atomic
def record_export(*, clinic: Clinic, is_everyone: bool, actor: User, now: datetime) -> None:
    """Record that `actor` takes the patient log out as a file; whether of all patients, but not of whom."""
    audit.record(
        action="patient_log.exported",
        subject=clinic,
        clinic_id=clinic.pk,
        actor=actor,
        now=now,
        is_everyone=is_everyone,
    )
