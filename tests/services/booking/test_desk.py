"""The desk: booking by hand and moving, and who wins when several want the same."""

import contextlib
import uuid
from datetime import timedelta

import pytest

from clinic_admin.models import Closure
from identity.choices import Assurance
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking.choices import AppointmentStatus, BookingRefusal, ReceiptRule, SlotKind, SlotState
from services.booking.desk import operations, policy
from services.booking.desk.choices import Attendance, DeskRefusal, Rule
from services.booking.desk.operations import RuleInTheWay
from services.booking.earlier import operations as earlier
from services.booking.earlier.choices import OfferStatus, WishStatus
from services.booking.earlier.operations import EarlierRefused
from services.booking.models import Appointment, EarlierOffer, Receipt, Slot
from services.booking.operations import BookingRefused, extend_calendar
from tests.build import make_patient, make_provider
from tests.services.booking.build_booking import MONDAY, NOW, allow, make_slot, make_template, make_world
from tests.services.booking.build_desk import at, book, free, move, secretary
from tests.services.booking.build_earlier import make_wish, offer_earlier
from tests.services.booking.test_races import at_once

HOUR = timedelta(hours=1)


@pytest.fixture
def world(db):
    return make_world(clinic={"most_upcoming": None, "most_urgent": None})


def kinds_told(appointment):
    return set(OutboxMessage.objects.filter(subject_id=appointment.pk).values_list("kind", flat=True))


# -- booking by hand ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", list(SlotKind))
def test_staff_book_a_free_slot_of_any_kind_and_the_trail_says_by_hand(world, kind):
    slot, actor = make_slot(world.gp, NOW + 2 * HOUR, kind=kind), secretary()
    done = book(world.patient, at(slot), actor)
    slot.refresh_from_db()
    assert (done.status, done.kind, slot.state) == (AppointmentStatus.BOOKED, kind, SlotState.TAKEN)
    event = AuditEvent.objects.get(action="appointment.booked")
    assert event.actor_id == actor.pk
    assert (event.details["by_hand"], event.details["overruled"]) == (True, [])
    assert Receipt.objects.get().rule == ReceiptRule.CLINIC
    assert MessageKind.BOOKING_CONFIRMED in kinds_told(done)


def test_the_patient_is_not_told_when_staff_say_so(world):
    done = book(world.patient, at(make_slot(world.gp)), tells=False)
    assert MessageKind.BOOKING_CONFIRMED not in kinds_told(done)
    assert AuditEvent.objects.get(action="appointment.booked").details["tells"] is False


def test_a_reminder_goes_as_for_everyone_also_when_nobody_is_told_now(world):
    world.clinic.reminds_everyone = True
    done = book(world.patient, at(make_slot(world.gp, NOW + timedelta(days=4))), tells=False)
    assert kinds_told(done) == {MessageKind.REMINDER}


def test_a_time_that_no_calendar_has_becomes_one_of_its_own(world):
    done = book(world.patient, free(world.gp, NOW + 3 * HOUR, 25))
    assert (done.slot.by_hand, done.slot.state, done.kind) == (True, SlotState.TAKEN, SlotKind.INTERNAL)
    assert done.ends_at - done.starts_at == timedelta(minutes=25)


def test_a_time_of_ones_own_can_not_lie_across_one_of_the_calendar(world):
    make_slot(world.gp, NOW + 3 * HOUR)
    with pytest.raises(BookingRefused) as refused:
        book(world.patient, free(world.gp, NOW + 3 * HOUR + timedelta(minutes=10)))
    assert refused.value.reason == DeskRefusal.OVERLAPS
    assert not Appointment.objects.exists()


def test_the_nightly_filling_takes_a_freed_time_of_ones_own_away(world):
    done = book(world.patient, free(world.gp, NOW + 27 * HOUR))
    Appointment.objects.update(status=AppointmentStatus.CANCELLED, cancelled_at=NOW)
    Slot.objects.update(state=SlotState.FREE)
    extend_calendar(provider=world.gp, now=NOW)
    assert not Slot.objects.filter(pk=done.slot_id).exists()


def no_access(world):
    ProviderRights.objects.update(booking=False)
    return make_slot(world.gp)


def not_released(world):
    return make_slot(world.gp, NOW + timedelta(days=3), kind=SlotKind.URGENT)


def too_far(world):
    return make_slot(world.gp, NOW + timedelta(weeks=14))


def closed(world):
    slot = make_slot(world.gp)
    Closure.objects.create(clinic=world.clinic, first_day=slot.day, last_day=slot.day)
    return slot


def too_many(world):
    world.book(make_slot(world.gp, NOW + 5 * HOUR))
    world.clinic.most_upcoming = 1
    return make_slot(world.gp)


def too_many_urgent(world):
    world.book(make_slot(world.gp, NOW + 5 * HOUR, kind=SlotKind.URGENT))
    world.clinic.most_urgent = 1
    return make_slot(world.gp, NOW + 6 * HOUR, kind=SlotKind.URGENT)


def held_for(world, patient):
    """An offer to the patient, open until 9:40 on the clock of the clinic; the slot is held three minutes longer."""
    slot = make_slot(world.gp, held_until=NOW + timedelta(minutes=43), freed_at=NOW)
    patient.clinic = world.clinic
    wish = make_wish(patient)
    EarlierOffer.objects.create(
        clinic=world.clinic,
        wish=wish,
        patient=patient,
        provider=world.gp,
        slot=slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        offered_at=NOW,
        expires_at=NOW + timedelta(minutes=40),
    )
    return slot


def held(world):
    return held_for(world, make_patient(world.clinic, gp=world.gp))


def not_drawn_yet(world):
    world.clinic.draws_urgent, world.clinic.draw_minutes = True, 10
    world.clinic.urgent_release_at = NOW.astimezone(world.clinic.zone).time()
    return make_slot(world.gp, kind=SlotKind.URGENT)


def test_a_time_held_for_one_is_given_to_another_only_knowingly_and_the_first_goes_on_waiting(world):
    slot = held(world)
    book(world.patient, at(slot), confirmed=[Rule.HELD])
    offer = EarlierOffer.objects.get()
    assert (offer.status, offer.wish.status) == (OfferStatus.FAILED, WishStatus.WAITING)
    assert AuditEvent.objects.filter(action="earlier.failed").count() == 1


def test_who_phones_about_an_offer_gets_the_time_and_waits_no_longer(world):
    slot = held_for(world, world.patient)
    done = book(world.patient, at(slot))
    offer = EarlierOffer.objects.get()
    assert (done.overruled, offer.status, offer.wish.status) == (
        [],
        OfferStatus.ACCEPTED,
        WishStatus.FULFILLED,
    )


def test_a_hold_that_is_over_stands_in_nobodys_way(world):
    slot = held(world)
    assert book(world.patient, at(slot), now=NOW + timedelta(minutes=43)).overruled == []


@pytest.mark.django_db(transaction=True)
def test_of_staff_and_the_patient_whose_offer_it_is_one_gets_the_time():
    world = make_world()
    offer_earlier(world.clinic)
    slot = held(world)
    offer = EarlierOffer.objects.select_related("patient").get()
    offer.patient.clinic = world.clinic
    place, clerk = at(slot), secretary()

    def by_hand():
        book(world.patient, place, clerk, confirmed=[Rule.HELD])

    def accepts():
        with contextlib.suppress(EarlierRefused):
            accept()

    def accept():
        earlier.accept(
            patient=offer.patient, offer_id=offer.pk, assurance=Assurance.HIGH, actor=world.user, now=NOW
        )

    at_once(by_hand, accepts)
    winner = Appointment.objects.get()
    offer.refresh_from_db()
    assert (offer.status == OfferStatus.ACCEPTED) == (winner.patient_id == offer.patient_id)


@pytest.mark.parametrize(
    ("prepare", "rule"),
    [
        (held, Rule.HELD),
        (not_drawn_yet, Rule.NOT_RELEASED),
        (no_access, Rule.NO_ACCESS),
        (not_released, Rule.NOT_RELEASED),
        (too_far, Rule.TOO_FAR),
        (closed, Rule.CLOSED),
        (too_many, Rule.TOO_MANY),
        (too_many_urgent, Rule.TOO_MANY_URGENT),
    ],
)
def test_a_rule_is_named_and_put_aside_only_by_who_says_so(world, prepare, rule):
    slot = prepare(world)
    before = Appointment.objects.count()
    with pytest.raises(RuleInTheWay) as stopped:
        book(world.patient, at(slot))
    assert stopped.value.rules == (rule,)
    assert Appointment.objects.count() == before
    assert Slot.objects.get(pk=slot.pk).state == SlotState.FREE
    done = book(world.patient, at(slot), confirmed=[rule])
    assert done.overruled == [rule]
    event = AuditEvent.objects.filter(action="appointment.booked").latest("pk")
    assert event.details["overruled"] == [rule]


def test_a_rule_that_nobody_named_still_stops(world):
    slot = no_access(world)
    Closure.objects.create(clinic=world.clinic, first_day=slot.day, last_day=slot.day)
    with pytest.raises(RuleInTheWay) as stopped:
        book(world.patient, at(slot), confirmed=[Rule.NO_ACCESS, "nonsense"])
    assert stopped.value.rules == (Rule.CLOSED, Rule.NO_ACCESS)


@pytest.mark.parametrize(
    ("state", "reason"), [(SlotState.TAKEN, BookingRefusal.TAKEN), (SlotState.BLOCKED, BookingRefusal.TAKEN)]
)
def test_what_is_not_free_can_not_be_booked(world, state, reason):
    with pytest.raises(BookingRefused) as refused:
        book(world.patient, at(make_slot(world.gp, state=state)))
    assert refused.value.reason == reason


def test_a_time_that_has_begun_can_be_given_and_one_that_is_over_can_not(world):
    begun = make_slot(world.gp, NOW - timedelta(minutes=10))
    assert book(world.patient, at(begun)).status == AppointmentStatus.BOOKED
    with pytest.raises(BookingRefused) as refused:
        book(world.patient, at(make_slot(world.gp, NOW - HOUR)))
    assert refused.value.reason == BookingRefusal.PAST


def test_the_same_form_twice_is_one_appointment(world):
    place, key, actor = at(make_slot(world.gp)), uuid.uuid4(), secretary()
    assert book(world.patient, place, actor, form_key=key) == book(world.patient, place, actor, form_key=key)
    assert Appointment.objects.count() == 1


# -- moving ------------------------------------------------------------------------------------------------
def test_moving_gives_the_old_time_back_tells_the_patient_and_writes_a_receipt(world):
    appointment = world.book(make_slot(world.gp))
    other = make_provider(world.clinic)
    allow(other, row=world.gp)
    slot = make_slot(other, NOW + 26 * HOUR)
    moved = move(appointment, at(slot))
    assert (moved.slot_id, moved.provider_id, moved.version) == (slot.pk, other.pk, 2)
    assert Slot.objects.get(pk=appointment.slot_id).state == SlotState.FREE
    assert Receipt.objects.latest("pk").was_at == appointment.starts_at
    assert MessageKind.BOOKING_MOVED in kinds_told(moved)


def test_the_patient_is_not_told_of_a_move_but_reminded_of_the_new_time(world):
    appointment = world.book(make_slot(world.gp, NOW + timedelta(days=4)), wants_reminder=True)
    OutboxMessage.objects.all().delete()
    moved = move(appointment, at(make_slot(world.gp, NOW + timedelta(days=5))), tells=False)
    assert kinds_told(moved) == {MessageKind.REMINDER}
    assert OutboxMessage.objects.get().version == moved.version


def test_who_comes_second_changes_nothing(world):
    appointment = world.book(make_slot(world.gp))
    move(appointment, at(make_slot(world.gp, NOW + 26 * HOUR)))
    third = make_slot(world.gp, NOW + 27 * HOUR)
    with pytest.raises(BookingRefused) as refused:
        move(appointment, at(third))
    assert refused.value.reason == BookingRefusal.CHANGED_MEANWHILE
    assert Slot.objects.get(pk=third.pk).state == SlotState.FREE


def test_moving_twice_with_one_press_is_moving_once(world):
    appointment, slot = world.book(make_slot(world.gp)), make_slot(world.gp, NOW + 26 * HOUR)
    move(appointment, at(slot))
    assert move(appointment, at(slot)).version == 2


def test_the_old_time_stays_when_the_new_one_is_lost(world):
    appointment = world.book(make_slot(world.gp))
    with pytest.raises(BookingRefused) as refused:
        move(appointment, at(make_slot(world.gp, NOW + 26 * HOUR, state=SlotState.TAKEN)))
    assert refused.value.reason == BookingRefusal.TAKEN
    appointment.refresh_from_db()
    assert (appointment.version, appointment.slot.state) == (1, SlotState.TAKEN)


def test_a_time_of_ones_own_can_be_moved_by_ten_minutes(world):
    done = book(world.patient, free(world.gp, NOW + 3 * HOUR))
    moved = move(done, free(world.gp, NOW + 3 * HOUR + timedelta(minutes=10)))
    assert moved.starts_at == NOW + 3 * HOUR + timedelta(minutes=10)
    assert Slot.objects.count() == 1


def test_a_time_of_the_calendar_can_be_moved_by_ten_minutes_and_comes_back_when_it_is_given_up(world):
    make_template(world.gp)
    extend_calendar(provider=world.gp, now=NOW)
    last = Slot.objects.filter(provider=world.gp, day__gt=MONDAY).order_by("starts_at")[2]
    kept = set(Slot.objects.exclude(pk=last.pk).values_list("pk", flat=True))
    done = book(world.patient, at(last))
    moved = move(done, free(world.gp, last.starts_at + timedelta(minutes=10)))
    assert (moved.starts_at, moved.slot.by_hand) == (last.starts_at + timedelta(minutes=10), True)
    assert not Slot.objects.filter(pk=last.pk).exists()
    extend_calendar(provider=world.gp, now=NOW)
    assert not Slot.objects.filter(starts_at=last.starts_at).exists()
    move(moved, free(world.gp, last.starts_at + 8 * HOUR))
    extend_calendar(provider=world.gp, now=NOW)
    assert Slot.objects.get(starts_at=last.starts_at).state == SlotState.FREE
    assert kept <= set(Slot.objects.values_list("pk", flat=True))


def test_a_move_onto_part_of_the_old_time_and_of_somebody_elses_changes_nothing(world):
    slot = make_slot(world.gp)
    make_slot(world.gp, slot.ends_at, state=SlotState.TAKEN)
    done = world.book(slot)
    with pytest.raises(BookingRefused) as refused:
        move(done, free(world.gp, slot.starts_at + timedelta(minutes=10)))
    assert refused.value.reason == DeskRefusal.OVERLAPS
    done.refresh_from_db()
    assert (done.slot_id, done.starts_at, done.version) == (slot.pk, slot.starts_at, 1)


def test_a_move_to_what_the_patient_may_not_have_is_asked_about(world):
    appointment = world.book(make_slot(world.gp))
    slot = make_slot(make_provider(world.clinic), NOW + 26 * HOUR)
    with pytest.raises(RuleInTheWay) as stopped:
        move(appointment, at(slot))
    assert stopped.value.rules == (Rule.NO_ACCESS,)
    assert move(appointment, at(slot), confirmed=[Rule.NO_ACCESS]).overruled == [Rule.NO_ACCESS]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": AppointmentStatus.REFUSED}, BookingRefusal.ALREADY_ENDED),
        ({"attendance": Attendance.ARRIVED}, DeskRefusal.MARKED),
    ],
)
def test_what_is_over_is_not_moved(values, reason):
    usual = {"status": AppointmentStatus.BOOKED, "attendance": "", "version": 1, "seen": 1}
    assert policy.refuse_move(**usual | values) == reason
    assert policy.refuse_move(**usual) is None


# -- races -------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_staff_move_the_same_appointment_and_one_is_told():
    world = make_world()
    appointment = world.book(make_slot(world.gp))
    slots = [make_slot(world.gp, NOW + hours * HOUR) for hours in (26, 27)]
    staff = [secretary(), secretary()]
    answers = at_once(*(lambda n=n: move(appointment, at(slots[n]), staff[n]) for n in range(2)))
    assert answers.count(BookingRefusal.CHANGED_MEANWHILE) == 1
    moved = next(one for one in answers if isinstance(one, Appointment))
    appointment.refresh_from_db()
    assert appointment.slot_id == moved.slot_id
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_staff_and_patient_want_the_same_slot_and_one_gets_it():
    world = make_world()
    other = make_patient(world.clinic, gp=world.gp)
    other.clinic = world.clinic
    for hours in range(26, 30):
        slot, actor = make_slot(world.gp, NOW + hours * HOUR), secretary()
        answers = at_once(lambda: book(other, at(slot), actor), lambda: world.book(slot))  # noqa: B023
        assert answers.count(BookingRefusal.TAKEN) == 1
        assert Appointment.objects.filter(slot=slot).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_swap_their_times_both_keep_what_they_have():
    world = make_world()
    appointments = [world.book(make_slot(world.gp, NOW + hours * HOUR)) for hours in (26, 27)]
    staff = [secretary(), secretary()]
    places = [at(one.slot) for one in appointments]
    answers = at_once(*(lambda n=n: move(appointments[n], places[1 - n], staff[n]) for n in range(2)))
    assert answers == [BookingRefusal.TAKEN, BookingRefusal.TAKEN]


@pytest.mark.django_db(transaction=True)
def test_a_block_and_a_booking_at_the_same_moment_leave_no_booked_slot_blocked():
    world = make_world()
    slot, actor = make_slot(world.gp), secretary()
    place = free(world.gp, slot.starts_at, 60)
    at_once(
        lambda: operations.block(clinic=world.clinic, place=place, reason="Course", actor=actor, now=NOW),
        lambda: world.book(slot),
    )
    slot.refresh_from_db()
    booked = Appointment.objects.filter(slot=slot).exists()
    assert slot.state == (SlotState.TAKEN if booked else SlotState.BLOCKED)
