"""What the database itself refuses, and the command for trials."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from services.booking.choices import BookingRefusal, SlotState
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from tests.build import make_clinic, make_patient
from tests.services.booking.build_booking import NOW, make_slot, make_world

pytestmark = pytest.mark.django_db


def test_a_slot_that_says_free_by_mistake_is_still_not_booked_twice():
    """The state is the quick answer; the constraints are the truth."""
    world = make_world()
    slot = make_slot(world.gp)
    world.book(slot)
    Slot.objects.update(state=SlotState.FREE)
    with pytest.raises(BookingRefused) as refused:
        world.book(slot, patient=make_patient(world.clinic, gp=world.gp))
    assert refused.value.reason == BookingRefusal.TAKEN
    assert Appointment.objects.count() == 1


def test_appointments_of_a_provider_never_overlap():
    world = make_world()
    appointment = world.book(make_slot(world.gp))
    appointment.pk, appointment.slot, appointment.form_key = (
        None,
        None,
        "00000000-0000-4000-8000-000000000000",
    )
    appointment._state.adding = True
    appointment.starts_at += timedelta(minutes=10)
    appointment.ends_at += timedelta(minutes=10)
    with pytest.raises(IntegrityError, match="appointment_provider_not_double_booked"), transaction.atomic():
        appointment.save(force_insert=True)


def test_slots_of_a_provider_never_overlap():
    world = make_world()
    make_slot(world.gp, NOW)
    with pytest.raises(IntegrityError, match="slot_no_overlap"), transaction.atomic():
        make_slot(world.gp, NOW + timedelta(minutes=10))
    make_slot(world.gp, NOW + timedelta(minutes=20))


def test_slots_for_trials_are_as_many_as_asked_for_and_offered_to_nobody(capsys):
    clinic = make_clinic()
    for _ in range(2):
        call_command("make_slots", clinic=clinic.portal_identifier, count=250, per_provider=100)
    assert "250 slots made." in capsys.readouterr().out
    assert Slot.objects.filter(clinic=clinic).count() == 500
    assert Slot.objects.filter(state=SlotState.FREE).exists()
    assert not Slot.objects.filter(provider__has_portal_access=True).exists()


def test_slots_for_trials_need_a_clinic_that_exists():
    with pytest.raises(CommandError, match="no clinic called nowhere"):
        call_command("make_slots", clinic="nowhere", count=1)
