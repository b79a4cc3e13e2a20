"""Which kind of device a request comes from, in words that a patient recognises. Nothing finer is kept."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.translation import gettext as _

_BROWSERS = (
    ("edg", "Edge"),
    ("opr/", "Opera"),
    ("samsungbrowser", "Samsung Internet"),
    ("firefox", "Firefox"),
    ("fxios", "Firefox"),
    ("crios", "Chrome"),
    ("chrome", "Chrome"),
    ("safari", "Safari"),
)
"""What stands in a browser's own description, the telling part first: nearly all call themselves Safari as well."""
_SYSTEMS = (
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("cros", "ChromeOS"),
    ("mac os", "Mac"),
    ("linux", "Linux"),
)
_READ = 400
"""So much of the description is looked at."""


def of(request: HttpRequest) -> dict[str, str]:
    """Return browser and system by name, empty where they are not known. No version, no address."""
    told = request.headers.get("User-Agent", "")[:_READ].lower()
    return {"browser": _first(_BROWSERS, told), "system": _first(_SYSTEMS, told)}


def _first(known: tuple[tuple[str, str], ...], told: str) -> str:
    return next((name for part, name in known if part in told), "")


def in_words(device: object) -> str:
    """Return "Firefox on Windows", or as much of it as is known, of what `of` gave; nothing for nothing."""
    if not isinstance(device, Mapping):
        return ""
    browser, system = str(device.get("browser") or ""), str(device.get("system") or "")
    if browser and system:
        # Translators: a browser and what it runs on, as in "Firefox on Windows"
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system
