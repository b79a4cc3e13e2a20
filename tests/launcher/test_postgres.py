"""Life and death of the embedded Postgres."""

import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest

from launcher.places import LONGEST_SOCKET_DIRECTORY, socket_directory
from launcher.postgres import (
    DATABASE,
    FOR_TESTS,
    EmbeddedPostgres,
    major_version,
    standby_home,
    stop_left_over,
)
from launcher.trouble import Trouble


@pytest.fixture
def place():
    """A directory that other users may pass, as a checkout usually is. (`tmp_path` is closed to them.)"""
    with tempfile.TemporaryDirectory(prefix="venterom-launcher-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def make_server(place):
    made = []

    def make(home=None):
        server = EmbeddedPostgres(home or place / "pg", options=FOR_TESTS)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
        shutil.rmtree(server.sockets, ignore_errors=True)
        shutil.rmtree(server.home, ignore_errors=True)


def test_data_survives_stop_start_and_a_killed_server(make_server):
    server = make_server()
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('Ærlig Østen Ås')")
    server.stop()
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CHECKPOINT")
    os.kill(server.running_pid(), signal.SIGKILL)
    server._process.wait()
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("Ærlig Østen Ås",)]
        assert connection.execute("SELECT 'ÆØÅ' ILIKE 'æøå'").fetchone() == (True,)


def test_a_running_server_is_taken_over_and_can_be_stopped_by_another(make_server):
    first = make_server()
    first.start()
    second = make_server(first.home)
    second.start()
    assert second.running_pid() == first._process.pid
    assert second._process is None
    with psycopg.connect(second.url()) as connection:
        connection.execute("SELECT 1")
    first.stop()
    assert second.running_pid() is None


def test_it_has_the_extensions_that_the_product_needs(make_server):
    server = make_server()
    server.start()
    with psycopg.connect(server.url()) as connection:
        for extension in ("btree_gist", "pg_trgm"):
            connection.execute(f"CREATE EXTENSION {extension}")


def test_only_its_owner_reaches_it_and_never_over_the_network(make_server):
    server = make_server()
    server.start()
    assert server.sockets.stat().st_mode & 0o077 == 0
    assert server.data.stat().st_mode & 0o077 == 0
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SELECT current_database()").fetchone() == (DATABASE,)


def test_half_made_data_is_made_anew(make_server):
    server = make_server()
    server.data.mkdir()
    (server.data / "base").write_text("half")
    server.start()
    assert (server.data / "PG_VERSION").exists()


def test_a_lock_file_of_a_program_that_is_not_postgres_does_not_stop_it(make_server):
    server = make_server()
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    assert server.running_pid() is None
    server.start()
    assert server.running_pid() not in (None, os.getpid())


def test_data_of_another_major_version_is_said_and_left_alone(make_server):
    server = make_server()
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Trouble, match="made by Postgres 9"):
        server.start()
    assert (server.data / "PG_VERSION").read_text() == "9\n"


def test_a_server_that_cannot_start_says_what_its_log_says(place):
    server = EmbeddedPostgres(place / "pg", options=("max_connections=nonsense",))
    with pytest.raises(Trouble, match="max_connections"):
        server.start()


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one(make_server, place):
    home = place / ("long-" * 20) / "with space, and comma"
    server = make_server(home)
    server.start()
    assert len(str(server.sockets)) <= LONGEST_SOCKET_DIRECTORY
    assert server.home == home
    with psycopg.connect(server.url()) as connection:
        connection.execute("SELECT 1")


def test_strange_postgres_variables_do_not_turn_it_around(make_server, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "xx_YY.broken")
    server = make_server()
    server.start()
    assert (server.sockets / ".s.PGSQL.5432").exists()


def test_a_directory_of_somebody_else_is_refused(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory of somebody else")
    strange = tmp_path / "strange"
    strange.mkdir()
    os.chown(strange, 12345, 12345)
    with pytest.raises(Trouble, match="belongs to somebody else"):
        socket_directory(strange)


def test_roots_server_moves_out_of_a_closed_directory_and_opens_nothing(make_server, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as somebody else")
    tmp_path.chmod(0o700)
    server = make_server(tmp_path / "pg")
    server.start()
    assert server.home == standby_home(tmp_path / "pg")
    assert server.data.stat().st_uid != 0
    assert tmp_path.stat().st_mode & 0o077 == 0


def test_a_server_left_over_is_stopped_without_its_binaries(make_server):
    server = make_server()
    server.start()
    server._process.poll()
    reaper = threading.Thread(target=server._process.wait)
    reaper.start()
    stop_left_over(server.home)
    reaper.join(10)
    assert server.running_pid() is None
    stop_left_over(server.home)


def test_its_major_version_is_known(make_server):
    server = make_server()
    assert server.major == major_version(server.binaries) >= 15
