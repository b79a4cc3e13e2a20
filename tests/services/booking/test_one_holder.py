"""What long stories of everything at once have found: a time has one holder, and what is over holds and tells nothing."""

from datetime import timedelta

import pytest

from identity.choices import Assurance
from notifications.choices import State
from notifications.models import OutboxMessage
from services.access.choices import Approval
from services.booking import operations
from services.booking.choices import AppointmentStatus, BookingRefusal, ReceiptRule, SlotKind, SlotState
from services.booking.desk import operations as staff
from services.booking.desk.choices import Attendance, Rule
from services.booking.earlier import operations as earlier
from services.booking.earlier import queries as earlier_queries
from services.booking.earlier.choices import OfferStatus, WishStatus
from services.booking.earlier.models import EarlierOffer
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from tests.build import make_patient
from tests.services.booking import build_desk as desk
from tests.services.booking.build_booking import NOW, allow, make_slot, make_template, make_world
from tests.services.booking.build_earlier import make_wish, offer_earlier
from tests.services.booking.test_crossings import move

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(db):
    return make_world()


def offered(world, now=NOW, appointment=None):
    """Return a time that came free, and the open offer of it to the patient."""
    offer_earlier(world.clinic)
    make_wish(world.patient, now=NOW - HOUR, appointment=appointment)
    slot = make_slot(world.gp, NOW + 50 * HOUR)
    Slot.objects.filter(pk=slot.pk).update(freed_at=now, held_until=now + HOUR)
    earlier.pass_on(clinic=world.clinic, now=now)
    return slot, EarlierOffer.objects.get()


def waiting(subject):
    return OutboxMessage.objects.about(subject).filter(state=State.QUEUED)


# -- moving ------------------------------------------------------------------------------------------------
def test_a_wish_that_is_moved_on_to_a_time_approved_by_itself_gives_the_old_time_up(world):
    old = world.book(make_slot(world.gp))
    allow(world.gp, approval=Approval.BY_HAND)
    wanted = move(world, old, make_slot(world.gp, NOW + 30 * HOUR))
    allow(world.gp, approval=Approval.AUTOMATIC)
    moved = move(world, wanted, make_slot(world.gp, NOW + 32 * HOUR))
    old.refresh_from_db()
    assert (moved.pk, moved.status) == (wanted.pk, AppointmentStatus.BOOKED)
    assert old.status == AppointmentStatus.CANCELLED
    assert old.receipts.latest("pk").rule == ReceiptRule.AUTOMATIC
    assert [one.slot_id for one in Appointment.objects.live()] == [moved.slot_id]
    assert Slot.objects.filter(state=SlotState.TAKEN).get().pk == moved.slot_id
    assert not waiting(old).exists()


def test_who_is_there_already_does_not_move_to_another_day_and_stay_arrived(world):
    mine = world.book(make_slot(world.gp, NOW + 2 * HOUR))
    staff.mark(
        clinic=world.clinic,
        appointment_id=mine.pk,
        mark=Attendance.ARRIVED,
        seen="",
        actor=desk.secretary(),
        now=NOW,
    )
    with pytest.raises(BookingRefused) as refused:
        move(world, mine, make_slot(world.gp, NOW + 32 * HOUR))
    assert refused.value.reason == BookingRefusal.TOO_LATE
    assert Slot.objects.filter(state=SlotState.FREE).count() == 1


# -- calendars that changed --------------------------------------------------------------------------------
def test_a_booked_time_that_no_calendar_has_any_more_comes_free_for_nobody_but_staff(world):
    """The doctor no longer works on Tuesdays; who was booked there cancels, and somebody waits for an earlier time."""
    template = make_template(world.gp, {"weekday": "1"}, {"weekday": "2"})
    operations.extend_calendar(provider=world.gp, now=NOW)
    gone, stays = (world.book(Slot.objects.filter(day=NOW.date() + days * DAY).first()) for days in (1, 2))
    template.blocks.filter(weekday="1").delete()
    operations.extend_calendar(provider=world.gp, now=NOW)
    offer_earlier(world.clinic)
    make_wish(make_patient(world.clinic, gp=world.gp))
    for mine in (gone, stays):
        world.cancel(mine)
    assert Slot.objects.get(pk=stays.slot_id).held_until is not None
    left = Slot.objects.get(pk=gone.slot_id)
    assert (left.state, left.kind, left.held_until) == (SlotState.FREE, SlotKind.INTERNAL, None)
    with pytest.raises(BookingRefused):
        world.book(left)
    operations.extend_calendar(provider=world.gp, now=NOW)
    assert not Slot.objects.filter(pk=left.pk).exists()


def test_a_booked_time_that_a_calendar_has_again_comes_free_as_before(world):
    template = make_template(world.gp, {"weekday": "1"})
    operations.extend_calendar(provider=world.gp, now=NOW)
    mine = world.book(Slot.objects.first())
    for weekday in ("3", "1"):
        template.blocks.update(weekday=weekday)
        operations.extend_calendar(provider=world.gp, now=NOW)
    world.cancel(mine)
    again = Slot.objects.get(pk=mine.slot_id)
    assert (again.state, again.kind, again.by_hand) == (SlotState.FREE, SlotKind.PORTAL, False)


# -- offers ------------------------------------------------------------------------------------------------
def test_who_took_an_offer_in_the_night_is_not_told_of_it_in_the_morning(world):
    night = NOW.replace(hour=21)
    _slot, offer = offered(world, night)
    assert waiting(offer).exists()
    earlier.accept(
        patient=world.patient, offer_id=offer.pk, assurance=Assurance.HIGH, actor=world.user, now=night
    )
    assert not waiting(offer).exists()


def test_an_offer_ends_with_the_appointment_that_it_would_have_moved(world):
    mine = world.book(make_slot(world.gp, NOW + 90 * HOUR))
    slot, offer = offered(world, appointment=mine)
    world.cancel(mine)
    earlier.pass_on(clinic=world.clinic, now=NOW)
    offer.refresh_from_db()
    slot.refresh_from_db()
    assert (offer.status, offer.wish.status) == (OfferStatus.FAILED, WishStatus.OVER)
    assert not waiting(offer).exists()
    assert slot.held_until is None, "open to all: nobody else waits"


@pytest.mark.parametrize("use", ["book", "block"])
def test_an_offer_ends_at_once_when_staff_use_its_time(world, use):
    slot, offer = offered(world)
    if use == "book":
        other = make_patient(world.clinic, gp=world.gp)
        other.clinic = world.clinic
        desk.book(other, desk.at(slot), confirmed=Rule.values)
    else:
        asked = {"clinic": world.clinic, "place": desk.at(slot), "reason": "Meeting", "now": NOW}
        staff.block(**asked, actor=desk.secretary())
    offer.refresh_from_db()
    slot.refresh_from_db()
    assert offer.status == OfferStatus.FAILED
    assert slot.state != SlotState.FREE
    assert slot.held_until is None
    assert not earlier_queries.of_patient(world.patient, NOW).offers
    assert not waiting(offer).exists()
    assert operations.extend_calendar(provider=world.gp, now=NOW).removed == 0


def test_an_offered_time_that_staff_use_and_give_back_is_offered_to_nobody_twice(world):
    slot, offer = offered(world)
    booked = desk.book(world.patient, desk.at(slot), confirmed=Rule.values)
    desk.move(booked, desk.at(make_slot(world.gp, NOW + 60 * HOUR)))
    earlier.pass_on(clinic=world.clinic, now=NOW)
    slot.refresh_from_db()
    assert EarlierOffer.objects.get() == offer
    assert slot.state_at(NOW) == SlotState.FREE
