"""Keeps several programs running together: one dies, all stop; we stop, all stop."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, Self

from launcher.places import ROOT
from launcher.processes import last_lines, own_session
from launcher.trouble import Trouble

PATIENCE_SECONDS = 8
LOOK_EVERY_SECONDS = 0.25


class Server(Protocol):
    """An embedded server, as the supervisor sees it."""

    log: Path

    def stop(self) -> None:
        """Stop it."""

    def failure(self) -> str | None:
        """Return what its log says when it has died, None while it runs."""


@dataclass(frozen=True)
class Child:
    """One program of ours."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Stopped(BaseException):
    """Somebody asked us to stop. Not an Exception, so that no handler on the way swallows it."""


class Supervisor:
    """Starts programs and servers, watches them, and stops them in reverse order when its block ends."""

    def __init__(self, logs: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._logs = logs
        self._patience_seconds = patience_seconds
        self._children: list[Child] = []
        self._servers: list[tuple[str, Server]] = []
        self._handlers: dict[
            int, signal.Handlers | Callable[[int, FrameType | None], object] | int | None
        ] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, _raise_stopped)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them running
        try:
            self._stop_all()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a program. What it says goes to `<name>.log`. Call from the main thread only."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                preexec_fn=own_session(on_parent_death=signal.SIGTERM),
            )
        self._children.append(Child(name, process, log))

    def look_after(self, name: str, server: Server) -> None:
        """Watch and stop a server that was started elsewhere. Servers stop after the programs that use them."""
        self._servers.append((name, server))

    def check(self) -> None:
        """Raise Trouble, with the end of its log, when something has died."""
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                said = last_lines(child.log) or "(nothing)"
                raise Trouble(f"{child.name} {_how_it_ended(code)}. Its log {child.log} ends with:\n{said}")
        for name, server in self._servers:
            said_last = server.failure()
            if said_last is not None:
                raise Trouble(f"{name} ended. Its log {server.log} ends with:\n{said_last}")

    def wait_for(self, question: Callable[[], bool], *, seconds: float, otherwise: str) -> None:
        """Ask until the answer is yes. Raises Trouble when something dies meanwhile, or the time is up."""
        ends = time.monotonic() + seconds
        while not question():
            self.check()
            if time.monotonic() > ends:
                raise Trouble(otherwise)
            time.sleep(0.1)

    def watch(self) -> None:
        """Wait until we are asked to stop (raises Stopped) or something dies (raises Trouble)."""
        while True:
            self.check()
            time.sleep(LOOK_EVERY_SECONDS)

    def _stop_all(self) -> None:
        ends = time.monotonic() + self._patience_seconds
        for child in reversed(self._children):
            _signal(child, signal.SIGTERM)
        for child in self._children:
            try:
                child.process.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)
                child.process.wait()
            _signal(child, signal.SIGKILL, whole_session=True)  # what it may have left behind
        self._children.clear()
        while self._servers:
            self._servers.pop()[1].stop()


def _how_it_ended(code: int) -> str:
    return f"was killed (signal {-code})" if code < 0 else f"ended (exit code {code})"


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _signal(child: Child, number: signal.Signals, *, whole_session: bool = False) -> None:
    try:
        if whole_session:
            os.killpg(child.process.pid, number)
        elif child.process.poll() is None:
            os.kill(child.process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass
