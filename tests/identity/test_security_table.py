"""The table of checks in docs/security.md and the tests say the same."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {"S37": "services/registration"}
"""Checks of what these areas do with a proven identity."""
GUARDIANS = ("identity", "patients", "services/registration")
"""Where children, guardians and proxies are tested."""


def numbered_tests(folder: Path) -> set[str]:
    tests = "\n".join(path.read_text() for path in folder.glob("test_*.py"))
    return {name.upper() for name in re.findall(r"^def test_([owclpsg]\d+)_", tests, re.MULTILINE)}


def test_every_numbered_check_has_a_test_and_every_numbered_test_stands_in_the_table() -> None:
    table = (ROOT / "docs" / "security.md").read_text()
    listed = set(re.findall(r"^\| ([OWCLPSG]\d+) \|", table, re.MULTILINE))
    tested = numbered_tests(Path(__file__).parent)
    for number, folder in ELSEWHERE.items():
        tested |= {number} & numbered_tests(ROOT / "tests" / folder)
    for folder in GUARDIANS:
        tested |= {name for name in numbered_tests(ROOT / "tests" / folder) if name.startswith("G")}
    assert {f"G{number}" for number in range(1, 11)} <= listed
    assert {f"O{number}" for number in range(1, 40)} <= listed
    assert {f"S{number}" for number in range(1, 39)} <= listed
    assert {f"C{number}" for number in range(1, 18)} | {f"L{number}" for number in range(1, 12)} <= listed
    assert listed == tested
