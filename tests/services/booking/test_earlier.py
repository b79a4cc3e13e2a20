"""Earlier times: a freed time is held and offered to one patient at a time, in order, until a limit."""

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from clinic_admin.models import Clinic, Closure
from identity.choices import Assurance
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.choices import Approval
from services.access.models import ProviderRights
from services.booking import free_times, freeing, tasks
from services.booking import operations as booking
from services.booking import queries as booking_queries
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.earlier import operations, policy, queries
from services.booking.earlier.choices import EarlierRefusal, OfferStatus, PartOfDay, PassedReason, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish, PassedOver
from services.booking.earlier.operations import Suits
from services.booking.models import Appointment, Slot
from tests.at_once import at_once
from tests.build import make_provider, make_user
from tests.services.booking.build_booking import NOW, allow, make_slot, make_template, make_world
from tests.services.booking.build_earlier import (
    LATER,
    answer,
    freed,
    make_offer,
    make_wish,
    offer_earlier,
    other,
    pass_on,
    refusal,
    told,
)

pytestmark = pytest.mark.django_db
OSLO = ZoneInfo("Europe/Oslo")


@pytest.fixture
def world():
    built = make_world()
    offer_earlier(built.clinic)
    return built


# -- rules -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "starts", "tells", "expires"),
    [
        ("2026-11-23 09:00", "2026-11-26 10:00", "2026-11-23 09:00", "2026-11-23 10:00"),
        ("2026-11-23 09:00", "2026-11-23 11:00", "2026-11-23 09:00", "2026-11-23 09:30"),
        ("2026-11-23 09:00", "2026-11-23 09:39", None, None),
        ("2026-11-23 21:00", "2026-11-26 10:00", "2026-11-24 07:00", "2026-11-24 08:00"),
        ("2026-11-24 06:59", "2026-11-26 10:00", "2026-11-24 07:00", "2026-11-24 08:00"),
        ("2026-11-23 23:00", "2026-11-24 07:30", None, None),
        ("2026-03-28 22:00", "2026-03-29 09:00", "2026-03-29 07:00", "2026-03-29 07:30"),
    ],
)
def test_the_limit_is_shorter_when_the_time_is_near_and_nobody_is_woken(now, starts, tells, expires):
    def at(text):
        return datetime.fromisoformat(text).replace(tzinfo=OSLO)

    found = policy.offer_times(at(now), starts_at=at(starts), minutes=60, zone=OSLO)
    assert found == (policy.OfferTimes(at(tells), at(expires)) if tells else None)


# -- freeing and offering ----------------------------------------------------------------------------------
def test_a_cancelled_time_is_held_and_offered_to_the_first_in_line(world):
    second = make_wish(other(world).patient, now=NOW - timedelta(days=1))
    first = make_wish(world.patient, now=NOW - timedelta(days=2))
    slot = freed(world)
    assert slot.state == SlotState.FREE
    assert slot.held_until == NOW + policy.GRACE
    assert pass_on(world) == 1
    offer = EarlierOffer.objects.get()
    assert (offer.wish, offer.slot, offer.expires_at) == (first, slot, NOW + timedelta(hours=1))
    slot.refresh_from_db()
    assert slot.held_until > offer.expires_at
    assert not second.offers.exists()
    message = told(offer).first()
    assert message.not_after == offer.expires_at
    assert str(offer.pk) in message.body
    assert world.gp.name not in message.body
    assert AuditEvent.objects.filter(action="earlier.offered", patient_id=world.patient.pk).count() == 1


def test_nobody_else_sees_or_takes_a_time_that_is_held(world):
    make_wish(world.patient)
    slot, someone = freed(world), other(world)
    seen = {"patient": someone.patient, "assurance": Assurance.HIGH, "now": NOW}
    days = {"first_day": slot.day, "last_day": slot.day}
    assert free_times.free_slots(**seen, **days) == []
    assert free_times.nearest_free(**seen, to=slot.starts_at) == []
    assert booking_queries.consider(**seen, slot_id=slot.pk).refusal == BookingRefusal.TAKEN
    assert refusal(someone.book, slot) == BookingRefusal.TAKEN
    mine = someone.book(make_slot(world.gp, NOW + timedelta(days=9)))
    move = {"appointment_id": mine.pk, "slot_id": slot.pk, "version": mine.version, "form_key": uuid.uuid4()}
    assert refusal(booking.move, **seen, **move, actor=someone.user) == BookingRefusal.TAKEN


def test_a_time_is_never_lost_when_no_worker_is_there(world):
    """Killed between freeing and offering, or between offering and expiry: the hold ends by the clock alone."""
    make_wish(world.patient)
    slot, someone = freed(world), other(world)
    later = NOW + policy.GRACE
    seen = {
        "patient": someone.patient,
        "assurance": Assurance.HIGH,
        "first_day": slot.day,
        "last_day": slot.day,
    }
    assert [one.slot_id for one in free_times.free_slots(**seen, now=later)] == [slot.pk]
    pass_on(world)
    late = EarlierOffer.objects.get().expires_at + policy.GRACE
    assert free_times.free_slots(**seen, now=late - timedelta(seconds=1)) == []
    assert [one.slot_id for one in free_times.free_slots(**seen, now=late)] == [slot.pk]
    assert someone.book(slot, now=late).status == AppointmentStatus.BOOKED
    assert refusal(answer, world, EarlierOffer.objects.get(), now=late) == EarlierRefusal.OVER


def test_a_worker_that_comes_late_still_passes_on_what_nobody_took(world):
    make_wish(world.patient)
    freed(world)
    assert pass_on(world, NOW + timedelta(hours=5)) == 1


def test_a_time_that_has_begun_is_held_for_nobody(world):
    make_wish(world.patient)
    slot = make_slot(world.gp, NOW - timedelta(hours=1), state=SlotState.TAKEN)
    freeing.free(slot.pk, clinic=world.clinic, now=NOW)
    slot.refresh_from_db()
    assert (slot.state, slot.held_until) == (SlotState.FREE, None)


def test_off_by_default_and_then_nothing_is_held(world):
    Clinic.objects.update(offers_earlier=False)
    world.clinic.offers_earlier = False
    assert Clinic._meta.get_field("offers_earlier").default is False
    make_wish(world.patient)
    slot = freed(world)
    assert (slot.held_until, slot.freed_at) == (None, None)
    assert pass_on(world) == 0


def test_with_nobody_in_line_a_freed_time_is_open_at_once(world):
    slot = freed(world)
    assert slot.held_until is None
    pass_on(world)
    slot.refresh_from_db()
    assert slot.freed_at is None


def test_a_time_that_suits_nobody_is_open_to_all_after_one_round(world):
    make_wish(world.patient, part=PartOfDay.AFTERNOON)
    slot = freed(world, NOW + timedelta(days=1))
    assert pass_on(world) == 0
    slot.refresh_from_db()
    assert (slot.freed_at, slot.held_until) == (None, None)


@pytest.mark.parametrize(
    "suits",
    [
        {"provider_ids": [0]},
        {"weekdays": ["0"]},
        {"part": PartOfDay.AFTERNOON},
        {"first_day": NOW.date() + timedelta(days=4)},
        {"last_day": NOW.date() + timedelta(days=2)},
    ],
)
def test_what_does_not_suit_is_not_offered(world, suits):
    make_wish(world.patient, **suits)
    freed(world)
    assert pass_on(world) == 0
    assert not PassedOver.objects.exists()


def test_only_something_earlier_is_offered_for_an_appointment(world):
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=2)))
    make_wish(world.patient, appointment=mine, reason="")
    freed(world)
    assert pass_on(world) == 0
    freed(world, NOW + timedelta(days=1))
    assert pass_on(world) == 1


def test_nobody_is_offered_what_they_have_just_given_up(world):
    make_wish(world.patient)
    world.cancel(world.book(make_slot(world.gp, NOW + timedelta(days=3))))
    assert pass_on(world) == 0


def test_urgent_times_are_for_whoever_comes_first(world):
    make_wish(world.patient)
    slot, someone = make_slot(world.gp, NOW + timedelta(hours=3), kind=SlotKind.URGENT), other(world)
    someone.cancel(someone.book(slot))
    slot.refresh_from_db()
    assert slot.held_until is None
    assert pass_on(world) == 0


def test_a_closed_day_is_not_offered(world):
    make_wish(world.patient)
    slot = freed(world)
    Closure.objects.create(clinic=world.clinic, first_day=slot.day, last_day=slot.day)
    assert pass_on(world) == 0


def test_moving_refusing_and_a_new_calendar_free_times_too(world):
    make_wish(other(world).patient)
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=4)))
    new = make_slot(world.gp, NOW + timedelta(days=9))
    booking.move(
        patient=world.patient,
        appointment_id=mine.pk,
        slot_id=new.pk,
        version=mine.version,
        form_key=uuid.uuid4(),
        assurance=Assurance.HIGH,
        actor=world.user,
        now=NOW,
    )
    assert pass_on(world) == 1
    ProviderRights.objects.update(approval=Approval.BY_HAND)
    asked, staff = world.book(make_slot(world.gp, NOW + timedelta(days=5))), make_user()
    booking.refuse_request(clinic=world.clinic, appointment_id=asked.pk, actor=staff, now=NOW)
    assert Slot.objects.get(pk=asked.slot_id).held_until is not None
    provider = make_provider(world.clinic)
    allow(provider, row=world.gp)
    make_template(provider)
    booking.extend_calendar(provider=provider, now=NOW)
    added, soon = Slot.objects.filter(provider=provider), NOW.date() + timedelta(days=14)
    assert added.filter(day__lte=soon).exists()
    assert not added.filter(day__lte=soon, held_until=None).exists()
    assert not added.filter(day__gt=soon, held_until__isnull=False).exists(), "open to all at once"


def test_a_calendar_that_changes_keeps_what_is_offered(world):
    provider = make_provider(world.clinic)
    template = make_template(provider)
    booking.extend_calendar(provider=provider, now=NOW)
    Slot.objects.update(freed_at=None, held_until=None)
    held = Slot.objects.earliest("starts_at")
    Slot.objects.filter(pk=held.pk).update(held_until=NOW + timedelta(hours=1))
    template.delete()
    booking.extend_calendar(provider=provider, now=NOW)
    assert list(Slot.objects.all()) == [held]


# -- order and reasons -------------------------------------------------------------------------------------
def test_who_was_passed_over_and_why_is_kept(world):
    closed = other(world, gp=None)
    silent = other(world, mobile="", email="")
    busy = other(world)
    for number, one in enumerate([closed, silent, busy, world]):
        make_wish(one.patient, now=NOW - timedelta(hours=9 - number))
    EarlierOffer.objects.create(
        clinic=world.clinic,
        wish=busy.patient.earlier_wishes.get(),
        patient=busy.patient,
        provider=world.gp,
        starts_at=NOW + timedelta(days=9),
        ends_at=NOW + timedelta(days=9, minutes=20),
        offered_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    slot = freed(world)
    assert pass_on(world) == 1
    offer = EarlierOffer.objects.get(slot=slot)
    assert offer.patient == world.patient
    assert list(offer.passed_over.order_by("pk").values_list("wish__patient", "reason")) == [
        (closed.patient.pk, PassedReason.NO_ACCESS),
        (silent.patient.pk, PassedReason.UNREACHABLE),
        (busy.patient.pk, PassedReason.HAS_OFFER),
    ]


def test_limits_and_notice_pass_over(world):
    Clinic.objects.update(most_upcoming=1, cancel_notice_hours=100)
    world.clinic.most_upcoming, world.clinic.cancel_notice_hours = 1, 100
    full, late = other(world), other(world)
    full.book(make_slot(world.gp, NOW + timedelta(days=9)))
    make_wish(full.patient, now=NOW - timedelta(hours=2))
    soon = late.book(make_slot(world.gp, NOW + timedelta(days=4)))
    make_wish(late.patient, appointment=soon, now=NOW - timedelta(hours=1))
    Slot.objects.filter(pk=make_slot(world.gp, NOW + timedelta(days=3)).pk).update(freed_at=NOW)
    assert pass_on(world) == 0
    assert list(PassedOver.objects.order_by("pk").values_list("reason", flat=True)) == [
        PassedReason.TOO_MANY,
        PassedReason.CANNOT_MOVE,
    ]


def test_a_long_line_of_those_who_cannot_is_walked_through_to_the_end(world):
    for number in range(queries.LINE + 1):
        make_wish(other(world, gp=None).patient, now=NOW - timedelta(hours=99 - number))
    make_wish(world.patient)
    freed(world)
    assert pass_on(world) == 0
    assert pass_on(world) == 1
    assert EarlierOffer.objects.get().patient == world.patient
    assert PassedOver.objects.count() == queries.LINE + 1


# -- answers -----------------------------------------------------------------------------------------------
def test_taking_an_offer_books_the_time_with_what_was_written(world):
    wish = make_wish(world.patient, wants_reminder=True)
    slot = freed(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    appointment = answer(world, offer)
    assert (appointment.slot_id, appointment.status) == (slot.pk, AppointmentStatus.BOOKED)
    assert (appointment.reason, appointment.wants_reminder) == ("Sore throat", True)
    for row in (wish, offer, slot):
        row.refresh_from_db()
    assert (wish.status, wish.reason, offer.status) == (WishStatus.FULFILLED, "", OfferStatus.ACCEPTED)
    assert (slot.state, slot.held_until) == (SlotState.TAKEN, None)
    assert answer(world, offer) == appointment
    assert Appointment.objects.for_patient(world.patient).count() == 1


def test_taking_an_offer_moves_the_appointment_and_only_then_frees_the_old_time(world):
    old = make_slot(world.gp, NOW + timedelta(days=9))
    mine = world.book(old)
    make_wish(world.patient, appointment=mine, reason="")
    someone = other(world)
    make_wish(someone.patient, now=NOW + timedelta(seconds=1))
    slot = freed(world)
    pass_on(world)
    old.refresh_from_db()
    assert old.state == SlotState.TAKEN
    moved = answer(world, EarlierOffer.objects.get())
    assert (moved.pk, moved.slot_id) == (mine.pk, slot.pk)
    assert pass_on(world) == 1
    assert EarlierOffer.objects.get(status=OfferStatus.OPEN).slot == old


def test_where_the_clinic_approves_by_hand_the_old_time_stays_until_then(world):
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    ProviderRights.objects.update(approval=Approval.BY_HAND)
    make_wish(world.patient, appointment=mine, reason="")
    freed(world)
    pass_on(world)
    request = answer(world, EarlierOffer.objects.get())
    assert (request.status, request.replaces_id) == (AppointmentStatus.REQUESTED, mine.pk)
    mine.refresh_from_db()
    assert mine.status == AppointmentStatus.BOOKED


@pytest.mark.parametrize("act", ["decline", "expire", "leave"])
def test_declining_expiry_and_leaving_pass_the_time_on(world, act):
    wish, second = make_wish(world.patient, now=NOW - timedelta(hours=1)), other(world)
    make_wish(second.patient)
    slot = freed(world)
    pass_on(world)
    offer, now = EarlierOffer.objects.get(), NOW
    if act == "decline":
        answer(world, offer, operations.decline)
        answer(world, offer, operations.decline)
    elif act == "leave":
        operations.leave(patient=world.patient, wish_id=wish.pk, actor=world.user, now=NOW)
    else:
        now = LATER
        assert refusal(answer, world, offer, now=now) == EarlierRefusal.OVER
    slot.refresh_from_db()
    assert slot.state_at(now) == SlotState.TAKEN, "still held for the next in line"
    assert pass_on(world, now) == 1
    assert EarlierOffer.objects.get(status=OfferStatus.OPEN).patient == second.patient
    assert not told(offer).filter(state="queued").exists()
    answer(second, EarlierOffer.objects.get(status=OfferStatus.OPEN), operations.decline, now=now)
    assert pass_on(world, now) == 0, "nobody is asked twice for the same time"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda world, slot: ProviderRights.objects.update(booking=False), BookingRefusal.NO_ACCESS),
        (lambda world, slot: Clinic.objects.update(is_active=False), BookingRefusal.NO_ACCESS),
        (lambda world, slot: Slot.objects.filter(pk=slot.pk).update(state="blocked"), BookingRefusal.TAKEN),
        (lambda world, slot: Slot.objects.filter(pk=slot.pk).update(state="taken"), BookingRefusal.TAKEN),
        (lambda world, slot: slot.delete(), BookingRefusal.NOT_OFFERED),
    ],
)
def test_rights_and_time_are_looked_at_again_at_the_moment_of_taking(world, change, reason):
    make_wish(world.patient)
    slot = freed(world)
    pass_on(world)
    change(world, slot)
    assert refusal(answer, world, EarlierOffer.objects.get()) == reason
    assert EarlierOffer.objects.get().status == OfferStatus.FAILED
    assert not Appointment.objects.for_patient(world.patient).exists()


def test_an_appointment_that_is_earlier_by_now_is_not_moved_later(world):
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    make_wish(world.patient, appointment=mine, reason="")
    freed(world)
    pass_on(world)
    Appointment.objects.filter(pk=mine.pk).update(
        starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=1, minutes=20)
    )
    assert refusal(answer, world, EarlierOffer.objects.get()) == BookingRefusal.CHANGED_MEANWHILE


def test_a_wish_ends_with_its_days_and_with_its_appointment(world):
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    make_wish(world.patient, appointment=mine, reason="")
    make_wish(world.patient, last_day=NOW.date())
    world.cancel(mine)
    pass_on(world, NOW + timedelta(days=1))
    assert set(EarlierWish.objects.values_list("status", "reason")) == {(WishStatus.OVER, "")}


# -- fences ------------------------------------------------------------------------------------------------
def test_the_database_knows_one_open_offer_per_time_and_per_patient(world):
    make_wish(world.patient)
    slot = freed(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    for twin in ({"slot": slot}, {"patient": world.patient}):
        someone = other(world).patient
        values = {"slot": make_slot(world.gp, NOW + timedelta(days=20)), "patient": someone} | twin
        with pytest.raises(IntegrityError), transaction.atomic():
            EarlierOffer.objects.create(
                clinic=world.clinic,
                wish=make_wish(someone),
                provider=world.gp,
                starts_at=offer.starts_at,
                ends_at=offer.ends_at,
                offered_at=NOW,
                expires_at=LATER,
                **values,
            )
        Slot.objects.filter(starts_at=NOW + timedelta(days=20)).delete()


# -- at once -----------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_workers_that_sweep_at_once_make_one_offer_per_time(world):
    people = [other(world) for _ in range(3)]
    for one in people:
        make_wish(one.patient)
    for days in (2, 3):
        freed(world, NOW + timedelta(days=days))
    at_once(*(lambda: pass_on(world) for _ in range(4)))
    pass_on(world)
    open_ones = EarlierOffer.objects.filter(status=OfferStatus.OPEN)
    assert open_ones.count() == open_ones.values("slot").distinct().count() == 2
    assert OutboxMessage.objects.filter(kind=MessageKind.TIME_OFFERED).count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_the_expiry_at_once_leave_one_truth(world):
    second = other(world)
    make_wish(world.patient, now=NOW - timedelta(hours=1))
    make_wish(second.patient)
    slot = freed(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    last = offer.expires_at - timedelta(seconds=1)
    won, _count = at_once(lambda: answer(world, offer, now=last), lambda: pass_on(world, offer.expires_at))
    offer.refresh_from_db()
    slot.refresh_from_db()
    has_it = isinstance(won, Appointment)
    assert (offer.status == OfferStatus.ACCEPTED) == has_it
    assert (slot.state == SlotState.TAKEN) == has_it
    assert EarlierOffer.objects.filter(status=OfferStatus.OPEN).count() == (0 if has_it else 1)


@pytest.mark.django_db(transaction=True)
def test_a_hold_that_has_run_out_and_two_who_want_the_time_make_one_appointment(world):
    """The patient answers in the last moment by a slow clock, somebody else books: one wins."""
    make_wish(world.patient)
    slot, someone = freed(world), other(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    late = offer.expires_at + policy.GRACE
    last = offer.expires_at - timedelta(seconds=1)
    answers = at_once(lambda: answer(world, offer, now=last), lambda: someone.book(slot, now=late))
    assert sum(isinstance(one, Appointment) for one in answers) == 1
    assert Appointment.objects.live().filter(slot=slot).count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_offer_that_is_taken_twice_at_once_is_one_appointment(world):
    make_wish(world.patient)
    freed(world)
    pass_on(world)
    offer = EarlierOffer.objects.get()
    answers = at_once(*(lambda: answer(world, offer) for _ in range(4)))
    assert {one.pk for one in answers} == {Appointment.objects.get(patient=world.patient).pk}


@pytest.mark.django_db(transaction=True)
def test_the_clock_task_goes_on_when_one_clinic_fails(world, monkeypatch):
    make_wish(world.patient)
    broken = make_world().clinic
    offer_earlier(broken)
    real = operations.pass_on

    def fails(*, clinic, now):
        if clinic.pk == broken.pk:
            raise RuntimeError
        return real(clinic=clinic, now=now)

    monkeypatch.setattr(tasks.earlier_times, "pass_on", fails)
    with time_machine.travel(NOW, tick=False):
        freed(world)
        tasks.pass_on()
    assert EarlierOffer.objects.count() == 1


# -- forgetting --------------------------------------------------------------------------------------------
def test_what_ended_long_ago_is_deleted_in_batches_and_nothing_else(world, monkeypatch):
    monkeypatch.setattr(operations, "FORGOTTEN_AT_ONCE", 2)
    long_ago = NOW - policy.KEPT - timedelta(days=1)
    old = [
        make_wish(other(world).patient, status=WishStatus.OVER, ended_at=long_ago, reason="")
        for _ in range(3)
    ]
    young = make_wish(other(world).patient, status=WishStatus.LEFT, ended_at=NOW, reason="")
    waits = make_wish(world.patient)
    _, offer = make_offer(world.gp, other(world).patient)
    EarlierOffer.objects.filter(pk=offer.pk).update(
        wish=old[0], status=OfferStatus.EXPIRED, ended_at=long_ago
    )
    PassedOver.objects.create(
        clinic=world.clinic,
        wish=old[1],
        offer=offer,
        starts_at=NOW,
        reason=PassedReason.HAS_OFFER,
        at=long_ago,
    )
    assert operations.forget(NOW) == 3
    kept = set(EarlierWish.objects.values_list("pk", flat=True))
    assert {young.pk, waits.pk} <= kept
    assert not kept & {one.pk for one in old}
    assert not EarlierOffer.objects.exists()
    assert not PassedOver.objects.exists()
    assert operations.forget(NOW) == 0


# -- speed -------------------------------------------------------------------------------------------------
def test_cancelling_costs_no_statement_more_than_without(world):
    someone, counts = other(world), []
    for is_on in (False, True):
        world.clinic.offers_earlier = someone.clinic.offers_earlier = is_on
        Clinic.objects.update(offers_earlier=is_on)
        mine = someone.book(make_slot(world.gp, NOW + timedelta(days=3 + is_on)))
        with CaptureQueriesContext(connection) as captured:
            someone.cancel(mine)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_next_in_line_is_found_by_the_index_among_many(world):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO booking_earlierwish (id, clinic_id, patient_id, provider_ids, weekdays, part, first_day, last_day,
                reason, wants_reminder, status, joined_at, ended_at)
            SELECT gen_random_uuid(), %s, %s, ARRAY[number %% 40 + 1000000], ARRAY['0','1','2','3','4'], 'any', %s, %s,
                '', false, CASE WHEN number %% 2 = 0 THEN 'left' ELSE 'waiting' END, %s - number * interval '1 minute',
                CASE WHEN number %% 2 = 0 THEN now() END
            FROM generate_series(1, 20000) AS number
            """,
            _many(world),
        )
        # What tests before this one left in the other tables' statistics is not to decide about the plan.
        cursor.execute(
            "ANALYZE booking_earlierwish, booking_earlieroffer, booking_passedover, booking_appointment,"
            " patients_patient"
        )
    slot = freed(world)
    plan = queries.next_in_line(slot, world.clinic).explain(analyze=True, buffers=True)
    assert "earlier_wish_in_line" in plan, plan
    assert "Seq Scan on booking_earlierwish" not in plan, plan


def _many(world):
    """Drop the constraint of one wish per patient for this test's rows: they weigh, and nobody owns them."""
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX earlier_wish_one_without")
    first, last = NOW.date(), NOW.date() + timedelta(weeks=12)
    return [world.clinic.pk, world.patient.pk, first, last, datetime(2026, 11, 1, tzinfo=UTC)]


# -- joining as an operation -------------------------------------------------------------------------------
def test_joining_asks_for_the_switch_the_days_and_a_movable_appointment(world):
    def suits(**values):
        filled = {
            "provider_ids": (),
            "weekdays": ("0",),
            "part": PartOfDay.ANY,
            "first_day": NOW.date(),
            "last_day": NOW.date() + timedelta(days=30),
        }
        return Suits(**filled | values)

    def join(appointment=None, **values):
        return operations.join(
            patient=world.patient,
            suits=suits(**values),
            appointment=appointment,
            reason="Cough",
            wants_reminder=False,
            assurance=Assurance.HIGH,
            actor=world.user,
            now=NOW,
        )

    assert refusal(join, last_day=NOW.date() - timedelta(days=1)) == EarlierRefusal.DAYS
    mine = world.book(make_slot(world.gp, NOW + timedelta(days=9)))
    world.cancel(mine)
    mine.refresh_from_db()
    assert refusal(join, mine) == EarlierRefusal.NOT_MOVABLE
    assert join() == join(), "twice is once"
    Clinic.objects.update(offers_earlier=False)
    assert refusal(join) == EarlierRefusal.OFF
