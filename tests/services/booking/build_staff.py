"""Builders of calendars as staff see them. Times are some days ahead of now, because the pages ask the clock."""

import time
import uuid
from datetime import datetime, timedelta
from datetime import time as clock_time

from django.conf import settings
from django.utils import timezone

from clinic_admin.choices import Role
from identity.choices import UserKind
from services.booking.choices import AppointmentStatus, SlotState
from services.booking.models import Appointment, Slot
from tests.build import make_patient, make_staff_member, make_user
from tests.services.booking.build_booking import make_slot

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def ahead(clinic, days=3, hour=9, minute=0):
    """Return a clock time of the clinic some days from today."""
    today = timezone.now().astimezone(clinic.zone).date()
    return datetime.combine(today + timedelta(days=days), clock_time(hour, minute), tzinfo=clinic.zone)


def make_appointment(slot, patient=None, **values):
    """Store a request that waits for approval in this slot; status=booked gives an appointment."""
    patient = patient or make_patient(slot.clinic)
    values.setdefault("status", AppointmentStatus.REQUESTED)
    if values["status"] == AppointmentStatus.BOOKED:
        values.setdefault("decided_at", timezone.now() - timedelta(days=1))
    Slot.objects.filter(pk=slot.pk).update(state=SlotState.TAKEN)
    values.setdefault("requested_by", None)
    values["requested_by"] = values["requested_by"] or make_user(
        kind=UserKind.PATIENT, name=patient.full_name
    )
    values.setdefault("requested_at", timezone.now() - timedelta(hours=2))
    values.setdefault("reason", "Vondt i kneet")
    return Appointment.objects.create(
        clinic=slot.clinic,
        patient=patient,
        provider=slot.provider,
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        kind=slot.kind,
        form_key=uuid.uuid4(),
        **values,
    )


def make_request(provider, days=3, hour=9, minute=0, patient=None, **values):
    """Store a slot and a request for it."""
    return make_appointment(
        make_slot(provider, ahead(provider.clinic, days, hour, minute)), patient, **values
    )


def sign_in_staff(client, clinic, *roles, **values):
    """Sign the client in with both factors as a new staff member of the clinic; an assistant if no role is given."""
    post = make_staff_member(clinic, *(roles or (Role.ASSISTANT,)), **values)
    client.force_login(post.user, backend=BACKEND)
    session = client.session
    session[settings.SECOND_FACTOR_MARK] = time.time()
    session.save()
    return post
