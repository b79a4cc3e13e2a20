"""Where sessions live: in Postgres, read and written by statements that are put together once."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from portal.ready import Given, Ready

LIVE = Ready(lambda: Session.objects.filter(session_key=Given("key"), expire_date__gt=Given("now")))
_KEEP = "UPDATE django_session SET session_data = %s, expire_date = %s WHERE session_key = %s"


class SessionStore(db.SessionStore):
    """Django's own, but for the query that every page begins with, and for noting that a session is used."""

    def _get_session_from_db(self) -> Session | None:
        found = LIVE.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found

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
