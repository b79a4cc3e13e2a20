"""Where sessions live: in Postgres, read and written by statements that are put together once."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from identity.session import notes as session_notes
from portal.ready import Given, Ready

LIVE = Ready(lambda: Session.objects.filter(session_key=Given("key"), expire_date__gt=Given("now")))
_KEEP = "UPDATE django_session SET session_data = %s, expire_date = %s WHERE session_key = %s"


class SessionStore(db.SessionStore):
    """Django's own, but for the query that every page begins with, and for noting that a session is used."""

    _held: str | None = None
    """What stands in the database, as it was read."""
    _is_noted = False

    @classmethod
    def as_read(cls, key: str, held: str) -> "SessionStore":
        """Return the session with this key, whose row was read already: what it holds, as it stands there."""
        store = cls(key)
        store._held = held
        store._session_cache = store.decode(held)  # type: ignore[attr-defined]
        return store

    def _get_session_from_db(self) -> Session | None:
        found = LIVE.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        else:
            self._held = found.session_data
        return found

    def note(self, name: str, value: Any) -> None:
        """Hold a value that is worth writing, but not worth waiting for; see write_notes."""
        self._get_session()[name] = value  # type: ignore[attr-defined]
        self._is_noted = True

    def write_notes(self) -> None:
        """Have written what was noted, unless all of the session is going to be saved."""
        if self._is_noted and not self.modified and self._held is not None:
            session_notes.add(self, self._held)

    def save(self, must_create: bool = False) -> None:
        """Store what the session holds. One statement where it is stored already.

        Raises UpdateError when it was ended meanwhile: that must not bring it back.
        """
        if must_create or self.session_key is None:
            super().save(must_create=must_create)
            return
        row: Any = self.create_model_instance(self._get_session())  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [row.session_data, row.expire_date, row.session_key])
            if not cursor.rowcount:
                raise UpdateError
