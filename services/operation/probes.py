"""Asking the broker and the workers, shortly. What does not answer in time does not work."""

from dataclasses import dataclass

from django.conf import settings
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from portal.celery import app

SECONDS_TO_CONNECT = 1.0
SECONDS_FOR_WORKERS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found."""

    broker: bool
    workers: int


def ask() -> Answer:
    """Return whether the broker answers, and how many workers do. Takes two seconds or so at most."""
    options = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "socket_connect_timeout": SECONDS_TO_CONNECT,
        "socket_timeout": SECONDS_TO_CONNECT,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "connect_retries_timeout": SECONDS_TO_CONNECT,
    }
    broker = Connection(settings.CELERY_BROKER_URL, transport_options=options)  # type: ignore[no-untyped-call]
    try:
        with broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0)  # type: ignore[no-untyped-call]
            answers = app.control.ping(timeout=SECONDS_FOR_WORKERS, connection=broker)
    except (OperationalError, OSError):
        return Answer(broker=False, workers=0)
    return Answer(broker=True, workers=len(answers or []))
