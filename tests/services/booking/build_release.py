"""Somebody who was in a draw of urgent times."""

from datetime import timedelta

from django.utils import timezone

from identity.choices import Assurance, UserKind
from patients.models import Patient
from services.booking.models import Draw, DrawRequest
from services.booking.release import policy
from services.booking.release.choices import Outcome
from tests.build import make_user


def make_draw_request(patient: Patient, seed: str = "a" * 64) -> DrawRequest:
    """Store a draw of today with nothing to draw, in which only the patient asked."""
    now = timezone.now()
    draw = Draw.objects.create(
        clinic_id=patient.clinic_id,
        day=now.astimezone(patient.clinic.zone).date(),
        opens_at=now - timedelta(minutes=30),
        closes_at=now - timedelta(minutes=20),
        seed=seed,
        seed_hash=policy.seed_hash(seed),
        committed_at=now - timedelta(hours=1),
        drawn_at=now - timedelta(minutes=20),
    )
    return DrawRequest.objects.create(
        draw=draw,
        patient=patient,
        asked_at=now - timedelta(minutes=25),
        asked_by=make_user(kind=UserKind.PATIENT, name=patient.full_name),
        assurance=Assurance.HIGH,
        reason="Vondt i kneet",
        outcome=Outcome.NONE_LEFT,
        rank=1,
    )
