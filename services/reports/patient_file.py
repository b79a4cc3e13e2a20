"""The patient log as a file for spreadsheets: semicolons and UTF-8 with a mark, as Nordic Excel opens it."""

import csv
from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from services.reports.choices import RecordState
from services.reports.patient_queries import USES, LoggedPatient
from services.reports.policy import Active, safe_cell

MARK = "\ufeff"
"""Without it Excel takes UTF-8 for Windows-1252."""


class Line:
    """What the csv module writes to: hands the line back."""

    def write(self, line: str) -> str:
        return line


def lines(patients: Iterable[LoggedPatient]) -> Iterator[str]:
    """Return the file's lines, in the language in force now, whatever language is in force when they are read."""
    yes, no = _("yes"), _("no")
    heads = [
        _("Family name"),
        _("Given name"),
        _("Born"),
        _("GP"),
        _("Booking"),
        _("Approval"),
        _("Prescription renewal"),
        _("e-Consultation"),
        _("Cancelling"),
        *(str(use.label) for use in USES),
        _("Note"),
    ]
    states = {state: "" if state is RecordState.IN_ORDER else str(state.label) for state in RecordState}
    approvals = _approvals()
    return _written(patients, heads, {True: yes, False: no}, states, approvals)


def _approvals() -> tuple[str, str, str]:
    return _("Must be approved"), _("Depends on the provider"), _("Approved automatically")


def _written(
    patients: Iterable[LoggedPatient],
    heads: list[str],
    words: dict[bool, str],
    states: dict[RecordState, str],
    approvals: tuple[str, str, str],
) -> Iterator[str]:
    writer = csv.writer(Line(), delimiter=";", lineterminator="\r\n")
    yield MARK + writer.writerow(map(safe_cell, heads))
    for patient in patients:
        has = patient.active
        cells = [
            patient.family_name,
            patient.given_name,
            patient.birth_date.isoformat() if patient.birth_date else "",
            patient.gp_initials,
            words[has.booking],
            _approval(has, approvals),
            words[has.renewal],
            words[has.consultation],
            words[has.cancelling],
            *map(str, patient.uses),
            states[has.state],
        ]
        yield writer.writerow(map(safe_cell, cells))


def _approval(has: Active, words: tuple[str, str, str]) -> str:
    if not has.booking:
        return ""
    by_hand, by_provider, automatic = words
    if has.by_hand:
        return by_hand
    return by_provider if has.by_provider else automatic
