"""Countries beside Norway and Denmark whose mobiles a clinic may let codes go to (section 7, C9).

SMS to far countries cost many times as much, and are what cheats make others pay for, so each is a choice of the clinic's.
"""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

COUNTRIES: dict[str, tuple[Any, str]] = {
    "SE": (_("Sweden"), "+46"),
    "FI": (_("Finland"), "+358"),
    "IS": (_("Iceland"), "+354"),
    "FO": (_("Faroe Islands"), "+298"),
    "GL": (_("Greenland"), "+299"),
    "DE": (_("Germany"), "+49"),
    "PL": (_("Poland"), "+48"),
    "LT": (_("Lithuania"), "+370"),
    "LV": (_("Latvia"), "+371"),
    "EE": (_("Estonia"), "+372"),
    "NL": (_("Netherlands"), "+31"),
    "GB": (_("United Kingdom"), "+44"),
    "FR": (_("France"), "+33"),
    "ES": (_("Spain"), "+34"),
    "UA": (_("Ukraine"), "+380"),
}
"""ISO 3166 code -> name and calling code."""


def choices() -> list[tuple[str, str]]:
    """Return code and label of each, as in "Sweden (+46)"."""
    return [(code, f"{name} ({calling})") for code, (name, calling) in COUNTRIES.items()]


def names_of(codes: Iterable[str]) -> str:
    """Return the countries' names in a row, in the order of the list; empty for none."""
    chosen = set(codes)
    return ", ".join(str(name) for code, (name, _calling) in COUNTRIES.items() if code in chosen)


def all_names(codes: Iterable[str]) -> str:
    """Return the names of all countries that codes go to, where these are allowed beside our own."""
    return ", ".join(filter(None, [str(_("Norway")), str(_("Denmark")), names_of(codes)]))
