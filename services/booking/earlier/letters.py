"""What a patient is told about a time that came free: that there is one, when, and until when. Never with whom."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from portal import moments
from services.booking.earlier.models import EarlierOffer


def tell(offer: EarlierOffer, *, at: datetime, now: datetime) -> None:
    """Queue an SMS and an e-mail, as far as the patient has a number and an address, due at `at`. One statement.

    The link opens nothing by itself: it leads to the offer after signing in. Nothing is sent once the offer is over.
    """
    patient = offer.patient
    title, body = _text(offer)
    ways = [(Channel.SMS, patient.mobile), (Channel.EMAIL, patient.email)]
    outbox.queue_messages(
        [
            NewMessage(
                clinic=offer.clinic,
                kind=MessageKind.TIME_OFFERED,
                channel=channel,
                to=to,
                subject=offer,
                version=1,
                title=title,
                body=body,
                due_at=at,
                not_after=offer.expires_at,
            )
            for channel, to in ways
            if to
        ],
        now=now,
    )


def hush(offer: EarlierOffer, *, now: datetime) -> None:
    """Take back what has not been sent about the offer."""
    outbox.cancel_messages(subject=offer, now=now)


def _text(offer: EarlierOffer) -> tuple[str, str]:
    clinic = offer.clinic
    page = reverse("earlier:offer", args=[clinic.portal_identifier, offer.pk])
    with translation.override(offer.patient.language or clinic.language):
        words = {
            "clinic": clinic.name,
            "when": moments.day_and_clock(offer.starts_at, clinic.zone),
            "until": moments.day_and_clock(offer.expires_at, clinic.zone),
            "address": settings.BASE_URL + page,
        }
        title = _("A time has come free at %(clinic)s") % words
        body = _(
            "%(clinic)s: A time has come free on %(when)s. It is held for you until %(until)s. "
            "Sign in to take it or let it go: %(address)s"
        )
        return title, body % words
