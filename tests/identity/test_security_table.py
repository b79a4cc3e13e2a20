"""The table of checks in docs/security.md and the tests say the same."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_numbered_check_has_a_test_and_every_numbered_test_stands_in_the_table() -> None:
    table = (ROOT / "docs" / "security.md").read_text()
    listed = set(re.findall(r"^\| ([OWCLP]\d+) \|", table, re.MULTILINE))
    tests = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    tested = {name.upper() for name in re.findall(r"^def test_([owclp]\d+)_", tests, re.MULTILINE)}
    assert {f"O{number}" for number in range(1, 37)} <= listed
    assert {f"C{number}" for number in range(1, 18)} | {f"L{number}" for number in range(1, 12)} <= listed
    assert listed == tested
