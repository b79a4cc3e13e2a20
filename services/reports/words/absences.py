"""Words for changes of the matrix, of absences, and of who gets which messages."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic_admin.choices import Service
from delegation.choices import Topic
from portal.models import AuditEvent
from services.reports.choices import ChangeKind
from services.reports.words.told import Line, Names, Told, Words, days_in_words, label, mapping


def _matrix(event: AuditEvent, names: Names) -> Told:
    on, off = event.details.get("on") or [], event.details.get("off") or []
    total = len(on) + len(off)
    sentence = ngettext(
        "Service matrix: %(total)d box changed", "Service matrix: %(total)d boxes changed", total
    ) % {"total": total}
    lines = [Line(_tick(tick, names), _("no tick"), _("tick")) for tick in on]
    lines += [Line(_tick(tick, names), _("tick"), _("no tick")) for tick in off]
    return Told(sentence, tuple(lines))


def _tick(tick: Mapping[str, Any], names: Names) -> str:
    return _("%(service)s: %(row)s with %(provider)s") % {
        "service": label(Service, tick.get("service")),
        "row": names.list_of(tick.get("row")),
        "provider": names.provider(tick.get("provider")),
    }


def _absence(event: AuditEvent, names: Names) -> Told:
    is_added = event.action == "absence.added"
    absence = mapping(event, "after" if is_added else "before")
    words = {
        "name": names.provider(absence.get("provider")),
        "days": days_in_words(absence.get("first_day"), absence.get("last_day")),
    }
    covers = _covers(absence, names)
    if is_added:
        return Told(
            _("%(name)s is away %(days)s") % words, tuple(Line(what, "", who) for what, who in covers)
        )
    return Told(_("Absence removed: %(name)s, %(days)s") % words, tuple(Line(*cover) for cover in covers))


def _absence_changed(event: AuditEvent, names: Names) -> Told:
    before, after = mapping(event, "before"), mapping(event, "after")
    words = {
        "name": names.provider(after.get("provider")),
        "days": days_in_words(after.get("first_day"), after.get("last_day")),
    }
    old, new = before.get("covers") or {}, after.get("covers") or {}
    lines = tuple(
        Line(
            _("%(service)s covered by") % {"service": label(Service, service)},
            _cover(old.get(service), names),
            _cover(new.get(service), names),
        )
        for service in Service.values
        if old.get(service) != new.get(service)
    )
    return Told(_("Who covers for %(name)s, %(days)s") % words, lines)


def _covers(absence: Mapping[str, Any], names: Names) -> list[tuple[str, str]]:
    """Return who covers, in one line when it is the same for every service."""
    covers = absence.get("covers") or {}
    by_service = {service: covers.get(service) for service in Service.values}
    different = set(by_service.values())
    if len(different) == 1:
        return [(_("Covered by"), _cover(different.pop(), names))]
    return [
        (_("%(service)s covered by") % {"service": label(Service, service)}, _cover(cover, names))
        for service, cover in by_service.items()
    ]


def _cover(cover: object, names: Names) -> str:
    return names.provider(cover) if cover else _("nobody")


def _messages(event: AuditEvent, names: Names) -> Told:
    before, after = mapping(event, "before"), mapping(event, "after")
    told = [Line(_("Messages"), _topics(before), _topics(after))]
    if before.get("recipient") != after.get("recipient"):
        told.append(Line(_("To"), _recipient(before, names), _recipient(after, names)))
    return Told(_("Who gets new messages from patients"), tuple(told))


def _topics(stored: Mapping[str, Any]) -> str:
    return ", ".join(label(Topic, topic) for topic in stored.get("topics") or []) or _("none")


def _recipient(stored: Mapping[str, Any], names: Names) -> str:
    return names.members.get(int(stored.get("recipient") or 0)) or _("nobody")


CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
    "matrix.saved": (ChangeKind.MATRIX, _matrix),
    "absence.added": (ChangeKind.ABSENCES, _absence),
    "absence.removed": (ChangeKind.ABSENCES, _absence),
    "absence.changed": (ChangeKind.ABSENCES, _absence_changed),
    "message_delegation.changed": (ChangeKind.MESSAGES, _messages),
}
