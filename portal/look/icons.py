"""The icons that pages may use, read once from what the asset build wrote."""

import json
from functools import cache
from pathlib import Path

from django.conf import settings

LIST = Path(__file__).with_name("icons.json")


class UnknownIconError(LookupError):
    """A template asks for an icon that portal/look/icons.json doesn't list."""


@cache
def names() -> frozenset[str]:
    """Return the names that a template may use."""
    return frozenset(json.loads(LIST.read_text(encoding="utf-8")))


@cache
def _built() -> dict[str, str]:
    for folder in (settings.ROOT / "static", settings.STATIC_ROOT):
        file = Path(folder) / "vendor" / "icons.json"
        if file.is_file():
            drawings: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
            return drawings
    return {}


def drawing(name: str) -> str:
    """Return the mark-up inside the icon's <svg>; empty where the assets aren't built, so that pages still work.

    Raises UnknownIconError for a name that isn't listed.
    """
    if name not in names():
        raise UnknownIconError(name)
    return _built().get(name, "")
