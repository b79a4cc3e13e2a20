"""Notes that sessions are used: some seconds after the answer, many by one statement.

Where a crowd comes at once, everyone's session is to be noted as used. One by one that would cost as much as what they
came for; together, and when the crowd has its answers, hardly anything. A process that dies loses the last notes: use is
noted once a minute anyway, so a session may then end that much early.
"""

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db import Error, connection

log = logging.getLogger("venterom.sessions")

SECONDS_TOGETHER = 5.0
"""So long notes are gathered: a crowd has come and gone by then."""


class Pace:
    """When notes are written."""

    at_once = False
    """Tests don't wait for the writer, and it would not see what stands in their transactions."""
    writer: threading.Timer | None = None
    """Writes what is gathered now."""


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
        is_first = not _waiting
        _waiting[note.key] = note
        if is_first:  # one writer for all; a session that is noted twice is still one
            Pace.writer = threading.Timer(SECONDS_TOGETHER, _write_gathered)
            Pace.writer.daemon = True  # nobody waits for it, not even who stops the server
            Pace.writer.start()


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


def _write_gathered() -> None:
    with _lock:
        notes = list(_waiting.values())
        _waiting.clear()
    try:
        write(notes)
    except Error as error:
        log.warning("the use of sessions was not noted", extra={"error": type(error).__name__})
    finally:
        connection.close()


_waiting: dict[str, Note] = {}
_lock = threading.Lock()


os.register_at_fork(
    after_in_child=_waiting.clear
)  # the writer doesn't come along into a process that was split off
