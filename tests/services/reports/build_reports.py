"""Builders for the logs: appointments in numbers, and events of the trail."""

import uuid
from datetime import timedelta

from identity.choices import UserKind
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus, SlotKind
from services.booking.models import Appointment
from tests.build import make_user
from tests.services.booking.build_booking import NOW


def make_bookings(patient, provider, number, *, requested_at=NOW, by=None, first=NOW + timedelta(days=30)):
    """Store so many ended appointments that the patient (or `by`) asked for."""
    by = by or make_user(kind=UserKind.PATIENT)
    return Appointment.objects.bulk_create(
        Appointment(
            clinic=provider.clinic,
            patient=patient,
            provider=provider,
            starts_at=first + timedelta(hours=place),
            ends_at=first + timedelta(hours=place, minutes=20),
            kind=SlotKind.PORTAL,
            status=AppointmentStatus.CANCELLED,
            form_key=uuid.uuid4(),
            requested_at=requested_at,
            requested_by=by,
            cancelled_at=requested_at,
        )
        for place in range(number)
    )


def make_event(clinic, action, *, at=NOW, actor=None, patient=None, subject=None, **details):
    """Store an event as audit.record would."""
    kind = AuditEvent.ActorKind.SYSTEM if actor is None else AuditEvent.ActorKind(actor.kind)
    return AuditEvent.objects.create(
        at=at,
        clinic_id=clinic.pk if clinic else None,
        actor_kind=kind,
        actor_id=actor.pk if actor else None,
        patient_id=patient.pk if patient else None,
        action=action,
        subject_type=subject._meta.label_lower if subject else "clinic_admin.clinic",
        subject_id=str(subject.pk if subject else clinic.pk),
        details=details,
    )
