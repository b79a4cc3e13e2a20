"""Patients of the clinics that journeys make, and what the desk books for them. For scripts that have set Django up."""

import uuid
from datetime import date, datetime

from clinic_admin.models import Clinic, Provider
from identity.models import User
from patients.models import Patient
from services.booking.desk import operations, queries
from services.booking.desk.choices import Rule
from services.booking.models import Appointment


def add_patient(clinic: Clinic, given_name: str, gp: Provider) -> Patient:
    """Store a patient with a mobile on the provider's list."""
    patient = Patient.objects.create(
        clinic=clinic,
        given_name=given_name,
        family_name="Prøve",
        birth_date=date(1980, 1, 2),
        mobile="+4791234567",
        gp=gp,
    )
    patient.clinic = clinic
    return patient


def book_by_hand(
    patient: Patient, provider: Provider, starts: datetime, *, actor: User, now: datetime
) -> Appointment:
    """Book twenty minutes as the desk does, whatever rule is in the way. `starts` in the clinic's zone."""
    place = queries.free_place(
        clinic=patient.clinic, provider_id=provider.pk, day=starts.date(), clock=starts.time(), minutes=20
    )
    assert place is not None
    return operations.book(
        patient=patient,
        place=place,
        reason="",
        tells=False,
        confirmed=Rule.values,
        form_key=uuid.uuid4(),
        actor=actor,
        now=now,
    )
