"""Settings as people say them."""

from datetime import time
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic_admin import code_countries
from clinic_admin.choices import Weekday
from clinic_admin.forms import PHONES, SettingsForm
from clinic_admin.history import PastChange
from portal import moments, phone_numbers


def setting_label(name: str) -> str:
    """Return what the page calls a setting."""
    return str(SettingsForm.base_fields[name].label)


def setting_words(name: str, value: object, country: str) -> str:
    """Return a stored setting in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, time):
        return moments.time_of_day(value)
    if name == "urgent_release_at":
        return moments.time_of_day(time.fromisoformat(str(value)))
    if isinstance(value, list):
        return code_countries.names_of(value) or _("none")
    if name in PHONES and value:
        return f"“{phone_numbers.as_people_write(str(value), country)}”"
    return f"“{value}”" if value != "" else _("empty")


def undo_lines(change: PastChange, country: str) -> list[tuple[str, str, str]]:
    """Return what undoing would do: (what, as it is, as it becomes)."""
    if change.action == "clinic.switched":
        return [(_("The portal"), _switch(change.after), _switch(change.before))]
    if change.action == "opening_hours.changed":
        days, before = _hours(change.after), _hours(change.before)
        return [
            (capfirst(str(label)), days.get(day, _("closed")), before.get(day, _("closed")))
            for day, label in Weekday.choices
            if days.get(day) != before.get(day)
        ]
    return [
        (
            setting_label(name),
            setting_words(name, change.after[name], country),
            setting_words(name, value, country),
        )
        for name, value in change.before.items()
    ]


def _switch(value: object) -> str:
    return _("on") if value else _("off")


def _hours(periods: Any) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for day, opens_at, closes_at in periods:
        found.setdefault(day, []).append(_period(opens_at, closes_at))
    return {day: ", ".join(times) for day, times in found.items()}


def _period(opens_at: str, closes_at: str) -> str:
    return moments.period(time.fromisoformat(opens_at), time.fromisoformat(closes_at))
