"""Make targets, launcher commands and the CI script say the same thing."""

import re
import subprocess
import sys

import pytest

from launcher import browser, checking, commands, demo
from launcher.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))


def test_make_without_a_target_lists_every_target():
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = {line.split()[1] for line in listed.stdout.splitlines()}
    assert names == TARGETS


def test_every_command_has_a_target_and_every_target_a_command():
    assert set(commands.HELP) | {"help"} == TARGETS
    for target in TARGETS - {"help"}:
        assert f"$(LAUNCH) {target}" in MAKEFILE


def test_every_target_is_declared_phony():
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE).group(1)
    assert set(phony.split()) == TARGETS


@pytest.mark.parametrize("command", sorted(commands.HELP))
def test_every_command_explains_itself(command):
    helped = subprocess.run(
        [sys.executable, "-m", "launcher", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert commands.HELP[command] in " ".join(helped.stdout.split())


def test_a_wrong_command_is_wrong_use():
    wrong = subprocess.run(
        [sys.executable, "-m", "launcher", "fly"], cwd=ROOT, capture_output=True, check=False
    )
    assert wrong.returncode == 2


def test_the_launcher_needs_nothing_but_the_standard_library():
    """With no site-packages at all, every module that runs before the environment exists can be imported."""
    modules = sorted(
        path.stem for path in (ROOT / "launcher").glob("*.py") if path.stem not in {"prepare", "__main__"}
    )
    imports = "; ".join(f"import launcher.{module}" for module in modules)
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {imports}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ci_runs_what_people_run():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.rstrip().endswith("exec make test")
    assert "set -euo pipefail" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_ci_script_is_valid_shell():
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)


def test_a_failing_check_is_named_at_the_end_and_fails(capsys):
    outcomes = [checking.Outcome("types", True, 1), checking.Outcome("style", False, 1, "line 1")]
    assert checking._summary(outcomes) == 1
    assert capsys.readouterr().out.strip().endswith("✗ Failed: style")


def test_all_passed_is_success(capsys):
    assert checking._summary([checking.Outcome("types", True, 1)]) == 0


def test_every_template_is_looked_at():
    everywhere = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.html")
        if "templates" in path.parts and not {"node_modules", ".venv", ".local", "tests"} & set(path.parts)
    }
    assert set(checking.templates()) == everywhere


def test_the_browser_that_is_named_is_taken(tmp_path):
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert browser.find({"CHROMIUM": str(program)}) == program
    assert browser.find({"CHROMIUM": str(tmp_path / "none")}) is None


def test_a_missing_browser_is_a_failure_only_in_ci(monkeypatch, capsys):
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setattr(browser, "must_be_there", lambda: False)
    assert checking._browser_is_there().passed
    monkeypatch.setattr(browser, "must_be_there", lambda: True)
    assert not checking._browser_is_there().passed
    assert "apt-get install chromium" in capsys.readouterr().out


def test_the_place_listens_only_on_this_machine():
    assert demo.Place(8000).bind.startswith("127.0.0.1:")
