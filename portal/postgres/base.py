"""The connection, as settings.DATABASES names it."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Notices that Postgres hung up without asking it each time.

    A kept connection is looked at before the first query of every request (CONN_HEALTH_CHECKS). Django sends SELECT 1, a
    tenth of what a page asks of Postgres. When Postgres stops, or ends a connection, it says so: then there is something
    to read on a connection that should be silent, and only then is it worth asking.
    """

    def close_if_health_check_failed(self) -> None:
        """Ask Postgres whether the connection still stands only where something is to be read."""
        if self.connection is not None and _is_silent(self.connection.fileno()):
            self.health_check_done = True
        super().close_if_health_check_failed()


def _is_silent(descriptor: int) -> bool:
    looks = select.poll()
    looks.register(descriptor, select.POLLIN)
    return not looks.poll(0)
