"""`make check`: every check and every test, all of them even when one fails, with a summary at the end."""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from launcher import browser, environment, temporary
from launcher.places import REQUIREMENTS, ROOT, VENV
from launcher.programs import SETTINGS

CHECKS_AT_ONCE = 2
MOST_TEST_WORKERS = 8


@dataclass(frozen=True)
class Step:
    """One check: its name for people, and its command."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


# As on a server, so that Django's deployment checks see what a patient's browser meets. They open nothing.
PRODUCTION = {
    "VENTEROM_ENV": "production",
    "BASE_URL": "https://portal.example",
    "INDEX_KEY": "only for this check, and long enough for it",
    "TWILIO_ACCOUNT_SID": "only for this check",
    "TWILIO_AUTH_TOKEN": "only for this check",
}


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    name: str
    passed: bool
    seconds: float
    said: str = ""


def templates() -> list[str]:
    """Every template, for the tools that want a list of files."""
    places = [ROOT / "templates", *ROOT.glob("*/templates"), *ROOT.glob("*/*/templates")]
    skipped = ("node_modules", ".venv", ".local")
    found = {file for place in places for file in place.rglob("*.html") if not set(skipped) & set(file.parts)}
    return sorted(str(file.relative_to(ROOT)) for file in found)


def steps() -> list[Step]:
    """All checks but the tests; the slow one first, so that the others run beside it."""
    found = templates()
    in_templates = [
        Step("templates (djlint)", ("djlint", "--lint", "--quiet", *found)),
        Step("template format (djade)", ("djade", "--check", *found)),
    ]
    return [
        Step("types (mypy)", ("mypy", ".")),
        Step("style (ruff check)", ("ruff", "check", ".")),
        Step("format (ruff format)", ("ruff", "format", "--check", ".")),
        *(in_templates if found else []),
        Step("who imports whom (lint-imports)", ("lint-imports",)),
        Step("Django's own checks", ("python", "manage.py", "check", "--fail-level", "WARNING")),
        Step(
            "the same in production",
            ("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
            PRODUCTION,
        ),
        Step("migrations are complete", ("python", "manage.py", "makemigrations", "--check", "--dry-run")),
        Step("translations are complete", ("python", "manage.py", "messages", "--check")),
    ]


def fixes() -> list[Step]:
    """What repairs by itself what the checks find."""
    found = templates()
    return [
        Step("style (ruff check --fix)", ("ruff", "check", "--fix", ".")),
        Step("format (ruff format)", ("ruff", "format", ".")),
        *([Step("template format (djade)", ("djade", *found))] if found else []),
    ]


def check(pytest_arguments: Sequence[str] = ()) -> int:
    """Run every check, then the tests. Returns 0 when all passed, else 1."""
    with contextlib.ExitStack() as servers:
        settings = _environment()
        temporary.start(servers, settings)
        outcomes = [*_compile_messages(settings), *_run_checks(settings)]
        outcomes.append(_browser_is_there())
        outcomes.append(_run_tests(settings, pytest_arguments))
    return _summary(outcomes)


def tests_only(pytest_arguments: Sequence[str]) -> int:
    """Run pytest with these arguments and what it needs around it. Returns its exit code."""
    with contextlib.ExitStack() as servers:
        settings = _environment()
        temporary.start(servers, settings)
        _compile_messages(settings)
        return _pytest(settings, pytest_arguments)


def with_servers(python_arguments: Sequence[str]) -> int:
    """Run the environment's Python with embedded servers around it. Returns its exit code."""
    with contextlib.ExitStack() as servers:
        settings = _environment()
        temporary.start(servers, settings)
        command = [str(VENV / "bin" / "python"), *python_arguments]
        return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode


def lock(uv_arguments: Sequence[str]) -> int:
    """Write every lock file anew. Versions stay as they are where the `.in` files and the arguments allow it."""
    rules = [
        "--quiet",
        "--universal",
        "--python-version=3.11",
        "--generate-hashes",
        "--no-header",
        "--no-emit-index-url",
    ]
    for name in (*environment.SETS, "node"):
        command = ["uv", "pip", "compile", *rules, *uv_arguments, f"{name}.in", f"--output-file={name}.txt"]
        code = subprocess.run(command, cwd=REQUIREMENTS, env=_environment(), check=False).returncode
        if code != 0:
            return code
    return 0


def fix() -> int:
    """Repair what can be repaired. Returns 0; what is left is said by the tools."""
    settings = _environment()
    for step in fixes():
        _print(_run(step, settings), always_say=True)
    return 0


def _environment() -> dict[str, str]:
    settings = environment.clean_environment()
    settings["PATH"] = f"{VENV / 'bin'}{os.pathsep}{settings.get('PATH', os.defpath)}"
    settings["DJANGO_SETTINGS_MODULE"] = SETTINGS
    return settings


def _compile_messages(settings: Mapping[str, str]) -> list[Outcome]:
    """Compile the translations; only a failure is an outcome."""
    outcome = _run(Step("compiling the translations", ("python", "manage.py", "compile_messages")), settings)
    if outcome.passed:
        return []
    _print(outcome)
    return [outcome]


def _run_checks(settings: Mapping[str, str]) -> list[Outcome]:
    with ThreadPoolExecutor(CHECKS_AT_ONCE) as pool:
        running: list[Future[Outcome]] = [pool.submit(_run, step, settings) for step in steps()]
        try:
            return [_print(done.result()) for done in as_completed(running)]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _run(step: Step, settings: Mapping[str, str]) -> Outcome:
    started = time.monotonic()
    done = subprocess.run(
        [str(VENV / "bin" / step.command[0]), *step.command[1:]],
        cwd=ROOT,
        env={**settings, **step.settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(step.name, done.returncode == 0, time.monotonic() - started, done.stdout.strip())


def _browser_is_there() -> Outcome:
    """Whether the browser tests can run. In CI they must; elsewhere they are skipped, which is said."""
    if browser.find() is not None:
        return Outcome("browser", passed=True, seconds=0)
    passed = not browser.must_be_there()
    print(f"{'–' if passed else '✗'} browser tests: {browser.HOW_TO_GET_ONE}", flush=True)
    return Outcome("a browser for the tests", passed, 0)


def _run_tests(settings: Mapping[str, str], pytest_arguments: Sequence[str]) -> Outcome:
    started = time.monotonic()
    print("… tests (pytest)", flush=True)
    code = _pytest(settings, pytest_arguments)
    return Outcome("tests (pytest)", code == 0, time.monotonic() - started)


def _pytest(settings: Mapping[str, str], pytest_arguments: Sequence[str]) -> int:
    given = list(pytest_arguments)
    parallel = (
        [] if any(argument.startswith(("-n", "--pdb")) for argument in given) else [f"-n{_test_workers()}"]
    )
    command = [str(VENV / "bin" / "python"), "-m", "pytest", *parallel, *given]
    return subprocess.run(command, cwd=ROOT, env=dict(settings), check=False).returncode


def _test_workers() -> int:
    """One more than processors: journeys wait for clocks and pages half of their time."""
    return max(3, min((os.cpu_count() or 2) + 1, MOST_TEST_WORKERS))


def _print(outcome: Outcome, *, always_say: bool = False) -> Outcome:
    print(f"{'✓' if outcome.passed else '✗'} {outcome.name}  {outcome.seconds:.1f} s", flush=True)
    if outcome.said and (always_say or not outcome.passed):
        print("    " + outcome.said.replace("\n", "\n    "), flush=True)
    return outcome


def _summary(outcomes: Sequence[Outcome]) -> int:
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    if failed:
        print(f"✗ Failed: {', '.join(failed)}", flush=True)
        return 1
    print("✓ Everything passed", flush=True)
    return 0
