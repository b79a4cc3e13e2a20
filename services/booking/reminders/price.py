"""What a patient is promised that a reminder costs: the price of when they choose it, whatever it becomes afterwards."""

from collections.abc import Iterable

from clinic_admin.sms_price import sms_ore
from notifications.choices import Channel, State
from notifications.queries import LedgerLine, reminders_of
from patients.models import Patient
from services.booking.models import Appointment
from services.booking.reminders.policy import channel_of


def promised_ore(patient: Patient, *, wants_reminder: bool) -> int:
    """Return what a reminder costs who chooses it now, in hundredths of the currency; 0: nothing.

    Only an SMS costs something, and none that the clinic sends everyone.
    """
    is_sms = channel_of(patient.mobile, patient.email) is Channel.SMS
    if not wants_reminder or patient.clinic.reminds_everyone or not is_sms:
        return 0
    return sms_ore(patient.clinic)


def is_owed(appointment: Appointment) -> bool:
    """Return whether a reminder that costs the patient something was sent, or is on its way. One query."""
    lines = reminders_of([appointment])
    return any(line.is_paid or (line.price_ore and line.state is State.SENDING) for line in lines)


def owed_ore(lines: Iterable[LedgerLine]) -> int:
    """Return what the patient owes by what was told about one appointment: of several reminders the first is paid for."""
    paid = sorted((line.due_at, line.id, line.price_ore) for line in lines if line.is_paid)
    return paid[0][2] if paid else 0
