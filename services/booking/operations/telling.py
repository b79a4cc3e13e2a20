"""Queues what patients are told about an appointment, in the transaction that changes it."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from portal.phone_numbers import as_people_write
from services.booking import messages, policy
from services.booking.models import Appointment


def tell(appointment: Appointment, kind: MessageKind, *, now: datetime) -> None:
    """Queue an SMS and an e-mail, as far as the patient has a number and an address.

    Who has neither gets a row that says so, for staff to see. Nothing is sent once the time has come.
    """
    patient = appointment.patient
    ways = [(Channel.SMS, patient.mobile), (Channel.EMAIL, patient.email)]
    for channel, to in [way for way in ways if way[1]] or ways[:1]:
        _queue(appointment, kind, channel=channel, to=to, due_at=now, now=now)


def remind(appointment: Appointment, *, now: datetime) -> None:
    """Queue the reminder of a booked appointment, if the patient or the clinic wants one and it is still ahead."""
    clinic, patient = appointment.clinic, appointment.patient
    if not patient.mobile or not (appointment.wants_reminder or clinic.reminds_everyone):
        return
    due_at = policy.reminder_time(
        appointment.starts_at, hours_ahead=clinic.reminder_hours_ahead, zone=clinic.zone, now=now
    )
    if due_at is not None:
        _queue(
            appointment, MessageKind.REMINDER, channel=Channel.SMS, to=patient.mobile, due_at=due_at, now=now
        )


def hush(appointment: Appointment, *, now: datetime) -> None:
    """Take back everything about the appointment that has not been sent: reminder, confirmation, receipt."""
    outbox.cancel_messages(subject=appointment, now=now)


def _queue(
    appointment: Appointment,
    kind: MessageKind,
    *,
    channel: Channel,
    to: str,
    due_at: datetime,
    now: datetime,
) -> None:
    clinic = appointment.clinic
    text = messages.text_of(
        kind,
        messages.Occasion(
            clinic_name=clinic.name,
            clinic_phone=as_people_write(clinic.phone, clinic.country) if clinic.phone else "",
            starts_at=appointment.starts_at,
            zone=clinic.zone,
            language=appointment.patient.language or clinic.language,
            address=settings.BASE_URL + reverse("booking:appointments", args=[clinic.portal_identifier]),
        ),
    )
    outbox.queue_message(
        clinic=clinic,
        kind=kind,
        channel=channel,
        to=to,
        subject=appointment,
        version=appointment.version,
        title=text.title,
        body=text.body,
        due_at=due_at,
        not_after=appointment.starts_at,
        now=now,
    )
