"""Bringing back what a change of the clinic's settings replaced."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any

from django.db import transaction

from clinic_admin import history, operations, policy, queries
from clinic_admin.choices import ClinicRefusal
from clinic_admin.history import PastChange
from clinic_admin.models import Clinic
from clinic_admin.operations import ClinicChangeRefused, hours_as_json, locked, value_as_json
from clinic_admin.policy import ClinicSettings, OpenPeriod


@transaction.atomic
def undo(*, clinic: Clinic, event_id: int, actor: Any, now: datetime) -> bool:
    """Bring back what was before the change; that is a change of its own and recorded like any other.

    Returns False when the clinic has no such change. Raises ClinicChangeRefused when what it changed has been
    changed again since.
    """
    change = history.past_change(clinic, event_id)
    if change is None:
        return False
    row = locked(clinic)
    if not _still_holds(row, change):
        raise ClinicChangeRefused(ClinicRefusal.NOTHING_TO_UNDO)
    _bring_back(row, change, actor, now)
    return True


def settings_before(clinic: Clinic, change: PastChange) -> ClinicSettings | None:
    """Return the settings as undoing the change would leave them; None when it touches none, or can't be undone any more."""
    if change.action != "clinic.changed" or not _still_holds(clinic, change):
        return None
    before = {name: _from_json(name, value) for name, value in change.before.items()}
    return replace(queries.settings_of(clinic), **before)


def _still_holds(clinic: Clinic, change: PastChange) -> bool:
    if change.action == "clinic.switched":
        return clinic.is_active is bool(change.after)
    if change.action == "opening_hours.changed":
        return bool(hours_as_json(queries.opening_hours_of(clinic)) == change.after)
    return all(value_as_json(getattr(clinic, name)) == value for name, value in change.after.items())


def _bring_back(clinic: Clinic, change: PastChange, actor: Any, now: datetime) -> None:
    if change.action == "clinic.switched":
        operations.switch_portal(clinic=clinic, is_active=change.before, actor=actor, now=now)
    elif change.action == "opening_hours.changed":
        periods = [
            OpenPeriod(day, time.fromisoformat(opens), time.fromisoformat(closes))
            for day, opens, closes in change.before
        ]
        operations.set_opening_hours(clinic=clinic, periods=periods, actor=actor, now=now)
    elif settings := settings_before(clinic, change):
        operations.change_settings(clinic=clinic, settings=settings, seen=None, actor=actor, now=now)


def _from_json(name: str, value: Any) -> Any:
    return time.fromisoformat(value) if name in policy.TIMES else value
