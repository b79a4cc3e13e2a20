"""The table of checks G1-G10 in docs/security.md and the tests say the same."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_check_of_acting_has_a_test_and_stands_in_the_table():
    listed = set(re.findall(r"^\| (G\d+) \|", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE))
    files = [
        *(ROOT / "tests" / "patients").glob("test_*.py"),
        *(ROOT / "tests" / "identity").glob("test_*.py"),
    ]
    tests = "\n".join(path.read_text() for path in files)
    tested = {name.upper() for name in re.findall(r"^def test_(g\d+)_", tests, re.MULTILINE)}
    assert listed == tested == {f"G{number}" for number in range(1, 11)}
