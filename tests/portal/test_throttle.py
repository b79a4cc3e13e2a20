"""Counting attempts in Postgres."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from portal.models import ThrottleCounter
from portal.throttle import Limit, is_exceeded

FIVE = Limit("trial", 5, timedelta(minutes=10))
NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


@pytest.mark.django_db
def test_the_sixth_attempt_is_one_too_many_and_the_next_window_starts_afresh():
    assert [is_exceeded(FIVE, key="a", now=NOW) for _ in range(6)] == [False] * 5 + [True]
    assert not is_exceeded(FIVE, key="b", now=NOW)
    assert not is_exceeded(FIVE, key="a", now=NOW + timedelta(minutes=10))


@pytest.mark.django_db
def test_the_counter_does_not_tell_whom_it_counts():
    is_exceeded(FIVE, key="14848800123", now=NOW)
    assert "14848800123" not in ThrottleCounter.objects.get().key


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_are_all_counted():
    def attempt(_):
        try:
            return is_exceeded(FIVE, key="a", now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(40))) == 35
