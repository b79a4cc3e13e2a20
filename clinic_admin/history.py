"""Who changed a page last, and when: read from the trail, which is what these lines show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
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


class Step(NamedTuple):
    """One of the changes that a save made: its action, what it was made to, and the trail's details."""

    action: str
    subject_id: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LastSave:
    """What was saved last on a page, as one act. Its first three fields are those of LastChange."""

    who: str
    at: datetime
    event_id: int
    steps: tuple[Step, ...]


_MOST_STEPS = 20


def last_save(
    clinic: Clinic, actions: Iterable[str], *, subject: Model | None = None, patient_id: UUID | None = None
) -> LastSave | None:
    """Return the last save of these kinds, of this very thing or patient if one is given, or None. Two queries.

    All that was changed by the same request or at the same instant is one save.
    """
    events = AuditEvent.objects.filter(clinic_id=clinic.pk, action__in=list(actions))
    if subject is not None:
        events = events.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))
    if patient_id is not None:
        events = events.filter(patient_id=patient_id)
    found = list(events.order_by("-at", "-pk")[:_MOST_STEPS])
    if not found:
        return None
    last = found[0]
    together = [event for event in found if event.at == last.at and event.request_id == last.request_id]
    return LastSave(
        who=name_of(clinic, last.actor_id),
        at=last.at,
        event_id=last.pk,
        steps=tuple(Step(event.action, event.subject_id, event.details) for event in together),
    )


@dataclass(frozen=True, slots=True)
class Undoing:
    """A page that was asked to show what stood before its last save: which save, or None when that is no longer it."""

    last_save: LastSave | None


def undoing(asked: str | None, last: LastSave | None) -> Undoing | None:
    """Return what an address asks to undo (`?undo=<event>`); None when it asks for nothing."""
    if asked is None:
        return None
    return Undoing(last if last is not None and asked == str(last.event_id) else None)


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
