"""A clinic that offers earlier times, and people who wait for one."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from clinic_admin.models import Clinic, Provider
from identity.choices import Assurance, UserKind
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.models import Patient
from services.booking.earlier import operations
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.earlier.operations import EarlierRefused
from services.booking.models import Slot
from services.booking.operations import BookingRefused
from tests.build import make_patient, make_user
from tests.services.booking.build_booking import NOW, World, make_slot

LATER = NOW + timedelta(minutes=61)
"""After the limit of an offer of NOW, before its slot is open to all."""


def offer_earlier(clinic: Clinic, minutes: int = 60) -> None:
    """Let the clinic offer earlier times."""
    Clinic.objects.filter(pk=clinic.pk).update(offers_earlier=True, earlier_minutes=minutes)
    clinic.offers_earlier, clinic.earlier_minutes = True, minutes


def make_wish(patient: Patient, *, now: datetime = NOW, **values: object) -> EarlierWish:
    """Store that the patient waits: with anyone, on all days of the next twelve weeks, without an appointment."""
    filled = {
        "clinic": patient.clinic,
        "patient": patient,
        "weekdays": list("0123456"),
        "first_day": now.date(),
        "last_day": now.date() + timedelta(weeks=12),
        "reason": "Sore throat",
        "joined_at": now,
    }
    return EarlierWish.objects.create(**filled | values)


def make_offer(provider: Provider, patient: Patient) -> tuple[EarlierWish, EarlierOffer]:
    """Store a wish of the patient and an offer for it that is open for an hour."""
    now = timezone.now()
    slot = make_slot(provider, now + timedelta(days=8))
    Slot.objects.filter(pk=slot.pk).update(held_until=now + timedelta(hours=1), freed_at=now)
    patient.clinic = provider.clinic
    wish = make_wish(patient, now=now)
    offer = EarlierOffer.objects.create(
        clinic=provider.clinic,
        wish=wish,
        patient=patient,
        provider=provider,
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        offered_at=now,
        expires_at=now + timedelta(hours=1),
    )
    return wish, offer


def other(world, **values):
    """Return the clinic as another patient of the same GP sees it, with a number to be told at."""
    patient = make_patient(world.clinic, **{"gp": world.gp, "mobile": "+4791111111"} | values)
    patient.clinic = world.clinic
    return World(world.clinic, world.gp, patient, make_user(kind=UserKind.PATIENT))


def freed(world, starts_at=None):
    """Return a slot that another patient had and has just cancelled."""
    slot = make_slot(world.gp, starts_at or NOW + timedelta(days=3))
    someone = other(world)
    someone.cancel(someone.book(slot))
    return Slot.objects.get(pk=slot.pk)


def pass_on(world, now=NOW):
    return operations.pass_on(clinic=world.clinic, now=now)


def answer(one, offer, act=operations.accept, **values):
    asked = {"patient": one.patient, "offer_id": offer.pk, "actor": one.user, "now": NOW}
    if act is operations.accept:
        asked["assurance"] = Assurance.HIGH
    return act(**asked | values)


def refusal(act, *args, **values):
    with pytest.raises((BookingRefused, EarlierRefused)) as refused:
        act(*args, **values)
    return refused.value.reason


def told(offer):
    return OutboxMessage.objects.filter(kind=MessageKind.TIME_OFFERED, subject_id=str(offer.pk))
