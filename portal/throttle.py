"""Counts attempts in Postgres, so that a flushed Redis does not give a guesser a fresh start."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from portal import crypto


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
    seconds = int(limit.period.total_seconds())
    start = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO portal_throttlecounter (key, window_start, count) VALUES (%s, %s, 1)
            ON CONFLICT (key, window_start) DO UPDATE SET count = portal_throttlecounter.count + 1
            RETURNING count
            """,
            [crypto.blind_index(key, purpose=f"throttle:{limit.name}"), start],
        )
        row = cursor.fetchone()
    assert row is not None
    return bool(row[0] > limit.count)
