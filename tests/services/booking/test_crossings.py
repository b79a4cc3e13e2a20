"""Two different acts about the same thing at the same moment: both outcomes are legal, and nobody waits for each other.

Where the order of locks is at stake, both are stopped between their locks until the other is there, too.
"""

import threading
from contextlib import suppress
from datetime import time, timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.db.models.deletion import Collector

from clinic_admin.models import Clinic
from delegation import operations as delegation
from identity.choices import Assurance, UserKind
from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from portal.refusals import Refused
from services.access.choices import Approval
from services.booking import operations
from services.booking.choices import LIVE, AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.desk import operations as staff_operations
from services.booking.desk.choices import DeskRefusal, Rule
from services.booking.desk.operations import blocking as staff_blocking
from services.booking.desk.operations import booking as staff_booking
from services.booking.desk.operations import moving as staff_moving
from services.booking.earlier import operations as earlier
from services.booking.earlier import policy as earlier_policy
from services.booking.earlier import queries as earlier_queries
from services.booking.earlier.choices import EarlierRefusal, OfferStatus, PartOfDay
from services.booking.earlier.models import EarlierOffer
from services.booking.earlier.operations import Suits
from services.booking.guests import operations as guests
from services.booking.guests.choices import GuestStatus
from services.booking.models import Appointment, Draw, DrawRequest, GuestRequest, Slot
from services.booking.operations import answers, any_time, appointments, moving
from services.booking.release import operations as release_operations
from services.booking.release import queries as draws
from services.booking.release.choices import Outcome
from services.booking.weekly import operations as template_operations
from services.booking.weekly.policy import WeekBlock
from tests.at_once import at_once
from tests.build import make_patient, make_provider, make_user
from tests.services.booking import build_desk as desk
from tests.services.booking.build_booking import NOW, World, allow, make_slot, make_template, make_world, move
from tests.services.booking.build_earlier import make_wish, offer_earlier
from tests.services.booking.build_guests import make_guest, open_to_guests, wish
from tests.services.booking.build_release import CLOSES, OPENS, TUESDAY, ask, fair_world, hold, urgent

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
ROUNDS = 4


@pytest.fixture
def meet(monkeypatch):
    """Let a function that both acts pass wait for the other one, but not for long: locks may keep it from coming."""
    point = threading.Barrier(2)

    def at(module, name):
        known = getattr(module, name)

        def waits(*args, **values):
            with suppress(threading.BrokenBarrierError):
                point.wait(timeout=0.6)
            return known(*args, **values)

        monkeypatch.setattr(module, name, waits)

    return at


def someone(world):
    patient = make_patient(world.clinic, gp=world.gp)
    patient.clinic = world.clinic
    return World(world.clinic, world.gp, patient, make_user(kind=UserKind.PATIENT))


def agrees():
    """Say that each slot is taken by exactly one live appointment, or by none and free."""
    held = list(Appointment.objects.live().values_list("slot", flat=True))
    assert len(held) == len(set(held))
    assert set(held) == set(Slot.objects.filter(state=SlotState.TAKEN).values_list("pk", flat=True))


# -- moving ------------------------------------------------------------------------------------------------
def test_a_move_and_a_cancellation_of_the_same_appointment_leave_one_truth():
    world = make_world()
    for number in range(ROUNDS):
        old, new = (make_slot(world.gp, NOW + (30 + 2 * number + place) * HOUR) for place in (0, 1))
        mine = world.book(old)
        moved, _cancelled = at_once(
            lambda mine=mine, new=new: move(world, mine, new), lambda mine=mine: world.cancel(mine)
        )
        mine.refresh_from_db()
        agrees()
        assert mine.status == AppointmentStatus.CANCELLED, "who came second still found it"
        assert isinstance(moved, Appointment) or moved in BookingRefusal, moved
        waiting = OutboxMessage.objects.about(mine).filter(state=State.QUEUED)
        assert set(waiting.values_list("kind", flat=True)) == {MessageKind.BOOKING_CANCELLED}


def test_an_approval_of_a_move_and_yet_another_move_do_not_wait_for_each_other(meet):
    world, staff = make_world(), make_user()
    mine = world.book(make_slot(world.gp))
    allow(world.gp, approval=Approval.BY_HAND)
    asked = move(world, mine, make_slot(world.gp, NOW + 30 * HOUR))
    assert asked.replaces_id == mine.pk
    another = make_slot(world.gp, NOW + 32 * HOUR)
    meet(moving, "decide")
    meet(answers.receipts, "write")
    at_once(
        lambda: operations.approve(clinic=world.clinic, appointment_id=asked.pk, actor=staff, now=NOW),
        lambda: move(world, mine, another),
    )
    agrees()
    assert Appointment.objects.filter(status=AppointmentStatus.BOOKED).count() == 1
    assert Appointment.objects.live().count() <= 2


def test_a_patient_and_staff_who_move_onto_each_others_times_both_keep_what_they_have():
    world, other = (built := make_world()), someone(built)
    slots = [make_slot(world.gp, NOW + hours * HOUR) for hours in (30, 31)]
    mine, theirs = world.book(slots[0]), other.book(slots[1])
    answers_ = at_once(
        lambda: move(world, mine, slots[1]), lambda: desk.move(theirs, desk.at(slots[0]), desk.secretary())
    )
    assert answers_ == [BookingRefusal.TAKEN, BookingRefusal.TAKEN]
    agrees()


def test_a_move_to_a_time_made_by_hand_and_a_block_of_both_times_do_not_wait_for_each_other(meet):
    world = make_world()
    old = make_slot(world.gp)
    mine = world.book(old)
    place, stretch = (desk.free(world.gp, old.starts_at + late, 90) for late in (HOUR, timedelta()))
    meet(staff_moving.freeing, "free")
    meet(staff_blocking, "_appointments")
    moved, _blocked = at_once(
        lambda: desk.move(mine, place, desk.secretary()),
        lambda: staff_operations.block(
            clinic=world.clinic, place=stretch, reason="Meeting", actor=desk.secretary(), now=NOW
        ),
    )
    assert isinstance(moved, Appointment) or moved == DeskRefusal.OVERLAPS
    agrees()


# -- earlier times -----------------------------------------------------------------------------------------
def offered(world):
    """Return a time that came free, and the open offer of it to the patient."""
    offer_earlier(world.clinic)
    make_wish(world.patient, now=NOW - HOUR)
    slot = make_slot(world.gp, NOW + 50 * HOUR)
    Slot.objects.filter(pk=slot.pk).update(freed_at=NOW)
    earlier.pass_on(clinic=world.clinic, now=NOW)
    return slot, EarlierOffer.objects.get(slot=slot)


def accept(world, offer, now=NOW):
    return earlier.accept(
        patient=world.patient, offer_id=offer.pk, assurance=Assurance.HIGH, actor=world.user, now=now
    )


def test_taking_an_offer_while_it_runs_out_and_goes_to_the_next_makes_one_appointment():
    for _ in range(ROUNDS):
        world = make_world()
        slot, offer = offered(world)
        make_wish(someone(world).patient)
        last = offer.expires_at - timedelta(seconds=1)
        won, *_passed = at_once(
            lambda world=world, offer=offer, last=last: accept(world, offer, last),
            *(
                lambda world=world, offer=offer: earlier.pass_on(clinic=world.clinic, now=offer.expires_at)
                for _ in range(3)
            ),
        )
        offer.refresh_from_db()
        has_it = isinstance(won, Appointment)
        assert (offer.status == OfferStatus.ACCEPTED) == has_it
        assert EarlierOffer.objects.filter(slot=slot, status=OfferStatus.OPEN).count() == (0 if has_it else 1)
        agrees()


def test_taking_an_offer_and_changing_what_suits_do_not_wait_for_each_other(meet):
    world = make_world()
    _slot, offer = offered(world)
    meet(earlier, "_released")
    meet(earlier_queries, "wish_about")
    suits = Suits((), tuple("0123456"), PartOfDay.ANY, NOW.date(), NOW.date() + timedelta(days=9))
    won, _wish = at_once(
        lambda: accept(world, offer),
        lambda: earlier.join(
            patient=world.patient,
            suits=suits,
            appointment=None,
            reason="",
            wants_reminder=False,
            assurance=Assurance.HIGH,
            actor=world.user,
            now=NOW,
        ),
    )
    assert isinstance(won, Appointment)
    agrees()


def test_an_offer_that_has_run_out_is_passed_on_while_its_time_is_taken_out_of_the_calendar(meet):
    """Who ends the offer has it and wants the slot, who removes the slot has that and wants the offer."""
    world = make_world()
    slot, offer = offered(world)
    make_wish(someone(world).patient)
    now = offer.expires_at + 2 * earlier_policy.GRACE
    meet(earlier.letters, "hush")
    meet(Collector, "delete")
    at_once(
        lambda: earlier.pass_on(clinic=world.clinic, now=now),
        lambda: operations.extend_calendar(provider=world.gp, now=now),
    )
    offer.refresh_from_db()
    assert offer.status == OfferStatus.EXPIRED
    still_there = Slot.objects.filter(pk=slot.pk).exists()
    assert EarlierOffer.objects.filter(status=OfferStatus.OPEN).count() == still_there
    agrees()


def test_taking_an_offer_while_its_time_is_taken_out_of_the_calendar_by_a_clock_that_is_ahead(meet):
    world = make_world()
    slot, offer = offered(world)
    meet(earlier, "_released")
    meet(Collector, "delete")
    won, change = at_once(
        lambda: accept(world, offer),
        lambda: operations.extend_calendar(
            provider=world.gp, now=offer.expires_at + 2 * earlier_policy.GRACE
        ),
    )
    offer.refresh_from_db()
    if change.removed:
        assert won in {BookingRefusal.TAKEN, BookingRefusal.NOT_OFFERED}
        assert (offer.status, offer.slot_id) == (OfferStatus.FAILED, None)
    else:
        assert (won.slot_id, offer.status) == (slot.pk, OfferStatus.ACCEPTED)
    agrees()


@pytest.mark.parametrize("stops_inside", [True, False])
def test_taking_an_offer_while_staff_block_its_time_gives_it_to_one_of_them(meet, stops_inside):
    for _ in range(1 if stops_inside else ROUNDS):
        world = make_world()
        slot, offer = offered(world)
        if stops_inside:
            meet(earlier, "_released")
            meet(staff_blocking, "_appointments")
        won, blocked = at_once(
            lambda world=world, offer=offer: accept(world, offer),
            lambda world=world, slot=slot: staff_operations.block(
                clinic=world.clinic, place=desk.at(slot), reason="Meeting", actor=desk.secretary(), now=NOW
            ),
        )
        offer.refresh_from_db()
        slot.refresh_from_db()
        if isinstance(won, Appointment):
            assert (offer.status, slot.state) == (OfferStatus.ACCEPTED, SlotState.TAKEN)
            assert blocked == DeskRefusal.ALL_TAKEN
        else:
            assert won in {BookingRefusal.TAKEN, BookingRefusal.NOT_OFFERED, EarlierRefusal.OVER}
            assert (offer.status, slot.state) == (OfferStatus.FAILED, SlotState.BLOCKED)
        agrees()


# -- draws -------------------------------------------------------------------------------------------------
def test_a_draw_held_by_three_while_others_book_gives_each_time_to_one_and_stands_by_its_record():
    for _ in range(ROUNDS):
        world = fair_world()
        slots = [urgent(world, minute=20 * number) for number in range(3)]
        late, by_hand = someone(world), someone(world)
        asked = [ask(someone(world)) for _ in range(2)]
        done = at_once(
            *(lambda world=world: hold(world) for _ in range(3)),
            *(lambda slot=slot, late=late: late.book(slot, now=CLOSES) for slot in slots[:2]),
            lambda by_hand=by_hand, slot=slots[0]: desk.book(
                by_hand.patient, desk.at(slot), desk.secretary(), now=CLOSES, confirmed=tuple(Rule.values)
            ),
        )
        draw = Draw.objects.get(day=TUESDAY, clinic=world.clinic)
        assert draws.faults_of(draw) == []
        assert sum(isinstance(one, Draw) for one in done[:3]) == 1
        assert AuditEvent.objects.filter(action="draw.held", clinic_id=world.clinic.pk).count() == 1
        live = Appointment.objects.live().filter(clinic=world.clinic)
        won = DrawRequest.objects.filter(draw=draw, outcome=Outcome.WON).count()
        booked = sum(isinstance(one, Appointment) for one in done[3:])
        assert live.count() == won + booked
        assert won == min(len(asked), len(draw.pool))
        agrees()


# -- releases without a draw ---------------------------------------------------------------------------------
def test_who_presses_at_the_release_gets_one_and_who_was_a_moment_early_gets_none():
    """Nothing happens at the hour, in the database: the same times are asked for by clocks on both sides of it."""
    early, late = OPENS - timedelta(milliseconds=1), OPENS
    for _ in range(ROUNDS):
        world = make_world()
        slots = [urgent(world, minute=20 * number) for number in range(2)]
        people = [someone(world) for _ in range(6)]
        answers = at_once(
            *(
                lambda one=one, slot=slots[number % 2], now=late if number > 1 else early: one.book(
                    slot, now=now
                )
                for number, one in enumerate(people)
            )
        )
        # who was early reads that it is not out, or, if somebody has it before they look, that it is taken
        assert set(answers[:2]) <= {BookingRefusal.NOT_OFFERED, BookingRefusal.TAKEN}
        assert sum(isinstance(one, Appointment) for one in answers[2:]) == 2
        assert {one for one in answers[2:] if not isinstance(one, Appointment)} == {BookingRefusal.TAKEN}
        assert {one.slot_id for one in answers if isinstance(one, Appointment)} == {one.pk for one in slots}
        agrees()


def test_any_urgent_time_at_the_release_is_one_for_each_and_for_nobody_before_it():
    world = make_world()
    slots = [urgent(world, minute=20 * number) for number in range(2)]
    people = [someone(world) for _ in range(5)]
    clocks = [OPENS - timedelta(seconds=1), OPENS, OPENS, OPENS, OPENS]
    answers = at_once(
        *(
            lambda one=one, now=now: takes_any_urgent(one, None, now)()
            for one, now in zip(people, clocks, strict=True)
        )
    )
    assert answers[0] == BookingRefusal.TAKEN
    assert sorted(one.slot_id for one in answers if isinstance(one, Appointment)) == [one.pk for one in slots]
    assert [one for one in answers if not isinstance(one, Appointment)] == [BookingRefusal.TAKEN] * 3
    agrees()


def test_a_draw_from_before_the_clinic_switched_it_off_and_bookings_give_each_time_to_one():
    """The clinic draws no more, so everyone may book at once; who had asked in time is still drawn for, of what is left."""
    for _ in range(ROUNDS):
        world = fair_world()
        slots = [urgent(world, minute=20 * number) for number in range(3)]
        asked = [ask(someone(world)) for _ in range(2)]
        Clinic.objects.filter(pk=world.clinic.pk).update(draws_urgent=False)
        world.clinic.refresh_from_db()
        late = [someone(world) for _ in range(2)]
        done = at_once(
            *(lambda clinic=world.clinic: release_operations.catch_up(clinic, CLOSES) for _ in range(2)),
            *(
                lambda one=one, slot=slot: one.book(slot, now=CLOSES)
                for one, slot in zip(late, slots, strict=False)
            ),
        )
        draw = Draw.objects.get(day=TUESDAY, clinic=world.clinic)
        assert draw.drawn_at == CLOSES
        assert draws.faults_of(draw) == []
        booked = [one for one in done[2:] if isinstance(one, Appointment)]
        assert {one for one in done[2:] if not isinstance(one, Appointment)} <= {BookingRefusal.TAKEN}
        won = DrawRequest.objects.filter(draw=draw, outcome=Outcome.WON).count()
        assert won == min(len(asked), len(draw.pool))
        assert Appointment.objects.live().filter(clinic=world.clinic).count() == won + len(booked)
        agrees()


# -- own times ---------------------------------------------------------------------------------------------
def books(world, slot):
    return lambda: world.book(slot)


def moves(world, slot):
    mine = world.book(make_slot(world.gp, slot.starts_at + 3 * HOUR))
    return lambda: move(world, mine, slot)


def takes_any_urgent(world, slot, now=NOW):
    if slot is not None:
        Slot.objects.filter(pk=slot.pk).update(kind=SlotKind.URGENT)
    return lambda: world.book_any_urgent(now=now)


def takes_an_offer(world, slot):
    offer_earlier(world.clinic)
    make_wish(world.patient, now=NOW - HOUR)
    Slot.objects.filter(pk=slot.pk).update(freed_at=NOW)
    earlier.pass_on(clinic=world.clinic, now=NOW)
    offer = EarlierOffer.objects.get(slot=slot)
    return lambda: accept(world, offer)


def is_booked_by_staff(world, slot):
    return lambda: desk.book(world.patient, desk.at(slot), desk.secretary())


def is_moved_by_staff(world, slot):
    mine = world.book(make_slot(world.gp, slot.starts_at + 3 * HOUR))
    return lambda: desk.move(mine, desk.at(slot), desk.secretary())


ASKED_THEN_TAKEN = {
    "books": (books, appointments, "taking"),
    "moves": (moves, moving, "take"),
    "takes any urgent time": (takes_any_urgent, any_time, "hold_times"),
    "takes an offer": (takes_an_offer, earlier, "take"),
    "is booked by staff": (is_booked_by_staff, staff_booking, "win"),
    "is moved by staff": (is_moved_by_staff, staff_moving, "win"),
}
"""Acts that ask for the patient's other appointments, and where they go on to take the time."""


@pytest.fixture
def meanwhile(monkeypatch):
    """Let somebody else do something from beginning to end when a function is called, before it is."""

    def at(module, name, act):
        known, left = getattr(module, name), [act]

        def comes_after(*args, **values):
            if left:
                other = threading.Thread(target=at_once, args=(left.pop(),))
                other.start()
                other.join(timeout=5)
            return known(*args, **values)

        monkeypatch.setattr(module, name, comes_after)

    return at


def three_at_one_hour(world, at):
    """Return two more times, each with another doctor: one beside an appointment of the patient, and one beside that."""
    world.book(make_slot(world.gp, at))
    doctors = [make_provider(world.clinic) for _ in range(2)]
    for doctor in doctors:
        allow(doctor, row=world.gp)
    return [make_slot(doctor, at + late * HOUR / 6) for doctor, late in zip(doctors, (1, 2), strict=True)]


@pytest.mark.parametrize("name", ASKED_THEN_TAKEN)
def test_what_staff_put_beside_another_knowingly_stops_whoever_had_asked_before(meanwhile, name):
    how, module, place = ASKED_THEN_TAKEN[name]
    world = make_world()
    beside, wanted = three_at_one_hour(world, NOW + 2 * HOUR)
    act, actor = how(world, wanted), desk.secretary()
    meanwhile(
        module, place, lambda: desk.book(world.patient, desk.at(beside), actor, confirmed=[Rule.OWN_TIME])
    )
    (answer,) = at_once(act)
    assert answer in {BookingRefusal.OWN_TIME, DeskRefusal.OWN_TIME}
    made = Appointment.objects.get(slot=beside)
    assert made.overruled == [Rule.OWN_TIME]
    assert not Appointment.objects.filter(slot=wanted).exists()
    agrees()


def test_a_booking_that_waits_while_staff_put_one_beside_another_hears_of_it():
    """To wait for the patient's times and to store the appointment is one statement: its fence sees what came meanwhile."""
    world = make_world()
    beside, wanted = three_at_one_hour(world, NOW + 2 * HOUR)
    actor, has_booked, may_end = desk.secretary(), threading.Event(), threading.Event()

    def staff():
        with transaction.atomic():
            desk.book(world.patient, desk.at(beside), actor, confirmed=[Rule.OWN_TIME])
            has_booked.set()
            may_end.wait(timeout=10)

    def patient():
        has_booked.wait(timeout=10)
        threading.Timer(0.5, may_end.set).start()
        return books(world, wanted)()

    _made, answer = at_once(staff, patient)
    assert answer == BookingRefusal.OWN_TIME
    assert not Appointment.objects.filter(slot=wanted).exists()
    assert Slot.objects.get(pk=wanted.pk).state == SlotState.FREE
    agrees()


def test_a_draw_gives_nobody_a_time_beside_what_staff_put_there_while_it_is_held(meanwhile):
    world = fair_world()
    beside, wanted = three_at_one_hour(world, urgent(world).starts_at + HOUR)
    Slot.objects.filter(kind=SlotKind.URGENT).delete()
    Slot.objects.filter(pk=wanted.pk).update(kind=SlotKind.URGENT)
    ask(world)
    actor = desk.secretary()
    meanwhile(
        release_operations,
        "take",
        lambda: desk.book(world.patient, desk.at(beside), actor, confirmed=[Rule.OWN_TIME]),
    )
    hold(world)
    assert Appointment.objects.get(slot=beside).overruled == [Rule.OWN_TIME]
    request = DrawRequest.objects.get()
    assert (request.outcome, request.own_times) == (Outcome.OWN_TIME, [wanted.pk])
    assert draws.faults_of(Draw.objects.get(day=TUESDAY)) == []


# -- people without an account -----------------------------------------------------------------------------
def test_a_request_that_is_finished_while_the_unfinished_are_forgotten_keeps_its_time(meet):
    world = make_world()
    open_to_guests(world.gp)
    slot = make_slot(world.gp, NOW + 50 * HOUR)
    started = guests.start(clinic=world.clinic, slot_id=slot.pk, wish=wish(), now=NOW)
    GuestRequest.objects.filter(pk=started.request_id).update(confirmed_at=NOW, code_hash="")
    meet(guests, "take")
    meet(begin := SimpleNamespace(forgetting=guests.forget), "forgetting")
    asked, _gone = at_once(
        lambda: guests.choose(
            clinic=world.clinic, request_id=started.request_id, slot_id=slot.pk, now=NOW + HOUR / 3
        ),
        lambda: begin.forgetting(now=NOW + 25 * HOUR),
    )
    slot.refresh_from_db()
    is_there = GuestRequest.objects.filter(pk=started.request_id, status=GuestStatus.WAITING).exists()
    assert (slot.state == SlotState.TAKEN) == is_there == isinstance(asked, GuestRequest)


def test_a_request_that_is_approved_while_unanswered_ones_are_forgotten_is_one_appointment(meet):
    world = make_world()
    open_to_guests(world.gp)
    slot = make_slot(world.gp, NOW + 50 * HOUR)
    guest = make_guest(world.gp, slot)
    meet(guests.letters, "tell")
    meet(begin := SimpleNamespace(forgetting=guests.forget), "forgetting")
    approved, _gone = at_once(
        lambda: guests.approve(
            clinic=world.clinic, request_id=guest.pk, actor=desk.secretary(), now=slot.starts_at - HOUR
        ),
        lambda: begin.forgetting(now=slot.starts_at + timedelta(days=31)),
    )
    assert isinstance(approved, GuestRequest)
    assert Appointment.objects.get(slot=slot).status == AppointmentStatus.BOOKED
    agrees()


def test_a_guests_request_that_is_approved_refused_and_withdrawn_at_once_has_one_end():
    world, staff = make_world(), make_user()
    open_to_guests(world.gp)
    for number in range(ROUNDS):
        slot = make_slot(world.gp, NOW + (30 + number) * HOUR)
        guest = make_guest(world.gp, slot, serial=number + 1)
        asked = {"clinic": world.clinic, "request_id": guest.pk, "now": NOW}
        at_once(
            lambda asked=asked: guests.approve(**asked, actor=staff),
            lambda asked=asked: guests.refuse(**asked, actor=staff),
            lambda asked=asked: guests.withdraw(**asked),
        )
        guest.refresh_from_db()
        slot.refresh_from_db()
        is_approved = guest.status == GuestStatus.APPROVED
        assert guest.status not in GuestStatus.open()
        assert (slot.state == SlotState.TAKEN) == is_approved
        assert Appointment.objects.filter(slot=slot, status__in=LIVE).exists() == is_approved


# -- calendars ---------------------------------------------------------------------------------------------
def test_a_weekly_calendar_that_is_replaced_while_patients_book_loses_no_appointment_and_no_time():
    world = make_world()
    template = make_template(world.gp, {"weekday": "1", "ends_at": time(10)})
    operations.extend_calendar(provider=world.gp, now=NOW)
    slots = list(Slot.objects.order_by("starts_at")[:4])
    people = [someone(world) for _ in slots]
    booked = at_once(
        *(lambda one=one, slot=slot: one.book(slot) for one, slot in zip(people, slots, strict=True)),
        lambda: template_operations.save_template(
            clinic=world.clinic,
            provider=world.gp,
            name="Week",
            valid_from=template.valid_from,
            valid_until=None,
            blocks=[WeekBlock(1, time(8), time(10), 40, "portal")],
            actor=make_user(),
            now=NOW,
            template_id=template.pk,
        ),
    )
    agrees()
    assert Appointment.objects.count() == sum(isinstance(one, Appointment) for one in booked)
    again = operations.extend_calendar(provider=world.gp, now=NOW)
    assert again.removed == 0, "what was being booked then has been booked"


def test_an_absence_that_is_added_while_somebody_books_finds_the_appointment_or_stops_it():
    for number in range(ROUNDS):
        world = make_world()
        slot = make_slot(world.gp, NOW + (48 + number) * HOUR)
        absence, booked = at_once(
            lambda world=world, slot=slot: delegation.add_absence(
                clinic=world.clinic,
                provider=world.gp,
                first_day=slot.day,
                last_day=slot.day,
                covers={},
                actor=None,
                now=NOW,
            ),
            lambda world=world, slot=slot: world.book(slot),
        )
        assert absence.first_day == slot.day
        assert isinstance(booked, Appointment) or booked == BookingRefusal.NO_ACCESS
        with pytest.raises(Refused):
            someone(world).book(make_slot(world.gp, slot.starts_at + HOUR))
        agrees()
