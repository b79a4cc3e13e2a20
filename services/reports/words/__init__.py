"""Every recorded change as a sentence, with before and after in words: one small function per family of actions.

Stored events hold ids, never names of patients; names are looked up when the log is shown. What an old event lacks is
left out of the sentence's details, never an error.
"""

from collections.abc import Mapping

from portal.models import AuditEvent
from services.reports.choices import ChangeKind
from services.reports.words import absences, calendars, patients, rights, settings, staff
from services.reports.words.not_changes import NOT_CHANGES
from services.reports.words.settings import setting_label
from services.reports.words.staff import LOGINS
from services.reports.words.told import Line, Names, Told, Words

__all__ = ["CHANGES", "LOGINS", "NOT_CHANGES", "Line", "Names", "Told", "actions_of", "setting_label", "tell"]

CHANGES: Mapping[str, tuple[ChangeKind, Words]] = {
    **rights.CHANGES,
    **absences.CHANGES,
    **settings.CHANGES,
    **calendars.CHANGES,
    **staff.CHANGES,
    **patients.CHANGES,
}
"""Every action that the change log tells of."""


def tell(event: AuditEvent, names: Names) -> Told:
    """Return the change in words, in the language in force. The event's action must be one of CHANGES."""
    return CHANGES[event.action][1](event, names)


def actions_of(kind: ChangeKind | None) -> list[str]:
    """Return the actions of a kind, or all of them."""
    return [action for action, (of, _words) in CHANGES.items() if kind is None or of is kind]
