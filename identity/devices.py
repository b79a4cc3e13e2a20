"""What a browser says about itself, in a few plain words. It may claim anything: it is shown, and nothing rests on it."""

import re

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


def words_for(user_agent: str) -> str:
    """Return "Firefox on Windows", or as much of it as can be told."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("A browser that doesn't say what it is")


def _first(shapes: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, shape in shapes if re.search(shape, user_agent)), "")
