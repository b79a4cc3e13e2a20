"""Changes of reminders: by the patient, and by the clock when what decides about them has changed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic
from notifications import operations as outbox
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.operations import telling
from services.booking.operations.appointments import locked
from services.booking.reminders import policy, queries
from services.booking.reminders.price import promised_ore

AT_ONCE = 200


class ReminderRefused(Refused):
    """Nothing was changed; the reason is a ReminderRefusal."""


@transaction.atomic
def turn(*, patient: Patient, appointment_id: UUID, on: bool, actor: Any, now: datetime) -> Appointment:
    """Turn the reminder of the patient's own appointment on or off. Twice is once.

    Raises Appointment.DoesNotExist when it isn't the patient's, ReminderRefused when there is nothing to choose.
    """
    appointment = locked(Appointment.objects.for_patient(patient), appointment_id)
    refusal = policy.refuse_turning(
        status=appointment.status,
        starts_at=appointment.starts_at,
        clinic_reminds=appointment.clinic.reminds_everyone,
        now=now,
    )
    if refusal:
        raise ReminderRefused(refusal)
    if appointment.wants_reminder == on:
        return appointment
    appointment.wants_reminder = on
    appointment.reminder_ore = promised_ore(appointment.patient, wants_reminder=on)
    appointment.save(update_fields=["wants_reminder", "reminder_ore"])
    if on:
        audit.record(action="appointment.reminder_on", subject=appointment, actor=actor, now=now)
    else:
        audit.record(action="appointment.reminder_off", subject=appointment, actor=actor, now=now)
    _keep(appointment, now)
    return appointment


def _keep(appointment: Appointment, now: datetime) -> bool:
    """Make the queued reminder of a locked appointment what is wanted now; return whether anything changed.

    One that is wanted, and whose time by today's settings has passed, stays as it was queued.
    """
    if appointment.status != AppointmentStatus.BOOKED:
        return False
    wish = queries.wish_of(appointment)
    message = telling.reminder_of(appointment, now=now)
    if wish.is_wanted and message is None:
        return False
    return outbox.arrange(
        subject=appointment,
        kind=MessageKind.REMINDER,
        version=appointment.version,
        wanted=message,
        now=now,
    )


def keep_up(clinic: Clinic, now: datetime) -> int:
    """Bring the reminders that are due soon in line with the clinic's settings and the patients' details.

    Who has been booked already is reminded by what holds today: a setting, a number, an address or a language that was
    changed since. Returns how many reminders were changed. Reads the appointments of the next days only.
    """
    until = now + timedelta(hours=clinic.reminder_hours_ahead) + policy.AHEAD
    coming = Appointment.objects.for_clinic(clinic).filter(
        status=AppointmentStatus.BOOKED, starts_at__gt=now, starts_at__lte=until
    )
    keys = list(coming.order_by("starts_at", "pk").values_list("pk", flat=True))
    return sum(
        _keep_one(clinic, key, now)
        for first in range(0, len(keys), AT_ONCE)
        for key in _to_change(clinic, keys[first : first + AT_ONCE], now)
    )


def _to_change(clinic: Clinic, keys: list[UUID], now: datetime) -> list[UUID]:
    """Return those of these whose reminder is not as wanted, without a lock on any. Two queries."""
    appointments = Appointment.objects.filter(pk__in=keys).select_related("patient").defer("reason")
    rows = _reminders_about([str(key) for key in keys])
    found = []
    for one in appointments:
        one.clinic = clinic
        message = telling.reminder_of(one, now=now)
        if message is None and queries.wish_of(one).is_wanted:
            continue
        mine = [row for row in rows.get(str(one.pk), []) if row.version == one.version]
        if not outbox.is_arranged(mine, message, now=now):
            found.append(one.pk)
    return found


@transaction.atomic
def _keep_one(clinic: Clinic, key: UUID, now: datetime) -> bool:
    """Keep this one; one that is just being moved or cancelled is left to whoever does it."""
    rows = Appointment.objects.for_clinic(clinic).select_related("clinic", "patient").defer("reason")
    appointment = rows.filter(pk=key).select_for_update(of=("self",), skip_locked=True).first()
    return appointment is not None and _keep(appointment, now)


def _reminders_about(keys: list[str]) -> dict[str, list[OutboxMessage]]:
    """Return the reminders of these appointments, whole, by appointment. One query."""
    found: dict[str, list[OutboxMessage]] = {}
    for row in OutboxMessage.objects.filter(
        subject_type=Appointment._meta.label_lower, subject_id__in=keys, kind=MessageKind.REMINDER
    ):
        found.setdefault(row.subject_id, []).append(row)
    return found
