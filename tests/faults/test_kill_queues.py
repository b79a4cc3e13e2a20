"""Killed before any statement of a draw, or of passing a freed time on, nothing is lost and nothing is done twice."""

import os
from collections import Counter
from datetime import timedelta

import pytest

from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.booking.choices import SlotState
from services.booking.earlier.choices import OfferStatus, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish
from services.booking.models import Appointment, Draw, DrawRequest, Slot
from services.booking.release import queries
from services.booking.release.choices import Outcome
from tests.faults.nursery import Nursery
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.build_earlier import make_wish, offer_earlier
from tests.services.booking.build_release import CLOSES, TUESDAY, ask, fair_world, someone, urgent

pytestmark = pytest.mark.django_db(transaction=True)

IS_LONG = "VENTEROM_KILLS" in os.environ
EVERY = 1 if IS_LONG else 9
"""The quick run dies before each ninth statement, the long one before every single one."""
MOST_STATEMENTS = 2000


class Workers(Nursery):
    """Work whose process is killed."""

    module = "tests.faults.queue_process"

    def killed_at_each_step(self, work, clinic, now, after_each, **values):
        """Do it again and again, killed one step later each time, until it comes through. Returns how often it died."""
        for number, step in enumerate(range(1, MOST_STATEMENTS, EVERY)):
            ended = self.run(work=work, clinic=clinic.pk, now=now.isoformat(), dies_before=step, **values)
            assert ended in {0, -9}, f"{work} failed by itself at statement {step}"
            if ended == 0:
                return number
            after_each()
        raise AssertionError(f"{work} never came through")


@pytest.fixture(scope="module")
def workers(django_db_setup):
    with Workers() as started:
        yield started


def test_a_draw_that_is_killed_has_not_happened_and_the_next_worker_holds_it_once(workers):
    world = fair_world()
    slots = [urgent(world, minute=20 * number) for number in range(3)]
    for _ in range(7):
        ask(someone(world))

    def nothing_happened():
        assert Draw.objects.get(day=TUESDAY).drawn_at is None
        assert not Appointment.objects.exists()
        assert not OutboxMessage.objects.exists()
        assert Slot.objects.filter(state=SlotState.FREE).count() == len(slots)
        assert set(DrawRequest.objects.values_list("outcome", flat=True)) == {Outcome.WAITING}

    died = workers.killed_at_each_step("draw", world.clinic, CLOSES, nothing_happened, day=TUESDAY)
    assert died >= 4
    outcomes = Counter(DrawRequest.objects.values_list("outcome", flat=True))
    assert outcomes == {Outcome.WON: 3, Outcome.NONE_LEFT: 4}
    assert Appointment.objects.values("slot").distinct().count() == Appointment.objects.count() == 3
    assert OutboxMessage.objects.filter(kind=MessageKind.DRAW_LOST).count() == 4
    assert AuditEvent.objects.filter(action="draw.held").count() == 1
    assert queries.faults_of(Draw.objects.get(day=TUESDAY)) == []


def test_a_freed_time_goes_down_the_line_whoever_is_killed_on_the_way(workers):
    """Three wait for one freed time: the first lets it go, the second doesn't answer in time, the third takes it."""
    world = make_world()
    offer_earlier(world.clinic)
    people = [someone(world) for _ in range(3)]
    wishes = [
        make_wish(one.patient, joined_at=NOW - timedelta(hours=3 - place)) for place, one in enumerate(people)
    ]
    slot = make_slot(world.gp, NOW + timedelta(days=2), freed_at=NOW, held_until=NOW + timedelta(minutes=3))
    clinic = world.clinic

    def holds():
        """One open offer at most, one message about each offer, and the time is never open to all before its turn."""
        slot.refresh_from_db()
        assert EarlierOffer.objects.filter(status=OfferStatus.OPEN).count() <= 1
        told = Counter(
            OutboxMessage.objects.filter(kind=MessageKind.TIME_OFFERED).values_list("subject_id", "channel")
        )
        assert set(told.values()) <= {1}
        assert {subject for subject, _ in told} == {str(one.pk) for one in EarlierOffer.objects.all()}
        assert slot.held_until is not None or Appointment.objects.exists()

    def offer_to(place):
        return EarlierOffer.objects.get(wish=wishes[place])

    def mine(place):
        return {
            "patient": people[place].patient.pk,
            "actor": people[place].user.pk,
            "offer": offer_to(place).pk,
        }

    died = workers.killed_at_each_step("pass on", clinic, NOW, holds)
    assert offer_to(0).status == OfferStatus.OPEN
    died += workers.killed_at_each_step("decline", clinic, NOW, holds, **mine(0))
    assert offer_to(0).status == OfferStatus.DECLINED
    died += workers.killed_at_each_step("pass on", clinic, NOW, holds)
    assert offer_to(1).status == OfferStatus.OPEN
    late = offer_to(1).expires_at
    died += workers.killed_at_each_step("pass on", clinic, late, holds)
    assert [offer_to(place).status for place in (1, 2)] == [OfferStatus.EXPIRED, OfferStatus.OPEN]
    died += workers.killed_at_each_step("accept", clinic, late, holds, **mine(2))
    assert died > 5
    assert offer_to(2).status == OfferStatus.ACCEPTED
    assert Appointment.objects.get().patient_id == people[2].patient.pk
    assert EarlierWish.objects.get(pk=wishes[2].pk).status == WishStatus.FULFILLED
    assert AuditEvent.objects.filter(action="earlier.offered").count() == 3
    assert EarlierWish.objects.filter(status=WishStatus.WAITING).count() == 2
    slot.refresh_from_db()
    assert slot.state == SlotState.TAKEN
    offers = OutboxMessage.objects.filter(kind=MessageKind.TIME_OFFERED)
    assert set(offers.values_list("state", flat=True)) == {State.CANCELLED}, "nobody is told of what is over"
