"""Moving, the notice period, limits, receipts, and any urgent time with one press (issue of booking in depth)."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.models import Clinic
from identity.choices import Assurance
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from services.access.choices import Approval
from services.booking import operations, policy, queries
from services.booking.choices import (
    AppointmentStatus,
    BookingRefusal,
    ReceiptKind,
    ReceiptRule,
    SlotKind,
    SlotState,
)
from services.booking.models import Appointment, Receipt, Slot
from services.booking.operations import BookingRefused
from services.booking.policy import Held
from tests.build import make_patient, make_provider, make_user
from tests.patients.build_patients import number
from tests.patients.build_sessions import sign_in
from tests.services.booking.build_booking import NOW, allow, make_slot, make_world, move
from tests.services.booking.build_staff import ahead

pytestmark = pytest.mark.django_db
BOOKED, REQUESTED, CANCELLED = (
    AppointmentStatus.BOOKED,
    AppointmentStatus.REQUESTED,
    AppointmentStatus.CANCELLED,
)


@pytest.fixture
def world():
    return make_world()


def refusal(act, *args, **values):
    with pytest.raises(BookingRefused) as refused:
        act(*args, **values)
    return refused.value.reason


def state(slot):
    return Slot.objects.get(pk=slot.pk).state


def other_slot(world, **values):
    return make_slot(world.gp, NOW + timedelta(days=3, hours=1), **values)


# -- moving ------------------------------------------------------------------------------------------------
def test_moving_takes_the_new_time_and_frees_the_old_in_one_act(world):
    old, new = make_slot(world.gp), other_slot(world)
    appointment = world.book(old)
    moved = move(world, appointment, new)
    assert (moved.pk, moved.slot_id, moved.status) == (appointment.pk, new.pk, BOOKED)
    assert (state(old), state(new)) == (SlotState.FREE, SlotState.TAKEN)
    assert moved.version == appointment.version + 1
    news = OutboxMessage.objects.filter(kind=MessageKind.BOOKING_MOVED)
    assert {message.version for message in news} == {moved.version}
    reminders = OutboxMessage.objects.filter(kind=MessageKind.REMINDER, state="queued")
    assert [message.version for message in reminders] == [moved.version]


def test_a_time_that_is_taken_costs_nobody_the_old_one(world):
    old, new = make_slot(world.gp), other_slot(world, state=SlotState.TAKEN)
    appointment = world.book(old)
    assert refusal(move, world, appointment, new) == BookingRefusal.TAKEN
    appointment.refresh_from_db()
    assert (appointment.slot_id, appointment.status, state(old)) == (old.pk, BOOKED, SlotState.TAKEN)


def test_sent_twice_is_moved_once(world):
    appointment, new = world.book(make_slot(world.gp)), other_slot(world)
    move(world, appointment, new)
    again = move(world, appointment, new)
    assert again.version == appointment.version + 1
    assert Receipt.objects.filter(kind=ReceiptKind.MOVED).count() == 1


def test_a_page_from_before_another_change_moves_nothing(world):
    appointment = world.book(make_slot(world.gp))
    move(world, appointment, other_slot(world))
    third = make_slot(world.gp, NOW + timedelta(days=4))
    assert refusal(move, world, appointment, third) == BookingRefusal.CHANGED_MEANWHILE


@pytest.mark.parametrize("spoil", ["right", "past", "kind", "foreign", "rule", "cancelled"])
def test_what_may_not_be_booked_or_given_up_is_not_moved(world, spoil):
    old, new = make_slot(world.gp), other_slot(world)
    appointment, now = world.book(old), NOW
    if spoil == "right":
        allow(world.gp, cancelling=False)
    if spoil == "past":
        now = old.starts_at
    if spoil == "kind":
        Slot.objects.filter(pk=new.pk).update(kind=SlotKind.INTERNAL)
    if spoil == "foreign":
        new = make_slot(make_world().gp, NOW + timedelta(days=3))
    if spoil == "rule":
        new = make_slot(make_provider(world.clinic), NOW + timedelta(days=3))
    if spoil == "cancelled":
        world.cancel(appointment)
    assert refusal(move, world, appointment, new, now=now) in {
        BookingRefusal.CANNOT_CANCEL,
        BookingRefusal.ALREADY_ENDED,
        BookingRefusal.NOT_OFFERED,
        BookingRefusal.NO_ACCESS,
        BookingRefusal.CHANGED_MEANWHILE,
    }
    assert state(new) == SlotState.FREE


def test_another_patients_appointment_can_not_be_moved(world):
    appointment = world.book(make_slot(world.gp))
    other = make_patient(world.clinic, gp=world.gp)
    with pytest.raises(Appointment.DoesNotExist):
        move(world, appointment, other_slot(world), patient=other)


def by_hand(world):
    """A booked appointment, and a provider whose times the clinic approves by hand."""
    appointment = world.book(make_slot(world.gp))
    allow(world.gp, approval=Approval.BY_HAND)
    return appointment


def test_where_the_clinic_approves_the_old_time_stays_until_it_has(world):
    appointment = by_hand(world)
    old, new = appointment.slot, other_slot(world)
    asked = move(world, appointment, new)
    appointment.refresh_from_db()
    assert (asked.replaces_id, asked.status, appointment.status) == (appointment.pk, REQUESTED, BOOKED)
    assert (state(old), state(new)) == (SlotState.TAKEN, SlotState.TAKEN)
    operations.approve(clinic=world.clinic, appointment_id=asked.pk, actor=make_user(), now=NOW)
    appointment.refresh_from_db()
    assert (appointment.status, state(old), state(new)) == (CANCELLED, SlotState.FREE, SlotState.TAKEN)
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_MOVED, subject_id=str(asked.pk)).exists()


def test_a_refused_move_leaves_the_old_time_as_it_was(world):
    appointment = by_hand(world)
    asked = move(world, appointment, other_slot(world))
    operations.refuse_request(clinic=world.clinic, appointment_id=asked.pk, actor=make_user(), now=NOW)
    appointment.refresh_from_db()
    assert (appointment.status, state(appointment.slot)) == (BOOKED, SlotState.TAKEN)


def test_asking_for_yet_another_time_gives_the_first_wish_up(world):
    appointment = by_hand(world)
    first, second = other_slot(world), make_slot(world.gp, NOW + timedelta(days=4))
    asked = move(world, appointment, first)
    move(world, appointment, second)
    asked.refresh_from_db()
    assert (asked.status, state(first), state(second)) == (CANCELLED, SlotState.FREE, SlotState.TAKEN)


def test_an_old_time_cancelled_meanwhile_does_not_stop_the_approval(world):
    appointment = by_hand(world)
    asked = move(world, appointment, other_slot(world))
    world.cancel(appointment)
    operations.approve(clinic=world.clinic, appointment_id=asked.pk, actor=make_user(), now=NOW)
    asked.refresh_from_db()
    assert asked.status == BOOKED


@pytest.mark.django_db(transaction=True)
def test_two_who_move_onto_each_others_times_both_keep_what_they_have():
    world = make_world()
    other = make_patient(world.clinic, gp=world.gp)
    other.clinic = world.clinic
    slots = [make_slot(world.gp), other_slot(world)]
    mine = world.book(slots[0])
    theirs = world.book(slots[1], patient=other)
    gate = threading.Barrier(2)

    def swap(patient, appointment, slot):
        try:
            gate.wait()
            return move(world, appointment, slot, patient=patient)
        except BookingRefused as refused:
            return refused.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = [
            pool.submit(swap, world.patient, mine, slots[1]),
            pool.submit(swap, other, theirs, slots[0]),
        ]
    assert [answer.result() for answer in answers] == [BookingRefusal.TAKEN] * 2
    held = dict(Appointment.objects.values_list("pk", "slot_id"))
    assert held == {mine.pk: slots[0].pk, theirs.pk: slots[1].pk}


@pytest.mark.django_db(transaction=True)
def test_of_many_who_move_to_the_same_time_one_wins_and_the_others_lose_nothing():
    world = make_world()
    new = make_slot(world.gp, NOW + timedelta(days=6))
    people = []
    for number_ in range(4):
        patient = make_patient(world.clinic, gp=world.gp)
        patient.clinic = world.clinic
        slot = make_slot(world.gp, NOW + timedelta(days=2, minutes=30 * number_))
        people.append((patient, world.book(slot, patient=patient)))
    gate = threading.Barrier(4)

    def try_it(patient, appointment):
        try:
            gate.wait()
            return bool(move(world, appointment, new, patient=patient))
        except BookingRefused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(one.result() for one in [pool.submit(try_it, *person) for person in people]) == 1
    assert Appointment.objects.live().filter(slot=new).count() == 1
    assert Appointment.objects.live().count() == 4
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 4


# -- notice period and receipts ----------------------------------------------------------------------------
DAY_ZERO = NOW.replace(tzinfo=None)


@given(
    st.datetimes(DAY_ZERO - timedelta(days=300), DAY_ZERO + timedelta(days=300)),
    st.integers(min_value=0, max_value=168),
)
def test_the_notice_period_is_counted_on_the_clinics_clock(naive, hours):
    zone = ZoneInfo("Europe/Oslo")
    starts_at = naive.replace(tzinfo=UTC)
    until = policy.cancellable_until(starts_at, notice_hours=hours, zone=zone)
    assert until <= starts_at
    local = starts_at.astimezone(zone).replace(tzinfo=None)
    off = abs(local - timedelta(hours=hours) - until.astimezone(zone).replace(tzinfo=None))
    assert off <= timedelta(hours=1)  # only where the clocks change
    if not hours:
        assert starts_at - until <= timedelta(hours=1)


@pytest.mark.parametrize("act", ["cancel", "move"])
def test_after_the_notice_period_nothing_is_given_up_and_until_it_everything(world, act):
    Clinic.objects.update(cancel_notice_hours=24)
    world.clinic.refresh_from_db()
    appointment, new = world.book(make_slot(world.gp)), other_slot(world)
    until = queries.cancellable_until(appointment, world.clinic)
    world.patient.refresh_from_db()

    def do(now):
        if act == "move":
            return move(world, appointment, new, now=now)
        return world.cancel(appointment, now=now)

    assert refusal(do, until + timedelta(seconds=1)) == BookingRefusal.TOO_LATE
    do(until)
    receipt = Receipt.objects.latest("pk")
    assert (receipt.rule, receipt.hours) == (ReceiptRule.UNTIL_NOTICE, 24)


def test_each_act_has_a_dated_numbered_receipt_with_its_rule(world):
    appointment = world.book(make_slot(world.gp))
    move(world, appointment, other_slot(world))
    appointment.refresh_from_db()
    world.cancel(appointment)
    found = queries.receipts_of(appointment)
    assert [receipt.kind for receipt in found] == [
        ReceiptKind.CANCELLED,
        ReceiptKind.MOVED,
        ReceiptKind.BOOKED,
    ]
    assert len({receipt.number for receipt in found}) == 3
    assert found[1].was_at is not None
    assert all(receipt.number.startswith("2026-") and receipt.sentence for receipt in found)


# -- limits ------------------------------------------------------------------------------------------------
@given(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(1, 9), st.none() | st.integers(1, 9))
def test_limits_stop_exactly_when_they_are_reached(upcoming, urgent, most, most_urgent):
    held = Held(upcoming + urgent, urgent)
    for kind in (SlotKind.PORTAL, SlotKind.URGENT):
        answer = policy.refuse_another(kind, held=held, most_upcoming=most, most_urgent=most_urgent)
        over = most is not None and held.upcoming >= most
        over_urgent = kind == SlotKind.URGENT and most_urgent is not None and held.urgent >= most_urgent
        assert (answer is not None) == (over or over_urgent)


def limit(world, **values):
    Clinic.objects.update(**values)
    for name, value in values.items():
        setattr(world.clinic, name, value)


def test_a_patient_has_no_more_coming_appointments_than_the_clinic_allows(world):
    limit(world, most_upcoming=1)
    first = world.book(make_slot(world.gp))
    assert refusal(world.book, other_slot(world)) == BookingRefusal.TOO_MANY
    world.cancel(first)
    assert world.book(Slot.objects.exclude(pk=first.slot_id).get()).status == BOOKED


def test_what_the_clinic_books_by_hand_does_not_count(world):
    limit(world, most_upcoming=1)
    first = world.book(make_slot(world.gp))
    Appointment.objects.filter(pk=first.pk).update(requested_by=make_user())
    assert world.book(other_slot(world)).status == BOOKED


def test_moving_is_no_further_appointment(world):
    limit(world, most_upcoming=1, most_urgent=1)
    appointment = world.book(make_slot(world.gp))
    move(world, appointment, other_slot(world))


def test_what_took_the_place_of_another_counts_as_soon_as_it_is_approved(world):
    appointment = by_hand(world)
    asked = move(world, appointment, other_slot(world))
    limit(world, most_upcoming=1)
    assert queries.held(world.patient, now=NOW).upcoming == 1
    operations.approve(clinic=world.clinic, appointment_id=asked.pk, actor=make_user(), now=NOW)
    assert queries.held(world.patient, now=NOW).upcoming == 1
    third = make_slot(world.gp, NOW + timedelta(days=5))
    assert refusal(world.book, third) == BookingRefusal.TOO_MANY


@pytest.mark.django_db(transaction=True)
def test_two_tabs_do_not_get_past_the_limit():
    world = make_world()
    limit(world, most_upcoming=1)
    slots = [make_slot(world.gp), other_slot(world)]
    gate = threading.Barrier(2)

    def book(slot):
        try:
            gate.wait()
            return world.book(slot).status
        except BookingRefused as refused:
            return refused.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(book, slots)) == sorted([BOOKED, BookingRefusal.TOO_MANY])


# -- any urgent time ---------------------------------------------------------------------------------------
def any_urgent(world, **values):
    return operations.book_any_urgent(
        **{
            "patient": world.patient,
            "reason": "Fever",
            "wants_reminder": False,
            "form_key": uuid.uuid4(),
            "assurance": Assurance.HIGH,
            "actor": world.user,
            "now": NOW,
        }
        | values
    )


def urgent_slot(provider, hours, **values):
    return make_slot(provider, NOW + timedelta(hours=hours), kind=SlotKind.URGENT, **values)


def test_one_press_takes_the_first_free_urgent_time_of_anyone_allowed(world):
    stranger = make_provider(world.clinic)
    urgent_slot(stranger, 1)
    urgent_slot(world.gp, 2, state=SlotState.TAKEN)
    make_slot(world.gp, NOW + timedelta(hours=2, minutes=30))
    wanted = urgent_slot(world.gp, 3)
    urgent_slot(world.gp, 4)
    assert any_urgent(world).slot_id == wanted.pk


def test_it_does_not_take_what_is_not_out_yet_and_takes_nothing_when_none_is_left(world):
    urgent_slot(world.gp, 24 + 2)
    assert refusal(any_urgent, world) == BookingRefusal.TAKEN
    assert not Appointment.objects.exists()


def test_pressed_twice_it_is_one_appointment(world):
    urgent_slot(world.gp, 2)
    urgent_slot(world.gp, 3)
    key = uuid.uuid4()
    assert any_urgent(world, form_key=key).pk == any_urgent(world, form_key=key).pk
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_pressed_twice_at_the_same_moment_it_is_one_appointment():
    world = make_world()
    for hours in (2, 3):
        urgent_slot(world.gp, hours)
    key, gate = uuid.uuid4(), threading.Barrier(4)

    def press(_number):
        try:
            gate.wait()
            return any_urgent(world, form_key=key).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(press, range(4)))) == 1
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == 1


def test_a_provider_who_is_booked_over_the_calendar_is_a_refusal_and_no_failure(world):
    slot = urgent_slot(world.gp, 2)
    Appointment.objects.create(
        clinic=world.clinic,
        patient=make_patient(world.clinic),
        provider=world.gp,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        kind=SlotKind.PORTAL,
        status=BOOKED,
        form_key=uuid.uuid4(),
        requested_at=NOW,
        requested_by=make_user(),
        decided_at=NOW,
    )
    assert refusal(any_urgent, world) == BookingRefusal.TAKEN


def test_the_limit_gives_the_time_back(world):
    limit(world, most_urgent=1)
    urgent_slot(world.gp, 2)
    second = urgent_slot(world.gp, 3)
    any_urgent(world)
    assert refusal(any_urgent, world) == BookingRefusal.TOO_MANY_URGENT
    assert state(second) == SlotState.FREE


@pytest.mark.django_db(transaction=True)
def test_as_many_win_as_there_are_times_and_nobody_loses_while_one_is_free():
    world = make_world()
    for hours in (2, 3, 4):
        urgent_slot(world.gp, hours)
    people = []
    for _number in range(6):
        patient = make_patient(world.clinic, gp=world.gp)
        patient.clinic = world.clinic
        people.append(patient)
    gate = threading.Barrier(6)

    def press(patient):
        try:
            gate.wait()
            return bool(any_urgent(world, patient=patient))
        except BookingRefused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(press, people)) == 3
    assert Appointment.objects.live().values("slot").distinct().count() == 3


# -- pages -------------------------------------------------------------------------------------------------
@pytest.fixture
def mine(client, world):
    client.cookies["django_language"] = "en"
    patient = make_patient(world.clinic, gp=world.gp, national_id=number())
    patient.clinic = world.clinic
    user = sign_in(client, patient)
    return lambda slot: world.book(slot, patient=patient, actor=user, now=timezone.now())


def address(world, name, *args):
    return reverse(f"booking:{name}", args=[world.clinic.portal_identifier, *args])


def soon(world, days, **values):
    return make_slot(world.gp, ahead(world.clinic, days, 9), **values)


def test_the_way_through_the_pages_moves_the_appointment(client, world, mine):
    appointment, new = mine(soon(world, 2)), soon(world, 3)
    assert (
        address(world, "move", appointment.pk)
        in client.get(address(world, "appointment", appointment.pk)).text
    )
    page = client.get(address(world, "move", appointment.pk))
    assert address(world, "move_to", appointment.pk, new.pk) in page.text
    page = client.get(address(world, "move_to", appointment.pk, new.pk))
    form = page.context["form"]
    assert str(form.key) in page.text
    done = client.post(
        address(world, "move_to", appointment.pk, new.pk),
        {"version": form["version"].value(), "form_key": str(form.key)},
        follow=True,
    )
    assert "Receipts" in done.text
    assert "Moved" in done.text
    appointment.refresh_from_db()
    assert appointment.slot_id == new.pk


@pytest.mark.parametrize("approval", Approval)
def test_whoever_goes_back_after_moving_finds_it_done(client, world, mine, approval):
    appointment, new, near = mine(soon(world, 2)), soon(world, 3), soon(world, 4)
    allow(world.gp, approval=approval)
    page = address(world, "move_to", appointment.pk, new.pk)
    sent = {"version": appointment.version, "form_key": str(uuid.uuid4())}
    stands = client.post(page, sent).url
    assert client.get(page).url == stands
    assert client.post(page, {**sent, "form_key": str(uuid.uuid4())}).url == stands
    assert client.get(address(world, "move_to", appointment.pk, near.pk)).status_code == 200


@pytest.mark.parametrize("press", [False, True])
def test_a_time_that_another_appointment_of_ones_own_has_is_not_said_to_be_lost(client, world, mine, press):
    appointment, other = mine(soon(world, 2)), mine(soon(world, 3))
    page = address(world, "move_to", appointment.pk, other.slot_id)
    sent = {"version": appointment.version, "form_key": str(uuid.uuid4())}
    answer = client.post(page, sent) if press else client.get(page)
    assert answer.status_code == (422 if press else 409)
    assert address(world, "appointment", other.pk) in answer.text
    assert "Someone else" not in answer.text


def test_a_time_lost_on_the_way_says_what_one_still_has_and_offers_others(client, world, mine):
    appointment, new = mine(soon(world, 2)), soon(world, 3)
    near = make_slot(world.gp, new.starts_at + timedelta(hours=1))
    Slot.objects.filter(pk=new.pk).update(state=SlotState.TAKEN)
    sent = {"version": appointment.version, "form_key": str(uuid.uuid4())}
    answer = client.post(address(world, "move_to", appointment.pk, new.pk), sent)
    assert answer.status_code == 422
    assert "you still have" in answer.text
    assert address(world, "move_to", appointment.pk, near.pk) in answer.text
    assert client.post(address(world, "move_to", appointment.pk, near.pk), sent).status_code == 302


def test_nonsense_moves_nothing_and_others_appointments_are_no_page(client, world, mine):
    appointment, new = mine(soon(world, 2)), soon(world, 3)
    target = address(world, "move_to", appointment.pk, new.pk)
    assert client.post(target, {"version": "x"}).status_code == 422
    assert client.get(address(world, "move_to", appointment.pk, 10**12)).status_code == 404
    assert client.get(address(world, "move", uuid.uuid4())).status_code == 404
    theirs = world.book(soon(world, 4), now=timezone.now())
    assert client.get(address(world, "move", theirs.pk)).status_code == 404
    assert client.post(address(world, "move_to", theirs.pk, new.pk), {"version": 1}).status_code == 404


def test_too_late_is_said_on_the_page_with_the_phone(client, world, mine):
    Clinic.objects.update(cancel_notice_hours=168, phone="+4721560000")
    appointment = mine(soon(world, 2))
    page = client.get(address(world, "appointment", appointment.pk)).text
    assert "It could be cancelled or moved online until" in page
    assert address(world, "cancel", appointment.pk) not in page
    answer = client.get(address(world, "move", appointment.pk))
    assert (answer.status_code, "too late" in answer.text) == (409, True)


def test_what_cannot_be_moved_or_cancelled_any_more_says_what_fits(client, world, mine):
    Clinic.objects.update(phone="+4721560000")
    appointment = mine(soon(world, 2))
    client.post(address(world, "cancel", appointment.pk))
    ended = client.get(address(world, "move", appointment.pk))
    assert (ended.status_code, "already ended or been cancelled" in ended.text) == (409, True)
    assert "If you can't come" not in ended.text, "nobody has to come to what is cancelled"
    assert "Book another time" in ended.text
    Clinic.objects.update(cancel_notice_hours=168)
    late = mine(soon(world, 3))
    for name in ("cancel", "move"):
        answer = client.get(address(world, name, late.pk))
        assert (answer.status_code, "too late" in answer.text) == (409, True)
        assert "If you can't come, phone the clinic at" in answer.text


def test_the_urgent_page_keeps_what_was_written_when_nothing_is_left(client, world, mine):
    sent = {"reason": "High fever", "form_key": str(uuid.uuid4())}
    answer = client.post(address(world, "any_urgent"), sent)
    assert answer.status_code == 422
    assert "No urgent time is free right now" in answer.text
    assert "High fever" in answer.text


def test_pages_of_moving_cost_few_queries(client, world, mine, django_assert_max_num_queries):
    appointment = mine(soon(world, 2))
    for minutes in range(0, 200, 20):
        make_slot(world.gp, ahead(world.clinic, 3, 12) + timedelta(minutes=minutes))
    client.get(address(world, "move", appointment.pk))
    with django_assert_max_num_queries(10):
        client.get(address(world, "move", appointment.pk))
