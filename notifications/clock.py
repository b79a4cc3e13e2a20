"""The one clock by which messages are due and leases end: the database's. Hosts' clocks differ."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's present instant, also inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
