"""The connection, as settings.DATABASES names it."""

import select
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import _queries

MOST_VALUES = 65_535
"""So many values can go beside a statement (Postgres' protocol counts them with two bytes)."""
_LIKE = " LIKE "

# psycopg looks for the places of values in a statement once and remembers them; but not where there are many. A booking
# and its messages have 130, and looking for them takes as long as storing them.
_queries.MAX_CACHED_STATEMENT_PARAMS, _queries.MAX_CACHED_STATEMENT_LENGTH = 200, 8192


class Cursor(base.ServerBindingCursor):
    """Sends values beside the statement, so that Postgres reads and plans it once; very many go within it, as text.

    What looks for a part of a text is planned anew for each text: a plan for any would go through all rows in their order
    in the hope of soon meeting enough, also for a name that hardly anybody has.
    """

    prepares_at_once = False
    """Whether to prepare at the first time and not at the sixth; see often."""

    def execute(
        self, query: Any, params: Sequence[Any] | Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Execute the statement."""
        if params is not None and len(params) > MOST_VALUES:
            text = psycopg.ClientCursor(self.connection).mogrify(query, params)  # type: ignore[attr-defined]
            return super().execute(text, None, prepare=False)  # type: ignore[misc]
        if isinstance(query, str) and _LIKE in query:
            options.setdefault("prepare", False)
        if self.prepares_at_once:
            options.setdefault("prepare", True)
        return super().execute(query, params, **options)  # type: ignore[misc]


def often(cursor: Any) -> Any:
    """Return Django's cursor, with which what is asked is prepared at once: for what is known to be asked often."""
    cursor.cursor.prepares_at_once = True
    return cursor


class DatabaseWrapper(base.DatabaseWrapper):
    """Uses our cursor, and notices that Postgres hung up without asking it each time.

    A kept connection is looked at before the first query of every request (CONN_HEALTH_CHECKS). Django sends SELECT 1, a
    tenth of what a page asks of Postgres. When Postgres stops, or ends a connection, it says so: then there is something
    to read on a connection that should be silent, and only then is it worth asking.
    """

    def get_connection_params(self) -> dict[str, Any]:
        """Return what a connection is opened with."""
        return {**super().get_connection_params(), "cursor_factory": Cursor}

    def close_if_health_check_failed(self) -> None:
        """Ask Postgres whether the connection still stands only where something is to be read."""
        if self.health_check_done:  # type: ignore[has-type]
            return
        if self.connection is not None and _is_silent(self.connection.fileno()):
            self.health_check_done = True
        super().close_if_health_check_failed()


def _is_silent(descriptor: int) -> bool:
    looks = select.poll()
    looks.register(descriptor, select.POLLIN)
    return not looks.poll(0)
