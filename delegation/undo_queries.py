"""What stood before the last change of absences, for the page that brings it back."""

from datetime import date

from clinic_admin import history
from clinic_admin.choices import Service
from clinic_admin.history import LastSave
from clinic_admin.models import Clinic
from delegation.policy import Away

ABSENCES = ("absence.added", "absence.removed", "absence.changed")


def last_change(clinic: Clinic) -> LastSave | None:
    """Return the last change of the clinic's absences. Two queries."""
    return history.last_save(clinic, ABSENCES)


def was_removal(change: LastSave | None) -> bool:
    """Return whether the change removed an absence, which can be brought back; one that was added has its button."""
    return change is not None and change.steps[0].action == "absence.removed"


def removed_absence(removal: LastSave) -> Away:
    """Return the absence that was removed."""
    stored = removal.steps[0].details["before"]
    return Away(
        provider=stored["provider"],
        first_day=date.fromisoformat(stored["first_day"]),
        last_day=date.fromisoformat(stored["last_day"]),
        covers={Service(service): cover for service, cover in (stored.get("covers") or {}).items()},
    )
