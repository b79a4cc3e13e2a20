"""Rules of delivery."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import policy
from notifications.choices import CarrierStatus, Channel, Found, MessageKind, Outcome, State, WhyNotSent

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
reports = st.lists(st.sampled_from([*CarrierStatus.values, "nonsense", ""]), max_size=12)
finals = {CarrierStatus.DELIVERED, CarrierStatus.READ, CarrierStatus.UNDELIVERED, CarrierStatus.FAILED}


def after(statuses, known=""):
    for status in statuses:
        known = policy.advance(known, status)
    return known


@given(reports, st.sampled_from(CarrierStatus.values))
def test_a_status_never_falls(statuses, last):
    before = after(statuses)
    later = policy.advance(before, last)
    assert policy._RANK.get(later, -1) >= policy._RANK.get(before, -1)


@given(reports)
def test_the_same_report_twice_changes_nothing(statuses):
    doubled = list(itertools.chain.from_iterable((status, status) for status in statuses))
    assert after(doubled) == after(statuses)


@given(
    st.sets(st.sampled_from(["queued", "sending", "sent", "delivered"])).flatmap(
        lambda s: st.permutations(sorted(s))
    )
)
def test_the_order_of_reports_does_not_matter(statuses):
    highest = max(statuses, key=lambda status: policy._RANK[status], default="")
    assert after(statuses) == highest


@given(reports, reports)
def test_the_first_final_status_stays(before, later):
    final = after([*before, "undelivered"])
    if policy.is_final_status(final):
        assert after(later, final) == final


@given(st.sampled_from(State), reports)
def test_reports_take_a_message_only_along_allowed_steps(state, statuses):
    for status in statuses:
        following = policy.state_after_report(state, status)
        assert following is state or policy.may_follow(state, following)
        state = following


@pytest.mark.parametrize("state", [State.DELIVERED, State.UNDELIVERED, State.FAILED, State.FAILED_FINAL])
def test_what_is_over_stays_over(state):
    assert not policy.STEPS[state]


@pytest.mark.parametrize("state", [State.CANCELLED, State.NO_RECIPIENT])
def test_what_never_left_may_only_be_asked_for_again(state):
    assert policy.STEPS[state] <= {State.QUEUED, State.CANCELLED, State.NO_RECIPIENT}


@pytest.mark.parametrize(
    ("state", "code", "why"),
    [
        (State.NO_RECIPIENT, "", WhyNotSent.NO_RECIPIENT),
        (State.FAILED_FINAL, "21211", WhyNotSent.NUMBER),
        (State.UNDELIVERED, "30006", WhyNotSent.NUMBER),
        (State.FAILED_FINAL, "21610", WhyNotSent.BLOCKED),
        (State.UNDELIVERED, "30004", WhyNotSent.BLOCKED),
        (State.UNDELIVERED, "30003", WhyNotSent.UNREACHABLE),
        (State.UNDELIVERED, "", WhyNotSent.UNREACHABLE),
        (State.FAILED, "30008", WhyNotSent.OPERATOR),
        (State.FAILED_FINAL, "unreadable", WhyNotSent.OPERATOR),
        (State.EXPIRED, "", WhyNotSent.NOT_IN_TIME),
        (State.CANCELLED, "", WhyNotSent.WITHDRAWN),
        (State.DELIVERED, "", None),
        (State.QUEUED, "20429", None),
    ],
)
def test_each_message_that_did_not_arrive_has_one_reason(state, code, why):
    assert policy.why_not_sent(state, code) is why


def test_a_dead_senders_message_never_goes_back_to_waiting_by_itself():
    assert State.QUEUED not in policy.STEPS[State.ACCEPTED]
    assert State.SENDING not in policy.STEPS[State.UNKNOWN]


def unclear(**values):
    values.setdefault("kind", MessageKind.BOOKING_CONFIRMED)
    values.setdefault("channel", Channel.SMS)
    values.setdefault("tries", 1)
    values.setdefault("since", NOW - timedelta(minutes=10))
    values.setdefault("not_after", NOW + timedelta(days=1))
    values.setdefault("possible_duplicate", False)
    values.setdefault("is_withdrawn", False)
    return policy.Unclear(**values)


@pytest.mark.parametrize(
    ("message", "found", "expected"),
    [
        (unclear(), Found.MISS, State.QUEUED),
        (unclear(), Found.IMPOSSIBLE, State.UNKNOWN),
        (unclear(since=NOW - timedelta(minutes=60)), Found.IMPOSSIBLE, State.QUEUED),
        (
            unclear(since=NOW - timedelta(minutes=60), possible_duplicate=True),
            Found.IMPOSSIBLE,
            State.EXPIRED,
        ),
        (unclear(kind=MessageKind.SIGN_IN_CODE), Found.MISS, State.EXPIRED),
        (unclear(kind=MessageKind.SIGN_IN_CODE), Found.IMPOSSIBLE, State.EXPIRED),
        (unclear(kind=MessageKind.STAFF_ALARM), Found.IMPOSSIBLE, State.QUEUED),
        (unclear(channel=Channel.EMAIL), Found.IMPOSSIBLE, State.QUEUED),
        (
            unclear(kind=MessageKind.REMINDER, not_after=NOW + timedelta(minutes=119)),
            Found.MISS,
            State.EXPIRED,
        ),
        (
            unclear(kind=MessageKind.REMINDER, not_after=NOW + timedelta(minutes=121)),
            Found.MISS,
            State.QUEUED,
        ),
        (
            unclear(kind=MessageKind.REMINDER, not_after=NOW + timedelta(hours=4)),
            Found.IMPOSSIBLE,
            State.UNKNOWN,
        ),
        (
            unclear(kind=MessageKind.REMINDER, not_after=NOW + timedelta(hours=3)),
            Found.IMPOSSIBLE,
            State.QUEUED,
        ),
        (unclear(is_withdrawn=True), Found.MISS, State.CANCELLED),
        (unclear(tries=policy.MAX_TRIES), Found.MISS, State.EXPIRED),
        (unclear(not_after=NOW), Found.MISS, State.EXPIRED),
    ],
)
def test_what_becomes_of_an_unclear_message(message, found, expected):
    assert policy.after_looking(message, found, NOW).state is expected


@given(
    st.sampled_from(MessageKind),
    st.sampled_from(Channel),
    st.integers(1, 9),
    st.integers(-100, 5000),
    st.integers(0, 5000),
    st.sampled_from([Found.MISS, Found.IMPOSSIBLE]),
)
def test_nothing_is_sent_blindly_twice_nor_after_its_last_moment(kind, channel, tries, left, age, found):
    message = unclear(
        kind=kind,
        channel=channel,
        tries=tries,
        not_after=NOW + timedelta(minutes=left),
        since=NOW - timedelta(minutes=age),
        possible_duplicate=True,
    )
    verdict = policy.after_looking(message, found, NOW)
    if verdict.state is State.QUEUED:
        assert found is Found.MISS
        assert left > 0
        assert tries < policy.MAX_TRIES


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, 21211, Outcome.REFUSED),
        (400, 21610, Outcome.REFUSED),
        (404, 20404, Outcome.REFUSED),
        (401, 20003, Outcome.UNAUTHORISED),
        (403, 20003, Outcome.UNAUTHORISED),
        (429, 20429, Outcome.BUSY),
        (429, None, Outcome.BUSY),
        (500, 20500, Outcome.UNCLEAR),
        (503, None, Outcome.UNCLEAR),
        (408, None, Outcome.UNCLEAR),
        (302, None, Outcome.UNCLEAR),
    ],
)
def test_what_an_answer_means(status, code, outcome):
    assert policy.outcome_by_answer(status, code) is outcome


@given(st.integers(-5, 10**6))
def test_the_provider_never_tries_longer_than_is_of_use(seconds):
    validity = policy.validity(NOW, NOW + timedelta(seconds=seconds))
    assert 1 <= validity <= 36_000
    assert validity <= max(seconds, 1)


@given(st.timedeltas(timedelta(0), timedelta(days=9)), st.floats(0, 1))
def test_waiting_before_another_try_has_bounds(waited, jitter):
    assert timedelta(seconds=1) <= policy.backoff(waited, jitter) <= timedelta(minutes=3)


def test_the_lease_outlives_every_call():
    # connecting and reading may each take the whole time-out, of which the settings allow at most 12 seconds
    assert timedelta(seconds=2 * 12) < policy.NORMAL.margin < policy.NORMAL.lease
