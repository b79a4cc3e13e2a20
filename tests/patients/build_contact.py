"""Contact details for tests."""

import re

from django.urls import reverse
from django.utils import timezone

from notifications.choices import Channel, MessageKind
from notifications.models import OutboxMessage
from patients.contact import operations
from patients.contact.choices import ContactKind


def page(clinic, name="details"):
    """Return the address of one of the patient's pages about contact details."""
    return reverse(f"patients:{name}", args=[clinic.portal_identifier])


def save(client, patient, **values):
    """Send the form of "My details" as it stands, but for these values."""
    kept = {"mobile": patient.mobile, "email": patient.email, "language": patient.language}
    return client.post(page(patient.clinic), kept | values)


def link_path():
    """Return the path of the newest link that confirms an address."""
    mails = OutboxMessage.objects.filter(kind=MessageKind.CONTACT_CHANGED, channel=Channel.EMAIL)
    bodies = [mail.body for mail in mails.order_by("-created_at") if "/confirm/" in mail.body]
    return re.search(r"https?://[^/]+(/\S+/confirm/\S+)", bodies[0])[1]


def sent_code():
    """Return the newest code."""
    message = OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE).latest("created_at")
    return re.match(r"(\d{6})", message.body)[1]


def notices():
    """Return channel, recipient and body of what went to old addresses."""
    rows = OutboxMessage.objects.filter(kind=MessageKind.CONTACT_CHANGED).order_by("created_at")
    return [(row.channel, row.recipient, row.body) for row in rows if "/confirm/" not in row.body]


def confirmed(patient, at=None):
    """Let the patient have confirmed what the record says."""
    for kind in ContactKind:
        if value := getattr(patient, kind):
            operations.note_word_for_demo(patient=patient, kind=kind, value=value, at=at or timezone.now())
    return patient
