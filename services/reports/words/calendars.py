"""Words for changes of weekly calendars."""

from collections.abc import Mapping
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic_admin.choices import Weekday
from portal.models import AuditEvent
from services.booking.choices import SlotKind
from services.reports.choices import ChangeKind
from services.reports.words.told import Line, Names, Told, Words, clock_in_words, day_in_words, label, mapping


def _calendar(event: AuditEvent, names: Names) -> Told:
    before, after = mapping(event, "before"), mapping(event, "after")
    words = {
        "calendar": after.get("name") or before.get("name") or "",
        "name": names.provider(event.details.get("provider")),
    }
    if event.action == "calendar-template.deleted":
        sentence = _("Weekly calendar “%(calendar)s” of %(name)s deleted") % words
    elif not before:
        sentence = _("New weekly calendar “%(calendar)s” of %(name)s") % words
    else:
        sentence = _("Weekly calendar “%(calendar)s” of %(name)s") % words
    return Told(sentence, (*_calendar_lines(before, after), *_block_lines(before, after)))


def _calendar_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Line, ...]:
    labels = {"name": _("Name"), "valid_from": _("First day"), "valid_until": _("Last day")}
    return tuple(
        Line(label, _calendar_word(name, before), _calendar_word(name, after))
        for name, label in labels.items()
        if before.get(name) != after.get(name) or bool(before) != bool(after)
    )


def _calendar_word(name: str, calendar: Mapping[str, Any]) -> str:
    if not calendar:
        return ""
    value = calendar.get(name)
    if name == "name":
        return str(value or "")
    return day_in_words(value) if value else _("until further notice")


def _block_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Line, ...]:
    old, new = before.get("blocks") or [], after.get("blocks") or []
    gone = [Line(_block(block), _("there"), _("removed")) for block in old if block not in new]
    added = [Line(_block(block), "", _("added")) for block in new if block not in old]
    return (*gone, *added)


def _block(stored: str) -> str:
    """Return "Monday 08:00–09:00, 20 minutes, urgent" for "0 08:00-09:00 20 urgent"."""
    parts = stored.split()
    if len(parts) != 4:
        return stored
    weekday, times, minutes, kind = parts
    return _("%(weekday)s %(times)s, %(minutes)s minutes, %(kind)s") % {
        "weekday": capfirst(label(Weekday, weekday)),
        "times": "–".join(clock_in_words(end) for end in times.split("-")),
        "minutes": minutes,
        "kind": label(SlotKind, kind).lower(),
    }


CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
    "calendar-template.saved": (ChangeKind.CALENDARS, _calendar),
    "calendar-template.deleted": (ChangeKind.CALENDARS, _calendar),
}
