"""Pytest plugin: a Postgres and a broker of this run's own, up before Django reads its settings.

Loaded with `-p tests.embedded_servers`. A run has its own temporary directory, so any number of runs live side by side.
With DATABASE_URL or REDIS_URL set, that server is used instead. Workers of pytest-xdist inherit the addresses.
"""

import atexit
import contextlib
import os
from collections.abc import Generator

import pytest

from launcher import temporary

QUESTIONS = ("--help", "-h", "--version", "-V", "--markers", "--fixtures")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None]:
    """Start the servers. A wrapper runs before pytest-django, which reads the settings in this same hook."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker and not any(question in args for question in QUESTIONS):
        servers = contextlib.ExitStack()
        early_config.add_cleanup(servers.close)
        atexit.register(servers.close)  # closing twice does nothing
        temporary.start(servers, os.environ)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Have the use of sessions noted at once: its writer would not see what stands in a test's transaction."""
    from identity.session.notes import Pace

    Pace.at_once = True
