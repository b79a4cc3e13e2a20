"""The command line: `python3 -m launcher COMMAND`, which the Makefile's targets call."""

import argparse
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

from launcher import assets, checking, demo, environment, identity_providers
from launcher.places import LOCAL, ROOT, VENV_PYTHON, make_local, need_room
from launcher.trouble import Trouble

STARTED_AT = time.time()
INTERRUPTED = 130
SUCCESS = 0


def parser() -> argparse.ArgumentParser:
    """Every command with its help. The Makefile has a target for each (a test says so)."""
    main_parser = argparse.ArgumentParser(
        prog="python3 -m launcher",
        description="Runs, tests and builds Venterom. Needs nothing but Python 3.11.",
    )
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in HELP.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in {"test", "check", "e2e"}:
            command.add_argument(
                "--only-tests", action="store_true", help="leave out the checks around the tests"
            )
        if name in {"test", "check", "e2e", "faults", "verify-idp", "bench", "messages", "lock"}:
            command.epilog = "Further arguments are passed on."
    return main_parser


HELP = {
    "demo": "start the whole portal with example clinics on this machine",
    "demo-reset": "delete the demo's data, so that the next start is fresh",
    "setup": "make the Python environment and the front-end files, and nothing else",
    "test": "from nothing: environment, front-end files, every check and test",
    "check": "every check and test (what test and CI run)",
    "fix": "repair style and format",
    "messages": "collect the texts to translate",
    "assets": "build style sheet, fonts and scripts into static/vendor",
    "e2e": "the browser tests, the long ones among them",
    "faults": "the long form of the kill and load tests: half an hour of kill -9, random stories of calendars, and crowds",
    "verify-idp": "sign in at identity providers that others wrote (npm, and Debian's simplesamlphp where installed)",
    "lock": "write the hash locks anew from requirements/*.in (ARGS=--upgrade takes newer versions)",
    "bench": "measure speed against the targets",
}
SET_OF_COMMAND = {"demo": "demo", "demo-reset": None, "assets": None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 failed (said in a sentence), 2 wrong use, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # ends like Ctrl-C: whatever we started is stopped
    try:
        environment.require_supported_system()
        known, passed_on = parser().parse_known_args(given)
        if passed_on[:1] == ["--"]:
            passed_on = passed_on[1:]
        os.chdir(ROOT)
        make_local()
        _prepare(known.command, given)
        return _run(known, passed_on)
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr, flush=True)
        return trouble.exit_code
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr, flush=True)
        return INTERRUPTED
    except OSError as error:
        print(f"\n{_explain(error)}", file=sys.stderr, flush=True)
        return 1


def _prepare(command: str, given: list[str]) -> None:
    """Make what the command needs, and go on in the project's environment."""
    needed = SET_OF_COMMAND.get(command, "check")
    if needed is None:
        return
    if command == "demo":
        demo.check_before_anything_slow()
        need_room(LOCAL, environment.MEGABYTES_FOR_RUNNING)
    beside = _Beside(assets.ensure) if command in NEEDS_ASSETS and assets.has_system_node() else None
    environment.ensure(needed)
    if beside:
        beside.wait()
    if not environment.is_inside():
        os.environ.setdefault(demo.STARTED, str(STARTED_AT))
        sys.stdout.flush()
        os.execve(VENV_PYTHON, [str(VENV_PYTHON), "-m", "launcher", *given], environment.clean_environment())  # noqa: S606 - the same command in another Python


NEEDS_ASSETS = {"demo", "test", "check", "setup", "e2e", "faults", "verify-idp", "bench"}
LONG = {"VENTEROM_KILLS": "300", "VENTEROM_STORIES": "300", "VENTEROM_RUSH": "yes"}
"""What makes the tests of faults and load long, as far as nobody has said otherwise."""


def _run(known: argparse.Namespace, passed_on: list[str]) -> int:
    command: str = known.command
    if command in NEEDS_ASSETS:
        assets.ensure()
    simple: dict[str, Callable[[], object]] = {
        "demo": demo.run,
        "demo-reset": demo.reset,
        "assets": assets.ensure,
        "setup": lambda: print("Everything is in place. Next: make demo, or make check."),
    }
    if command in simple:
        _refuse(passed_on)
        simple[command]()
        return SUCCESS
    if command in {"test", "check"}:
        return checking.tests_only(passed_on) if known.only_tests else checking.check(passed_on)
    if command == "fix":
        _refuse(passed_on)
        return checking.fix()
    return _with_arguments(command, passed_on)


def _with_arguments(command: str, passed_on: list[str]) -> int:
    """Commands whose further arguments go to the tool behind them."""
    if command == "faults":
        for name, value in LONG.items():
            os.environ.setdefault(name, value)
    if command == "e2e":
        os.environ.setdefault("VENTEROM_LONG", "yes")
    ways: dict[str, Callable[[], int]] = {
        "e2e": lambda: checking.tests_only(["-m", "browser", *passed_on]),
        "faults": lambda: checking.tests_only(["tests/faults", "tests/load", "-s", *passed_on]),
        "verify-idp": lambda: identity_providers.verify(passed_on),
        "lock": lambda: checking.lock(passed_on),
        "bench": lambda: checking.with_servers(["-m", "bench", *passed_on]),
        "messages": lambda: checking.with_servers(["manage.py", "messages", *passed_on]),
    }
    return ways[command]()


def _refuse(passed_on: list[str]) -> None:
    if passed_on:
        raise Trouble(f"This command takes no further arguments: {' '.join(passed_on)}", exit_code=2)


class _Beside:
    """Something done in a thread while we do something else."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._do, args=(work,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for its end, and raise what it raised."""
        self._thread.join()
        if self._trouble:
            raise self._trouble

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as trouble:
            self._trouble = trouble


def _explain(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full. Make room and start again."
    return f"{error.filename or 'Something'} could not be used: {error.strerror}."
