"""What a browser says about itself, in a few plain words. It may claim anything: it is shown, and nothing rests on it."""

import re
from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.translation import gettext as _

_BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Safari/"),
)
"""In this order: most browsers also call themselves by the names below theirs."""
_SYSTEMS = (
    ("iPhone", r"iPhone|iPod"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("Mac", r"Macintosh|Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)


_READ = 400
"""So much of what a browser says is looked at for the trail."""


def of(request: HttpRequest) -> dict[str, str]:
    """Return browser and system by name, for the trail; empty where they are not known. No version, no address."""
    told = request.headers.get("User-Agent", "")[:_READ]
    return {"browser": _first(_BROWSERS, told), "system": _first(_SYSTEMS, told)}


def in_words(device: object) -> str:
    """Return "Firefox on Windows", or as much as is known, of what `of` gave; nothing for nothing."""
    if not isinstance(device, Mapping):
        return ""
    return _joined(str(device.get("browser") or ""), str(device.get("system") or ""))


def words_for(user_agent: str) -> str:
    """Return "Firefox on Windows", or as much of it as can be told."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    return _joined(browser, system) or _("A browser that doesn't say what it is")


def _joined(browser: str, system: str) -> str:
    if browser and system:
        # Translators: a browser and what it runs on, as in "Firefox on Windows"
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system


def _first(shapes: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, shape in shapes if re.search(shape, user_agent)), "")
