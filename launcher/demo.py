"""`make demo`: the whole product on this machine, and `make demo-reset`, which forgets its data."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from launcher import assets, environment, locks, programs, secret_store
from launcher.broker import EmbeddedBroker
from launcher.places import LOCAL, LOGS, ROOT, VENV, VENV_PYTHON, make_local
from launcher.postgres import EmbeddedPostgres, standby_home, stop_left_over
from launcher.processes import last_lines
from launcher.supervisor import Stopped, Supervisor
from launcher.trouble import Trouble

DEFAULT_PORT = 8000
DEMO_LOCK = LOCAL / "demo.lock"
SECRETS = LOCAL / "secrets.json"
PEOPLE = LOCAL / "people.txt"
POSTGRES_HOME = LOCAL / "postgres"
STATIC_FILES = LOCAL / "static"
BROKER_HOME = LOCAL / "broker"
FIRST_ANSWER_WITHIN_SECONDS = 90
RUNS_ALREADY = (
    "A demo from this folder is running already. Stop it with Ctrl-C in its window, and start again."
)
LONGEST_STATEMENT_MS = 600_000  # of migrations and example data; the web's own limit is far shorter
STARTED = "VENTEROM_STARTED"


@dataclass(frozen=True)
class Place:
    """Where the demo is reached."""

    port: int

    @property
    def bind(self) -> str:
        """Only this machine may connect."""
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """What one types into the browser."""
        return f"http://localhost:{self.port}"


def port_from(value: str | None) -> int:
    """The port to listen on; DEFAULT_PORT when `value` is empty. Raises Trouble when it is no port."""
    if not value:
        return DEFAULT_PORT
    if not (value.isascii() and value.isdecimal()) or not 1 <= int(value) <= 65535:
        raise Trouble(
            f"PORT is {value!r}, but it must be a number from 1 to 65535, as in: PORT=8001 make demo"
        )
    return int(value)


def require_free_port(port: int) -> None:
    """Raise Trouble when we cannot listen on `port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise Trouble(
                f"Port {port} is only for administrators. Choose another: PORT=8001 make demo"
            ) from error
        except OSError as error:
            other = port + 1 if port < 65535 else DEFAULT_PORT
            raise Trouble(
                f"Port {port} is taken by another program. Choose another: PORT={other} make demo"
            ) from error


def free_port() -> int:
    """A port of this machine that nothing listens on right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def check_before_anything_slow() -> None:
    """What can be refused at once: a second demo, a taken port. Raises Trouble."""
    with locks.held(DEMO_LOCK, refusal=RUNS_ALREADY):
        require_free_port(port_from(os.environ.get("PORT")))


def run() -> None:
    """Start everything, print where it is, and keep it running until Ctrl-C. Raises Trouble."""
    place = Place(port_from(os.environ.get("PORT")))
    make_local()
    with locks.held(DEMO_LOCK, refusal=RUNS_ALREADY), Supervisor(LOGS) as supervisor:
        try:
            require_free_port(place.port)
            assets.ensure()
            _say("Python packages and style sheet are there")
            settings = _start_servers(supervisor, place)
            _prepare(settings)
            _start_programs(supervisor, settings, place)
            supervisor.wait_for(
                lambda: _is_healthy(place),
                seconds=FIRST_ANSWER_WITHIN_SECONDS,
                otherwise=f"The portal did not answer within {FIRST_ANSWER_WITHIN_SECONDS} seconds. See {LOGS}.",
            )
            print(banner(place), flush=True)
            supervisor.watch()
        except Stopped:
            print("\nStopping …", flush=True)
    print("The demo is stopped. Its data is kept for the next `make demo`.", flush=True)


def reset() -> None:
    """Delete the demo's data. Raises Trouble when a demo is running."""
    make_local()
    refusal = "The demo is running. Stop it with Ctrl-C in its window first, then reset."
    with locks.held(DEMO_LOCK, refusal=refusal):
        for home in (POSTGRES_HOME, standby_home(POSTGRES_HOME)):
            stop_left_over(home)
        homes = (
            POSTGRES_HOME,
            standby_home(POSTGRES_HOME),
            BROKER_HOME,
            STATIC_FILES,
            LOCAL / "media",
            LOGS,
        )
        for home in homes:
            shutil.rmtree(home, ignore_errors=True)
        for file in (SECRETS, PEOPLE, *LOCAL.glob("beat-schedule*")):
            file.unlink(missing_ok=True)
    left = [str(home) for home in homes if home.exists()]
    if left:
        raise Trouble(f"Not everything could be deleted, because another user owns it: {', '.join(left)}")
    print("The demo's data is deleted. The next `make demo` starts afresh.")


def banner(place: Place) -> str:
    """What a person reads when everything is up."""
    people = PEOPLE.read_text().rstrip() if PEOPLE.exists() else ""
    line = "─" * 72
    return "\n".join(
        part
        for part in (
            "",
            line,
            f"  Venterom is ready: {place.address}",
            line,
            people,
            line,
            f"  Ctrl-C stops it and keeps the data. Logs: {LOGS.relative_to(ROOT)}/",
            "  Other port: PORT=8001 make demo     Start afresh: make demo-reset",
            line,
        )
        if part or part == ""
    )


def _start_servers(supervisor: Supervisor, place: Place) -> dict[str, str]:
    """Start the embedded servers where no other is given; return the environment for our programs."""
    settings = environment.clean_environment()
    external = {name for name in ("DATABASE_URL", "REDIS_URL") if settings.get(name)}
    settings["PATH"] = f"{VENV / 'bin'}{os.pathsep}{settings.get('PATH', os.defpath)}"
    settings["VENTEROM_ENV"] = "demo"
    settings["BASE_URL"] = place.address
    settings["SHARED_NETWORKS"] = "127.0.0.0/8,::1/128"  # who looks around is many people at one address
    settings["DJANGO_SETTINGS_MODULE"] = programs.SETTINGS
    settings["PYTHONUNBUFFERED"] = "1"
    settings["EMAIL_HOST"] = "localhost"
    settings["EMAIL_PORT"] = str(free_port())
    settings["STATIC_ROOT"] = str(STATIC_FILES)
    data_exists = False
    if "DATABASE_URL" not in external:
        postgres = EmbeddedPostgres(POSTGRES_HOME)
        data_exists = (postgres.data / "PG_VERSION").exists()
    settings |= secret_store.load(SECRETS, data_exists=data_exists)
    if "DATABASE_URL" not in external:
        supervisor.look_after("Postgres", postgres)
        postgres.start()
        settings["DATABASE_URL"] = postgres.url()
    if "REDIS_URL" not in external:
        broker = EmbeddedBroker(BROKER_HOME, keep=True)
        supervisor.look_after("The broker", broker)
        broker.start()
        settings["REDIS_URL"] = broker.url()
    _say(
        "Postgres and broker run" if not external else f"Servers run ({' and '.join(sorted(external))} given)"
    )
    return settings


def _prepare(settings: dict[str, str]) -> None:
    """Bring the database up to date and fill it, and meanwhile collect the static files."""
    unhurried = settings | {"STATEMENT_TIMEOUT_MS": str(LONGEST_STATEMENT_MS)}
    commands = {
        "database": ["compile_messages", "migrate --verbosity=0", "make_demo", f"demo_people > {PEOPLE}"],
        "static-files": ["collectstatic --noinput --verbosity=0"],
    }
    with contextlib.ExitStack() as running:
        started = {
            name: running.enter_context(_management(name, lines, unhurried))
            for name, lines in commands.items()
        }
        for name, process in started.items():
            if process.wait() != 0:
                _explain(name)
            _say({"database": "Demo clinics are there", "static-files": "Static files are collected"}[name])


@contextlib.contextmanager
def _management(name: str, lines: list[str], settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Management commands in one process, stopped with us."""
    with (LOGS / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(VENV_PYTHON), "-m", "launcher.prepare", *lines],
            cwd=ROOT,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _explain(name: str) -> None:
    log = LOGS / f"{name}.log"
    said = last_lines(log)
    if "No space left on device" in said:
        raise Trouble("The disk is full. Make room and start again; what was saved is kept.")
    raise Trouble(f"Preparing the {name.replace('-', ' ')} failed. {log} ends with:\n{said}")


def _start_programs(supervisor: Supervisor, settings: dict[str, str], place: Place) -> None:
    inside = str(VENV / "bin")
    for name, command in (
        ("web", programs.web(place.bind)),
        ("worker", programs.worker_with_beat(str(LOCAL / "beat-schedule"))),
        ("mailbox", programs.mailbox()),
    ):
        supervisor.start(name, [f"{inside}/{command[0]}", *command[1:]], settings)


def _is_healthy(place: Place) -> bool:
    try:
        with urllib.request.urlopen(f"http://{place.bind}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _say(text: str) -> None:
    started = float(os.environ.setdefault(STARTED, str(time.time())))
    print(f"{time.time() - started:6.1f} s  {text}", flush=True, file=sys.stdout)
