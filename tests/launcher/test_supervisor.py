"""One dies, all stop; we stop, all stop; we are killed, all stop."""

import os
import signal
import subprocess
import sys
import time

import pytest

from launcher.places import ROOT
from launcher.supervisor import Stopped, Supervisor
from launcher.trouble import Trouble

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
FAILING = [sys.executable, "-c", "import sys; sys.exit('the reason')"]


class FakeServer:
    """A server as the supervisor sees it; remembers in which order it was stopped."""

    def __init__(self, name, log, stopped):
        self.name, self.log, self._stopped = name, log, stopped
        self.died = None

    def stop(self):
        self._stopped.append(self.name)

    def failure(self):
        return self.died


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(question, seconds=10):
    ends = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.02)


def test_leaving_the_block_stops_every_program(tmp_path):
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("one", SLEEPER, os.environ)
        supervisor.start("two", SLEEPER, os.environ)
        pids = [child.process.pid for child in supervisor._children]
        assert all(runs(pid) for pid in pids)
    assert not any(runs(pid) for pid in pids)


def test_a_program_that_does_not_listen_is_killed_in_time(tmp_path):
    started = time.monotonic()
    with Supervisor(tmp_path, patience_seconds=0.3) as supervisor:
        supervisor.start("stubborn", STUBBORN, os.environ)
        wait_for(lambda: "up" in (tmp_path / "stubborn.log").read_text())
        pid = supervisor._children[0].process.pid
    assert not runs(pid)
    assert time.monotonic() - started < 8


def test_a_program_that_dies_is_named_with_the_end_of_its_log(tmp_path):
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("healthy", SLEEPER, os.environ)
        supervisor.start("failing", FAILING, os.environ)
        healthy = supervisor._children[0].process.pid
        with pytest.raises(Trouble, match=r"(?s)failing ended \(exit code 1\).*the reason"):
            supervisor.watch()
    assert not runs(healthy)


def test_a_server_that_dies_is_named(tmp_path):
    server = FakeServer("Postgres", tmp_path / "log", [])
    with Supervisor(tmp_path) as supervisor:
        supervisor.look_after("Postgres", server)
        supervisor.check()
        server.died = "out of memory"
        with pytest.raises(Trouble, match=r"(?s)Postgres ended.*out of memory"):
            supervisor.check()


def test_servers_stop_last_and_in_reverse_order(tmp_path):
    stopped = []
    with Supervisor(tmp_path) as supervisor:
        supervisor.look_after("Postgres", FakeServer("Postgres", tmp_path / "log", stopped))
        supervisor.look_after("broker", FakeServer("broker", tmp_path / "log", stopped))
        supervisor.start("one", SLEEPER, os.environ)
    assert stopped == ["broker", "Postgres"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_stops_everything(tmp_path, number):
    with Supervisor(tmp_path) as supervisor:
        supervisor.start("one", SLEEPER, os.environ)
        pid = supervisor._children[0].process.pid
        with pytest.raises(Stopped):
            os.kill(os.getpid(), number)
            supervisor.watch()
    assert not runs(pid)


def test_waiting_ends_with_a_sentence(tmp_path):
    with Supervisor(tmp_path) as supervisor, pytest.raises(Trouble, match="too long"):
        supervisor.wait_for(lambda: False, seconds=0.1, otherwise="too long")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_nothing_outlives_a_killed_launcher(tmp_path):
    launcher = (
        "import os, sys, time; from pathlib import Path; from launcher.supervisor import Supervisor\n"
        "with Supervisor(Path(sys.argv[1])) as s:\n"
        "    s.start('one', [sys.executable, '-c', 'import time; time.sleep(60)'], os.environ)\n"
        "    print(s._children[0].process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", launcher, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        pid = int(process.stdout.readline())
        assert runs(pid)
        process.kill()
    wait_for(lambda: not runs(pid) or is_zombie(pid))


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
