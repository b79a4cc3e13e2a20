"""What decided at a past moment: the facts of now, with every change after that moment undone. Pure.

The trail holds what stood before each change. Undone from the newest back, the facts of the moment remain. Every
undoing sets a value and never counts, so a change that the facts don't show yet does no harm.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from clinic_admin.choices import Service
from delegation.policy import Away, Tick
from services.access.choices import Approval, Column
from services.access.policy import AccessFacts, Rights, SpecialRights


class Change(NamedTuple):
    """A change as the trail tells of it."""

    action: str
    subject_id: str
    details: Mapping[str, Any]


Undo = Callable[[AccessFacts, Change], AccessFacts | None]
"""Gives the facts before the change; None when there was nothing to decide about before it."""


def rolled_back(facts: AccessFacts, changes: Iterable[Change]) -> AccessFacts | None:
    """Return the facts before all these changes, which come newest first.

    Changes of one patient must be those of the patient of the facts. None: the clinic, or the patient's record,
    did not exist yet.
    """
    found: AccessFacts | None = facts
    for change in changes:
        if found is None:
            return None
        found = UNDO[change.action](found, change)
    return found


# -- the clinic --------------------------------------------------------------------------------------------
def _not_there(facts: AccessFacts, change: Change) -> None:
    return None


def _clinic_switched(facts: AccessFacts, change: Change) -> AccessFacts:
    return replace(facts, clinic=replace(facts.clinic, is_active=bool(change.details["before"])))


def _clinic_changed(facts: AccessFacts, change: Change) -> AccessFacts:
    required = _before(change).get("requires_eid_for_consultation")
    if required is None:
        return facts
    return replace(facts, clinic=replace(facts.clinic, requires_eid_for_consultation=required))


# -- providers ---------------------------------------------------------------------------------------------
def _provider_added(facts: AccessFacts, change: Change) -> AccessFacts:
    return replace(
        facts, providers={pk: one for pk, one in facts.providers.items() if pk != int(change.subject_id)}
    )


def _access_changed(facts: AccessFacts, change: Change) -> AccessFacts:
    return _with_provider(facts, change, has_portal_access=bool(change.details["before"]))


def _rights_changed(facts: AccessFacts, change: Change) -> AccessFacts:
    before = _before(change)
    rights = Rights(**{**before, "approval": Approval(before["approval"])})
    name = "with_gp" if change.details["column"] == Column.WITH_GP else "without_gp"
    return _with_provider(facts, change, **{name: rights})


def _with_provider(facts: AccessFacts, change: Change, **values: Any) -> AccessFacts:
    pk = int(change.subject_id)
    if pk not in facts.providers:
        return facts
    return replace(facts, providers={**facts.providers, pk: replace(facts.providers[pk], **values)})


# -- matrix and absences -----------------------------------------------------------------------------------
def _matrix_saved(facts: AccessFacts, change: Change) -> AccessFacts:
    on, off = (_ticks(change.details[name]) for name in ("on", "off"))
    return replace(facts, ticks=(facts.ticks - on) | off)


def _ticks(stored: Iterable[Mapping[str, Any]]) -> frozenset[Tick]:
    return frozenset(Tick(Service(one["service"]), one["row"], one["provider"]) for one in stored)


def _absence_added(facts: AccessFacts, change: Change) -> AccessFacts:
    return _with_absences(facts, without=_away(change.details["after"]))


def _absence_removed(facts: AccessFacts, change: Change) -> AccessFacts:
    away = _away(change.details["before"])
    return _with_absences(facts, without=away, instead=away)


def _absence_changed(facts: AccessFacts, change: Change) -> AccessFacts:
    return _with_absences(
        facts, without=_away(change.details["after"]), instead=_away(change.details["before"])
    )


def _with_absences(facts: AccessFacts, *, without: Away, instead: Away | None = None) -> AccessFacts:
    """Nobody is away twice on a day: who and the first day name an absence."""
    left = [one for one in facts.absences if _name(one) != _name(without)]
    ordered = sorted([*left, *([instead] if instead else [])], key=_name)
    return replace(facts, absences=tuple(ordered))


def _name(away: Away) -> tuple[date, int]:
    return away.first_day, away.provider


def _away(stored: Mapping[str, Any]) -> Away:
    return Away(
        provider=stored["provider"],
        first_day=date.fromisoformat(stored["first_day"]),
        last_day=date.fromisoformat(stored["last_day"]),
        covers={Service(service): cover for service, cover in (stored.get("covers") or {}).items()},
    )


# -- the patient -------------------------------------------------------------------------------------------
def _portal_withdrawn(facts: AccessFacts, change: Change) -> AccessFacts:
    return replace(facts, patient=replace(facts.patient, is_withdrawn=False))


def _portal_given_back(facts: AccessFacts, change: Change) -> AccessFacts:
    return replace(facts, patient=replace(facts.patient, is_withdrawn=True))


def _record_changed(facts: AccessFacts, change: Change) -> AccessFacts:
    """Only what decides is recorded with its value: whose list, and whether the record is active."""
    before, patient = _before(change), facts.patient
    return replace(
        facts,
        patient=replace(
            patient,
            gp_id=before.get("gp", patient.gp_id),
            is_active=before.get("is_active", patient.is_active),
        ),
    )


def _special_changed(facts: AccessFacts, change: Change) -> AccessFacts:
    before = _before(change)
    approval = before["approval"]
    special = SpecialRights(**{**before, "approval": Approval(approval) if approval else None})
    return replace(facts, patient=replace(facts.patient, special=special))


def _before(change: Change) -> Mapping[str, Any]:
    found = change.details.get("before")
    return found if isinstance(found, Mapping) else {}


# -- all of them -------------------------------------------------------------------------------------------
OF_CLINIC: Mapping[str, Undo] = {
    "clinic.created": _not_there,
    "clinic.switched": _clinic_switched,
    "clinic.changed": _clinic_changed,
    "provider.added": _provider_added,
    "portal_access.changed": _access_changed,
    "rights.changed": _rights_changed,
    "matrix.saved": _matrix_saved,
    "absence.added": _absence_added,
    "absence.removed": _absence_removed,
    "absence.changed": _absence_changed,
}
"""How each change at a clinic is undone that decides for every patient."""
OF_PATIENT: Mapping[str, Undo] = {
    "patient.imported": _not_there,
    "patient.updated": _record_changed,
    "patient.gp_changed": _record_changed,
    "patient.portal_withdrawn": _portal_withdrawn,
    "patient.portal_given_back": _portal_given_back,
    "special_rights.changed": _special_changed,
}
"""How each change of one patient is undone."""
UNDO = {**OF_CLINIC, **OF_PATIENT}
