"""Notes that sessions are used: a moment after the answer, many by one statement.

Where a crowd comes at once, everyone's session is to be noted as used. One by one that would cost as much as what they
came for. Whoever is told of the end of a session a second early because a process died has lost nothing.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db import Error, connection

log = logging.getLogger("venterom.sessions")

SECONDS_TOGETHER = 0.5
"""So long notes are gathered."""


class Pace:
    """Tests don't wait for the writer, and it would not see what stands in their transactions."""

    at_once = False


@dataclass(frozen=True, slots=True)
class Note:
    """What a session is to hold instead of what it held when it was read."""

    key: str
    held: str
    """As it stands in the database. A session that was changed or ended meanwhile is left alone."""
    data: Mapping[str, Any]
    expires_at: datetime
    encode: Any


def add(session: SessionBase, held: str) -> None:
    """Have what the session holds now written soon; nobody waits for it."""
    if session.session_key is None:
        return
    note = Note(session.session_key, held, dict(session.items()), session.get_expiry_date(), session.encode)
    if Pace.at_once:
        write([note])
        return
    with _lock:
        _waiting[note.key] = note
        is_first = len(_waiting) == 1
    if is_first:
        _writer().submit(_gather)


_NOTE = """
WITH note AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS note (key, held, data, expires_at)
), same AS (
    SELECT session_key, note.data, note.expires_at FROM django_session session JOIN note ON note.key = session_key
    WHERE session.session_data = note.held
    FOR UPDATE OF session SKIP LOCKED
)
UPDATE django_session session SET session_data = same.data, expire_date = same.expires_at
FROM same WHERE same.session_key = session.session_key
"""
"""Waits for nobody: who holds a session just now writes it."""


def write(notes: Sequence[Note]) -> None:
    """Write the notes. One statement."""
    rows = [(note.key, note.held, note.encode(note.data), note.expires_at) for note in notes]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [list(column) for column in zip(*rows, strict=True)])


def _gather() -> None:
    time.sleep(SECONDS_TOGETHER)
    with _lock:
        notes = list(_waiting.values())
        _waiting.clear()
    try:
        connection.close_if_unusable_or_obsolete()
        write(notes)
    except Error as error:
        connection.close()
        log.warning("the use of sessions was not noted", extra={"error": type(error).__name__})


_waiting: dict[str, Note] = {}
_lock = threading.Lock()


@cache
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="session-notes")


def _start_anew() -> None:
    """Forget the thread, which doesn't come along into a process that was split off."""
    _writer.cache_clear()
    _waiting.clear()


os.register_at_fork(after_in_child=_start_anew)
