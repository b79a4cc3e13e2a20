"""Many at once: one winner per slot, one appointment per form, one answer per request."""

import threading
import time as clock
import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction

from clinic_admin.models import Clinic, Provider
from identity.choices import UserKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access import operations as access_operations
from services.access import queries as access
from services.access.choices import Approval, Column
from services.access.models import ProviderRights
from services.access.policy import Rights
from services.booking import operations
from services.booking.choices import LIVE, AppointmentStatus, BookingRefusal, SlotState
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from tests.at_once import at_once
from tests.build import make_patient, make_user
from tests.services.booking.build_booking import NOW, World, make_slot, make_template, make_world

pytestmark = pytest.mark.django_db(transaction=True)


def neighbours(world, number):
    """Return the world as seen by other patients of the same GP."""
    found = []
    for _ in range(number):
        patient = make_patient(world.clinic, gp=world.gp)
        patient.clinic = world.clinic
        found.append(World(world.clinic, world.gp, patient, make_user(kind=UserKind.PATIENT)))
    return found


def test_twenty_patients_and_one_slot_make_one_appointment():
    world = make_world()
    slot = make_slot(world.gp)
    answers = at_once(*(lambda one=one: one.book(slot) for one in neighbours(world, 20)))
    assert Counter(str(answer) for answer in answers if not isinstance(answer, Appointment)) == {"taken": 19}
    assert Appointment.objects.count() == 1
    slot.refresh_from_db()
    assert slot.state == SlotState.TAKEN
    assert OutboxMessage.objects.values("subject_id").distinct().count() == 1


def test_twenty_patients_and_three_slots_make_three_appointments():
    world = make_world()
    slots = [make_slot(world.gp, NOW + timedelta(hours=30 + number)) for number in range(3)]
    everyone = neighbours(world, 20)
    answers = at_once(
        *(lambda one=one, slot=slots[place % 3]: one.book(slot) for place, one in enumerate(everyone))
    )
    assert sum(isinstance(answer, Appointment) for answer in answers) == 3
    assert set(Appointment.objects.values_list("slot", flat=True)) == {slot.pk for slot in slots}


def test_a_form_that_is_sent_ten_times_at_once_is_one_appointment():
    world = make_world()
    slot, key = make_slot(world.gp), uuid.uuid4()
    answers = at_once(*(lambda: world.book(slot, form_key=key) for _ in range(10)))
    assert {answer.pk for answer in answers} == {Appointment.objects.get().pk}


def test_a_form_that_is_sent_for_two_times_at_once_is_one_appointment():
    world = make_world()
    slots, key = (
        [make_slot(world.gp, NOW + timedelta(hours=30 + number)) for number in range(2)],
        uuid.uuid4(),
    )
    answers = at_once(*(lambda slot=slot: world.book(slot, form_key=key) for slot in slots))
    assert {answer.pk for answer in answers} == {Appointment.objects.get().pk}
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 1


def test_losers_do_not_wait_for_the_winner():
    world, (other,) = (built := make_world()), neighbours(built, 1)
    slot = make_slot(world.gp)
    holds, done = threading.Event(), threading.Event()

    def winner():
        with transaction.atomic():
            appointment = world.book(slot)
            holds.set()
            assert done.wait(timeout=10)
        return appointment

    def loser():
        assert holds.wait(timeout=10)
        begun = clock.monotonic()
        try:
            other.book(slot)
        except BookingRefused as refused:
            return refused.reason, clock.monotonic() - begun
        finally:
            done.set()

    won, (reason, seconds) = at_once(winner, loser)
    assert isinstance(won, Appointment)
    assert reason == BookingRefusal.TAKEN
    assert seconds < 2, "shorter than any lock is waited for"


@pytest.mark.parametrize("second", [operations.refuse_request, "cancel"])
def test_an_approval_and_something_else_at_once_leave_one_truth(second):
    world, staff = make_world(approval=Approval.BY_HAND), make_user()
    for number in range(5):
        slot = make_slot(world.gp, NOW + timedelta(hours=30 + number))
        appointment = world.book(slot)
        asked = {"clinic": world.clinic, "appointment_id": appointment.pk, "actor": staff, "now": NOW}
        at_once(
            lambda asked=asked: operations.approve(**asked),
            (lambda appointment=appointment: world.cancel(appointment))
            if second == "cancel"
            else (lambda asked=asked: second(**asked)),
        )
        appointment.refresh_from_db()
        slot.refresh_from_db()
        assert appointment.status != AppointmentStatus.REQUESTED
        assert (slot.state == SlotState.TAKEN) == (appointment.status in LIVE)


def test_a_right_that_is_taken_away_first_is_never_acted_on():
    """Whoever changes rights locks the provider's row; a booking that waited for it sees the new right (I10)."""
    world = make_world()
    slot = make_slot(world.gp)
    holds = threading.Event()

    def take_away():
        with transaction.atomic():
            Provider.objects.select_for_update().get(pk=world.gp.pk)
            ProviderRights.objects.filter(provider=world.gp).update(booking=False)
            holds.set()
            clock.sleep(0.5)

    def book():
        assert holds.wait(timeout=10)
        return world.book(slot)

    assert at_once(take_away, book)[1] == BookingRefusal.NO_ACCESS
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE


@pytest.mark.parametrize("change", ["rights", "slot"])
def test_what_changes_between_reading_and_storing_stops_the_booking(monkeypatch, change):
    """The one statement that books stores nothing then; the careful way says what is wrong."""
    world = make_world()
    slot, really = make_slot(world.gp), access.seen

    def read_and_change(**question):
        found = really(**question)
        if change == "rights":
            ProviderRights.objects.filter(provider=world.gp).update(booking=False)
        else:
            Slot.objects.update(state=SlotState.BLOCKED)
        return found

    monkeypatch.setattr(access, "seen", read_and_change)
    with pytest.raises(BookingRefused) as refused:
        world.book(slot)
    assert refused.value.reason == {"rights": BookingRefusal.NO_ACCESS, "slot": BookingRefusal.TAKEN}[change]
    assert not Appointment.objects.exists()
    assert not AuditEvent.objects.filter(action="appointment.booked").exists()
    assert not OutboxMessage.objects.exists()


def test_bookings_and_settings_at_once_neither_wait_for_each_other_in_a_circle_nor_book_what_is_off():
    world = make_world()
    everyone = neighbours(world, 24)
    slots = [make_slot(world.gp, NOW + timedelta(hours=30 + number)) for number in range(24)]
    asked = {"clinic": world.clinic, "actor": None, "now": NOW}

    def switch(number):
        column, rights = Column.WITH_GP, Rights(booking=number % 2 == 0, approval=Approval.AUTOMATIC)
        access_operations.set_provider_rights(provider_id=world.gp.pk, column=column, rights=rights, **asked)
        Clinic.objects.filter(pk=world.clinic.pk).update(phone=f"2222222{number}")

    answers = at_once(
        *(lambda one=one, slot=slot: one.book(slot) for one, slot in zip(everyone, slots, strict=True)),
        *(lambda number=number: switch(number) for number in range(7)),
    )[:24]
    booked = [one for one in answers if isinstance(one, Appointment)]
    assert {one for one in answers if not isinstance(one, Appointment)} <= {BookingRefusal.NO_ACCESS}
    assert Appointment.objects.count() == len(booked) == Slot.objects.filter(state=SlotState.TAKEN).count()


def test_a_calendar_that_is_rewritten_while_patients_book_keeps_every_appointment():
    world = make_world()
    template = make_template(world.gp, {"weekday": "1", "ends_at": "12:00"})
    operations.extend_calendar(provider=world.gp, now=NOW)
    slots = list(Slot.objects.order_by("starts_at")[:10])
    template.blocks.update(minutes=30)
    answers = at_once(
        *(
            lambda one=one, slot=slot: one.book(slot)
            for one, slot in zip(neighbours(world, 10), slots, strict=True)
        ),
        lambda: operations.extend_calendar(provider=world.gp, now=NOW),
        lambda: operations.extend_calendar(provider=world.gp, now=NOW),
    )
    won = [answer for answer in answers if isinstance(answer, Appointment)]
    for appointment in Appointment.objects.select_related("slot"):
        assert appointment.slot.state == SlotState.TAKEN
        assert (appointment.slot.starts_at, appointment.slot.ends_at) == (
            appointment.starts_at,
            appointment.ends_at,
        )
    assert Appointment.objects.count() == len(won)
    change = operations.extend_calendar(provider=world.gp, now=NOW)
    assert (change.added, change.removed) == (0, 0)
