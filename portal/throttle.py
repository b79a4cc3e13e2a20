"""Counts attempts in Postgres, so that a flushed Redis does not give a guesser a fresh start."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from portal import crypto, network_address

IN_SHARED_NETWORKS = 10
"""How many times as much may come from an address that many people share."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` attempts of this `name` per `period` and key."""

    name: str
    count: int
    period: timedelta


def is_exceeded(limit: Limit, *, key: str, now: datetime) -> bool:
    """Count one attempt by `key` and return whether it is one too many.

    One statement, so that parallel attempts are all counted. Windows are fixed: they begin at whole
    multiples of the period. The key is stored only as a keyed hash.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO portal_throttlecounter (key, window_start, count) VALUES (%s, %s, 1)
            ON CONFLICT (key, window_start) DO UPDATE SET count = portal_throttlecounter.count + 1
            RETURNING count
            """,
            _counter(limit, key, now),
        )
        row = cursor.fetchone()
    assert row is not None
    return bool(row[0] > limit.count)


def is_used_up(limit: Limit, *, key: str, now: datetime) -> bool:
    """Return whether one attempt too many was counted already. Counts nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count FROM portal_throttlecounter WHERE key = %s AND window_start = %s",
            _counter(limit, key, now),
        )
        row = cursor.fetchone()
    return row is not None and bool(row[0] > limit.count)


def is_exceeded_from(address: str, limit: Limit, *, now: datetime) -> bool:
    """Count one attempt from a network address and return whether it is one too many there."""
    return is_exceeded(_at(address, limit), key=network_address.counted_as(address), now=now)


def is_used_up_from(address: str, limit: Limit, *, now: datetime) -> bool:
    """Return whether one attempt too many from a network address was counted already. Counts nothing."""
    return is_used_up(_at(address, limit), key=network_address.counted_as(address), now=now)


def _at(address: str, limit: Limit) -> Limit:
    if network_address.is_shared(address):
        return replace(limit, count=limit.count * IN_SHARED_NETWORKS)
    return limit


def _counter(limit: Limit, key: str, now: datetime) -> list[str | datetime]:
    """Return the counter's key and the beginning of its window."""
    seconds = int(limit.period.total_seconds())
    start = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    return [crypto.blind_index(key, purpose=f"throttle:{limit.name}"), start]
