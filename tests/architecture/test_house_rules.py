"""Rules of the house that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from portal.audience import audience_of
from portal.refusals import NextStep, Refusal

ROOT = settings.ROOT
AREAS = ["portal", "clinic_admin", "notifications", "identity", "patients", "delegation", "services"]
HEIGHT = {
    "sessions": 0,  # Django's own
    "portal": 0,
    "clinic_admin": 1,
    "notifications": 2,
    "identity": 3,
    "patients": 4,
    "delegation": 4,
    "access": 5,
    "inbox": 6,
    "booking": 7,
    "consultations": 7,
    "renewals": 7,
    "registration": 7,
    "home": 8,
    "own": 8,
    "reports": 8,
    "onboarding": 8,
    "operation": 8,
}


def python_files(pattern: str) -> list[Path]:
    return sorted(
        path for area in AREAS for path in (ROOT / area).rglob(pattern) if "migrations" not in path.parts
    )


VIEWS = [path for name in ("*views.py", "tasks.py") for path in python_files(name)]


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: str(path.relative_to(ROOT)))
def test_views_and_tasks_ask_queries_and_operations_instead_of_the_orm(path):
    touched = [
        f"{node.lineno}: .{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "save", "delete"}
    ]
    assert not touched, f"{path.name}: read through queries.py, write through operations.py: {touched}"


def test_views_are_found():
    assert len(VIEWS) >= 6


def test_foreign_keys_point_down_the_stack():
    """A foreign key given as a string is invisible to the import linter, so look at the models."""
    wrong = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        if model._meta.app_label in HEIGHT
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model
        if field.related_model._meta.label != settings.AUTH_USER_MODEL
        if (there := field.related_model._meta.app_label) != (here := model._meta.app_label)
        if HEIGHT.get(there, 99) >= HEIGHT[here]
    ]
    assert not wrong


def every_pattern(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in (resolver or get_resolver()).url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from every_pattern(entry, address)
        else:
            yield address, entry


@pytest.mark.parametrize(
    ("address", "pattern"), [pytest.param(*pair, id=pair[0] or "/") for pair in every_pattern()]
)
def test_every_address_declares_its_audience(address, pattern):
    assert audience_of(pattern.callback) is not None, f"{address} does not say whom it is for"


def refusals() -> list[type[Refusal]]:
    found, waiting = [], [Refusal]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            found.append(kind)
            waiting.append(kind)
    return found


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_says_why_and_what_to_do_next(kind):
    steps = kind.next_steps()
    assert kind.values, "a list of refusals that lists none"
    for reason in kind:
        assert str(reason.label).endswith("."), f"{reason!r} is not a sentence"
        assert isinstance(steps.get(reason), NextStep), f"{reason!r} leaves the reader without a way on"


def test_code_and_documents_speak_of_the_product_only():
    """No paths of one machine, no addresses of package servers, in anything that is shipped."""
    import subprocess

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    forbidden = [
        "/wor" + "k/",
        "/roo" + "t/",
        "registry.npm" + "js.org",
        "files.python" + "hosted.org",
        "pypi" + ".org",
    ]
    wrong = []
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if not name or not path.is_file() or path.suffix in {".png", ".woff2", ".ico"}:
            continue
        text = path.read_text(errors="replace")
        wrong += [f"{name}: {word}" for word in forbidden if word in text]
    assert not wrong


def test_no_template_reads_a_value_called_block():
    """Within a block of a template Django gives that name to the block itself, and the value is silently empty."""
    read = re.compile(r"\{\{\s*block\.(?!super)|\{%[^%]*[\s=:]block\.(?!super)")
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for found in read.finditer(path.read_text())
    ]
    assert not wrong
