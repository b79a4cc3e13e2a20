"""The desk: booking by hand, moving, blocking, and saying who came."""

import contextlib
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Closure
from identity import national_id
from identity.choices import Assurance
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking.choices import AppointmentStatus, BookingRefusal, ReceiptRule, SlotKind, SlotState
from services.booking.desk import operations, policy
from services.booking.desk.choices import Attendance, DeskRefusal, Rule
from services.booking.desk.operations import RuleInTheWay
from services.booking.desk.policy import Span
from services.booking.earlier import operations as earlier
from services.booking.earlier.choices import OfferStatus, WishStatus
from services.booking.earlier.operations import EarlierRefused
from services.booking.models import Appointment, Block, EarlierOffer, Receipt, Slot
from services.booking.operations import BookingRefused, extend_calendar
from tests.build import make_clinic, make_patient, make_provider
from tests.services.access.build_access import away
from tests.services.booking.build_booking import MONDAY, NOW, allow, make_slot, make_template, make_world
from tests.services.booking.build_desk import at, book, free, make_block, move, secretary
from tests.services.booking.build_earlier import make_offer, make_wish, offer_earlier
from tests.services.booking.build_staff import ahead, make_appointment, make_request, sign_in_staff
from tests.services.booking.test_races import at_once

HOUR = timedelta(hours=1)


@pytest.fixture
def world(db):
    return make_world(clinic={"most_upcoming": None, "most_urgent": None})


def kinds_told(appointment):
    return set(OutboxMessage.objects.filter(subject_id=appointment.pk).values_list("kind", flat=True))


# -- booking by hand ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [SlotKind.PORTAL, SlotKind.URGENT, SlotKind.INTERNAL])
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


# -- blocking ----------------------------------------------------------------------------------------------
def close(world, starts_at, minutes=60):
    return operations.block(
        clinic=world.clinic,
        place=free(world.gp, starts_at, minutes),
        reason="Course",
        actor=secretary(),
        now=NOW,
    )


def test_a_block_closes_what_is_free_leaves_what_is_taken_and_fills_the_gaps(world):
    start = NOW + 26 * HOUR
    taken = world.book(make_slot(world.gp, start))
    slot = make_slot(world.gp, start + timedelta(minutes=30))
    done = close(world, start)
    assert done.taken == 1
    states = Slot.objects.order_by("starts_at").values_list("state", "by_hand", "block")
    assert list(states) == [
        (SlotState.TAKEN, False, None),
        (SlotState.BLOCKED, True, done.block.pk),
        (SlotState.BLOCKED, False, done.block.pk),
        (SlotState.BLOCKED, True, done.block.pk),
    ]
    assert Slot.objects.get(pk=slot.pk).state == SlotState.BLOCKED
    taken.refresh_from_db()
    assert taken.status == AppointmentStatus.BOOKED


def test_weekly_calendars_make_nothing_within_a_block_and_fill_it_after(world):
    make_template(world.gp)
    monday = datetime.combine(MONDAY + timedelta(days=7), time(8), tzinfo=world.clinic.zone)
    done = close(world, monday)
    extend_calendar(provider=world.gp, now=NOW)
    within = Slot.objects.filter(starts_at__gte=monday, starts_at__lt=monday + HOUR)
    assert set(within.values_list("state", flat=True)) == {SlotState.BLOCKED}
    operations.unblock(clinic=world.clinic, block_id=done.block.pk, actor=secretary(), now=NOW)
    assert not within.exists()
    extend_calendar(provider=world.gp, now=NOW)
    assert list(within.values_list("state", flat=True)) == [SlotState.FREE] * 3


def test_opening_again_frees_the_slots_and_is_on_the_trail(world):
    slot = make_slot(world.gp)
    done = close(world, slot.starts_at, 20)
    operations.unblock(clinic=world.clinic, block_id=done.block.pk, actor=secretary(), now=NOW)
    slot.refresh_from_db()
    assert (slot.state, slot.block) == (SlotState.FREE, None)
    actions = AuditEvent.objects.filter(action__startswith="calendar.").values_list("action", flat=True)
    assert sorted(actions) == ["calendar.blocked", "calendar.unblocked"]


def test_nothing_is_blocked_where_everything_is_taken_or_over(world):
    slot = make_slot(world.gp)
    world.book(slot)
    with pytest.raises(BookingRefused) as refused:
        close(world, slot.starts_at, 20)
    assert refused.value.reason == DeskRefusal.ALL_TAKEN
    with pytest.raises(BookingRefused) as refused:
        close(world, NOW - 2 * HOUR)
    assert refused.value.reason == BookingRefusal.PAST


def test_what_nothing_covers_of_a_span_is_found():
    def span(first, last):
        return Span(NOW + first * HOUR, NOW + last * HOUR)

    assert policy.gaps(span(0, 4), []) == [span(0, 4)]
    assert policy.gaps(span(0, 4), [span(3, 5), span(-1, 1)]) == [span(1, 3)]
    assert policy.gaps(span(0, 4), [span(0, 2), span(1, 4)]) == []


def test_a_slot_of_a_block_that_says_free_is_refused_by_the_database(world):
    done = close(world, make_slot(world.gp).starts_at, 20)
    with pytest.raises(IntegrityError, match="slot_of_block_is_blocked"), transaction.atomic():
        Slot.objects.filter(block=done.block).update(state=SlotState.FREE)


# -- who came ----------------------------------------------------------------------------------------------
def say(appointment, mark, seen="", now=NOW):
    return operations.mark(
        clinic=appointment.clinic,
        appointment_id=appointment.pk,
        mark=mark,
        seen=seen,
        actor=secretary(),
        now=now,
    )


def test_who_came_is_noted_and_taken_back_with_a_trail(world):
    appointment = world.book(make_slot(world.gp, NOW + HOUR))
    assert say(appointment, Attendance.ARRIVED).attendance == Attendance.ARRIVED
    say(appointment, Attendance.ARRIVED, seen=Attendance.ARRIVED)
    done = say(appointment, "", seen=Attendance.ARRIVED)
    assert (done.attendance, done.marked_at, done.marked_by) == ("", None, None)
    events = AuditEvent.objects.filter(action="appointment.marked").order_by("pk")
    assert [one.details for one in events] == [
        {"before": "", "after": "arrived"},
        {"before": "arrived", "after": ""},
    ]


def test_two_who_say_different_things_do_not_overwrite_each_other(world):
    appointment = world.book(make_slot(world.gp, NOW + HOUR))
    later = NOW + 2 * HOUR
    say(appointment, Attendance.ARRIVED, now=later)
    with pytest.raises(BookingRefused) as refused:
        say(appointment, Attendance.MISSED, now=later)
    assert refused.value.reason == BookingRefusal.CHANGED_MEANWHILE


@pytest.mark.parametrize(("mark", "ahead_by"), [(Attendance.ARRIVED, 26), (Attendance.MISSED, 1)])
def test_nobody_comes_the_day_before_or_stays_away_before_the_time(world, mark, ahead_by):
    appointment = world.book(make_slot(world.gp, NOW + ahead_by * HOUR))
    with pytest.raises(BookingRefused) as refused:
        say(appointment, mark)
    assert refused.value.reason == DeskRefusal.TOO_EARLY


def test_a_patient_who_came_early_and_cancels_is_no_broken_row(world):
    appointment = world.book(make_slot(world.gp, NOW + 3 * HOUR))
    say(appointment, Attendance.ARRIVED)
    assert world.cancel(appointment).status == AppointmentStatus.CANCELLED


def test_a_request_is_not_marked_not_even_by_the_database(world):
    request = make_appointment(make_slot(world.gp, NOW + HOUR), world.patient)
    with pytest.raises(BookingRefused) as refused:
        say(request, Attendance.ARRIVED)
    assert refused.value.reason == DeskRefusal.NOT_BOOKED
    with pytest.raises(IntegrityError, match="appointment_attended_when_booked"), transaction.atomic():
        Appointment.objects.update(attendance=Attendance.ARRIVED, marked_at=NOW, marked_by=secretary())


# -- pages -------------------------------------------------------------------------------------------------
@pytest.fixture
def place(db, client):
    client.cookies["django_language"] = "en"
    clinic = make_clinic()
    sign_in_staff(client, clinic)
    return clinic


@pytest.fixture
def gp(place):
    gp = make_provider(place, name="Lege Berg")
    allow(gp)
    return gp


def url(clinic, name, *args, **query):
    return reverse(f"desk:{name}", args=[clinic.portal_identifier, *args]) + (
        f"?{urlencode(query)}" if query else ""
    )


@pytest.mark.parametrize("how", ["Kari", "1.2.1980", "91234567", "id"])
def test_a_patient_is_found_by_whatever_is_known_and_no_number_stands_in_an_address(client, place, gp, how):
    number = national_id.make_synthetic("NO", date(1980, 2, 1), serial=4)
    patient = make_patient(
        place,
        given_name="Kari",
        birth_date=date(1980, 2, 1),
        mobile="+4791234567",
        national_id=number,
        national_id_index=national_id.index(national_id.parse(number, "NO", allow_synthetic=True)),
    )
    slot = make_slot(gp, ahead(place))
    answer = client.post(url(place, "book", slot=slot.pk), {"q": number if how == "id" else how})
    assert url(place, "book_patient", patient.pk, slot=slot.pk) in answer.content.decode()
    addresses = re.findall(r'(?:href|action)="([^"]*)"', answer.content.decode())
    assert addresses
    assert not [one for one in addresses if number in one or "91234567" in one]


def test_booking_by_hand_through_the_pages_asks_about_a_rule_once_and_shows_that_it_was_put_aside(
    client, place, gp
):
    patient = make_patient(place, gp=gp, given_name="Kari")
    slot = make_slot(gp, ahead(place, 5), kind=SlotKind.URGENT)
    address = url(place, "book_patient", patient.pk, slot=slot.pk)
    key = client.get(address).context["form"].key
    sent = {"reason": "Back pain", "tells": "on", "form_key": key}
    answer = client.post(address, sent)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "The urgent times of that day are not out yet." in text
    assert "Book all the same" in text
    assert "Back pain" in text
    answer = client.post(address, {**sent, "overrule": "not-released"})
    assert answer.status_code == 302
    done = Appointment.objects.get()
    shown = client.get(reverse("booking_staff:appointment", args=[place.portal_identifier, done.pk]))
    text = shown.content.decode()
    assert "A rule was put aside" in text
    assert "Booked by hand" in text


@pytest.mark.parametrize(
    "query",
    [
        {"slot": "x"},
        {"slot": "9" * 30},
        {"slot": "1"},
    ],
)
def test_a_slot_that_is_none_is_not_found(client, place, gp, query):
    assert client.get(url(place, "book", **query)).status_code == 404


def test_other_clinics_patients_appointments_slots_and_blocks_are_not_found(client, place, gp):
    foreign = make_provider(make_clinic())
    slot = make_slot(foreign, ahead(foreign.clinic))
    appointment = make_appointment(make_slot(foreign, ahead(foreign.clinic, 4)))
    own = make_slot(gp, ahead(place))
    for address in [
        url(place, "book", slot=slot.pk),
        url(place, "book_patient", appointment.patient_id, slot=own.pk),
        url(place, "move", appointment.pk, slot=own.pk),
        url(place, "blocked", make_block(foreign).pk),
    ]:
        assert client.get(address).status_code == 404
        assert client.post(address, {"tells": "on"}).status_code == 404
    marked = client.post(url(place, "mark", appointment.pk), {"mark": "arrived", "seen": ""})
    assert marked.status_code == 404


def test_a_free_time_is_checked_field_by_field_and_nothing_typed_is_lost(client, place, gp):
    address = url(place, "book", provider=gp.pk, day="2026-13-99", at="25:99", minutes=3)
    answer = client.get(address)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "That is not a day of the calendar." in text
    assert "Write the time as 10:20." in text
    assert "25:99" in text


def test_a_move_shows_both_times_and_a_second_secretary_what_changed(client, place, gp):
    appointment = make_appointment(
        make_slot(gp, ahead(place)), make_patient(place, gp=gp), status=AppointmentStatus.BOOKED
    )
    first, second = make_slot(gp, ahead(place, 3, 10)), make_slot(gp, ahead(place, 3, 11))
    address = url(place, "move", appointment.pk, version=1, slot=first.pk)
    assert "Has now" in client.get(address).content.decode()
    assert client.post(address, {"tells": "on"}).status_code == 302
    late = url(place, "move", appointment.pk, version=1, slot=second.pk)
    for answer in (client.get(late), client.post(late, {"tells": "on"})):
        assert answer.status_code == 409
        text = answer.content.decode()
        assert "Somebody has changed this appointment meanwhile" in text
        assert "10:00" in text, "where it is now"
        assert "09:00" in text, "where it was"
        assert f"version=2&amp;slot={second.pk}" in text, "the way on keeps the time that was chosen"
    appointment.refresh_from_db()
    assert appointment.slot_id == first.pk


def test_while_one_moves_free_times_lead_to_the_move_on_the_day_and_in_the_week(client, place, gp):
    appointment = make_appointment(make_slot(gp, ahead(place)), status=AppointmentStatus.BOOKED)
    slot = make_slot(gp, ahead(place, 3, 10))
    query = {"day": slot.day.isoformat(), "move": appointment.pk, "version": 1}
    day = client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), query)
    week = client.get(url(place, "week", days=7, **query))
    for answer, back in ((day, {}), (week, {"week": 7})):
        way = url(place, "move", appointment.pk, version=1, **back, slot=slot.pk).replace("&", "&amp;")
        assert way in answer.content.decode()
        assert "Choose the new time." in answer.content.decode()
        assert str(appointment.pk) in answer.context["after"], "the next day goes on moving"


@pytest.mark.parametrize("word", ["x", "6dfe1014-3fab-4be7-9c12-0f435ed73582", ""])
def test_moving_what_does_not_exist_shows_the_plain_calendar(client, place, gp, word):
    make_slot(gp, ahead(place))
    answer = client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), {"move": word})
    assert answer.context["moving"] is None


def test_marks_are_seen_by_sign_and_colour_and_can_be_taken_back(client, place, gp):
    started = timezone.now() - timedelta(minutes=30)
    appointment = make_appointment(make_slot(gp, started), status=AppointmentStatus.BOOKED)
    page = reverse("booking_staff:appointment", args=[place.portal_identifier, appointment.pk])
    assert 'value="missed"' in client.get(page).content.decode()
    client.post(url(place, "mark", appointment.pk), {"mark": "missed", "seen": ""})
    day = client.get(
        reverse("booking_staff:calendar", args=[place.portal_identifier]),
        {"day": started.astimezone(place.zone).date().isoformat()},
    )
    assert 'data-kind="missed"' in day.content.decode()
    assert "Take the mark back" in client.get(page).content.decode()
    client.post(url(place, "mark", appointment.pk), {"mark": "", "seen": "missed"})
    appointment.refresh_from_db()
    assert appointment.attendance == ""


def test_blocking_through_the_pages_names_the_fault_shows_the_reason_and_opens_again(client, place, gp):
    day = ahead(place).date().isoformat()
    sent = {"provider": gp.pk, "day": day, "starts": "12:00", "ends": "11:00", "reason": ""}
    text = client.post(url(place, "block"), sent).content.decode()
    assert "The end must come after the beginning." in text
    assert "Write why: others read it in the calendar." in text
    sent |= {"ends": "13:00", "reason": "Course on <b>wounds</b>"}
    assert client.post(url(place, "block"), sent).status_code == 302
    shown = client.get(reverse("booking_staff:calendar", args=[place.portal_identifier]), {"day": day})
    assert "Course on &lt;b&gt;wounds&lt;/b&gt;" in shown.content.decode()
    block = Block.objects.get()
    assert client.post(url(place, "blocked", block.pk)).status_code == 302
    assert not Slot.objects.exists()
    assert client.get(url(place, "blocked", block.pk)).status_code == 404


def test_a_held_time_is_shown_as_held_with_for_whom_on_the_day_and_in_the_week(client, place, gp):
    patient = make_patient(place, given_name="Venke", family_name="Venter")
    slot = make_offer(gp, patient)[1].slot
    day = reverse("booking_staff:calendar", args=[place.portal_identifier]) + f"?day={slot.day}"
    for address in (day, url(place, "week", day=slot.day, provider=gp.pk, days=7)):
        shown = client.get(address).content.decode()
        assert re.search(r'data-kind="held".*?Offered to Venke Venter.*?Held until', shown, re.DOTALL)
        assert 'data-kind="free" data-target' not in shown
    Slot.objects.filter(pk=slot.pk).update(held_until=timezone.now())
    assert "Venke" not in client.get(day).content.decode()


def test_the_week_shows_five_or_seven_days_with_what_is_closed_and_away(client, place, gp):
    monday = ahead(place, 14).date() - timedelta(days=ahead(place, 14).weekday())
    Closure.objects.create(clinic=place, first_day=monday, last_day=monday, reason="Moving house")
    make_slot(gp, datetime.combine(monday + timedelta(days=5), time(9), tzinfo=place.zone))
    five = client.get(url(place, "week", day=monday.isoformat()))
    assert len(five.context["calendar"].columns) == 5
    assert "Moving house" in five.content.decode()
    assert 'class="entry' not in five.content.decode()
    seven = client.get(url(place, "week", day=monday.isoformat(), days=7))
    assert len(seven.context["calendar"].columns) == 7
    assert 'class="entry' in seven.content.decode()


def test_a_week_of_nonsense_is_this_week_and_a_clinic_without_providers_says_so(client, place):
    answer = client.get(url(place, "week", day="9999-99-99", provider="²", days="x"))
    assert answer.status_code == 200
    assert "No providers yet" in answer.content.decode()


@pytest.mark.parametrize("many", [1, 6])
def test_queries_of_the_week_do_not_grow_with_times_or_providers(
    client, place, gp, many, django_assert_max_num_queries
):
    providers = [gp, *(make_provider(place) for _ in range(many - 1))]
    for provider in providers:
        for hour in range(8, 15) if many > 1 else [8]:
            for days in (7, 8, 9):
                make_appointment(
                    make_slot(provider, ahead(place, days, hour)), status=AppointmentStatus.BOOKED
                )
    asked = {"day": ahead(place, 8).date().isoformat(), "days": 7, "provider": [one.pk for one in providers]}
    with django_assert_max_num_queries(19):  # three of them record the look at all of the week's patients
        answer = client.get(url(place, "week"), asked)
    assert len(answer.context["calendar"].columns) == 7 * many


def monday_of(place):
    day = ahead(place, 14).date()
    return day - timedelta(days=day.weekday())


def at_hour(place, day, hour):
    return datetime.combine(day, time(hour), tzinfo=place.zone)


def test_a_week_of_several_has_them_side_by_side_within_each_day_under_their_initials(client, place, gp):
    dahl, third = (make_provider(place, name=name) for name in ("Lege Dahl", "Lege Eng"))
    monday = monday_of(place)
    away(dahl, monday, monday)
    Closure.objects.create(
        clinic=place,
        first_day=monday + timedelta(days=4),
        last_day=monday + timedelta(days=4),
        reason="Course",
    )
    make_slot(third, at_hour(place, monday, 9))
    answer = client.get(
        url(place, "week"), {"day": monday.isoformat(), "provider": [dahl.pk, gp.pk], "days": 5}
    )
    columns = answer.context["calendar"].columns
    assert [(one.title, one.short) for one in columns[:2]] == [
        ("Lege Berg", gp.initials),
        ("Lege Dahl", dahl.initials),
    ]
    assert [bool(one.opens) for one in columns] == [True, False] * 5
    assert (columns[0].text, columns[1].text, columns[3].text) == ("", "Away", "")
    assert columns[8].opens.text == "Closed Course"
    shown = answer.content.decode()
    assert f'aria-label="{columns[1].group}, Lege Dahl"' in shown
    assert 'data-groups="2"' in shown
    assert f'data-target="provider={dahl.pk}&amp;day={monday}"' in shown
    assert "Lege Eng</h" not in shown
    for way in ("before", "after", "to_today", "to_day", "stay"):
        assert f"provider={gp.pk}&provider={dahl.pk}" in answer.context[way]


def test_the_choice_of_the_day_is_that_of_the_week_and_a_week_says_when_there_are_more_than_it_shows(
    client, place, gp
):
    many = [gp, *(make_provider(place) for _ in range(7))]
    day = reverse("booking_staff:calendar", args=[place.portal_identifier])
    to_week = client.get(day, {"provider": [one.pk for one in many[1:3]]}).context["to_week"]
    week = client.get(to_week)
    assert week.context["chosen"] == [one.pk for one in many[1:3]]
    assert len(client.get(client.get(day).context["to_week"]).context["providers"]) == 1
    week = client.get(url(place, "week"), {"provider": [one.pk for one in many]})
    assert len(week.context["providers"]) == 6
    assert "at most 6 providers" in week.content.decode()


def test_another_clinics_provider_is_not_in_the_week(client, place, gp):
    stranger = make_provider(make_clinic(), name="Stranger")
    week = client.get(url(place, "week"), {"provider": [stranger.pk, gp.pk]})
    assert [one.name for one in week.context["providers"]] == ["Lege Berg"]


def test_a_request_is_decided_in_the_week_and_one_is_back_in_the_same_week(client, place, gp):
    other = make_provider(place)
    request = make_appointment(make_slot(other, at_hour(place, monday_of(place), 9)))
    asked = {"day": monday_of(place).isoformat(), "provider": [gp.pk, other.pk], "days": 7}
    week = client.get(url(place, "week"), asked)
    assert "1 request waits for approval" in week.content.decode()
    assert "Waiting for approval this week" in week.content.decode()
    assert 'data-kind="waiting"' in week.content.decode()
    decide = reverse("booking_staff:decide", args=[place.portal_identifier, request.pk])
    assert decide in week.content.decode()
    answer = client.post(decide, asked | {"decision": "approve", "back": "week"})
    assert answer.status_code == 302
    assert answer.url == url(place, "week") + "?" + urlencode(asked, doseq=True)
    request.refresh_from_db()
    assert request.status == AppointmentStatus.BOOKED
    again = client.post(decide, asked | {"decision": "refuse", "back": "week"}, follow=True)
    request.refresh_from_db()
    assert request.status == AppointmentStatus.BOOKED
    assert again.context["messages"]


def test_whom_the_week_names_is_recorded_once_and_asking_by_itself_records_nothing(client, place, gp):
    other = make_provider(place)
    slots = [make_slot(one, at_hour(place, monday_of(place), 9)) for one in (gp, other)]
    patients = {make_appointment(slot).patient_id for slot in slots}
    asked = {"day": monday_of(place).isoformat(), "provider": [gp.pk, other.pk]}
    quietly = {"X-By-Itself": "1", "X-Calendar": "none"}
    assert client.get(url(place, "week"), asked, headers=quietly).status_code == 200
    assert not AuditEvent.objects.filter(action="patient.listed").exists()
    client.get(url(place, "week"), asked)
    client.get(url(place, "week"), asked)
    listed = AuditEvent.objects.filter(action="patient.listed")
    assert {one.patient_id for one in listed} == patients
    assert listed.count() == 2


def test_queries_of_booking_by_hand_do_not_grow(client, place, gp, django_assert_max_num_queries):
    for number in range(30):
        make_patient(place, given_name="Kari", family_name=f"Nr{number}")
    slot = make_slot(gp, ahead(place))
    with django_assert_max_num_queries(14):
        answer = client.post(url(place, "book", slot=slot.pk), {"q": "Kari"})
    assert len(answer.context["found"]) == 25
    assert "These are the first by name." in answer.content.decode()


def test_a_week_among_many_is_found_by_index(place, gp):
    """Rows of other days are not read: the plan names the index, whatever the table holds."""
    make_slot(gp, ahead(place))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM booking_slot WHERE clinic_id = %s AND day BETWEEN %s AND %s"
            " AND provider_id IN (%s)",
            [place.pk, ahead(place).date(), ahead(place, 7).date(), gp.pk],
        )
        slots = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute(
            "EXPLAIN SELECT id FROM booking_appointment WHERE clinic_id = %s AND starts_at >= %s"
            " AND starts_at < %s AND provider_id IN (%s) AND status IN ('requested', 'booked')",
            [place.pk, ahead(place), ahead(place, 7), gp.pk],
        )
        appointments = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index" in slots
    assert "Seq Scan" not in slots
    assert "Index" in appointments
    assert "Seq Scan" not in appointments


def test_staff_of_another_clinic_and_strangers_find_no_desk(client, place, gp):
    client.logout()
    assert client.get(url(place, "week")).status_code in {302, 404}
    sign_in_staff(client, make_clinic())
    assert client.get(url(place, "week")).status_code == 404


# -- back to where one came from ---------------------------------------------------------------------------
def hrefs(page):
    return [unescape(one) for one in re.findall(r'href="([^"]+)"', page.content.decode())]


def test_a_week_without_its_weekend_opens_on_a_weekend_with_the_days_to_come(client, place, gp):
    weeks = {"2026-11-28": "30 November", "2026-11-29": "30 November", "2026-11-27": "23 November"}
    for day, first in weeks.items():
        with time_machine.travel(datetime(2026, 11, 27, 9, tzinfo=UTC), tick=False):
            assert f"Monday {first} –" in client.get(url(place, "week", day=day)).content.decode()
            seven = client.get(url(place, "week", day=day, days=7)).content.decode()
            assert "Monday 23 November – Sunday 29 November" in seven


def test_who_books_from_the_week_lands_in_the_same_week_at_what_was_booked(client, place, gp):
    other, patient = make_provider(place, name="Anna Berg"), make_patient(place, gp=gp)
    allow(other, row=gp)
    slot = make_slot(other, ahead(place))
    day = ahead(place).date().isoformat()
    week = client.get(url(place, "week", day=day, days=7) + f"&provider={gp.pk}&provider={other.pk}")
    (to_book,) = [one for one in hrefs(week) if one.endswith(f"slot={slot.pk}")]
    query = to_book.split("?")[1]
    page = client.post(f"{url(place, 'book_patient', patient.pk)}?{query}", {"form_key": uuid.uuid4()})
    booked = Appointment.objects.get()
    back = f"{url(place, 'week')}?day={day}&provider={other.pk}&provider={gp.pk}&days=7#entry-{booked.pk}"
    assert page.headers["Location"] == back
    assert f'id="entry-{booked.pk}"' in client.get(back).content.decode()


def test_who_moves_from_the_week_lands_in_the_same_week_also_when_writing_the_time(client, place, gp):
    mine = make_request(gp, status=AppointmentStatus.BOOKED)
    day = ahead(place).date().isoformat()
    week = client.get(url(place, "week", day=day, days=7, move=mine.pk, version=1))
    written = next(one for one in hrefs(week) if "/move/" in one and "slot" not in one)
    form = client.get(written).content.decode()
    assert '<input type="hidden" name="week" value="7">' in form
    query = {"version": 1, "week": 7, "provider": gp.pk, "day": day, "at": "15:00"}
    page = client.post(url(place, "move", mine.pk, **query), {})
    assert page.headers["Location"] == f"{url(place, 'week')}?day={day}&days=7#entry-{mine.pk}"


def test_who_books_from_the_day_of_some_lands_on_the_day_of_the_same(client, place, gp):
    slot, patient = make_slot(gp, ahead(place)), make_patient(place, gp=gp)
    day = ahead(place).date().isoformat()
    address = reverse("booking_staff:calendar", args=[place.portal_identifier])
    (to_book,) = [
        one
        for one in hrefs(client.get(address, {"day": day, "provider": gp.pk}))
        if one.endswith(f"slot={slot.pk}")
    ]
    page = client.post(
        f"{url(place, 'book_patient', patient.pk)}?{to_book.split('?')[1]}", {"form_key": uuid.uuid4()}
    )
    assert (
        page.headers["Location"]
        == f"{address}?day={day}&provider={gp.pk}#entry-{Appointment.objects.get().pk}"
    )
