"""A clinic that draws its urgent times, who asks for them, and the draw."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from identity.choices import Assurance, UserKind
from patients.models import Patient
from services.booking.choices import SlotKind
from services.booking.models import Draw, DrawRequest
from services.booking.operations import BookingRefused
from services.booking.release import operations, policy
from services.booking.release.choices import Outcome
from services.booking.release.operations import DrawRefused
from tests.build import make_patient, make_user
from tests.services.booking.build_booking import NOW, World, make_slot, make_world

OPENS = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""16:00 at the clinics: when Tuesday's urgent times come out."""
DURING = OPENS + timedelta(minutes=3)
CLOSES = OPENS + timedelta(minutes=10)
TUESDAY = date(2026, 11, 24)


def fair_world(**rights):
    """Return a world whose clinic draws, with the draw of tomorrow prepared in the morning."""
    world = make_world({"draws_urgent": True}, **rights)
    operations.keep_up(world.clinic, NOW)
    return world


def urgent(world, hour=9, minute=0, provider=None):
    """Store a free urgent slot of Tuesday."""
    return make_slot(
        provider or world.gp,
        datetime(2026, 11, 24, hour, minute, tzinfo=UTC),
        kind=SlotKind.URGENT,
    )


def someone(world, **values):
    """Return the world as another patient of the GP sees it."""
    patient = make_patient(world.clinic, **({"gp": world.gp} | values))
    patient.clinic = world.clinic
    return World(world.clinic, world.gp, patient, make_user(kind=UserKind.PATIENT))


def ask(world, **values):
    """Ask as the patient of the world, with anyone."""
    return operations.ask(
        **{
            "patient": world.patient,
            "reason": "Sore throat",
            "wants_reminder": False,
            "providers": (),
            "assurance": Assurance.HIGH,
            "actor": world.user,
            "now": DURING,
        }
        | values
    )


def hold(world, now=CLOSES):
    """Hold the draw of Tuesday."""
    return operations.hold(clinic=world.clinic, day=TUESDAY, now=now)


def outcomes():
    """Return what came of each request, in the order of the draw."""
    return list(DrawRequest.objects.order_by("rank").values_list("outcome", flat=True))


def refusal(act, *args, **values):
    """Return the reason for which the act is refused."""
    with pytest.raises((DrawRefused, BookingRefused)) as refused:
        act(*args, **values)
    return refused.value.reason


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
