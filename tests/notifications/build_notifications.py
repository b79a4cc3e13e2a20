"""Builders of messages for tests."""

import itertools
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage, queue_message
from tests.build import make_clinic

_count = itertools.count(1)


def new_message(*, now=None, **values):
    """Return a message that is due; the clinic itself is what it tells of."""
    now = now or timezone.now()
    values.setdefault("clinic", None)
    values["clinic"] = values["clinic"] or make_clinic()
    values.setdefault("subject", values["clinic"])
    values.setdefault("kind", MessageKind.BOOKING_CONFIRMED)
    values.setdefault("channel", Channel.SMS)
    values.setdefault("to", f"+47910{next(_count):03d}99")
    values.setdefault("version", 1)
    values.setdefault("title", "Your appointment")
    values.setdefault("body", "You have an appointment on Tuesday 1 December at 10:20.")
    values.setdefault("due_at", now)
    values.setdefault("not_after", now + timedelta(days=1))
    return NewMessage(**values)


def queue(*, now=None, **values):
    """Queue such a message, in a transaction of its own."""
    now = now or timezone.now()
    with transaction.atomic():
        return queue_message(new_message(now=now, **values), now=now)
