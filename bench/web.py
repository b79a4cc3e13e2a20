"""A web server of one measurement: gunicorn as in production, on a free port of the loopback."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import load
from launcher.programs import GUNICORN_OPTIONS, WSGI

BASE = "bench.base:application"
PRODUCT = f"{WSGI}:application"
READY_WITHIN_SECONDS = 60
BROKEN_FROM = 500
STOPPED_WITHIN_SECONDS = 15


_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Places in /proc/PID/stat after the name: parent, processor time in user and system mode (proc(5))."""


class NotReady(RuntimeError):
    """The server did not answer in time."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server."""

    port: int
    pid: int
    """Of gunicorn itself; its workers are its children."""


@dataclass(slots=True)
class Spent:
    """Processor time of a server, all workers and threads together."""

    milliseconds: float = 0


@contextlib.contextmanager
def processor_time(server: Server) -> Iterator[Spent]:
    """Measure what the server's workers spend while the block runs."""
    spent = Spent()
    before = _processor_milliseconds(server)
    yield spent
    spent.milliseconds = _processor_milliseconds(server) - before


def _processor_milliseconds(server: Server) -> float:
    """Return what the workers have spent since they began; 0 where the system does not tell (other than Linux)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # a process that has ended meanwhile
            words = stat.read_text().rpartition(")")[2].split()
            if int(words[_PARENT]) == server.pid:
                ticks += int(words[_USER]) + int(words[_SYSTEM])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(application: str, *, log: Path, environ: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Serve the application while the block runs. What it says goes to `log`."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", application, f"--bind={load.HOST}:{port}", *GUNICORN_OPTIONS]
    with log.open("ab") as says:
        server = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, **(environ or {})},
            stdout=says,
            stderr=says,
            start_new_session=True,
        )
    try:
        _wait(port, server, log)
        yield Server(port, server.pid)
    finally:
        _stop(server)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((load.HOST, 0))
        return int(probe.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        if 0 < load.send_all(port, [load.get("/")], clients=1)[0].status < BROKEN_FROM:
            return
        time.sleep(0.1)
    raise NotReady(log.read_text(errors="replace")[-2000:])


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOPPED_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
