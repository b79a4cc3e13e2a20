"""The rules of the draw, as properties: whom the lots may give what, and what a record shows."""

import os
import random
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.booking.release import policy
from services.booking.release.choices import Fault, Outcome
from services.booking.release.policy import Entry, PoolSlot, Record
from tests.services.booking.build_booking import NOW
from tests.services.booking.build_release import (
    CLOSES,
    DURING,
    OPENS,
)

EXAMPLES = int(os.environ.get("VENTEROM_EXAMPLES", "40"))


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
