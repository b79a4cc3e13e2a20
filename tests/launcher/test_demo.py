"""What `make demo` refuses at once, and how it says so."""

import os
import socket
import stat
import subprocess
import sys

import pytest

from launcher import commands, demo, locks, places, secret_store
from launcher.trouble import Trouble


@pytest.fixture
def taken_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_said_with_the_way_out(taken_port):
    with pytest.raises(Trouble, match=rf"Port {taken_port} is taken.*PORT=\d+ make demo"):
        demo.require_free_port(taken_port)


def test_a_free_port_is_accepted(taken_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    demo.require_free_port(free)


@pytest.mark.parametrize("value", ["", None])
def test_without_a_port_it_is_8000(value):
    assert demo.port_from(value) == 8000


@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", "80 80", "٣"])
def test_what_is_no_port_is_refused(value):
    with pytest.raises(Trouble, match="PORT"):
        demo.port_from(value)


def test_a_second_demo_is_refused_while_the_first_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "DEMO_LOCK", tmp_path / "demo.lock")
    with locks.held(tmp_path / "demo.lock", refusal="first"), pytest.raises(Trouble, match="running already"):
        demo.check_before_anything_slow()


def test_the_lock_is_free_again_when_its_holder_was_killed(tmp_path):
    lock = tmp_path / "demo.lock"
    holder = (
        "import os, signal, sys; from pathlib import Path; from launcher import locks\n"
        "with locks.held(Path(sys.argv[1]), refusal='taken'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", holder, lock], cwd=places.ROOT, check=False)
    assert killed.returncode == -9
    with locks.held(lock, refusal="still taken"):
        pass


def test_reset_is_refused_while_a_demo_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "DEMO_LOCK", tmp_path / "demo.lock")
    with (
        locks.held(tmp_path / "demo.lock", refusal="first"),
        pytest.raises(Trouble, match="Stop it with Ctrl-C"),
    ):
        demo.reset()


def test_a_nearly_full_disk_is_said_before_anything_starts(tmp_path):
    with pytest.raises(Trouble, match="nearly full"):
        places.need_room(tmp_path, 10**12)


def test_trouble_ends_a_command_with_a_sentence_and_no_traceback(taken_port, monkeypatch, capsys):
    monkeypatch.setenv("PORT", str(taken_port))
    before = os.getcwd()
    try:
        assert commands.main(["demo"]) == 1
    finally:
        os.chdir(before)
    said = capsys.readouterr().err
    assert "is taken" in said or "running already" in said
    assert "Traceback" not in said


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path):
    store = tmp_path / "secrets.json"
    first = secret_store.load(store, data_exists=False)
    assert secret_store.load(store, data_exists=True) == first
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"SECRET_KEY": "x"}'])
def test_data_without_its_keys_is_not_overwritten(tmp_path, content):
    store = tmp_path / "secrets.json"
    if content is not None:
        store.write_text(content)
    with pytest.raises(Trouble, match="make demo-reset"):
        secret_store.load(store, data_exists=True)


def test_the_banner_says_where_the_demo_is_and_how_it_stops(tmp_path, monkeypatch):
    people = tmp_path / "people.txt"
    people.write_text("Kari Nordmann, patient\n")
    monkeypatch.setattr(demo, "PEOPLE", people)
    said = demo.banner(demo.Place(8123))
    assert "http://localhost:8123" in said
    assert "Kari Nordmann" in said
    assert "Ctrl-C" in said
