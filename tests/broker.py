"""Keeps what different tests say to their workers apart, and waits for the thread that tells them."""

from urllib.parse import urlsplit, urlunsplit

from notifications import wakeup

DATABASES = 16
"""So many a broker has by itself. In the first are the wake-ups of tests that have no worker."""


def all_told() -> None:
    """Return when every wake-up asked for so far has been published, or given up."""
    wakeup._teller().submit(int).result(timeout=10)


def apart(address: str, runner: str) -> str:
    """Return the broker's address with a database of its own for a test runner ("gw0"): a worker of one would take the
    messages that another waits for, find nothing to do, and the other would wait for the clock.
    """
    number = 1 + int(runner.removeprefix("gw") if runner.startswith("gw") else 0) % (DATABASES - 1)
    if address.startswith("redis+socket:"):
        return f"{address.partition('?')[0]}?virtual_host={number}"
    return urlunsplit(urlsplit(address)._replace(path=f"/{number}"))
