"""Queues what patients are told about an appointment, in the transaction that changes it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.db.models import Model
from django.urls import reverse

from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from patients.models import Patient
from portal.together import Change
from services.booking import messages, policy
from services.booking.models import Appointment


def tell(
    appointment: Appointment,
    kind: MessageKind,
    *,
    now: datetime,
    reminds: bool = False,
    knows: str = "",
    beside: Sequence[Model] = (),
    after: Change | None = None,
) -> None:
    """Queue an SMS and an e-mail, as far as the patient has a number and an address, and the reminder if asked to.

    Who has neither gets a row that says so, for staff to see. Nothing is sent once the time has come. The reminder
    is left out when neither the patient nor the clinic wants one, or when its time is past. `knows` is a number that
    has been told already. `beside` are new rows, stored with the messages if what they depend on (`after`) can be
    changed, otherwise NotChanged is raised. One statement.
    """
    news = [message for message in _news(appointment, kind, now) if not knows or message.to != knows]
    reminder = _reminder(appointment, now) if reminds else []
    outbox.queue_messages([*news, *reminder], now=now, beside=beside, after=after)


def can_tell(patient: Patient, starts_at: datetime, *, now: datetime) -> bool:
    """Return whether anybody can be told of an appointment at this time: not once it has come, not without an address."""
    return starts_at > now and bool(patient.mobile or patient.email)


def remind(appointment: Appointment, *, now: datetime) -> None:
    """Queue the reminder alone, as `tell` does: for a change that staff tell the patient of themselves."""
    outbox.queue_messages(_reminder(appointment, now), now=now)


def hush(appointment: Appointment, *, kinds: list[MessageKind] | None = None, now: datetime) -> None:
    """Take back what has not been sent about the appointment: of these kinds, or reminder, confirmation and receipt."""
    outbox.cancel_messages(subject=appointment, kinds=kinds, now=now)


def _news(appointment: Appointment, kind: MessageKind, now: datetime) -> list[NewMessage]:
    patient = appointment.patient
    ways = [(Channel.SMS, patient.mobile), (Channel.EMAIL, patient.email)]
    text = _text(appointment, kind)
    return [
        _message(appointment, kind, text, channel=channel, to=to, due_at=now)
        for channel, to in [way for way in ways if way[1]] or ways[:1]
    ]


def reminder_of(appointment: Appointment, *, now: datetime) -> NewMessage | None:
    """Return the reminder that is wanted for the appointment as it is; None where none is, or its time is past.

    By SMS, to who has no mobile number by e-mail; who has neither gets a row that says so, for staff to see.
    """
    clinic, patient, kind = appointment.clinic, appointment.patient, MessageKind.REMINDER
    if not (appointment.wants_reminder or clinic.reminds_everyone):
        return None
    due_at = policy.reminder_time(
        appointment.starts_at, hours_ahead=clinic.reminder_hours_ahead, zone=clinic.zone, now=now
    )
    if due_at is None:
        return None
    text = _text(appointment, kind)
    channel = Channel.SMS if patient.mobile or not patient.email else Channel.EMAIL
    is_paid = channel is Channel.SMS and not clinic.reminds_everyone
    return replace(
        _message(appointment, kind, text, channel=channel, to=patient.mobile or patient.email, due_at=due_at),
        price_ore=appointment.reminder_ore if is_paid else 0,
    )


def _reminder(appointment: Appointment, now: datetime) -> list[NewMessage]:
    message = reminder_of(appointment, now=now)
    return [] if message is None else [message]


def _text(appointment: Appointment, kind: MessageKind) -> messages.Text:
    clinic = appointment.clinic
    return messages.text_of(
        kind,
        messages.Occasion(
            clinic_name=clinic.name,
            clinic_phone=clinic.phone,
            country=clinic.country,
            starts_at=appointment.starts_at,
            zone=clinic.zone,
            language=appointment.patient.language or clinic.language,
            address=settings.BASE_URL + _to_appointments(clinic.portal_identifier),
        ),
    )


@lru_cache(maxsize=1024)
def _to_appointments(portal_identifier: str) -> str:
    """Return where a clinic's patients see their appointments: worked out once for all of them."""
    return reverse("booking:appointments", args=[portal_identifier])


def _message(
    appointment: Appointment,
    kind: MessageKind,
    text: messages.Text,
    *,
    channel: Channel,
    to: str,
    due_at: datetime,
) -> NewMessage:
    return NewMessage(
        clinic=appointment.clinic,
        kind=kind,
        channel=channel,
        to=to,
        subject=appointment,
        version=appointment.version,
        title=text.title,
        body=text.body,
        due_at=due_at,
        not_after=appointment.starts_at,
    )
