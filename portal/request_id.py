"""The id that ties the log lines and audit events of one request together."""

import uuid
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def start() -> str:
    """Begin a new id for this thread of work and return it. Ids from outside are never taken over."""
    value = uuid.uuid4().hex[:16]
    _current.set(value)
    return value


def current() -> str:
    """Return the id of the work in hand, or an empty string outside any."""
    return _current.get()
