"""What a patient is promised that a reminder costs: the price of when they choose it, whatever it becomes afterwards."""

from clinic_admin.sms_price import sms_ore
from notifications.choices import Channel
from notifications.queries import reminders_of
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
    """Return whether a reminder of the appointment was sent that costs the patient something. One query."""
    return any(line.is_paid for line in reminders_of([appointment]))
