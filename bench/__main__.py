"""The bench's command line. It makes a scratch database on the server of DATABASE_URL, and drops it at the end."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from django.core.management import call_command

from bench import load, web

if TYPE_CHECKING:
    from bench.measures import Figure

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / ".local" / "bench.json"
SCRATCH = f"venterom_bench_{os.getpid()}"
FEW = 100_000


def main() -> int:
    """Measure everything. Returns 0, also when a target is missed; 1 when the product did what it must never do."""
    options = _options()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="venterom-bench-")))
        stack.enter_context(_scratch_database())
        stack.enter_context(_sms_provider())
        static = folder / "static"
        static.mkdir()
        os.environ.update(DJANGO_SETTINGS_MODULE="portal.settings", STATIC_ROOT=str(static))
        os.environ["STATEMENT_TIMEOUT_MS"] = "3600000"  # filling millions of rows is one statement
        os.environ["LOG_LEVEL"] = "WARNING"
        django.setup()
        try:
            return _measure(options, folder)
        finally:
            django.db.connections.close_all()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="slots in the database (the target: 5000000)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of base and product (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn (default 2)")
    options = parser.parse_args()
    options.rows = min(max(options.rows, FEW), 10_000_000)
    options.rounds = min(max(options.rounds, 1), 20)
    options.seconds = min(max(options.seconds, 0.2), 10)
    return options


def _measure(options: argparse.Namespace, folder: Path) -> int:
    from bench import measures, people, staff  # noqa: PLC0415 - they need Django's apps

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    practice = people.make_practice(providers=10, patients=2000)
    figures = []

    def say(*found: measures.Figure) -> None:
        for figure in found:
            figures.append(figure)
            print(figure, flush=True)  # noqa: T201

    try:
        say(measures.search(practice, few=FEW, many=options.rows))
        say(measures.query_counts(practice))
        say(staff.inbox(practice))
        say(staff.matrix())
        with (
            web.served(web.BASE, log=folder / "base.log", environ={"DJANGO_SETTINGS_MODULE": ""}) as base,
            web.served(web.PRODUCT, log=folder / "product.log") as product,
        ):
            servers = measures.Servers(base, product, options.rounds, options.seconds)
            say(*measures.pages(servers, practice))
            say(*measures.bookings(servers, practice))
            say(*measures.rushes(servers, practice))
        say(measures.sending(practice, rounds=options.rounds))
    except measures.Broken as broken:
        print(f"BROKEN: {broken}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    _write(options, figures)
    return 0


def _write(options: argparse.Namespace, figures: "list[Figure]") -> None:
    FIGURES.parent.mkdir(exist_ok=True)
    words = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rows": options.rows,
        "rounds": options.rounds,
        "processors": os.cpu_count(),
        "figures": {
            one.name: {"ratio": one.ratio, "target": one.target, "met": one.is_met, **one.measured}
            for one in figures
        },
    }
    FIGURES.write_text(json.dumps(words, indent=1) + "\n")


@contextlib.contextmanager
def _scratch_database() -> Iterator[None]:
    """Make a database of our own, name it in DATABASE_URL, and drop it at the end."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as line:
        line.execute(f'CREATE DATABASE "{SCRATCH}"')
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{SCRATCH}"))
    try:
        yield
    finally:
        with psycopg.connect(server, autocommit=True) as line:
            line.execute(f'DROP DATABASE IF EXISTS "{SCRATCH}" WITH (FORCE)')


@contextlib.contextmanager
def _sms_provider() -> Iterator[None]:
    port = web.free_port()
    provider = subprocess.Popen([sys.executable, "-m", "bench.sms_provider", str(port)], cwd=ROOT)  # noqa: S603
    os.environ["TWILIO_BASE_URL"] = f"http://{load.HOST}:{port}"
    try:
        yield
    finally:
        provider.terminate()
        provider.wait(10)


if __name__ == "__main__":
    sys.exit(main())
