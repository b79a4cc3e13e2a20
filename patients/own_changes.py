"""What stood and stands in a patient's own details, kept encrypted beside the trail for the patient to see."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from patients.models import DataChange

_OWN_TEXTS = {"given_name", "family_name", "birth_date", "mobile", "email", "language"}


def kept(
    event_id: int, patient_id: UUID, before: Mapping[str, Any], changes: Mapping[str, Any]
) -> list[DataChange]:
    """Return, unsaved, what stood and stands in the changed details that are texts of the patient's own."""
    return [
        DataChange(
            event_id=event_id,
            patient_id=patient_id,
            field=name,
            before=str(before[name] or ""),
            after=str(value or ""),
        )
        for name, value in changes.items()
        if name in _OWN_TEXTS
    ]
