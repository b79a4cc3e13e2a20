"""Builders of what staff do at the desk."""

import uuid
from datetime import timedelta

from django.utils import timezone

from identity.choices import UserKind
from services.booking.desk import operations, queries
from services.booking.models import Block
from tests.build import make_user
from tests.services.booking.build_booking import NOW
from tests.services.booking.build_staff import ahead


def secretary(name="Sekretær Moe"):
    """Store a staff user."""
    return make_user(kind=UserKind.STAFF, name=name)


def at(slot):
    """Return the slot as a place, as it stands now."""
    return queries.place_of_slot(clinic=slot.clinic, slot_id=slot.pk)


def free(provider, starts_at, minutes=20):
    """Return a stretch of the provider's day as a place."""
    local = starts_at.astimezone(provider.clinic.zone)
    return queries.free_place(
        clinic=provider.clinic,
        provider_id=provider.pk,
        day=local.date(),
        clock=local.time(),
        minutes=minutes,
    )


def shown(patient, place, moved=None):
    """Return the ids of the patient's other appointments that a page shows at the place, when it is opened now."""
    return [one.pk for one in queries.beside(patient, place, moved=moved)]


def book(patient, place, actor=None, **values):
    """Book by hand, on a page that was opened just now."""
    return operations.book(
        **{
            "patient": patient,
            "place": place,
            "reason": "",
            "tells": True,
            "confirmed": (),
            "known": shown(patient, place),
            "form_key": uuid.uuid4(),
            "actor": actor or secretary(),
            "now": NOW,
        }
        | values
    )


def move(appointment, place, actor=None, **values):
    """Move as staff, on a page that was opened just now."""
    return operations.move(
        **{
            "clinic": appointment.clinic,
            "appointment_id": appointment.pk,
            "place": place,
            "version": appointment.version,
            "tells": True,
            "confirmed": (),
            "known": shown(appointment.patient, place, appointment),
            "actor": actor or secretary(),
            "now": NOW,
        }
        | values
    )


def make_block(provider, days=8, hour=14):
    """Store a block of an hour, some days from today."""
    starts_at = ahead(provider.clinic, days, hour)
    return Block.objects.create(
        clinic=provider.clinic,
        provider=provider,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        reason="Meeting",
        at=timezone.now(),
        by=secretary(),
    )
