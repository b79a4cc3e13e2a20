"""Tells the workers to look into the outbox. It may get lost: the sweep finds what is due within seconds.

A thread of its own does the telling, so no request waits for the broker, and where a crowd books at once the workers are
told once for many.
"""

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings
from django.db import connection, transaction
from kombu import pools
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from kombu.pools import producers

from portal.celery import app

log = logging.getLogger("venterom.outbox")

TASK = "notifications.send_due"
SECONDS_TO_CONNECT = 0.15
QUIET_SECONDS = 5.0
"""So long we don't ask a broker again that did not answer, which would only fill the log."""
SECONDS_BETWEEN = 0.2
"""A worker that was told just now is still looking: what comes meanwhile is told together. Telling costs as much as half
a booking."""


class _Broker:
    """Whether the broker answered this process the last time."""

    silent_until = 0.0


def wake_after_commit() -> None:
    """Wake a worker when the current transaction has committed; once, however many messages it queued."""
    if any(callback is wake for _, callback, *_ in connection.run_on_commit):
        return
    transaction.on_commit(wake, robust=True)


def wake(task: str = TASK) -> None:
    """Have the wake-up published, or that of another task that the clock starts anyway. Waits for nobody."""
    if task not in _untold:
        _untold.add(task)
        _teller().submit(_tell, task)


def _tell(task: str) -> None:
    """Publish. A broker that is gone costs a log line."""
    _untold.discard(
        task
    )  # before: who asks from now on stored something that this wake-up may come too early for
    if time.monotonic() < _Broker.silent_until:
        return
    try:
        _publish(task)
    except (OperationalError, OSError) as error:
        _Broker.silent_until = time.monotonic() + QUIET_SECONDS
        pools.reset()  # type: ignore[no-untyped-call]  # a connection that broke is not used again
        log.warning("broker does not answer; the sweep will send", extra={"error": type(error).__name__})
    time.sleep(SECONDS_BETWEEN)


_untold: set[str] = set()


@cache
def _teller() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="wakeup")


def _start_anew() -> None:
    """Forget the thread, which doesn't come along into a process that was split off."""
    _teller.cache_clear()
    _untold.clear()


os.register_at_fork(after_in_child=_start_anew)


def _publish(task: str) -> None:
    with producers[_broker(settings.CELERY_BROKER_URL)].acquire(
        block=True, timeout=SECONDS_TO_CONNECT
    ) as producer:
        app.send_task(task, producer=producer, retry=False, ignore_result=True)  # type: ignore[no-untyped-call]


@cache
def _broker(address: str) -> Connection:
    """Return the broker with our patience. Its connections are kept: making one costs more than publishing."""
    options = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "socket_connect_timeout": SECONDS_TO_CONNECT,
        "socket_timeout": SECONDS_TO_CONNECT,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "connect_retries_timeout": SECONDS_TO_CONNECT,
    }
    return Connection(  # type: ignore[no-untyped-call]
        address, transport_options=options, connect_timeout=SECONDS_TO_CONNECT
    )
