"""What a patient reads about the reminder before and after booking: how it comes, when, and what it costs."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic_admin.models import Clinic
from clinic_admin.sms_price import sms_ore, sms_price
from notifications.choices import Channel
from patients.models import Patient
from services.booking.policy import reminder_time
from services.booking.reminders import policy


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page says about the reminder."""

    label: str = ""
    """Of the tick box; empty: nothing can be chosen."""
    ore: int = 0
    """What the label says that it costs, in hundredths of the currency."""
    hint: str = ""
    """Said below, or instead of the box."""
    misses_contact: bool = False
    """Whether a number would help: the page shows the way to the patient's details."""


def choice_for(
    patient: Patient, clinic: Clinic, *, starts_at: datetime | None = None, now: datetime
) -> Choice:
    """Return what to say about the reminder of an appointment; of one whose time is not known yet without starts_at."""
    channel = policy.channel_of(patient.mobile, patient.email)
    if channel is None:
        return Choice(
            hint=_("We have neither a mobile number nor an e-mail address here, so no reminder can be sent."),
            misses_contact=True,
        )
    if starts_at is not None and _is_near(starts_at, clinic, now):
        return Choice(hint=_("This time is so near that no reminder is sent."))
    is_sms = channel is Channel.SMS
    if clinic.reminds_everyone:
        by_sms = _("The clinic sends a reminder by SMS. It costs nothing.")
        by_mail = _("The clinic sends a reminder by e-mail. It costs nothing.")
        return Choice(hint=by_sms if is_sms else by_mail, misses_contact=not is_sms)
    return Choice(
        label=label_for(clinic, channel),
        ore=sms_ore(clinic) if is_sms else 0,
        hint=_when(clinic),
        misses_contact=not is_sms,
    )


def label_for(clinic: Clinic, channel: Channel) -> str:
    """Return the words of the choice, with its price."""
    if channel is Channel.EMAIL:
        return _("Send a reminder by e-mail, free of charge")
    costs = sms_price(clinic)
    return (
        _("Send a reminder by SMS, %(price)s") % {"price": costs}
        if costs
        else _("Send a reminder by SMS, free of charge")
    )


def _when(clinic: Clinic) -> str:
    hours = clinic.reminder_hours_ahead
    return ngettext(
        "A reminder comes %(hours)d hour before, never between 21 and 7.",
        "A reminder comes %(hours)d hours before, never between 21 and 7.",
        hours,
    ) % {"hours": hours}


def _is_near(starts_at: datetime, clinic: Clinic, now: datetime) -> bool:
    due = reminder_time(starts_at, hours_ahead=clinic.reminder_hours_ahead, zone=clinic.zone, now=now)
    return due is None
