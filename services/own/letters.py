"""The e-mail that confirms that a patient has left, in the patient's language. It says nothing about health."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from patients.models import Patient
from portal import phone_numbers


def left(patient: Patient, *, now: datetime) -> None:
    """Queue it, if there is an address to send it to."""
    if not patient.email:
        return
    clinic = patient.clinic
    words = {
        "clinic": clinic.name,
        "address": settings.BASE_URL + reverse("clinic_front", args=[clinic.portal_identifier]),
        "phone": phone_numbers.as_people_write(clinic.phone, clinic.country) if clinic.phone else "",
    }
    with translation.override(patient.language or clinic.language):
        title = _("You have left the online services of %(clinic)s") % words
        body = (
            _(
                "Hello,\n\nyou don't use the online services of %(clinic)s any more. The clinic keeps its record, as the "
                "law says. You can come back at any time:\n%(address)s"
            )
            % words
        )
        if clinic.phone:
            body += "\n\n" + _("Was it not you? Phone the clinic: %(phone)s") % words
    outbox.queue_message(
        NewMessage(
            clinic=clinic,
            kind=MessageKind.REGISTRATION,
            channel=Channel.EMAIL,
            to=patient.email,
            subject=patient,
            version=int(now.timestamp()),
            title=title,
            body=body,
            due_at=now,
            not_after=None,
        ),
        now=now,
    )
