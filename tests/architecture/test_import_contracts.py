"""The import contracts hold, and each of them bites."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PLANTS = {
    "areas": ("clinic_admin/planted.py", "from patients import models\n"),
    "services": ("services/access/planted.py", "from services.booking import choices\n"),
    "inside": ("patients/models.py", "\nfrom patients import operations\n"),
    "pure": ("services/access/policy.py", "\nimport django\n"),
    "demo": ("patients/planted.py", "from identity.demo_idp import people\n"),
}
NAMES = {
    "areas": "Areas are stacked",
    "services": "Services do not know one another",
    "inside": "Inside an area",
    "pure": "Rules are pure",
    "demo": "Nothing depends on the demo",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the code in which violations can be planted."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(settings.ROOT / "pyproject.toml", folder)
    for area in ("portal", "clinic_admin", "notifications", "identity", "patients", "delegation", "services"):
        shutil.copytree(settings.ROOT / area, folder / area, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_every_contract_holds(copy):
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("contract", PLANTS)
def test_a_planted_violation_breaks_its_contract(copy, contract):
    name, line = PLANTS[contract]
    path = copy / name
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + line)
    try:
        result = lint(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    assert result.returncode != 0
    broken = [
        text for text in result.stdout.splitlines() if text.rstrip().endswith("BROKEN") or "BROKEN" in text
    ]
    assert any(NAMES[contract].split()[0] in text for text in broken) or NAMES[contract] in result.stdout
