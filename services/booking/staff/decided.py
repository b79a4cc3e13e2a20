"""Says what became of a request: to whoever decided it, and to whoever came second."""

from datetime import datetime, tzinfo
from uuid import UUID

from django.utils.translation import gettext as _

from portal import moments
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.operations.telling import can_tell
from services.booking.staff.forms import Decision

_OUTCOMES = {Decision.APPROVE: AppointmentStatus.BOOKED, Decision.REFUSE: AppointmentStatus.REFUSED}


def told(decided: Appointment, *, now: datetime) -> str:
    """Return what to say to whoever has just decided."""
    return outcome(
        decided.patient.full_name,
        is_approved=decided.status == AppointmentStatus.BOOKED,
        has_passed=decided.starts_at <= now,
        is_told=can_tell(decided.patient, decided.starts_at, now=now),
    )


def outcome(name: str, *, is_approved: bool, has_passed: bool, is_told: bool) -> str:
    """Return what to say of a request of somebody with this name, with or without an account."""
    if is_approved:
        words = (
            _("Approved. %(name)s is notified.") if is_told else _("Approved. %(name)s can't be notified.")
        )
    elif has_passed:
        words = _("Refused. The time has passed, so %(name)s is not notified.")
    elif is_told:
        words = _("Refused. %(name)s is notified, and the time is free again.")
    else:
        words = _("Refused. %(name)s can't be notified, and the time is free again.")
    return words % {"name": name}


def is_done(found: Appointment, decision: str, *, actor_id: UUID) -> bool:
    """Return whether the actor has decided just so already: the button was pressed twice."""
    return found.status == _OUTCOMES[Decision(decision)] and found.decided_by_id == actor_id


def by_whom(found: Appointment, zone: tzinfo) -> str:
    """Return who ended the waiting, how and when; empty where nobody is known to."""
    if found.status == AppointmentStatus.CANCELLED and found.decided_by is None:
        by, at, words = found.cancelled_by, found.cancelled_at, _("Cancelled by %(name)s, %(when)s.")
    elif found.status == AppointmentStatus.REFUSED:
        by, at, words = found.decided_by, found.decided_at, _("Refused by %(name)s, %(when)s.")
    else:
        by, at, words = found.decided_by, found.decided_at, _("Approved by %(name)s, %(when)s.")
    return words % {"name": by.name, "when": moments.day_and_clock(at, zone)} if by and at else ""
