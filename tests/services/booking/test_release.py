"""Fair release: asked for in a window, drawn once by lot, checkable afterwards."""

import os
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_admin.models import Clinic, Closure
from delegation.models import MatrixTick
from identity.choices import Assurance
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.choices import Approval
from services.booking import free_times
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.models import Appointment, Draw, DrawRequest, Slot
from services.booking.release import operations, policy, queries
from services.booking.release.choices import DrawRefusal, Outcome
from tests.at_once import at_once
from tests.build import make_provider
from tests.services.booking.build_booking import NOW, allow, make_slot, make_world
from tests.services.booking.build_release import (
    CLOSES,
    DURING,
    OPENS,
    TUESDAY,
    ask,
    fair_world,
    hold,
    outcomes,
    refusal,
    someone,
    urgent,
)

EXAMPLES = int(os.environ.get("VENTEROM_EXAMPLES", "40"))
OSLO, COPENHAGEN = ZoneInfo("Europe/Oslo"), ZoneInfo("Europe/Copenhagen")


# -- the window --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("zone", [OSLO, COPENHAGEN])
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - the clock of UTC is put on below
    st.times(),
    st.integers(5, 60),
)
def test_one_can_ask_exactly_from_the_release_until_the_draw(zone, now, release_at, minutes):
    now, asking = now.replace(tzinfo=UTC), timedelta(minutes=minutes)
    rule = {"release_at": release_at.replace(tzinfo=None), "zone": zone}
    window = policy.window_now(now, asking=asking, **rule)
    out = policy.released_until(now, **rule)
    drawn = policy.released_until(now - asking, **rule)
    assert (window is not None) == (drawn < out), "asked for, or bookable, and never both"
    if window is not None:
        assert window.day == out
        assert window.closes_at - window.opens_at == asking
        assert window.opens_at <= now < window.closes_at
    assert policy.next_day(now, **rule) == out + timedelta(days=1)


@pytest.mark.parametrize("zone", [OSLO, COPENHAGEN])
@pytest.mark.parametrize(
    ("day", "opens_at"),
    [
        # The clocks go forward on Sunday 28 March 2027 at 2, and back on Sunday 25 October 2026 at 3.
        (date(2027, 3, 28), datetime(2027, 3, 27, 15, tzinfo=UTC)),
        (date(2027, 3, 29), datetime(2027, 3, 28, 14, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 24, 14, tzinfo=UTC)),
        (date(2026, 10, 26), datetime(2026, 10, 25, 15, tzinfo=UTC)),
    ],
)
def test_the_hour_is_the_clinics_own_when_the_clocks_change(zone, day, opens_at):
    window = policy.window_of(day, release_at=time(16), zone=zone, asking=timedelta(minutes=10))
    assert (window.opens_at, window.closes_at) == (opens_at, opens_at + timedelta(minutes=10))


def test_a_window_in_the_hour_that_comes_twice_opens_once():
    window = policy.window_of(
        date(2026, 10, 26), release_at=time(2, 55), zone=OSLO, asking=timedelta(minutes=10)
    )
    assert window.opens_at == datetime(2026, 10, 25, 0, 55, tzinfo=UTC)
    rule = {"release_at": time(2, 55), "zone": OSLO, "asking": timedelta(minutes=10)}
    assert policy.window_now(window.opens_at + timedelta(minutes=5), **rule) == window
    assert policy.window_now(window.opens_at + timedelta(minutes=65), **rule) is None


# -- asking ------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_seed_is_fixed_before_the_window_and_only_its_hash_is_told():
    world = fair_world()
    draw = Draw.objects.get()
    assert (draw.day, draw.opens_at, draw.closes_at, draw.committed_at) == (TUESDAY, OPENS, CLOSES, NOW)
    assert policy.seed_hash(draw.seed) == draw.seed_hash
    operations.keep_up(world.clinic, NOW + timedelta(hours=1))
    assert Draw.objects.get().seed == draw.seed
    event = AuditEvent.objects.get(action="draw.prepared")
    assert event.details["hash"] == draw.seed_hash
    assert draw.seed not in str(event.details)
    with connection.cursor() as cursor:
        cursor.execute("SELECT seed FROM booking_draw")
        assert draw.seed not in cursor.fetchone()[0]


@pytest.mark.django_db
def test_a_clinic_that_does_not_draw_stays_as_it_was_and_pays_no_query(django_assert_num_queries):
    world = make_world()
    slot = urgent(world)
    with django_assert_num_queries(0):
        operations.keep_up(world.clinic, DURING)
    assert world.book(slot, now=OPENS).status == AppointmentStatus.BOOKED
    assert refusal(ask, world) == DrawRefusal.CLOSED
    assert not Draw.objects.exists()


@pytest.mark.django_db
def test_while_one_can_ask_nobody_can_book_and_others_times_are_free_as_ever():
    world = fair_world()
    slot = urgent(world)
    ordinary = make_slot(world.gp, datetime(2026, 11, 24, 11, tzinfo=UTC))
    shown = free_times.free_slots(
        patient=world.patient, assurance=Assurance.HIGH, first_day=TUESDAY, last_day=TUESDAY, now=DURING
    )
    assert [one.slot_id for one in shown] == [ordinary.pk]
    assert refusal(world.book, slot, now=DURING) == BookingRefusal.NOT_OFFERED
    assert world.book(ordinary, now=DURING).status == AppointmentStatus.BOOKED


@pytest.mark.django_db
def test_nobody_can_book_after_the_window_before_the_draw_is_held():
    world = fair_world()
    slot = urgent(world)
    late = CLOSES + timedelta(minutes=1)
    assert refusal(world.book, slot, now=late) == BookingRefusal.NOT_OFFERED
    operations.keep_up(world.clinic, late)
    assert world.book(slot, now=late).status == AppointmentStatus.BOOKED


@pytest.mark.django_db
@pytest.mark.parametrize("now", [OPENS - timedelta(seconds=1), CLOSES, CLOSES + timedelta(hours=1)])
def test_one_can_ask_in_the_window_only(now):
    world = fair_world()
    urgent(world)
    assert refusal(ask, world, now=now) == DrawRefusal.CLOSED
    assert not DrawRequest.objects.exists()


@pytest.mark.django_db
def test_asking_twice_is_asking_once_with_the_last_word():
    world = fair_world()
    urgent(world)
    first = ask(world)
    second = ask(world, reason="Fever", providers=[world.gp.pk])
    assert first.pk == second.pk
    stored = DrawRequest.objects.get()
    assert (stored.reason, stored.providers) == ("Fever", [world.gp.pk])


@pytest.mark.django_db
def test_one_can_ask_only_for_those_whom_one_may_book_and_who_have_a_time():
    world = fair_world()
    urgent(world)
    closed, idle = make_provider(world.clinic), make_provider(world.clinic)
    allow(idle, row=world.gp)
    make_slot(closed, datetime(2026, 11, 24, 9, tzinfo=UTC), kind=SlotKind.URGENT)
    for provider in (closed, idle, make_world().gp):
        assert refusal(ask, world, providers=[provider.pk]) == DrawRefusal.NO_ACCESS
    MatrixTick.objects.all().delete()
    assert refusal(ask, world) == DrawRefusal.NO_ACCESS


@pytest.mark.django_db
def test_who_has_as_many_urgent_times_as_allowed_is_told_when_asking():
    world = fair_world()
    Clinic.objects.update(most_urgent=1)
    world.patient.clinic.most_urgent = 1
    world.book(make_slot(world.gp, OPENS + timedelta(hours=2), kind=SlotKind.URGENT))
    urgent(world)
    assert refusal(ask, world) == DrawRefusal.TOO_MANY


@pytest.mark.django_db
def test_what_is_withdrawn_is_not_drawn_and_can_be_asked_again():
    world = fair_world()
    urgent(world)
    own = ask(world)
    for _ in range(2):
        operations.withdraw(patient=world.patient, request_id=own.pk, actor=world.user, now=DURING)
    stored = DrawRequest.objects.get()
    assert (stored.outcome, stored.reason) == (Outcome.WITHDRAWN, "")
    assert AuditEvent.objects.filter(action="draw.withdrawn").count() == 1
    ask(world)
    hold(world)
    assert outcomes() == [Outcome.WON]


@pytest.mark.django_db
def test_others_can_not_withdraw_it_and_nobody_can_after_the_draw():
    world = fair_world()
    urgent(world)
    own, other = ask(world), someone(world)
    with pytest.raises(DrawRequest.DoesNotExist):
        operations.withdraw(patient=other.patient, request_id=own.pk, actor=other.user, now=DURING)
    hold(world)
    act = {"patient": world.patient, "request_id": own.pk, "actor": world.user, "now": CLOSES}
    assert refusal(operations.withdraw, **act) == DrawRefusal.CLOSED


# -- the draw ----------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_lots_decide_winners_get_an_appointment_and_losers_are_told():
    world = fair_world()
    slots = [urgent(world, 9), urgent(world, 10)]
    people = [world, *(someone(world) for _ in range(4))]
    asked = {ask(one).pk: one for one in people}
    draw = hold(world)
    order = policy.in_order(draw.seed, asked)
    assert list(DrawRequest.objects.order_by("rank").values_list("pk", flat=True)) == order
    assert outcomes() == [Outcome.WON] * 2 + [Outcome.NONE_LEFT] * 3
    assert [asked[one].patient.pk for one in order[:2]] == list(
        Appointment.objects.order_by("starts_at").values_list("patient", flat=True)
    )
    won = Appointment.objects.order_by("starts_at").first()
    assert (won.slot_id, won.status, won.reason) == (slots[0].pk, AppointmentStatus.BOOKED, "Sore throat")
    assert won.receipts.exists()
    assert set(Slot.objects.values_list("state", flat=True)) == {SlotState.TAKEN}
    told = OutboxMessage.objects.filter(kind=MessageKind.DRAW_LOST)
    assert set(told.values_list("subject_id", flat=True)) == {str(one) for one in order[2:]}
    assert "Sore throat" not in " ".join(told.values_list("body", flat=True))
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED).exists()
    event = AuditEvent.objects.get(action="draw.held")
    assert (event.details["asked"], event.details["won"], event.details["times"]) == (5, 2, 2)
    assert queries.faults_of(Draw.objects.get(day=TUESDAY)) == []
    winner = DrawRequest.objects.get(rank=1)
    assert (winner.reason, winner.appointment_id) == ("", won.pk)


@pytest.mark.django_db
def test_each_gets_the_earliest_time_with_somebody_whom_they_asked_for():
    world = fair_world()
    other = make_provider(world.clinic)
    allow(other, row=world.gp)
    urgent(world, 8)
    late = urgent(world, 12, provider=other)
    own = ask(world, providers=[other.pk])
    hold(world)
    own.refresh_from_db()
    assert (own.slot_number, own.appointment.provider_id) == (late.pk, other.pk)


@pytest.mark.django_db
def test_what_needs_approval_waits_for_it_after_the_draw_as_well():
    world = fair_world(approval=Approval.BY_HAND)
    urgent(world)
    own = ask(world)
    hold(world)
    own.refresh_from_db()
    assert (own.outcome, own.appointment.status) == (Outcome.WON, AppointmentStatus.REQUESTED)


@pytest.mark.django_db
def test_the_decision_is_asked_again_at_the_draw():
    world = fair_world()
    free = urgent(world)
    ask(world)
    MatrixTick.objects.all().delete()
    hold(world)
    assert outcomes() == [Outcome.NOT_ALLOWED]
    free.refresh_from_db()
    assert free.state == SlotState.FREE
    assert queries.faults_of(Draw.objects.get(day=TUESDAY)) == []


@pytest.mark.django_db
def test_who_books_another_urgent_time_meanwhile_is_over_the_limit_and_the_next_gets_it():
    world = fair_world()
    urgent(world)
    other = someone(world)
    asked = {ask(one).pk: one for one in (world, other)}
    first, second = policy.in_order(Draw.objects.get().seed, asked)
    asked[first].book(make_slot(world.gp, OPENS + timedelta(hours=2), kind=SlotKind.URGENT), now=DURING)
    Clinic.objects.update(most_urgent=1)
    hold(world)
    assert outcomes() == [Outcome.TOO_MANY, Outcome.WON]
    assert DrawRequest.objects.get(outcome=Outcome.WON).pk == second
    assert queries.faults_of(Draw.objects.get(day=TUESDAY)) == []


@pytest.mark.django_db
def test_a_time_that_the_clinic_has_booked_over_by_hand_leaves_the_draw():
    world = fair_world()
    clash, good = urgent(world, 9), urgent(world, 11)
    own = ask(world)
    elsewhere = make_slot(world.gp, datetime(2026, 11, 24, 14, tzinfo=UTC))
    blocker = someone(world).book(elsewhere)
    Appointment.objects.filter(pk=blocker.pk).update(starts_at=clash.starts_at, ends_at=clash.ends_at)
    draw = hold(world)
    own.refresh_from_db()
    assert own.slot_number == good.pk
    assert [row[0] for row in draw.pool] == [good.pk]
    clash.refresh_from_db()
    assert clash.state == SlotState.FREE
    assert queries.faults_of(draw) == []


@pytest.mark.django_db
def test_what_is_left_over_can_be_booked_as_usual():
    world = fair_world()
    urgent(world, 9)
    left = urgent(world, 10)
    ask(world)
    hold(world)
    assert someone(world).book(left, now=CLOSES).status == AppointmentStatus.BOOKED


@pytest.mark.django_db
def test_nothing_of_a_closed_day_or_of_an_absent_provider_is_drawn():
    world = fair_world()
    urgent(world)
    own = ask(world)
    Closure.objects.create(clinic=world.clinic, first_day=TUESDAY, last_day=TUESDAY)
    draw = hold(world)
    own.refresh_from_db()
    assert (draw.pool, own.outcome) == ([], Outcome.NONE_LEFT)


@pytest.mark.django_db
def test_nobody_draws_before_the_window_has_closed_also_when_it_was_made_longer():
    world = fair_world()
    urgent(world)
    ask(world)
    assert hold(world, now=CLOSES - timedelta(seconds=1)) is None
    Clinic.objects.update(draw_minutes=30)
    assert hold(world, now=CLOSES) is None
    world.clinic.draw_minutes = 30
    operations.keep_up(world.clinic, OPENS + timedelta(minutes=30))
    assert outcomes() == [Outcome.WON]


@pytest.mark.django_db
def test_who_asked_is_drawn_for_also_when_the_clinic_has_switched_it_off_meanwhile():
    world = fair_world()
    urgent(world)
    ask(world)
    Clinic.objects.update(draws_urgent=False)
    operations.keep_up_everywhere(CLOSES)
    assert outcomes() == [Outcome.WON]


@pytest.mark.django_db
def test_a_draw_is_held_once_and_the_next_is_prepared():
    world = fair_world()
    urgent(world)
    ask(world)
    operations.keep_up_everywhere(CLOSES)
    first = Draw.objects.get(day=TUESDAY)
    operations.keep_up_everywhere(CLOSES + timedelta(minutes=1))
    assert hold(world, now=CLOSES + timedelta(hours=1)) is None
    assert Draw.objects.get(day=TUESDAY).drawn_at == first.drawn_at
    assert Draw.objects.get(drawn_at=None).day == TUESDAY + timedelta(days=1)
    assert Appointment.objects.count() == 1


@pytest.mark.django_db
def test_a_draw_that_is_killed_in_the_middle_has_not_happened_and_the_next_one_is_the_same(monkeypatch):
    world = fair_world()
    urgent(world, 9), urgent(world, 10)
    people = [world, *(someone(world) for _ in range(3))]
    asked = [ask(one).pk for one in people]
    store, calls = operations.store, []

    def dies(*args, **values):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return store(*args, **values)

    monkeypatch.setattr(operations, "store", dies)
    with pytest.raises(KeyboardInterrupt):
        hold(world)
    assert not Appointment.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert not AuditEvent.objects.filter(action="draw.held").exists()
    assert Draw.objects.get().drawn_at is None
    draw = hold(world)
    assert list(DrawRequest.objects.order_by("rank").values_list("pk", flat=True)) == policy.in_order(
        draw.seed, asked
    )


@pytest.mark.django_db
def test_one_clinic_whose_draw_fails_does_not_keep_another_from_its_own(monkeypatch):
    bad, good = fair_world(), fair_world()
    urgent(good)
    ask(good)
    hold_one = operations.hold

    def fails(*, clinic, day, now):
        if clinic.pk == bad.clinic.pk:
            raise RuntimeError
        return hold_one(clinic=clinic, day=day, now=now)

    monkeypatch.setattr(operations, "hold", fails)
    operations.keep_up_everywhere(CLOSES)
    assert outcomes() == [Outcome.WON]


@pytest.mark.django_db
def test_losers_cost_no_query_each(django_assert_max_num_queries):
    world = fair_world()
    urgent(world)
    for _ in range(30):
        ask(someone(world))
    with django_assert_max_num_queries(40):
        hold(world)
    assert outcomes().count(Outcome.NONE_LEFT) == 29


@pytest.mark.django_db
def test_texts_of_losers_are_emptied_when_the_day_is_over():
    world = fair_world()
    ask_again = urgent(world)
    people = [world, someone(world)]
    for one in people:
        ask(one)
    hold(world)
    assert operations.forget_reasons(CLOSES + timedelta(days=1)) == 0
    assert operations.forget_reasons(CLOSES + timedelta(days=3)) == 1
    assert set(DrawRequest.objects.values_list("reason", flat=True)) == {""}
    assert ask_again.appointments.get().reason == "Sore throat"


@pytest.mark.django_db
def test_a_danish_clinic_draws_by_its_own_clock_on_the_day_the_clocks_change():
    world = make_world({"draws_urgent": True, "country": "DK", "time_zone": "Europe/Copenhagen"})
    opens_at = datetime(2027, 3, 28, 14, tzinfo=UTC)
    operations.keep_up(world.clinic, opens_at - timedelta(hours=5))
    slot = make_slot(world.gp, datetime(2027, 3, 29, 8, tzinfo=UTC), kind=SlotKind.URGENT)
    assert refusal(ask, world, now=opens_at - timedelta(seconds=1)) == DrawRefusal.CLOSED
    own = ask(world, now=opens_at)
    operations.keep_up(world.clinic, opens_at + timedelta(minutes=10))
    own.refresh_from_db()
    assert own.slot_number == slot.pk
    assert "mandag" in OutboxMessage.objects.first().body


# -- many at once ------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_six_workers_hold_one_draw():
    world = fair_world()
    for hour in (9, 10):
        urgent(world, hour)
    for one in [world, *(someone(world) for _ in range(4))]:
        ask(one)
    answers = at_once(*(lambda: hold(world) for _ in range(6)))
    assert sum(isinstance(answer, Draw) for answer in answers) == 1
    assert outcomes() == [Outcome.WON] * 2 + [Outcome.NONE_LEFT] * 3
    assert Appointment.objects.count() == 2
    assert AuditEvent.objects.filter(action="draw.held").count() == 1
    assert OutboxMessage.objects.filter(kind=MessageKind.DRAW_LOST).count() == 3


@pytest.mark.django_db(transaction=True)
def test_who_asks_in_the_last_moment_is_in_the_draw_or_is_told_that_it_is_closed():
    world = fair_world()
    for hour in (8, 9, 10, 11, 12, 13):
        urgent(world, hour)
    people = [someone(world) for _ in range(6)]
    last = CLOSES - timedelta(microseconds=1)
    answers = at_once(*(lambda one=one: ask(one, now=last) for one in people), lambda: hold(world))
    operations.keep_up(world.clinic, CLOSES)
    accepted = [one for one in answers[:-1] if isinstance(one, DrawRequest)]
    assert {str(one) for one in answers[:-1] if not isinstance(one, DrawRequest)} <= {"closed"}
    assert outcomes() == [Outcome.WON] * len(accepted)
    assert Appointment.objects.count() == len(accepted)


@pytest.mark.django_db(transaction=True)
def test_a_draw_waits_for_nobody_who_is_just_asking():
    world = fair_world()
    urgent(world)
    with transaction.atomic():
        ask(world)
        (answer,) = at_once(lambda: hold(world))
    assert answer is None
    assert hold(world).drawn_at == CLOSES
    assert outcomes() == [Outcome.WON]


@pytest.mark.django_db(transaction=True)
def test_one_patient_who_asks_from_six_tabs_at_once_is_in_the_draw_once():
    world = fair_world()
    urgent(world)
    answers = at_once(*(lambda: ask(world) for _ in range(6)))
    assert {answer.pk for answer in answers} == {DrawRequest.objects.get().pk}
