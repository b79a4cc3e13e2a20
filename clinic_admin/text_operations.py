"""Saving the texts that a clinic writes. Each save adds a version, so that everything can be brought back."""

from datetime import datetime
from typing import Any

from django.db import transaction

from clinic_admin import policy, text_queries
from clinic_admin.choices import ClinicRefusal, TextKind
from clinic_admin.models import Clinic, ClinicText
from clinic_admin.operations import ClinicChangeRefused, locked
from clinic_admin.text_queries import TextKey
from portal import audit


@transaction.atomic
def save_text(
    *, clinic: Clinic, key: TextKey, body: str | None, seen: int, actor: Any, now: datetime
) -> None:
    """Put a text in force; None brings the factory text back. `seen` is the number of the version on the page.

    Raises ClinicChangeRefused: an unknown placeholder, or someone saved another version meanwhile.
    """
    refusal = policy.text_refusal(body or "", has_tags=key.kind is TextKind.REJECTED_CONSULTATION)
    if refusal is not None:
        raise ClinicChangeRefused(refusal)
    locked(clinic)
    before = text_queries.text(clinic, key)
    if (before.body, before.is_factory) == (body, False) or (
        before.is_factory and body in {None, before.body}
    ):
        return
    if seen != before.number:
        raise ClinicChangeRefused(ClinicRefusal.CHANGED_MEANWHILE)
    _add(clinic, key, body, before.number, actor, now)


@transaction.atomic
def undo_text(*, clinic: Clinic, key: TextKey, number: int, actor: Any, now: datetime) -> None:
    """Bring back what was in force before version `number`, as a new version.

    Raises ClinicChangeRefused when that version is not in force any more, or there was none before it.
    """
    locked(clinic)
    stored = text_queries.text(clinic, key)
    before = text_queries.text_before(clinic, key, number)
    if before is None or stored.number != number:
        raise ClinicChangeRefused(ClinicRefusal.NOTHING_TO_UNDO)
    _add(clinic, key, None if before.is_factory else before.body, number, actor, now)


def _add(clinic: Clinic, key: TextKey, body: str | None, number: int, actor: Any, now: datetime) -> None:
    """Store the next version. The trail tells which one, not what it says."""
    row = ClinicText.objects.create(
        clinic=clinic,
        kind=key.kind,
        language=key.language,
        provider_id=key.provider_id,
        number=number + 1,
        body=body,
        saved_at=now,
        saved_by=actor,
    )
    audit.record(
        action="text.changed",
        subject=row,
        actor=actor,
        now=now,
        kind=key.kind.value,
        language=key.language,
        provider=key.provider_id,
        before=number,
        after=row.number,
        is_factory=body is None,
    )
