"""What somebody without an account is told, by SMS to the mobile that they confirmed."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from services.booking import messages
from services.booking.guests import policy
from services.booking.models import GuestRequest


@dataclass(frozen=True, slots=True)
class Code:
    """Six digits. Printing it shows nothing."""

    digits: str = field(repr=False)


def send_code(guest: GuestRequest, code: Code, *, now: datetime) -> UUID:
    """Queue the code; return the message's id. The last line lets a phone fill it in on our pages only."""
    with translation.override(guest.language):
        body = _(
            "%(code)s confirms your mobile for %(clinic)s. Write it on the page where you asked for a time."
        ) % {"code": code.digits, "clinic": guest.clinic.name}
    message = NewMessage(
        clinic=guest.clinic,
        kind=MessageKind.SIGN_IN_CODE,
        channel=Channel.SMS,
        to=guest.mobile,
        subject=guest,
        version=guest.codes_sent,
        title="",
        body=f"{body}\n\n@{urlsplit(settings.BASE_URL).hostname} #{code.digits}",
        due_at=now,
        not_after=now + policy.CODE_LASTS,
    )
    return outbox.queue_message(message, now=now).pk


def tell(guest: GuestRequest, kind: MessageKind, *, now: datetime, word: str = "") -> None:
    """Queue the news about the request. With `word` the message leads to the request's own page."""
    clinic = guest.clinic
    text = messages.text_of(
        kind,
        messages.Occasion(
            clinic_name=clinic.name,
            clinic_phone=clinic.phone,
            country=clinic.country,
            starts_at=guest.starts_at,
            zone=clinic.zone,
            language=guest.language,
            address="",
            page_says_more=bool(guest.refused_because),
        ),
    )
    outbox.queue_messages(
        [
            NewMessage(
                clinic=clinic,
                kind=kind,
                channel=Channel.SMS,
                to=guest.mobile,
                subject=guest,
                version=1,
                title=text.title,
                body=text.body + _way_on(guest, word),
                due_at=now,
                not_after=guest.starts_at,
            )
        ],
        now=now,
    )


def _way_on(guest: GuestRequest, word: str) -> str:
    if not word:
        return ""
    address = settings.BASE_URL + reverse("guests:link", args=[guest.clinic.portal_identifier, word])
    with translation.override(guest.language):
        return " " + _("See or withdraw it: %(address)s") % {"address": address}
