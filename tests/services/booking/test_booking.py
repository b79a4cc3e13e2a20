"""Booking, cancelling, approving and refusing, one at a time."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic_admin.choices import Service
from clinic_admin.models import Closure
from delegation.models import Absence, MatrixTick
from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.choices import Approval
from services.access.models import ProviderRights, SpecialRights
from services.booking import operations
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, World, allow, make_absence, make_slot, make_world

pytestmark = pytest.mark.django_db


def kinds(state=State.QUEUED):
    return sorted(OutboxMessage.objects.filter(state=state).values_list("kind", flat=True))


def test_an_automatic_booking_is_booked_and_the_slot_taken():
    world = make_world()
    slot = make_slot(world.gp)
    appointment = world.book(slot)
    slot.refresh_from_db()
    appointment.refresh_from_db()
    assert slot.state == SlotState.TAKEN
    assert appointment.status == AppointmentStatus.BOOKED
    assert (appointment.starts_at, appointment.provider, appointment.reason) == (
        slot.starts_at,
        world.gp,
        "Sore throat",
    )
    assert (appointment.decided_at, appointment.decided_by) == (NOW, None)
    assert kinds() == ["booking-confirmed", "reminder"]


def test_a_booking_by_hand_holds_its_slot_and_reminds_of_nothing_yet():
    world = make_world(approval=Approval.BY_HAND)
    slot = make_slot(world.gp)
    appointment = world.book(slot)
    slot.refresh_from_db()
    assert (appointment.status, slot.state) == (AppointmentStatus.REQUESTED, SlotState.TAKEN)
    assert kinds() == ["booking-requested"]


def test_the_trail_tells_who_booked_and_nothing_about_why():
    world = make_world()
    appointment = world.book(make_slot(world.gp), reason="A very private matter")
    event = AuditEvent.objects.get(action="appointment.booked")
    assert (event.actor_id, event.patient_id, event.subject_id) == (
        world.user.pk,
        world.patient.pk,
        str(appointment.pk),
    )
    assert "private" not in str(event.details)


def test_messages_never_tell_why_or_with_whom():
    world = make_world()
    world.patient.email = "line@example.com"
    world.book(make_slot(world.gp), reason="A very private matter")
    messages = list(OutboxMessage.objects.all())
    assert {message.channel for message in messages} == {"sms", "email"}
    for message in messages:
        assert "private" not in message.title + message.body
        assert world.gp.name not in message.title + message.body
        assert world.clinic.name in message.body
        assert "10.20" in message.body


def test_messages_speak_the_patients_language():
    world = make_world()
    world.patient.language = "en"
    world.book(make_slot(world.gp))
    assert "Tuesday 24 November at 10:20" in OutboxMessage.objects.get(kind="booking-confirmed").body


def test_messages_of_two_languages_do_not_mix():
    world = make_world()
    bodies = {}
    for days, language in ((7, "nb"), (14, "en"), (21, "da"), (28, "nb")):
        world.patient.language = language
        made = world.book(make_slot(world.gp, NOW + timedelta(days=days)))
        message = OutboxMessage.objects.get(kind="booking-confirmed", subject_id=str(made.pk))
        bodies[days] = message.title + message.body
    assert "Timen din" in bodies[7]
    assert "Your appointment" in bodies[14]
    assert "Din tid" in bodies[21]
    assert "Timen din" in bodies[28]


def test_a_reminder_goes_at_the_same_clock_time_the_day_before():
    world = make_world()
    slot = make_slot(world.gp, NOW + timedelta(days=3))
    world.book(slot)
    reminder = OutboxMessage.objects.get(kind=MessageKind.REMINDER)
    assert (reminder.due_at, reminder.not_after) == (slot.starts_at - timedelta(days=1), slot.starts_at)


@pytest.mark.parametrize(
    ("everyone", "wants", "reminders"), [(False, False, 0), (True, False, 1), (False, True, 1)]
)
def test_reminders_go_to_those_who_want_them_or_to_all(everyone, wants, reminders):
    world = make_world(clinic={"reminds_everyone": everyone})
    world.book(make_slot(world.gp, NOW + timedelta(days=3)), wants_reminder=wants)
    assert OutboxMessage.objects.filter(kind=MessageKind.REMINDER).count() == reminders


def test_an_appointment_in_a_few_hours_has_no_reminder():
    world = make_world()
    world.book(make_slot(world.gp, NOW + timedelta(hours=3)))
    assert kinds() == ["booking-confirmed"]


def test_the_same_form_twice_is_the_same_appointment():
    world = make_world()
    slot, key = make_slot(world.gp), uuid.uuid4()
    first = world.book(slot, form_key=key)
    assert world.book(slot, form_key=key) == first
    assert Appointment.objects.count() == 1
    assert len(kinds()) == 2


def test_a_taken_slot_is_refused():
    world = make_world()
    slot = make_slot(world.gp)
    other = make_patient(world.clinic, gp=world.gp)
    other.clinic = world.clinic
    World(world.clinic, world.gp, other, make_user()).book(slot)
    with pytest.raises(BookingRefused) as refused:
        world.book(slot)
    assert refused.value.reason == BookingRefusal.TAKEN


def test_a_slot_that_the_patient_has_taken_from_another_tab_is_an_own_time():
    world = make_world()
    slot = make_slot(world.gp)
    world.book(slot)
    with pytest.raises(BookingRefused) as refused:
        world.book(slot)
    assert refused.value.reason == BookingRefusal.OWN_TIME


def _take_the_right(world):
    ProviderRights.objects.update(booking=False)


def _take_the_tick(world):
    MatrixTick.objects.filter(service=Service.BOOKING).delete()


def _close_the_portal(world):
    type(world.clinic).objects.update(is_active=False)


def _go_away(world):
    Absence.objects.create(
        clinic=world.clinic,
        provider=world.gp,
        first_day=NOW.date() + timedelta(days=1),
        last_day=NOW.date() + timedelta(days=1),
    )


@pytest.mark.parametrize("change", [_take_the_right, _take_the_tick, _close_the_portal, _go_away])
def test_what_changed_since_the_page_was_opened_is_asked_again(change):
    world = make_world()
    slot = make_slot(world.gp)
    change(world)
    with pytest.raises(BookingRefused) as refused:
        world.book(slot)
    slot.refresh_from_db()
    assert (refused.value.reason, slot.state) == (BookingRefusal.NO_ACCESS, SlotState.FREE)
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"state": SlotState.BLOCKED}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.PHONE}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.INTERNAL}, BookingRefusal.NOT_OFFERED),
        ({"starts_at": NOW - timedelta(minutes=5)}, BookingRefusal.PAST),
        ({"starts_at": NOW + timedelta(days=90)}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.URGENT}, BookingRefusal.NOT_OFFERED),
    ],
)
def test_slots_that_are_not_for_patients_now_are_refused(values, reason):
    world = make_world()
    with pytest.raises(BookingRefused) as refused:
        world.book(make_slot(world.gp, **values))
    assert refused.value.reason == reason


def test_an_urgent_slot_can_be_had_from_the_release_hour_on():
    world = make_world()
    slot = make_slot(world.gp, kind=SlotKind.URGENT)
    appointment = world.book(slot, now=NOW.replace(hour=15))
    assert appointment.kind == SlotKind.URGENT


def test_another_clinics_slot_does_not_exist():
    world = make_world()
    slot = make_slot(make_provider(make_clinic()))
    with pytest.raises(BookingRefused) as refused:
        world.book(slot)
    assert refused.value.reason == BookingRefusal.NOT_OFFERED


# -- cancelling --------------------------------------------------------------------------------------------
def test_cancelling_frees_the_time_and_takes_the_reminder_back():
    world = make_world()
    slot = make_slot(world.gp, NOW + timedelta(days=3))
    appointment = world.cancel(world.book(slot), now=NOW + timedelta(hours=1))
    slot.refresh_from_db()
    assert (appointment.status, slot.state) == (AppointmentStatus.CANCELLED, SlotState.FREE)
    assert kinds() == ["booking-cancelled"]
    assert kinds(State.CANCELLED) == ["booking-confirmed", "reminder"]
    assert AuditEvent.objects.filter(action="appointment.cancelled").count() == 1
    world.book(slot)


def test_cancelling_twice_gives_the_same_and_never_frees_the_next_patients_time():
    world = make_world()
    slot = make_slot(world.gp)
    appointment = world.cancel(world.book(slot))
    other = world.book(slot)
    world.cancel(appointment)
    slot.refresh_from_db()
    other.refresh_from_db()
    assert (slot.state, other.status) == (SlotState.TAKEN, AppointmentStatus.BOOKED)
    assert AuditEvent.objects.filter(action="appointment.cancelled").count() == 1


def test_who_may_no_longer_book_may_still_cancel():
    world = make_world()
    appointment = world.book(make_slot(world.gp))
    ProviderRights.objects.update(booking=False)
    MatrixTick.objects.all().delete()
    assert world.cancel(appointment).status == AppointmentStatus.CANCELLED


def test_without_the_right_to_cancel_the_appointment_stands():
    world = make_world(cancelling=False)
    appointment = world.book(make_slot(world.gp))
    with pytest.raises(BookingRefused) as refused:
        world.cancel(appointment)
    assert refused.value.reason == BookingRefusal.CANNOT_CANCEL
    SpecialRights.objects.create(patient=world.patient, cancelling=True)
    assert world.cancel(appointment).status == AppointmentStatus.CANCELLED


def test_a_time_that_has_begun_can_not_be_cancelled():
    world = make_world()
    slot = make_slot(world.gp)
    appointment = world.book(slot)
    with pytest.raises(BookingRefused) as refused:
        world.cancel(appointment, now=slot.starts_at)
    assert refused.value.reason == BookingRefusal.ALREADY_ENDED


def test_someone_elses_appointment_does_not_exist():
    world, other = make_world(), make_world()
    appointment = world.book(make_slot(world.gp))
    with pytest.raises(Appointment.DoesNotExist):
        other.cancel(appointment)


# -- answers -----------------------------------------------------------------------------------------------
def requested(world, **values):
    return world.book(make_slot(world.gp, NOW + timedelta(days=3)), **values)


def test_an_approved_request_is_booked_told_and_reminded_of():
    world, staff = make_world(approval=Approval.BY_HAND), make_user()
    appointment = requested(world)
    operations.approve(clinic=world.clinic, appointment_id=appointment.pk, actor=staff, now=NOW)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.decided_by) == (AppointmentStatus.BOOKED, staff)
    assert kinds() == ["booking-confirmed", "reminder"]
    assert AuditEvent.objects.filter(action="appointment.approved", actor_id=staff.pk).count() == 1


def test_a_refused_request_gives_its_time_back():
    world, staff = make_world(approval=Approval.BY_HAND), make_user()
    appointment = requested(world)
    operations.refuse_request(clinic=world.clinic, appointment_id=appointment.pk, actor=staff, now=NOW)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.slot.state) == (AppointmentStatus.REFUSED, SlotState.FREE)
    assert kinds() == ["booking-refused"]


@pytest.mark.parametrize("second", [operations.approve, operations.refuse_request])
@pytest.mark.parametrize("first", [operations.approve, operations.refuse_request])
def test_a_request_is_decided_once(first, second):
    world, staff = make_world(approval=Approval.BY_HAND), make_user()
    appointment = requested(world)
    decided = first(clinic=world.clinic, appointment_id=appointment.pk, actor=staff, now=NOW)
    with pytest.raises(BookingRefused) as refused:
        second(clinic=world.clinic, appointment_id=appointment.pk, actor=staff, now=NOW)
    assert refused.value.reason == BookingRefusal.ALREADY_DECIDED
    appointment.refresh_from_db()
    assert appointment.status == decided.status


def test_another_clinics_request_does_not_exist():
    world = make_world(approval=Approval.BY_HAND)
    appointment = requested(world)
    with pytest.raises(Appointment.DoesNotExist):
        operations.approve(clinic=make_clinic(), appointment_id=appointment.pk, actor=make_user(), now=NOW)


# -- cost --------------------------------------------------------------------------------------------------
def test_losing_costs_one_read():
    world = make_world()
    slot = make_slot(world.gp)
    world.book(slot)
    with (
        CaptureQueriesContext(
            connection,
        ) as queries,
        pytest.raises(BookingRefused),
    ):
        world.book(slot)
    assert len([one for one in queries if "SAVEPOINT" not in one["sql"]]) == 1


@pytest.mark.django_db(transaction=True)
def test_booking_is_lean():
    """Slot, facts of the decision, and the taken slot with appointment, receipt, event and messages; no BEGIN, no COMMIT."""
    world = make_world()
    slot = make_slot(world.gp, NOW + timedelta(days=3))
    with CaptureQueriesContext(connection) as queries:
        world.book(slot)
    assert len(queries) == 3


def test_a_covering_provider_takes_over():
    world = make_world()
    locum = make_provider(world.clinic, has_patient_list=False)
    day = NOW.date() + timedelta(days=1)
    make_absence(world.gp, day, day, cover=locum)
    assert world.book(make_slot(locum)).provider == locum
    with pytest.raises(BookingRefused):
        world.book(make_slot(locum, NOW + timedelta(days=2)))
    allow(locum, row=world.gp)
    assert world.book(make_slot(locum, NOW + timedelta(days=2, hours=1))).provider == locum


def test_a_time_on_a_day_that_was_just_closed_is_not_offered_any_more():
    world = make_world()
    slot = make_slot(world.gp)
    Closure.objects.create(clinic=world.clinic, first_day=slot.day, last_day=slot.day)
    with pytest.raises(BookingRefused) as refused:
        world.book(slot)
    assert refused.value.reason == BookingRefusal.NOT_OFFERED
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE
