"""The whole product on a database of its own: web server, worker, clock and mailbox as real processes."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from launcher import programs
from launcher.demo import free_port
from launcher.places import ROOT
from launcher.supervisor import Supervisor
from tests.broker import apart


@dataclass(frozen=True)
class Product:
    """A running product."""

    address: str
    environment: dict[str, str]
    folder: Path

    def manage(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command as an operator would."""
        return self.python("manage.py", *command, check=check)

    def python(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python in the product's environment."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def fill(self, script: str, **values: object) -> dict[str, str]:
        """Run one of the scripts that fill a clinic in through operations; return what it prints."""
        said = self.python("-m", f"tests.journeys.{script}", json.dumps(values)).stdout
        printed: dict[str, str] = json.loads(said.splitlines()[-1])
        return printed


@contextlib.contextmanager
def running(folder: Path, runner: str) -> Iterator[Product]:
    """Start everything for a test runner on a new database of this run's Postgres, and one of its broker; stop and drop
    it at the end.
    """
    database = f"journeys_{runner}"
    here = os.environ["DATABASE_URL"]
    base, _, query = here.partition("?")
    mine = base.rsplit("/", 1)[0] + f"/{database}" + (f"?{query}" if query else "")
    with psycopg.connect(here, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    port, mail_port = free_port(), free_port()
    environment = os.environ | {
        "VENTEROM_ENV": "demo",
        "DATABASE_URL": mine,
        "REDIS_URL": apart(os.environ["REDIS_URL"], runner),
        "BASE_URL": f"http://localhost:{port}",
        "SHARED_NETWORKS": "127.0.0.0/8,::1/128",  # everybody of all journeys sits at this machine
        "EMAIL_PORT": str(mail_port),
        "STATIC_ROOT": str(folder / "static"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    (folder / "log").mkdir()
    product = Product(f"http://localhost:{port}", environment, folder)
    product.manage("compile_messages")
    product.manage("migrate", "--verbosity=0")
    product.manage("collectstatic", "--noinput", "--verbosity=0")
    try:
        with Supervisor(folder / "log") as supervisor:
            supervisor.start("web", programs.web(f"127.0.0.1:{port}"), environment)
            supervisor.start("worker", programs.worker_with_beat(str(folder / "beat")), environment)
            supervisor.start("mailbox", programs.mailbox(), environment)
            supervisor.wait_for(
                lambda: answers(product.address), seconds=60, otherwise="the web server never answered"
            )
            yield product
    finally:
        with psycopg.connect(here, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def answers(address: str) -> bool:
    """Whether the web server is up."""
    with contextlib.suppress(OSError):
        return bool(urllib.request.urlopen(f"{address}/healthz", timeout=5).status == 200)
    time.sleep(0.1)
    return False
