"""Waits for the thread that tells the workers."""

from notifications import wakeup


def all_told() -> None:
    """Return when every wake-up asked for so far has been published, or given up."""
    wakeup._teller().submit(int).result(timeout=10)
