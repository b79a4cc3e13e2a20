"""Words for changes of services and special rights."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from portal.models import AuditEvent
from services.access.choices import Approval, Column, Right
from services.reports.choices import ChangeKind
from services.reports.words.told import Line, Names, Told, Words, label, mapping, on_or_off, switched


def _rights(event: AuditEvent, names: Names) -> Told:
    column = label(Column, event.details.get("column"))
    words = {"name": names.provider(event.subject_id), "column": column}
    return Told(_("Services of %(name)s, %(column)s") % words, _rights_lines(event))


def _special(event: AuditEvent, names: Names) -> Told:
    after = event.details.get("after") or {}
    if not any(value is not None for value in after.values()):
        return Told(_("Special rights of a patient taken away: as standard again"), _rights_lines(event))
    return Told(_("Special rights of a patient"), _rights_lines(event))


def _rights_lines(event: AuditEvent) -> tuple[Line, ...]:
    before, after = mapping(event, "before"), mapping(event, "after")
    labels = dict(Right.choices) | {"approval": _("Approval of bookings")}
    return tuple(
        Line(str(label), _right(before.get(name)), _right(after.get(name)))
        for name, label in labels.items()
        if before.get(name) != after.get(name)
    )


def _right(value: object) -> str:
    if value is None:
        return _("as standard")
    return on_or_off(value) if isinstance(value, bool) else label(Approval, value)


def _access(event: AuditEvent, names: Names) -> Told:
    words = {"name": names.provider(event.subject_id)}
    if event.details.get("after"):
        return Told(
            _("%(name)s can be reached through the portal") % words, switched(_("Portal access"), event)
        )
    return Told(
        _("%(name)s can no longer be reached through the portal") % words,
        switched(_("Portal access"), event),
    )


CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
    "rights.changed": (ChangeKind.SERVICES, _rights),
    "portal_access.changed": (ChangeKind.SERVICES, _access),
    "special_rights.changed": (ChangeKind.SPECIAL, _special),
}
