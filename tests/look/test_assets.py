"""What the asset build locks, writes and leaves out."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(
    r"<style|<script(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|\bhx-on", re.IGNORECASE
)
FOREIGN = re.compile(r"(?:url\(|@import|src=|href=)\s*[\"']?(?:https?:)?//", re.IGNORECASE)


def test_the_lock_names_no_registry():
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    addresses = re.findall(r"https?://[^\"]+", re.sub(r'"(?:url|funding|\$schema)": "[^"]*"', "", lock))
    assert addresses == []


def test_every_locked_package_has_a_hash():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []


def test_what_we_ask_for_is_pinned_exactly():
    package = json.loads((ROOT / "package.json").read_text())
    wanted = package.get("dependencies", {}) | package.get("devDependencies", {})
    assert wanted
    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_style_sheet_loads_nothing_from_elsewhere():
    css = (VENDOR / "venterom.css").read_text()
    assert not FOREIGN.search(css)
    for address in re.findall(r"url\([\"']?(?![\"']?data:)([^\"')]+)", css):
        assert (VENDOR / address).is_file(), address


def test_the_script_loads_nothing_and_evaluates_nothing():
    script = (VENDOR / "venterom.js").read_text()
    assert not FOREIGN.search(script)
    assert not re.search(r"\beval\(|new Function\(|\bimport\(|importScripts|sourceMappingURL", script)
    hosts = set(re.findall(r"https?://([^/\"'`\s)]+)", script))
    assert hosts <= {"www.w3.org"}


def test_the_licences_of_what_is_inside_are_kept():
    text = (VENDOR / "LICENCES.txt").read_text()
    for name in ("@digdir/designsystemet-css", "@digdir/designsystemet-web", "@fontsource-variable/inter"):
        assert name in text
    assert "OFL-1.1" in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_no_inline_script_or_style_and_nothing_foreign(template):
    text = template.read_text()
    assert not INLINE.search(text), INLINE.search(text)
    assert not FOREIGN.search(text), FOREIGN.search(text)
