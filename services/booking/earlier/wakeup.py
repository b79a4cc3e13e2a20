"""Tells a worker that a time came free. It may get lost: the clock task finds the time within a minute."""

from django.db import connection, transaction

from notifications import wakeup as outbox

TASK = "booking.pass_on"


def wake_after_commit() -> None:
    """Wake a worker when the current transaction has committed; once, however many times came free."""
    if any(callback is _wake for _, callback, *_ in connection.run_on_commit):
        return
    transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    outbox.wake(TASK)
