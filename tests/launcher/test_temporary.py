"""Servers of one test run: their own, and gone afterwards."""

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from launcher import temporary


@pytest.fixture
def temporary_directory(monkeypatch):
    """An empty place for temporary files that the database's user may pass."""
    with tempfile.TemporaryDirectory(prefix="vt-") as made:
        Path(made).chmod(0o711)
        monkeypatch.setattr(tempfile, "tempdir", made)
        yield Path(made)


def test_two_runs_have_servers_of_their_own_and_leave_nothing(temporary_directory):
    one, two = {}, {}
    with contextlib.ExitStack() as servers:
        temporary.start(servers, one)
        temporary.start(servers, two)
        assert one["DATABASE_URL"] != two["DATABASE_URL"]
        assert one["REDIS_URL"] != two["REDIS_URL"]
        for environ in (one, two):
            assert environ["VENTEROM_ENV"] == "test"
            with psycopg.connect(environ["DATABASE_URL"]) as connection:
                assert connection.execute("SHOW fsync").fetchone() == ("off",)
    assert list(temporary_directory.iterdir()) == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(one["DATABASE_URL"])


def test_given_servers_are_used_and_nothing_is_started(temporary_directory):
    environ = {"DATABASE_URL": "postgresql://db.example/x", "REDIS_URL": "redis://redis.example/0"}
    with contextlib.ExitStack() as servers:
        temporary.start(servers, environ)
        assert list(temporary_directory.iterdir()) == []
    assert environ["DATABASE_URL"] == "postgresql://db.example/x"
    assert environ["SECRET_KEY"]


def test_what_a_killed_run_left_is_deleted_and_a_living_run_is_left_alone(temporary_directory):
    long_ago = time.time() - 3600
    homes = {
        name: temporary_directory / f"{temporary.PREFIX}{name}" for name in ("killed", "living", "young")
    }
    for home in homes.values():
        home.mkdir()
        (home / "in-use").touch()
    for name in ("killed", "living"):
        os.utime(homes[name], (long_ago, long_ago))
    with (homes["living"] / "in-use").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        temporary._delete_what_killed_runs_left()
    assert {name for name, home in homes.items() if home.exists()} == {"living", "young"}
