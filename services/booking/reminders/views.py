"""The patient turns the reminder of an appointment on or off, and reads how it stands."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic_admin.sms_price import in_crowns
from notifications.choices import Channel
from patients.guardianship.choices import Area
from patients.guards import PatientRequest, patient_page
from portal import moments
from services.booking.models import Appointment
from services.booking.reminders import operations, policy, price, queries, words
from services.booking.reminders.choices import Stage
from services.booking.reminders.choosing import OTHER_PRICE
from services.booking.reminders.forms import TurnForm
from services.booking.reminders.operations import ReminderRefused
from services.booking.reminders.policy import Outlook, Wish


@patient_page(area=Area.APPOINTMENTS)
@require_POST
def turn(request: PatientRequest, appointment: UUID) -> HttpResponse:
    """Turn it on or off, and show the appointment; where nothing can be chosen any more, the page says how it is.

    Asked for at another price than today's, nothing is turned: the page states that one (F6).
    """
    form = TurnForm(request.POST)
    if not form.is_valid():
        raise Http404
    page = reverse("booking:appointment", args=[request.clinic.portal_identifier, appointment])
    if form.told_other_than(price.promised_ore(request.patient, wants_reminder=True)):
        messages.warning(request, str(OTHER_PRICE))
        return redirect(page)
    try:
        operations.turn(
            patient=request.patient,
            appointment_id=appointment,
            on=form.cleaned_data["on"] == "1",
            actor=request.user,
            now=timezone.now(),
        )
    except Appointment.DoesNotExist as absent:
        raise Http404 from absent
    except ReminderRefused:
        pass
    return redirect(f"{page}#reminder")


def reminder_words(request: PatientRequest, appointment: Appointment, now: datetime) -> dict[str, Any]:
    """Return what the appointment's page says about the reminder: a sentence, and the button with its price. One query."""
    appointment.clinic, appointment.patient = request.clinic, request.patient
    wish, outlook = queries.wish_of(appointment), queries.outlook_of(appointment, now)
    refusal = policy.refuse_turning(
        status=appointment.status,
        starts_at=appointment.starts_at,
        clinic_reminds=request.clinic.reminds_everyone,
        now=now,
    )
    return {
        "reminder_sentence": _sentence(wish, outlook, request, appointment.reminder_ore),
        "reminder_label": "" if refusal else _button(wish, outlook, request, now),
        "reminder_ore": price.promised_ore(request.patient, wants_reminder=True),
        "reminder_misses_contact": wish.channel is None
        or outlook.stage is Stage.FAILED
        or (wish.channel is Channel.EMAIL and outlook.stage is Stage.PLANNED),
    }


def _sentence(wish: Wish, outlook: Outlook, request: PatientRequest, promised_ore: int) -> str:
    way = outlook.line.channel if outlook.line else wish.channel
    by = _("By SMS") if way is Channel.SMS else _("By e-mail")
    when = moments.day_and_clock(outlook.at, request.clinic.zone) if outlook.at else ""
    match outlook.stage:
        case Stage.PLANNED:
            return f"{by}, {when}. " + (_costs(wish, request, promised_ore) if way is Channel.SMS else "")
        case Stage.SENT | Stage.DELIVERED:
            return _("%(way)s, sent %(when)s.") % {"way": by, "when": when}
        case Stage.FAILED:
            return _("It could not be delivered. Are the contact details right?")
    if not wish.is_wanted:
        return _("None")
    if wish.channel is None:
        return _("None: there is neither a mobile number nor an e-mail address.")
    if wish.status == "requested":
        return _("When the appointment is approved.")
    return _("None: the appointment is so near.")


def _costs(wish: Wish, request: PatientRequest, promised_ore: int) -> str:
    """Say what it costs: what was said when it was chosen, whatever the clinic takes for others since."""
    costs = in_crowns(request.clinic, promised_ore)
    if wish.clinic_reminds or not costs:
        return _("It costs nothing.")
    # "1 kr." ends the sentence with its own full stop.
    return _("It costs %(price)s.") % {"price": costs.removesuffix(".")}


def _button(wish: Wish, outlook: Outlook, request: PatientRequest, now: datetime) -> str:
    """Return the words of the button; empty where pressing it would change nothing."""
    if wish.channel is None or outlook.stage in {Stage.SENT, Stage.DELIVERED, Stage.FAILED}:
        return ""
    if wish.wants:
        return _("No reminder, please")
    return words.label_for(request.clinic, wish.channel) if wish.due_at(now) else ""
