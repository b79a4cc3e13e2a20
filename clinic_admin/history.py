"""Who changed a page last, and when: read from the trail, which is what these lines show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic, StaffMember
from portal.models import AuditEvent

UNDOABLE = ("clinic.changed", "opening_hours.changed", "clinic.switched")
"""Changes whose event says enough to bring back what was before."""


@dataclass(frozen=True, slots=True)
class LastChange:
    """What `clinic_admin/last_change.html` shows."""

    who: str
    at: datetime
    event_id: int | None = None
    can_undo: bool = False


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change that can be undone: its action, and the values before and after as the trail holds them."""

    action: str
    before: Any
    after: Any


def last_change(clinic: Clinic, actions: Iterable[str], *, subject: Model | None = None) -> LastChange | None:
    """Return who did one of these actions last at the clinic, to this very thing if one is given. Two queries."""
    events = AuditEvent.objects.filter(clinic_id=clinic.pk, action__in=list(actions))
    if subject is not None:
        events = events.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))
    event = events.order_by("-at", "-pk").first()
    if event is None:
        return None
    return LastChange(
        who=name_of(clinic, event.actor_id),
        at=event.at,
        event_id=event.pk,
        can_undo=event.action in UNDOABLE,
    )


def name_of(clinic: Clinic, user_id: UUID | None) -> str:
    """Return what the clinic calls the person; the vendor's own doings have no person."""
    if user_id is None:
        return _("the portal's vendor")
    found = StaffMember.objects.filter(clinic=clinic, user_id=user_id).values_list("name", flat=True).first()
    return found or _("someone outside the clinic")


def past_change(clinic: Clinic, event_id: int) -> PastChange | None:
    """Return the clinic's own change that can be undone, or None."""
    event = AuditEvent.objects.filter(
        pk=event_id,
        clinic_id=clinic.pk,
        action__in=UNDOABLE,
        subject_type=clinic._meta.label_lower,
        subject_id=str(clinic.pk),
    ).first()
    if event is None:
        return None
    details: Mapping[str, Any] = event.details
    return PastChange(event.action, details["before"], details["after"])
