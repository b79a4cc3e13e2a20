"""Browser tests on a machine without a browser."""

import subprocess
import sys

from launcher import browser
from launcher.places import ROOT

TEST = "import pytest\n@pytest.mark.browser\ndef test_a_page():\n    raise RuntimeError('ran')\n"


def run(tmp_path, environ):
    (tmp_path / "test_page.py").write_text(TEST)
    plugins = ["-p", "tests.browser_marker", "-p", "no:django", "-p", "no:cacheprovider"]
    settings = ["-o", "addopts=", "-o", "markers=browser: needs one", "-rs", "--rootdir", tmp_path]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *settings, tmp_path],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_they_are_skipped_with_the_way_to_get_one(tmp_path):
    done = run(tmp_path, {"CHROMIUM": "/nowhere", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert browser.HOW_TO_GET_ONE[:40] in done.stdout


def test_in_ci_they_fail(tmp_path):
    done = run(tmp_path, {"CHROMIUM": "/nowhere", "PATH": "/usr/bin:/bin", "CI": "true"})
    assert "1 failed" in done.stdout
