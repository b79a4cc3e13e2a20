"""Nobody is in two places at once: a patient's own appointments don't overlap, whichever way they come."""

import importlib
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic_admin.models import Clinic
from identity import national_id
from identity.choices import Assurance, UserKind
from identity.models import User
from portal.models import AuditEvent
from portal.refusals import Refused
from services.access.choices import Approval
from services.access.models import ProviderRights
from services.booking import free_times, operations
from services.booking.choices import LIVE, AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.desk import operations as desk_operations
from services.booking.desk.choices import DeskRefusal, Rule
from services.booking.desk.operations import booking as desk_booking
from services.booking.earlier import operations as earlier
from services.booking.earlier.choices import OfferStatus, PassedReason
from services.booking.earlier.models import EarlierOffer, EarlierWish, PassedOver
from services.booking.guests import operations as guests
from services.booking.guests.choices import GuestRefusal, GuestStatus
from services.booking.models import Appointment, Draw, DrawRequest, Slot
from services.booking.release import operations as release
from services.booking.release import policy as release_policy
from services.booking.release import queries as release_queries
from services.booking.release.choices import Fault, Outcome
from tests.at_once import PATIENCE_SECONDS, at_once
from tests.build import make_patient, make_provider, make_user
from tests.patients.build_sessions import sign_in
from tests.services.booking import build_desk as desk
from tests.services.booking.build_booking import NOW, World, allow, make_slot, make_world, move
from tests.services.booking.build_earlier import make_wish, offer_earlier
from tests.services.booking.build_guests import make_guest, number_of
from tests.services.booking.build_staff import sign_in_staff

AT = NOW + timedelta(days=1, hours=2)
"""Tuesday at 11 by the clinic's clock."""
MINUTES = timedelta(minutes=1)


@pytest.fixture
def world(db):
    return make_world()


@pytest.fixture
def beside(world):
    """Return a second doctor whom the patient may book as well."""
    found = make_provider(world.clinic, name="Anna Berg")
    allow(found, row=world.gp)
    return found


def why(act, *args, **values):
    with pytest.raises(Refused) as refused:
        act(*args, **values)
    return refused.value.reason


def live(world):
    return Appointment.objects.for_patient(world.patient).live()


# -- booking -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shift", [-10, 0, 10])
def test_a_time_that_overlaps_an_own_appointment_is_refused_and_stays_free(world, beside, shift):
    world.book(make_slot(world.gp, AT))
    slot = make_slot(beside, AT + shift * MINUTES)
    assert why(world.book, slot) == BookingRefusal.OWN_TIME
    slot.refresh_from_db()
    assert slot.state == SlotState.FREE
    assert live(world).count() == 1


@pytest.mark.parametrize("shift", [-20, 20])
def test_one_right_before_or_after_can_be_had(world, beside, shift):
    world.book(make_slot(world.gp, AT))
    assert world.book(make_slot(beside, AT + shift * MINUTES)).status == AppointmentStatus.BOOKED


def test_what_was_cancelled_and_what_others_have_is_in_nobodys_way(world, beside):
    world.cancel(world.book(make_slot(world.gp, AT)))
    other = make_world()
    other.book(make_slot(other.gp, AT))
    assert world.book(make_slot(beside, AT)).status == AppointmentStatus.BOOKED


def test_a_request_that_waits_holds_the_patients_time_too(world, beside):
    ProviderRights.objects.filter(provider=world.gp).update(approval=Approval.BY_HAND)
    world.book(make_slot(world.gp, AT))
    assert why(world.book, make_slot(beside, AT)) == BookingRefusal.OWN_TIME


def test_the_rule_costs_a_booking_no_query(world, beside):
    slots = [make_slot(world.gp, AT), make_slot(beside, AT + timedelta(hours=1))]
    world.book(make_slot(world.gp, AT + timedelta(hours=2)))
    with CaptureQueriesContext(connection) as asked:
        world.book(slots[0])
    reads = [one["sql"] for one in asked if one["sql"].startswith("SELECT")]
    assert len([sql for sql in reads if "booking_appointment" in sql]) == 1
    assert not [sql for sql in reads if sql.startswith("SELECT pg_advisory")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_of_two_tabs_and_two_doctors_at_the_same_minute_one_wins(round_):
    world = make_world()
    second = make_provider(world.clinic, name="Anna Berg")
    allow(second, row=world.gp)
    slots = [make_slot(world.gp, AT), make_slot(second, AT + 10 * MINUTES)]
    answers = at_once(*(lambda slot=slot: world.book(slot) for slot in slots))
    assert [one for one in answers if not isinstance(one, Appointment)] == [BookingRefusal.OWN_TIME]
    assert live(world).count() == 1
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_booking_moving_and_any_urgent_time_at_the_same_minute_one_wins():
    world = make_world()
    second, third = make_provider(world.clinic), make_provider(world.clinic)
    for one in (second, third):
        allow(one, row=world.gp)
    at = NOW + timedelta(hours=2)
    had = world.book(make_slot(world.gp, AT))
    slots = [make_slot(world.gp, at), make_slot(second, at), make_slot(third, at, kind=SlotKind.URGENT)]
    answers = at_once(
        lambda: world.book(slots[0]), lambda: move(world, had, slots[1]), lambda: world.book_any_urgent()
    )
    won = [one for one in answers if isinstance(one, Appointment)]
    assert len(won) == 1
    assert {*answers} - {*won} <= {BookingRefusal.OWN_TIME, BookingRefusal.TAKEN}
    assert live(world).filter(starts_at=at).count() == 1


@pytest.mark.django_db
def test_the_fence_stands_without_the_rule(world, beside):
    own = world.book(make_slot(world.gp, AT))
    copy = Appointment.objects.get(pk=own.pk)
    copy.pk, copy.slot, copy.provider, copy.form_key = uuid.uuid4(), None, beside, uuid.uuid4()
    with pytest.raises(IntegrityError, match="appointment_patient_not_in_two_places"), transaction.atomic():
        copy.save(force_insert=True)
    copy.overruled = [Rule.OWN_TIME.value]
    copy.save(force_insert=True)


def test_what_lay_beside_another_before_the_rule_stays_and_is_marked(world, beside):
    migration = importlib.import_module("services.booking.migrations.0013_own_times")
    first = world.book(make_slot(world.gp, AT))
    second = desk.book(world.patient, desk.at(make_slot(beside, AT)), confirmed=[Rule.OWN_TIME])
    Appointment.objects.update(requested_at=NOW)
    Appointment.objects.filter(pk=second.pk).update(requested_at=NOW + MINUTES)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE booking_appointment DROP CONSTRAINT appointment_patient_not_in_two_places"
        )
        cursor.execute("UPDATE booking_appointment SET overruled = '{}'")
        cursor.execute(migration.MARK)
    marks = dict(Appointment.objects.values_list("pk", "overruled"))
    assert marks == {first.pk: [], second.pk: ["own-time"]}


# -- moving ------------------------------------------------------------------------------------------------
def test_what_is_moved_is_not_in_its_own_way_and_others_are(world, beside):
    own = world.book(make_slot(world.gp, AT))
    other = world.book(make_slot(world.gp, AT + timedelta(hours=2)))
    assert why(move, world, own, make_slot(beside, AT + timedelta(hours=2))) == BookingRefusal.OWN_TIME
    own.refresh_from_db()
    assert (own.starts_at, other.status) == (AT, AppointmentStatus.BOOKED)
    moved = move(world, own, make_slot(beside, AT + 10 * MINUTES))
    assert moved.starts_at == AT + 10 * MINUTES


def test_a_new_time_that_waits_may_overlap_the_old_one_and_is_approved(world, beside):
    own = world.book(make_slot(world.gp, AT))
    ProviderRights.objects.update(approval=Approval.BY_HAND)
    asked = move(world, own, make_slot(beside, AT + 10 * MINUTES))
    assert (asked.status, asked.replaces_id) == (AppointmentStatus.REQUESTED, own.pk)
    third = make_provider(world.clinic)
    allow(third, row=world.gp, approval=Approval.BY_HAND)
    assert why(world.book, make_slot(third, AT + 20 * MINUTES)) == BookingRefusal.OWN_TIME
    approved = operations.approve(
        clinic=world.clinic, appointment_id=asked.pk, actor=desk.secretary(), now=NOW
    )
    assert approved.status == AppointmentStatus.BOOKED
    assert list(live(world)) == [approved]


def test_a_waiting_move_that_is_moved_on_by_itself_may_overlap_the_old_time(world, beside):
    own = world.book(make_slot(world.gp, AT))
    ProviderRights.objects.update(approval=Approval.BY_HAND)
    asked = move(world, own, make_slot(beside, AT + timedelta(hours=3)))
    assert asked.status == AppointmentStatus.REQUESTED
    ProviderRights.objects.update(approval=Approval.AUTOMATIC)
    booked = move(world, asked, make_slot(beside, AT + 10 * MINUTES))
    assert booked.status == AppointmentStatus.BOOKED
    assert [one.pk for one in live(world)] == [booked.pk]


def test_any_urgent_time_is_the_next_that_does_not_overlap(world, beside):
    at = NOW + timedelta(hours=2)
    world.book(make_slot(world.gp, at))
    make_slot(beside, at + 10 * MINUTES, kind=SlotKind.URGENT)
    fits = make_slot(beside, at + 40 * MINUTES, kind=SlotKind.URGENT)
    assert world.book_any_urgent().slot_id == fits.pk
    assert why(world.book_any_urgent) == BookingRefusal.OWN_TIME
    Slot.objects.filter(kind=SlotKind.URGENT).update(state=SlotState.TAKEN)
    assert why(world.book_any_urgent) == BookingRefusal.TAKEN


def test_who_finds_only_urgent_times_beside_their_own_is_told_so(world, beside, signed_in):
    at = NOW + timedelta(hours=2)
    world.book(make_slot(world.gp, at))
    make_slot(beside, at + 10 * MINUTES, kind=SlotKind.URGENT)
    address = reverse("booking:any_urgent", args=[world.clinic.portal_identifier])
    answer = signed_in.post(address, {"reason": "It aches", "form_key": uuid.uuid4()})
    assert answer.status_code == 422
    assert "at the time of another appointment" in answer.content.decode()
    assert "It aches" in answer.content.decode()


def urgent_page(world, signed_in):
    answer = signed_in.get(reverse("booking:any_urgent", args=[world.clinic.portal_identifier]))
    return answer.status_code, answer.content.decode()


def test_that_only_urgent_times_beside_ones_own_are_left_is_said_before_anything_is_written(
    world, beside, signed_in
):
    at = NOW + timedelta(hours=2)
    own = world.book(make_slot(world.gp, at))
    make_slot(beside, at + 10 * MINUTES, kind=SlotKind.URGENT)
    status, page = urgent_page(world, signed_in)
    assert (status, "<textarea" in page) == (409, False)
    assert "The only free urgent times are at the time of another appointment" in page
    assert "You have Monday 23 November at 11:00–11:20 with" in page
    assert page_of(world, "appointment", own.pk) in page


def test_the_page_says_which_urgent_time_it_would_be_and_that_an_earlier_one_is_passed_over(
    world, beside, signed_in, django_assert_max_num_queries
):
    at = NOW + timedelta(hours=2)
    make_slot(beside, at + 40 * MINUTES, kind=SlotKind.URGENT)
    make_slot(beside, at + 60 * MINUTES, kind=SlotKind.URGENT)
    status, page = urgent_page(world, signed_in)
    assert (status, "Right now that is Monday 23 November at 11:40." in page) == (200, True)
    own = world.book(make_slot(world.gp, at + 60 * MINUTES))
    assert "An earlier one" not in urgent_page(world, signed_in)[1], "the later ones take nothing away"
    make_slot(beside, at + 10 * MINUTES, kind=SlotKind.URGENT)
    assert "Right now that is Monday 23 November at 11:10." in urgent_page(world, signed_in)[1]
    move(world, own, make_slot(world.gp, at + 20 * MINUTES))
    with django_assert_max_num_queries(9):
        status, page = urgent_page(world, signed_in)
    assert (status, "<textarea" in page) == (200, True)
    assert "Right now that is Monday 23 November at 11:40." in page
    assert "An earlier one is free, but at the time of another appointment" in page
    assert "You have Monday 23 November at 11:20–11:40 with" in page
    assert world.book_any_urgent().starts_at == at + 40 * MINUTES, "what the page said is what one gets"


def test_that_there_is_no_urgent_time_or_one_has_enough_is_said_before_anything_is_written(
    world, beside, signed_in
):
    status, page = urgent_page(world, signed_in)
    assert (status, "<textarea" in page) == (409, False)
    assert "No urgent time is free right now" in page
    at = NOW + timedelta(hours=2)
    make_slot(beside, at, kind=SlotKind.URGENT)
    make_slot(beside, at + 40 * MINUTES, kind=SlotKind.URGENT)
    world.book_any_urgent()
    assert urgent_page(world, signed_in)[0] == 200
    Clinic.objects.update(most_urgent=1)
    Appointment.objects.update(requested_by=User.objects.filter(kind=UserKind.PATIENT).first())
    status, page = urgent_page(world, signed_in)
    assert (status, "<textarea" in page) == (409, False)
    assert "You have as many urgent appointments as the clinic allows online." in page


def test_any_urgent_time_passes_over_one_that_is_held_for_somebody(world, beside):
    at = NOW + timedelta(hours=2)
    make_slot(beside, at, kind=SlotKind.URGENT, held_until=NOW + 10 * MINUTES)
    given_back = make_slot(beside, at + 30 * MINUTES, kind=SlotKind.URGENT, held_until=NOW)
    assert world.book_any_urgent().slot_id == given_back.pk
    assert why(world.book_any_urgent) == BookingRefusal.TAKEN


# -- earlier times -----------------------------------------------------------------------------------------
@pytest.fixture
def waits(world, beside):
    """Return a patient who waits for an earlier time, and a time that comes free."""
    offer_earlier(world.clinic)
    world.patient.mobile = "+4791111111"
    world.patient.save()
    make_wish(world.patient)
    return make_slot(beside, AT, freed_at=NOW, held_until=NOW + 3 * MINUTES)


def test_whoever_has_something_else_then_is_passed_over_and_the_report_says_why(world, waits):
    world.book(make_slot(world.gp, AT + 10 * MINUTES))
    assert earlier.pass_on(clinic=world.clinic, now=NOW) == 0
    assert PassedOver.objects.get().reason == PassedReason.OWN_TIME


def test_what_would_be_moved_is_not_in_the_way_of_an_offer(world, waits):
    own = world.book(make_slot(world.gp, AT + 10 * MINUTES))
    EarlierWish.objects.update(appointment=own)
    assert earlier.pass_on(clinic=world.clinic, now=NOW) == 1
    taken = earlier.accept(
        patient=world.patient,
        offer_id=EarlierOffer.objects.get().pk,
        assurance=Assurance.HIGH,
        actor=world.user,
        now=NOW,
    )
    assert (taken.pk, taken.starts_at) == (own.pk, AT)


def test_an_offer_waits_for_whoever_has_booked_something_else_meanwhile(world, waits):
    assert earlier.pass_on(clinic=world.clinic, now=NOW) == 1
    offer = EarlierOffer.objects.get()
    own = world.book(make_slot(world.gp, AT))
    act = {"patient": world.patient, "offer_id": offer.pk, "actor": world.user, "now": NOW}
    assert why(earlier.accept, **act, assurance=Assurance.HIGH) == BookingRefusal.OWN_TIME
    offer.refresh_from_db()
    waits.refresh_from_db()
    assert (offer.status, waits.state_at(NOW)) == (OfferStatus.OPEN, SlotState.TAKEN)
    world.cancel(own)
    assert earlier.accept(**act, assurance=Assurance.HIGH).starts_at == AT


# -- the draw ----------------------------------------------------------------------------------------------
OPENS = datetime(2026, 11, 23, 15, tzinfo=UTC)
CLOSES = OPENS + 10 * MINUTES
TUESDAY = OPENS.date() + timedelta(days=1)


def test_nobody_is_drawn_for_a_time_at_which_they_have_something_else(world, beside):
    Clinic.objects.update(draws_urgent=True)
    world.clinic.draws_urgent = True
    release.keep_up(world.clinic, NOW)
    world.book(make_slot(world.gp, AT))
    beside_own = make_slot(beside, AT, kind=SlotKind.URGENT)
    make_slot(beside, AT + timedelta(hours=1), kind=SlotKind.URGENT)
    ask = {"reason": "Fever", "wants_reminder": False, "assurance": Assurance.HIGH}
    release.ask(**ask, patient=world.patient, providers=[], actor=world.user, now=OPENS)
    draw = release.hold(clinic=world.clinic, day=TUESDAY, now=CLOSES)
    own = DrawRequest.objects.get()
    assert (own.outcome, own.own_times) == (Outcome.WON, [beside_own.pk])
    assert own.appointment.starts_at == AT + timedelta(hours=1)
    assert release_queries.faults_of(draw) == []
    DrawRequest.objects.update(own_times=[])
    assert str(Fault.TIME.label) in release_queries.faults_of(draw)


def test_whoever_has_something_else_at_every_time_that_is_left_is_told_so(world, beside):
    Clinic.objects.update(draws_urgent=True)
    world.clinic.draws_urgent = True
    release.keep_up(world.clinic, NOW)
    world.book(make_slot(world.gp, AT))
    make_slot(beside, AT, kind=SlotKind.URGENT)
    ask = {"reason": "Fever", "wants_reminder": False, "assurance": Assurance.HIGH}
    release.ask(**ask, patient=world.patient, providers=[], actor=world.user, now=OPENS)
    draw = release.hold(clinic=world.clinic, day=TUESDAY, now=CLOSES)
    assert DrawRequest.objects.get().outcome == Outcome.OWN_TIME
    assert (release_queries.faults_of(draw), len(Draw.objects.get(day=TUESDAY).pool)) == ([], 1)


@pytest.mark.django_db(transaction=True)
def test_two_draws_that_are_due_at_once_with_the_same_patients_are_both_held(monkeypatch):
    """Held side by side each would have the times of its first patient, and wait for the other's."""
    world = make_world({"draws_urgent": True})
    people = [world, *(someone(world) for _ in range(7))]
    for hours in (27, 42):
        for minutes in range(0, 160, 20):
            make_slot(world.gp, OPENS + timedelta(hours=hours, minutes=minutes), kind=SlotKind.URGENT)
    release.keep_up(world.clinic, NOW)
    for number, one in enumerate([*people, *reversed(people)]):
        at = OPENS + timedelta(days=number // len(people), minutes=1)
        release.prepare(world.clinic, release_queries.window_now(world.clinic, at).day, now=NOW)
        ask = {"reason": "Fever", "wants_reminder": False, "assurance": Assurance.HIGH, "providers": []}
        release.ask(**ask, patient=one.patient, actor=one.user, now=at)
    after_the_first, mine = threading.Barrier(2), threading.local()

    def take_and_meet(slot, patient, take=release.take):
        if (number := getattr(mine, "number", 0)) == 1:
            with suppress(threading.BrokenBarrierError):
                after_the_first.wait(timeout=0.6)
        mine.number = number + 1
        return take(slot, patient)

    monkeypatch.setattr(release, "take", take_and_meet)
    days, late = list(Draw.objects.values_list("day", flat=True)), CLOSES + timedelta(days=1)
    at_once(*(lambda day=day: release.hold(clinic=world.clinic, day=day, now=late) for day in days))
    release.keep_up(world.clinic, late)
    assert DrawRequest.objects.filter(outcome=Outcome.WON).count() == 2 * len(people)


def someone(world):
    """Return the world as another patient of the GP sees it."""
    patient = make_patient(world.clinic, gp=world.gp)
    patient.clinic = world.clinic
    return World(world.clinic, world.gp, patient, make_user(kind=UserKind.PATIENT))


def test_the_lots_pass_over_own_times_only_for_those_who_have_them():
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)
    pool = [release_policy.PoolSlot(AT, 7, 1), release_policy.PoolSlot(AT + MINUTES, 8, 1)]
    given = release_policy.allocate(
        [one, other], pool=pool, providers={one: [1], other: [1]}, own_times={one: [7]}
    )
    assert {key: slot.slot_id for key, slot in given.items()} == {one: 8, other: 7}


# -- staff -------------------------------------------------------------------------------------------------
def test_staff_may_put_it_aside_which_is_kept_and_the_patient_still_can_not(world, beside):
    world.book(make_slot(world.gp, AT))
    place = desk.at(make_slot(beside, AT))
    with pytest.raises(desk_operations.RuleInTheWay) as stopped:
        desk.book(world.patient, place)
    assert stopped.value.rules == (Rule.OWN_TIME,)
    made = desk.book(world.patient, place, confirmed=[Rule.OWN_TIME])
    assert made.overruled == ["own-time"]
    assert AuditEvent.objects.filter(action="appointment.booked").latest("pk").details["overruled"] == [
        "own-time"
    ]
    third = make_provider(world.clinic)
    allow(third, row=world.gp)
    Appointment.objects.filter(pk=world.patient.appointments.exclude(pk=made.pk).get().pk).update(
        status=AppointmentStatus.CANCELLED, cancelled_at=NOW
    )
    assert why(world.book, make_slot(third, AT)) == BookingRefusal.OWN_TIME


def test_what_stands_outside_the_fence_comes_back_inside_when_it_gets_another_time(world, beside):
    world.book(make_slot(world.gp, AT))
    place = desk.at(make_slot(beside, AT))
    made = desk.book(world.patient, place, confirmed=[Rule.OWN_TIME, Rule.TOO_MANY])
    assert desk.move(made, desk.at(make_slot(beside, AT + 60 * MINUTES))).overruled == []
    made.refresh_from_db()
    again = desk.at(make_slot(make_provider(world.clinic), AT + 10 * MINUTES))
    knowingly = desk.move(made, again, confirmed=[Rule.OWN_TIME, Rule.NO_ACCESS])
    assert knowingly.overruled == ["no-access", "own-time"]
    assert move(world, knowingly, make_slot(beside, AT + 90 * MINUTES)).overruled == ["no-access"]


def test_beside_what_staff_put_there_nothing_is_stored_without_their_knowing(world, beside):
    own = world.book(make_slot(world.gp, AT))
    made = desk.book(world.patient, desk.at(make_slot(beside, AT)), confirmed=[Rule.OWN_TIME])
    world.cancel(own)
    copy = Appointment.objects.get(pk=made.pk)
    copy.pk, copy.slot, copy.provider, copy.form_key = uuid.uuid4(), None, world.gp, uuid.uuid4()
    copy.overruled = []
    with pytest.raises(IntegrityError, match="knowingly"), transaction.atomic():
        copy.save(force_insert=True)
    copy.starts_at, copy.ends_at = AT + 60 * MINUTES, AT + 80 * MINUTES
    copy.save(force_insert=True)
    copy.starts_at = AT
    with pytest.raises(IntegrityError, match="knowingly"), transaction.atomic():
        copy.save(update_fields=["starts_at"])
    Appointment.objects.filter(pk=made.pk).update(status=AppointmentStatus.CANCELLED, cancelled_at=NOW)
    copy.save(update_fields=["starts_at"])


def test_the_clinics_own_times_and_times_made_by_hand_count_as_well(world, beside):
    world.book(make_slot(world.gp, AT))
    places = [
        desk.at(make_slot(beside, AT, kind=SlotKind.INTERNAL)),
        desk.free(make_provider(world.clinic), AT),
    ]
    for place in places:
        with pytest.raises(desk_operations.RuleInTheWay) as stopped:
            desk.book(world.patient, place)
        assert stopped.value.rules == (Rule.OWN_TIME,)


def test_staff_move_an_appointment_a_little_without_being_asked(world, beside):
    own = world.book(make_slot(world.gp, AT))
    assert desk.move(own, desk.at(make_slot(beside, AT + 10 * MINUTES))).starts_at == AT + 10 * MINUTES


@pytest.mark.django_db(transaction=True)
def test_a_patient_and_staff_who_knows_of_nothing_do_not_both_win():
    world = make_world()
    second = make_provider(world.clinic)
    allow(second, row=world.gp)
    slots = [make_slot(world.gp, AT), make_slot(second, AT)]
    actor, place = desk.secretary(), desk.at(slots[1])
    answers = at_once(lambda: world.book(slots[0]), lambda: desk.book(world.patient, place, actor))
    assert sum(isinstance(one, Appointment) for one in answers) == 1
    assert {*(one for one in answers if not isinstance(one, Appointment))} <= {
        BookingRefusal.OWN_TIME,
        DeskRefusal.OWN_TIME,
        DeskRefusal.RULE,
    }
    assert live(world).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_staff_who_put_it_aside_at_the_same_moment_the_second_is_asked_anew(monkeypatch):
    """Both have seen the same one appointment, and nothing spoke against either when they began to take their time."""
    world = make_world()
    second, third = make_provider(world.clinic), make_provider(world.clinic)
    for one in (second, third):
        allow(one, row=world.gp)
    own = world.book(make_slot(world.gp, AT))
    places = [desk.at(make_slot(one, AT)) for one in (second, third)]
    clerks = [desk.secretary(), desk.secretary("Sekretær Lie")]
    both, win = threading.Barrier(2), desk_booking.win

    def win_together(*args, **values):
        both.wait(PATIENCE_SECONDS)
        return win(*args, **values)

    monkeypatch.setattr(desk_booking, "win", win_together)
    answers = at_once(
        *(
            lambda place=place, clerk=clerk: desk.book(
                world.patient, place, clerk, confirmed=[Rule.OWN_TIME], known=[own.pk]
            )
            for place, clerk in zip(places, clerks, strict=True)
        )
    )
    (made,) = (one for one in answers if isinstance(one, Appointment))
    assert [one for one in answers if one is not made] == [DeskRefusal.RULE]
    assert {one.pk for one in live(world)} == {own.pk, made.pk}
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 2
    monkeypatch.undo()
    (left,) = (place for place in places if place.slot.pk != made.slot_id)
    desk.book(world.patient, desk.at(left.slot), confirmed=[Rule.OWN_TIME], known=[own.pk, made.pk])
    assert live(world).count() == 3


def test_what_was_not_shown_is_not_put_aside_neither_for_a_move(world, beside):
    own = world.book(make_slot(world.gp, AT))
    other = world.book(make_slot(world.gp, AT + 60 * MINUTES))
    place = desk.at(make_slot(beside, AT))
    with pytest.raises(desk_operations.RuleInTheWay) as stopped:
        desk.move(other, place, confirmed=[Rule.OWN_TIME], known=[other.pk])
    assert stopped.value.rules == (Rule.OWN_TIME,)
    other.refresh_from_db()
    assert (other.version, other.starts_at) == (1, AT + 60 * MINUTES)
    place.slot.refresh_from_db()
    assert place.slot.state == SlotState.FREE
    assert desk.move(other, place, confirmed=[Rule.OWN_TIME], known=[own.pk]).starts_at == AT


def test_the_page_names_what_is_put_aside_and_what_has_come_meanwhile(world, beside, client):
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    own = world.book(make_slot(world.gp, AT))
    slot = make_slot(beside, AT)
    address = reverse("desk:book_patient", args=[world.clinic.portal_identifier, world.patient.pk])
    address = f"{address}?slot={slot.pk}"
    with time_machine.travel(NOW, tick=False):
        sent = {"reason": "Cough", "form_key": client.get(address).context["form"].key}
        asked = client.post(address, sent)
        assert "Tuesday 24 November at 11:00 – 11:20 with" in asked.content.decode()
        assert f'<input type="hidden" name="beside" value="{own.pk}">' in asked.content.decode()
        third = make_provider(world.clinic)
        allow(third, row=world.gp)
        clerk = desk.secretary("Sekretær Lie")
        first = desk.book(world.patient, desk.at(make_slot(third, AT)), clerk, confirmed=[Rule.OWN_TIME])
        put_aside = {**sent, "overrule": "own-time", "beside": [str(own.pk)]}
        again = client.post(address, put_aside)
        text = again.content.decode()
        assert again.status_code == 422
        assert "The patient got another appointment at that time meanwhile" in text
        assert "by Sekretær Lie" in text
        assert "Cough" in text
        assert live(world).count() == 2
        client.post(address, {**put_aside, "beside": [str(own.pk), str(first.pk)]})
        assert live(world).count() == 3


@pytest.fixture
def guest(world, beside):
    """Return a request without an account at the time of an appointment that the person has."""
    known = national_id.parse(number_of(1), "NO", allow_synthetic=True)
    world.patient.national_id_index = national_id.index(known)
    world.patient.save()
    world.book(make_slot(world.gp, AT))
    return make_guest(beside, make_slot(beside, AT))


def test_a_guest_who_has_something_else_then_is_approved_only_knowingly(world, guest):
    act = {"clinic": world.clinic, "request_id": guest.pk, "actor": desk.secretary(), "now": NOW}
    assert why(guests.approve, **act) == GuestRefusal.OWN_TIME
    guest.refresh_from_db()
    assert guest.status == GuestStatus.WAITING
    assert why(guests.approve, **act, confirmed=[Rule.OWN_TIME]) == GuestRefusal.OWN_TIME
    done = guests.approve(**act, confirmed=[Rule.OWN_TIME], known=[own.pk for own in live(world)])
    assert done.appointment.overruled == ["own-time"]
    event = AuditEvent.objects.get(action="appointment.approved")
    assert event.details["overruled"] == ["own-time"]


def test_the_page_of_the_request_says_so_before_and_sends_it_along(world, guest, client):
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    address = reverse("guests_staff:request", args=[world.clinic.portal_identifier, guest.pk])
    with time_machine.travel(NOW, tick=False):
        page = client.get(address).content.decode()
        assert "The patient has another appointment at that time." in page
        assert '<input type="hidden" name="overrule" value="own-time">' in page
        client.post(address, {"act": "approve"})
        assert Appointment.objects.filter(status__in=LIVE).count() == 1
        own = Appointment.objects.get(status__in=LIVE)
        assert f'<input type="hidden" name="beside" value="{own.pk}">' in page
        for beside in ("", "nonsense", str(guest.pk)):
            client.post(address, {"act": "approve", "overrule": "own-time", "beside": beside})
            assert Appointment.objects.filter(status__in=LIVE).count() == 1
        client.post(address, {"act": "approve", "overrule": "own-time", "beside": str(own.pk)})
        assert Appointment.objects.filter(status__in=LIVE).count() == 2


# -- pages -------------------------------------------------------------------------------------------------
@pytest.fixture
def signed_in(world, client):
    with time_machine.travel(NOW, tick=False):
        sign_in(client, world.patient)
        client.cookies["django_language"] = "en"
        yield client


def page_of(world, name, *args):
    return reverse(f"booking:{name}", args=[world.clinic.portal_identifier, *args])


def test_free_times_at_an_own_appointment_are_shown_and_can_not_be_pressed(world, beside, signed_in):
    world.book(make_slot(world.gp, AT))
    busy, fits = make_slot(beside, AT), make_slot(beside, AT + 20 * MINUTES)
    page = signed_in.get(page_of(world, "find")).content.decode()
    assert page_of(world, "book", busy.pk) not in page
    assert page_of(world, "book", fits.pk) in page
    assert "you have another appointment then" in page
    assert 'data-state="own"' in page
    assert "1 free time" in page


def test_the_first_free_and_the_nearest_times_are_such_as_can_be_had(world, beside):
    world.book(make_slot(world.gp, AT))
    make_slot(beside, AT)
    fits = make_slot(beside, AT + 20 * MINUTES)
    asked = {"patient": world.patient, "assurance": Assurance.HIGH, "now": NOW}
    day = AT.date()
    offer = free_times.offer(**asked, first_day=day, last_day=day)
    assert (offer.first_free.slot_id, [one.is_own_time for one in offer.times]) == (fits.pk, [True, False])
    assert [one.slot_id for one in free_times.nearest_free(**asked, to=AT)] == [fits.pk]


def test_while_moving_the_own_old_time_is_in_no_times_way(world, beside, signed_in):
    own = world.book(make_slot(world.gp, AT))
    slot = make_slot(beside, AT + 10 * MINUTES)
    page = signed_in.get(page_of(world, "move", own.pk))
    assert page_of(world, "move_to", own.pk, slot.pk) in page.content.decode()
    assert signed_in.get(page_of(world, "move_to", own.pk, slot.pk)).status_code == 200


def test_whoever_has_the_time_from_another_tab_is_not_told_that_somebody_else_took_it(world, signed_in):
    slot = make_slot(world.gp, AT)
    make_slot(world.gp, AT + 40 * MINUTES)
    own = world.book(slot)
    form = {"reason": "Fever", "form_key": str(uuid.uuid4())}
    response = signed_in.post(page_of(world, "book", slot.pk), form)
    page = response.content.decode()
    assert response.status_code == 422
    assert "You have this time already" in page
    assert "Somebody else" not in page
    assert page_of(world, "appointment", own.pk) in page
    assert "Fever" in page


def test_the_refusal_names_the_other_appointment_and_leads_to_it(world, beside, signed_in):
    own = world.book(make_slot(world.gp, AT))
    busy = make_slot(beside, AT)
    form = {"reason": "Fever", "form_key": str(uuid.uuid4())}
    for response in (
        signed_in.get(page_of(world, "book", busy.pk)),
        signed_in.post(page_of(world, "book", busy.pk), form),
    ):
        page = response.content.decode()
        assert response.status_code in {409, 422}
        assert "You have another appointment at that time." in page
        assert page_of(world, "appointment", own.pk) in page
    assert "Fever" in page
