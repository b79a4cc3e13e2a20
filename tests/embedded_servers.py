"""Pytest plugin: a Postgres and a broker of this run's own, up before Django reads its settings.

Loaded with `-p tests.embedded_servers`. A run has its own temporary directory, so any number of runs live side by side.
With DATABASE_URL or REDIS_URL set, that server is used instead. Workers of pytest-xdist inherit the addresses.
"""

import atexit
import base64
import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from launcher.broker import EmbeddedBroker
from launcher.postgres import FOR_TESTS, EmbeddedPostgres, standby_home

PREFIX = "venterom-test-"
QUESTIONS = ("--help", "-h", "--version", "-V", "--markers", "--fixtures")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None]:
    """Start the servers. A wrapper runs before pytest-django, which reads the settings in this same hook."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker and not any(question in args for question in QUESTIONS):
        servers = contextlib.ExitStack()
        early_config.add_cleanup(servers.close)
        atexit.register(servers.close)  # closing twice does nothing
        _export_addresses(servers)
    return (yield)


def _export_addresses(servers: contextlib.ExitStack) -> None:
    """Start what is not given, and put everything that the settings read into the environment."""
    os.environ["VENTEROM_ENV"] = "test"
    os.environ["SECRET_KEY"] = secrets.token_urlsafe(48)
    os.environ["FIELD_KEYS"] = "test:" + base64.b64encode(secrets.token_bytes(32)).decode()
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        return
    home = _fresh_home(servers)
    if "DATABASE_URL" not in os.environ:
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]  # PGPORT and the like would turn the driver away from our socket
        postgres = EmbeddedPostgres(home / "postgres", options=FOR_TESTS)
        servers.callback(shutil.rmtree, postgres.sockets, ignore_errors=True)
        servers.callback(shutil.rmtree, postgres.home, ignore_errors=True)
        servers.callback(postgres.stop)
        postgres.start()
        os.environ["DATABASE_URL"] = postgres.url()
    if "REDIS_URL" not in os.environ:
        broker = EmbeddedBroker(home / "broker", keep=False)
        servers.callback(shutil.rmtree, broker.socket.parent, ignore_errors=True)
        servers.callback(broker.stop)
        broker.start()
        os.environ["REDIS_URL"] = broker.url()


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
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(standby_home(home / "postgres"), ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
