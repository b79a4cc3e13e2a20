"""Fair release: asked for in a window, drawn once by lot, checkable afterwards; and what staff see before and after."""

import os
import random
import re
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_admin.models import Clinic, Closure
from delegation.models import MatrixTick
from identity.choices import Assurance, UserKind
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.access.choices import Approval
from services.booking import free_times
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState
from services.booking.models import Appointment, Draw, DrawRequest, Slot
from services.booking.operations import BookingRefused
from services.booking.release import operations, policy, queries
from services.booking.release.choices import DrawRefusal, Fault, Outcome
from services.booking.release.operations import DrawRefused
from services.booking.release.policy import Entry, PoolSlot, Record
from tests.at_once import at_once
from tests.build import make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, World, allow, make_absence, make_slot, make_world
from tests.services.booking.build_staff import sign_in_staff
from tests.services.booking.test_pages import sign_in

OPENS = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""16:00 at the clinics: when Tuesday's urgent times come out."""
DURING = OPENS + timedelta(minutes=3)
CLOSES = OPENS + timedelta(minutes=10)
TUESDAY = date(2026, 11, 24)
OSLO, COPENHAGEN = ZoneInfo("Europe/Oslo"), ZoneInfo("Europe/Copenhagen")
EXAMPLES = int(os.environ.get("VENTEROM_EXAMPLES", "40"))


def fair_world(**rights):
    """Return a world whose clinic draws, with the draw of tomorrow prepared in the morning."""
    world = make_world({"draws_urgent": True}, **rights)
    operations.keep_up(world.clinic, NOW)
    return world


def urgent(world, hour=9, minute=0, provider=None):
    """Store a free urgent slot of Tuesday."""
    return make_slot(
        provider or world.gp,
        datetime(2026, 11, 24, hour, minute, tzinfo=UTC),
        kind=SlotKind.URGENT,
    )


def someone(world, **values):
    """Return the world as another patient of the GP sees it."""
    patient = make_patient(world.clinic, **({"gp": world.gp} | values))
    patient.clinic = world.clinic
    return World(world.clinic, world.gp, patient, make_user(kind=UserKind.PATIENT))


def ask(world, **values):
    """Ask as the patient of the world, with anyone."""
    return operations.ask(
        **{
            "patient": world.patient,
            "reason": "Sore throat",
            "wants_reminder": False,
            "providers": (),
            "assurance": Assurance.HIGH,
            "actor": world.user,
            "now": DURING,
        }
        | values
    )


def hold(world, now=CLOSES):
    """Hold the draw of Tuesday."""
    return operations.hold(clinic=world.clinic, day=TUESDAY, now=now)


def outcomes():
    """Return what came of each request, in the order of the draw."""
    return list(DrawRequest.objects.order_by("rank").values_list("outcome", flat=True))


def refusal(act, *args, **values):
    """Return the reason for which the act is refused."""
    with pytest.raises((DrawRefused, BookingRefused)) as refused:
        act(*args, **values)
    return refused.value.reason


# -- the rules ---------------------------------------------------------------------------------------------
@dataclass
class Lottery:
    """A draw that was never stored: who asked for whom, who may have whom, and the times."""

    seed: str
    pool: list[PoolSlot]
    asked: dict[uuid.UUID, frozenset[int]]
    allowed: dict[uuid.UUID, frozenset[int]]
    given: dict[uuid.UUID, PoolSlot] = field(default_factory=dict)

    def held(self) -> "Lottery":
        """Hold it."""
        self.given = policy.allocate(
            policy.in_order(self.seed, self.asked),
            pool=self.pool,
            providers={one: self.acceptable(one) for one in self.asked},
        )
        return self

    def acceptable(self, one: uuid.UUID) -> frozenset[int]:
        """Return whom the request can be given."""
        return policy.acceptable(self.asked[one], self.allowed[one])

    def record(self) -> Record:
        """Return the record that such a draw leaves."""
        order = policy.in_order(self.seed, self.asked)
        return Record(
            seed=self.seed,
            published=policy.seed_hash(self.seed),
            committed_at=NOW,
            closes_at=CLOSES,
            drawn_at=CLOSES,
            pool=tuple(self.pool),
            entries=tuple(
                Entry(
                    one,
                    DURING,
                    self.asked[one],
                    self.allowed[one],
                    Outcome.WON if one in self.given else Outcome.NONE_LEFT,
                    order.index(one) + 1,
                    self.given[one].slot_id if one in self.given else None,
                )
                for one in self.asked
            ),
        )


@st.composite
def lotteries(draw):
    """Any draw with up to five providers, eight times and twelve who ask."""
    provider = st.integers(1, 5)
    pool = [
        PoolSlot(OPENS + timedelta(minutes=minutes), number, draw(provider))
        for number, minutes in enumerate(draw(st.lists(st.integers(0, 600), max_size=8)), start=1)
    ]
    people = draw(st.lists(st.uuids(version=4), unique=True, max_size=12))
    some = st.frozensets(provider, max_size=5)
    return Lottery(
        draw(st.text(min_size=1, max_size=64)),
        pool,
        {one: draw(some) for one in people},
        {one: draw(some) for one in people},
    ).held()


@settings(max_examples=EXAMPLES, deadline=None)
@given(lotteries())
def test_no_time_goes_twice_and_only_to_who_may_and_wants_it(lottery):
    taken = [slot.slot_id for slot in lottery.given.values()]
    assert len(taken) == len(set(taken))
    for one, slot in lottery.given.items():
        assert slot.provider_id in lottery.allowed[one]
        assert not lottery.asked[one] or slot.provider_id in lottery.asked[one]


@settings(max_examples=EXAMPLES, deadline=None)
@given(lotteries())
def test_nobody_loses_while_a_time_that_they_would_take_is_left(lottery):
    left = set(lottery.pool) - set(lottery.given.values())
    for one in lottery.asked.keys() - lottery.given.keys():
        assert not [slot for slot in left if slot.provider_id in lottery.acceptable(one)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(lotteries())
def test_who_comes_first_is_never_worse_off_than_if_nobody_had_come_after(lottery):
    order = policy.in_order(lottery.seed, lottery.asked)
    for length in range(len(order)):
        alone = policy.allocate(
            order[:length], pool=lottery.pool, providers={one: lottery.acceptable(one) for one in order}
        )
        assert alone == {one: slot for one, slot in lottery.given.items() if one in order[:length]}


@settings(max_examples=EXAMPLES, deadline=None)
@given(lotteries(), st.randoms(use_true_random=False))
def test_the_order_follows_the_seed_and_nothing_else(lottery, dice):
    people = list(lottery.asked)
    dice.shuffle(people)
    assert policy.in_order(lottery.seed, people) == policy.in_order(lottery.seed, lottery.asked)


@settings(max_examples=EXAMPLES, deadline=None)
@given(lotteries(), st.data())
def test_a_record_is_in_order_and_any_change_to_it_is_found(lottery, data):
    record = lottery.record()
    assert policy.faults(record) == []
    assert Fault.SEED in policy.faults(replace(record, seed=record.seed + "x"))
    assert Fault.EARLY in policy.faults(replace(record, drawn_at=CLOSES - timedelta(seconds=1)))
    if not record.entries:
        return
    place = data.draw(st.integers(0, len(record.entries) - 1))
    one = record.entries[place]

    def with_entry(**values):
        entries = [*record.entries]
        entries[place] = replace(one, **values)
        return policy.faults(replace(record, entries=tuple(entries)))

    assert Fault.LATE_SEED in with_entry(asked_at=NOW - timedelta(seconds=1))
    assert Fault.ORDER in with_entry(rank=one.rank + 1)
    assert Fault.TIME in with_entry(slot_id=10**6)
    other = Outcome.NONE_LEFT if one.outcome == Outcome.WON else Outcome.WON
    assert Fault.OUTCOME in with_entry(outcome=other)


def test_a_worked_example_stays_as_it_is_documented():
    people = [uuid.UUID(int=number) for number in (1, 2, 3)]
    assert policy.seed_hash("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert [one.int for one in policy.in_order("a", people)] == [3, 1, 2]


def test_all_who_ask_have_the_same_chance():
    people, wins, dice = [uuid.UUID(int=number) for number in range(5)], [0] * 5, random.Random(1)
    for _ in range(2000):
        wins[policy.in_order(f"{dice.getrandbits(256):064x}", people)[0].int] += 1
    assert all(abs(number - 400) < 80 for number in wins), wins


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
def test_old_draws_name_nobody_and_can_be_checked_as_before(client):
    world = fair_world()
    urgent(world)
    for one in (world, someone(world), someone(world)):
        ask(one)
    hold(world)
    assert operations.forget_people(CLOSES + policy.KEPT) == 0
    assert operations.forget_people(CLOSES + policy.KEPT + timedelta(minutes=1)) == 3
    rows = DrawRequest.objects.values_list("patient", "asked_by", "appointment", "reason")
    assert set(rows) == {(None, None, None, "")}
    assert queries.faults_of(Draw.objects.get(day=TUESDAY)) == []
    assert Appointment.objects.count() == 1
    with at(NOW + policy.KEPT + timedelta(days=2)):
        sign_in_staff(client, world.clinic)
        words = text(release_page(client, world, day=TUESDAY.isoformat()))
    assert words.count("no longer kept") == 3
    call_command("check_draw", clinic=world.clinic.portal_identifier, day=TUESDAY.isoformat())


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["home:start", "booking:appointments"])
def test_who_lost_reads_it_where_they_come_in_with_place_and_ways_on(place):
    world = fair_world()
    urgent(world)
    loser = someone(world)
    ask(world)
    own = ask(loser)
    hold(world)
    own.refresh_from_db()
    winner = loser if own.outcome == Outcome.WON else world
    other = world if winner is loser else loser
    address = reverse(place, args=[world.clinic.portal_identifier])
    with at(CLOSES):
        lost = text(sign_in(other).get(address))
        assert "No time was left. 1 time was drawn; your place in the order was 2." in lost
        assert "What you can do now, and how to check the draw" in lost
        assert "You asked for an urgent time" not in text(sign_in(winner).get(address))


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


# -- the patient's pages -----------------------------------------------------------------------------------
def page(name, world, *args):
    """Return the address of one of the pages."""
    return reverse(f"release:{name}", args=[world.clinic.portal_identifier, *args])


def text(response):
    """Return the words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def at(moment):
    """Stop the clock."""
    return time_machine.travel(moment, tick=False)


@pytest.mark.django_db
def test_a_patient_asks_waits_and_sees_what_came_of_it_with_no_worker_alive(django_assert_max_num_queries):
    world = fair_world()
    slot = urgent(world)
    find = reverse("booking:find", args=[world.clinic.portal_identifier])
    with at(OPENS - timedelta(minutes=1)):
        client = sign_in(world)
        assert "can be asked for today from 16:00" in text(client.get(find))
    with at(DURING):
        client.get(find)
        with django_assert_max_num_queries(14):
            shown = client.get(find)
        assert "ask before 16:10" in text(shown)
        with django_assert_max_num_queries(12):
            form = client.get(page("ask", world))
        assert Draw.objects.get(day=TUESDAY).seed_hash in text(form)
        assert Draw.objects.get(day=TUESDAY).seed not in form.content.decode()
        empty = client.post(page("ask", world), {"reason": "", "providers": [world.gp.pk]})
        assert empty.status_code == 422
        assert "Write in a few words" in text(empty)
        answer = client.post(page("ask", world), {"reason": "Fever", "providers": [world.gp.pk]}, follow=True)
        assert "You are in the draw" in text(answer)
        assert Draw.objects.get(day=TUESDAY).seed not in answer.content.decode()
        assert client.get(page("ask", world)).status_code == 302
        assert "Fever" in client.get(page("ask", world) + "?change=1").content.decode()
    own = DrawRequest.objects.get()
    with at(CLOSES):
        shown = client.get(page("request", world, own.pk))
        assert "You got a time" in text(shown)
        assert Draw.objects.get(day=TUESDAY).seed in text(shown)
        assert policy.lot(Draw.objects.get(day=TUESDAY).seed, own.pk) in text(shown)
    slot.refresh_from_db()
    assert slot.state == SlotState.TAKEN


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["home:start", "release:request"])
def test_a_window_that_was_made_longer_is_told_with_its_new_end(place):
    world = fair_world()
    urgent(world)
    own = ask(world)
    Clinic.objects.update(draw_minutes=30)
    arguments = [world.clinic.portal_identifier, *([own.pk] if place == "release:request" else [])]
    with at(DURING):
        assert "Lots are drawn at 16:30." in text(sign_in(world).get(reverse(place, args=arguments)))


@pytest.mark.django_db
def test_a_loser_sees_the_other_ways_and_keeps_what_was_written():
    world = fair_world()
    urgent(world)
    first, second = [(one, ask(one)) for one in (world, someone(world))]
    hold(world)
    loser, own = first if DrawRequest.objects.get(pk=first[1].pk).outcome != Outcome.WON else second
    with at(CLOSES):
        shown = sign_in(loser).get(page("request", loser, own.pk))
        words = text(shown)
    assert "You got no time this time" in words
    assert "Sore throat" in words
    assert "2 of 2" in words
    assert reverse("booking:find", args=[world.clinic.portal_identifier]) in shown.content.decode()


@pytest.mark.django_db
def test_another_patients_request_does_not_exist():
    world = fair_world()
    urgent(world)
    own, other = ask(world), someone(world)
    with at(DURING):
        client = sign_in(other)
        assert client.get(page("request", other, own.pk)).status_code == 404
        assert client.post(page("withdraw", other, own.pk)).status_code == 404
        assert client.get(page("request", other, uuid.uuid4())).status_code == 404
    assert DrawRequest.objects.get().outcome == Outcome.WAITING


@pytest.mark.django_db
def test_too_late_is_said_with_the_next_time_and_what_was_typed():
    world = fair_world()
    urgent(world)
    with at(CLOSES):
        answer = sign_in(world).post(page("ask", world), {"reason": "<b>Fever</b>"})
    assert answer.status_code == 409
    assert "&lt;b&gt;Fever&lt;/b&gt;" in answer.content.decode()
    assert "Tuesday 24 November at 16:00" in text(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("sent", ["0", "x", str(2**70), "-1"])
def test_a_provider_who_can_not_be_asked_for_is_an_error_by_the_field(sent):
    world = fair_world()
    urgent(world)
    with at(DURING):
        answer = sign_in(world).post(page("ask", world), {"reason": "Fever", "providers": [sent]})
    assert answer.status_code == 422
    assert "Choose again" in text(answer)
    assert "Fever" in answer.content.decode()
    assert not DrawRequest.objects.exists()


@pytest.mark.django_db
def test_withdrawing_on_the_page_and_after_the_draw():
    world = fair_world()
    urgent(world)
    own = ask(world)
    with at(DURING):
        client = sign_in(world)
        assert "You have withdrawn" in text(client.post(page("withdraw", world, own.pk), follow=True))
        ask(world)
    with at(CLOSES):
        assert "You got a time" in text(client.post(page("withdraw", world, own.pk), follow=True))


# -- the staff's page --------------------------------------------------------------------------------------
def release_page(client, world, **query):
    """Open the page of releases, in English."""
    client.cookies["django_language"] = "en"
    return client.get(reverse("release_staff:release", args=[world.clinic.portal_identifier]), query)


@pytest.mark.django_db
@pytest.mark.parametrize("draws", [False, True])
def test_the_rehearsal_says_which_times_come_out_when_and_for_how_many(
    client, draws, django_assert_max_num_queries
):
    world = make_world({"draws_urgent": draws})
    urgent(world, 9)
    for _ in range(3):
        someone(world)
    someone(world, is_active=False)
    nobody = make_provider(world.clinic, name="Anna Unreachable")
    make_slot(nobody, datetime(2026, 11, 24, 12, tzinfo=UTC), kind=SlotKind.URGENT)
    with at(NOW):
        sign_in_staff(client, world.clinic)
        release_page(client, world)
        with django_assert_max_num_queries(22):
            words = text(release_page(client, world))
    assert "What opens at 16:00" in words
    assert f"{world.gp.name}'s list: 4 of 4" in words
    assert "Anna Unreachable" in words
    assert "Nobody may take these times" in words
    assert ("lots are drawn" in words) == draws


@pytest.mark.django_db
def test_the_rehearsal_counts_exactly_those_who_may_book():
    world = make_world()
    other = make_provider(world.clinic)
    allow(other, row=world.gp)
    urgent(world, 9), urgent(world, 10, provider=other)
    people = [world, *(someone(world) for _ in range(3)), *(someone(world, gp=other) for _ in range(2))]
    people.append(someone(world, gp=None))
    make_absence(world.gp, TUESDAY, TUESDAY)
    found = queries.rehearsal(clinic=world.clinic, day=TUESDAY, now=NOW)
    for opening in found.openings:
        may = [
            one
            for one in people
            if opening.slots[0].provider_id
            in {
                choice.provider_id
                for choice in queries.whom_to_ask(
                    patient=one.patient, day=TUESDAY, assurance=Assurance.HIGH, now=NOW
                )
            }
        ]
        assert opening.patients == len(may)
    assert {one.name: one.patients for one in found.openings} == {world.gp.name: 0, other.name: 4}


@pytest.mark.django_db
def test_over_a_weekend_and_a_closed_day_the_next_release_is_the_evening_before_the_next_open_day(client):
    world = make_world()
    friday = datetime(2026, 11, 27, 16, tzinfo=UTC)
    for day in (30, 29):
        make_slot(world.gp, datetime(2026, 11, day, 9, tzinfo=UTC), kind=SlotKind.URGENT)
    Closure.objects.create(clinic=world.clinic, first_day=date(2026, 11, 29), last_day=date(2026, 11, 29))
    found = queries.coming(clinic=world.clinic, now=friday)
    assert [(one.day, one.opens_at) for one in found] == [
        (date(2026, 11, 30), datetime(2026, 11, 29, 15, tzinfo=UTC))
    ]
    with at(friday):
        sign_in_staff(client, world.clinic)
        assert "They come out Sunday 29 November at 16:00" in text(release_page(client, world))
        assert "The clinic is closed that day" in text(release_page(client, world, day="2026-11-29"))


@pytest.mark.django_db
def test_the_report_names_who_won_in_which_order_and_records_who_looked(client):
    world = fair_world()
    urgent(world)
    people = [world, someone(world)]
    for one in people:
        ask(one)
    hold(world)
    with at(CLOSES):
        sign_in_staff(client, world.clinic)
        shown = release_page(client, world, day=TUESDAY.isoformat())
    words, draw = text(shown), Draw.objects.get(day=TUESDAY)
    assert "Checked: the seed gives exactly this order" in words
    assert draw.seed in words
    first, second = DrawRequest.objects.order_by("rank")
    assert words.index(first.patient.full_name) < words.rindex(second.patient.full_name)
    assert AuditEvent.objects.filter(action="patient.listed").count() == 2


@pytest.mark.django_db
def test_the_report_says_what_happened_where_nothing_is_drawn(client):
    world = make_world()
    world.book(urgent(world), now=OPENS + timedelta(seconds=2))
    with at(CLOSES):
        sign_in_staff(client, world.clinic)
        words = text(release_page(client, world, day=TUESDAY.isoformat()))
    assert "whoever came first" in words
    assert world.patient.full_name in words


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["x", "2026-13-01", "9999-12-31", ""])
def test_nonsense_for_a_day_is_never_an_error_page(client, day):
    world = make_world()
    with at(NOW):
        sign_in_staff(client, world.clinic)
        assert release_page(client, world, day=day).status_code == 200


@pytest.mark.django_db
def test_a_changed_record_is_found_by_the_page_and_by_the_command(client):
    world = fair_world()
    urgent(world)
    for one in (world, someone(world)):
        ask(one)
    hold(world)
    out = StringIO()
    asked = {"clinic": world.clinic.portal_identifier, "day": TUESDAY.isoformat()}
    call_command("check_draw", **asked, stdout=out)
    assert "The draw is in order." in out.getvalue()
    assert world.patient.full_name not in out.getvalue()
    first, second = DrawRequest.objects.order_by("rank")
    DrawRequest.objects.filter(pk=second.pk).update(rank=10)
    DrawRequest.objects.filter(pk=first.pk).update(rank=2)
    DrawRequest.objects.filter(pk=second.pk).update(rank=1)
    with pytest.raises(CommandError, match="order"):
        call_command("check_draw", **asked, stdout=out)
    with at(CLOSES):
        sign_in_staff(client, world.clinic)
        assert "not in order" in text(release_page(client, world, day=TUESDAY.isoformat()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("clinic", "day"), [("nowhere", "2026-11-24"), (None, "2026-11-24")], ids=["no clinic", "no draw"]
)
def test_the_command_says_what_is_missing(clinic, day):
    world = fair_world()
    with pytest.raises(CommandError, match=r"There is no clinic|No draw"):
        call_command("check_draw", clinic=clinic or world.clinic.portal_identifier, day=day)
