"""Builders of calendars, slots and appointments, and of a patient who may book."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation.models import Absence, AbsenceCover, MatrixTick
from identity.choices import Assurance, UserKind
from identity.models import User
from patients.models import Patient
from services.access.choices import Approval, Column
from services.access.models import ProviderRights
from services.booking import operations
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Appointment, CalendarTemplate, Slot, TemplateBlock
from tests.build import make_clinic, make_patient, make_provider, make_user

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""A Monday, 9 o'clock at the clinics; urgent times of Tuesday come out at 15:00 UTC."""
MONDAY = NOW.date()


def make_slot(provider: Provider, starts_at: datetime | None = None, **values: Any) -> Slot:
    """Store a free slot of 20 minutes, tomorrow at 10:20 local time if nothing is said."""
    starts_at = starts_at or NOW + timedelta(days=1, hours=1, minutes=20)
    values.setdefault("ends_at", starts_at + timedelta(minutes=20))
    values.setdefault("day", starts_at.astimezone(provider.clinic.zone).date())
    values.setdefault("kind", SlotKind.PORTAL)
    values.setdefault("state", SlotState.FREE)
    return Slot.objects.create(clinic=provider.clinic, provider=provider, starts_at=starts_at, **values)


def make_template(provider: Provider, *blocks: dict[str, Any], **values: Any) -> CalendarTemplate:
    """Store a template; a block is Monday 8-9 in slots of 20 minutes if it says nothing."""
    values.setdefault("valid_from", MONDAY - timedelta(days=365))
    values.setdefault("name", "Week")
    template = CalendarTemplate.objects.create(clinic=provider.clinic, provider=provider, **values)
    for block in blocks or ({},):
        TemplateBlock.objects.create(
            template=template,
            **{
                "weekday": "0",
                "starts_at": time(8),
                "ends_at": time(9),
                "minutes": 20,
                "kind": SlotKind.PORTAL,
            }
            | block,
        )
    return template


def allow(provider: Provider, *, row: Provider | None = None, **rights: Any) -> None:
    """Let the patients of the row (the provider's own list if nothing is said) book the provider."""
    values = {"booking": True, "cancelling": True, "approval": Approval.AUTOMATIC} | rights
    ProviderRights.objects.update_or_create(provider=provider, column=Column.WITH_GP, defaults=values)
    for service in (Service.BOOKING, Service.URGENT):
        MatrixTick.objects.get_or_create(
            clinic=provider.clinic, service=service, row=row or provider, provider=provider
        )


def make_absence(
    provider: Provider, first_day: date, last_day: date, cover: Provider | None = None
) -> Absence:
    """Store an absence, covered in both kinds of booking, or by nobody."""
    absence = Absence.objects.create(
        clinic=provider.clinic, provider=provider, first_day=first_day, last_day=last_day
    )
    if cover is not None:
        for service in (Service.BOOKING, Service.URGENT):
            AbsenceCover.objects.create(
                clinic=provider.clinic, absence=absence, service=service, provider=cover
            )
    return absence


@dataclass
class World:
    """A clinic with a GP who can be booked, and a patient on the GP's list, signed in."""

    clinic: Clinic
    gp: Provider
    patient: Patient
    user: User

    def book(self, slot: Slot, **values: Any) -> Appointment:
        """Book the slot as the patient."""
        return operations.book(
            **{
                "patient": self.patient,
                "slot_id": slot.pk,
                "reason": "Sore throat",
                "wants_reminder": True,
                "form_key": uuid.uuid4(),
                "assurance": Assurance.HIGH,
                "actor": self.user,
                "now": NOW,
            }
            | values
        )

    def book_any_urgent(self, **values: Any) -> Appointment:
        """Take the first free urgent time as the patient."""
        return operations.book_any_urgent(
            **{
                "patient": self.patient,
                "reason": "Fever",
                "wants_reminder": False,
                "form_key": uuid.uuid4(),
                "assurance": Assurance.HIGH,
                "actor": self.user,
                "now": NOW,
            }
            | values
        )

    def cancel(self, appointment: Appointment, **values: Any) -> Appointment:
        """Cancel the appointment as the patient."""
        return operations.cancel(
            **{
                "patient": self.patient,
                "appointment_id": appointment.pk,
                "assurance": Assurance.HIGH,
                "actor": self.user,
                "now": NOW,
            }
            | values
        )


def move(world: World, appointment: Appointment, slot: Slot, **values: Any) -> Appointment:
    """Move the appointment to the slot as the patient."""
    return operations.move(
        **{
            "patient": world.patient,
            "appointment_id": appointment.pk,
            "slot_id": slot.pk,
            "version": appointment.version,
            "form_key": uuid.uuid4(),
            "assurance": Assurance.HIGH,
            "actor": world.user,
            "now": NOW,
        }
        | values
    )


def make_world(clinic: dict[str, Any] | None = None, **rights: Any) -> World:
    """Store a World. `rights` are of the GP's column, booking with automatic approval if nothing is said."""
    place = make_clinic(**clinic or {})
    gp = make_provider(place)
    allow(gp, **rights)
    patient = make_patient(place, gp=gp)
    patient.clinic = place
    return World(place, gp, patient, make_user(kind=UserKind.PATIENT, name=patient.full_name))
