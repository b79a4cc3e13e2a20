"""Servers for one run of tests: in a directory of their own, stopped and deleted at the end."""

import base64
import contextlib
import fcntl
import secrets
import shutil
import tempfile
import time
from collections.abc import MutableMapping
from pathlib import Path

from launcher.broker import EmbeddedBroker
from launcher.postgres import FOR_TESTS, EmbeddedPostgres, standby_home

PREFIX = "venterom-test-"
JUST_MADE_SECONDS = 60


def start(servers: contextlib.ExitStack, environ: MutableMapping[str, str]) -> None:
    """Start what `environ` names no address of, and put everything that the settings read into it.

    Closing `servers` stops and deletes it all. With DATABASE_URL or REDIS_URL set, that server is used instead.
    """
    environ["VENTEROM_ENV"] = "test"
    environ["SECRET_KEY"] = secrets.token_urlsafe(48)
    environ["FIELD_KEYS"] = new_field_keys()
    environ.setdefault("STATEMENT_TIMEOUT_MS", "60000")  # a machine that does much else fails no test
    if environ.get("DATABASE_URL") and environ.get("REDIS_URL"):
        return
    home = _fresh_home(servers)
    if not environ.get("DATABASE_URL"):
        for name in [name for name in environ if name.startswith("PG") and name.isupper()]:
            del environ[name]  # PGPORT and the like would turn the driver away from our socket
        postgres = EmbeddedPostgres(home / "postgres", options=FOR_TESTS)
        servers.callback(shutil.rmtree, postgres.sockets, ignore_errors=True)
        servers.callback(shutil.rmtree, postgres.home, ignore_errors=True)
        servers.callback(postgres.stop)
        postgres.start()
        environ["DATABASE_URL"] = postgres.url()
    if not environ.get("REDIS_URL"):
        broker = EmbeddedBroker(home / "broker", keep=False)
        servers.callback(shutil.rmtree, broker.socket.parent, ignore_errors=True)
        servers.callback(broker.stop)
        broker.start()
        environ["REDIS_URL"] = broker.url()


def new_field_keys() -> str:
    """One random key for encrypted columns, in the form of FIELD_KEYS."""
    return "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()


def _fresh_home(servers: contextlib.ExitStack) -> Path:
    """An empty directory, deleted at the end. Its lock tells later runs that it is in use."""
    _delete_what_killed_runs_left()
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    home.chmod(0o711)  # as root the database is another user, who must pass through here
    servers.callback(shutil.rmtree, home, ignore_errors=True)
    lock = servers.enter_context((home / "in-use").open("w"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    return home


def _delete_what_killed_runs_left() -> None:
    """Remove directories of runs that could not clean up; the kernel has let go of their locks."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (home / "in-use").open("r") as lock:
            if time.time() - home.stat().st_mtime < JUST_MADE_SECONDS:
                continue  # another run may be about to lock it
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(standby_home(home / "postgres"), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
