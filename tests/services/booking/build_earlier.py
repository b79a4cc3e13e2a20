"""A clinic that offers earlier times, and people who wait for one."""

from datetime import datetime, timedelta

from django.utils import timezone

from clinic_admin.models import Clinic, Provider
from patients.models import Patient
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.models import Slot
from tests.services.booking.build_booking import NOW, make_slot


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
