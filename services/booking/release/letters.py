"""What those are told who got no time in the draw. Winners get the ordinary messages of an appointment."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from portal import moments
from portal.phone_numbers import as_people_write
from services.booking.models import Draw, DrawRequest

LASTS = timedelta(hours=4)
"""Later than that nobody needs to hear of it any more."""


def tell_losers(draw: Draw, requests: Iterable[DrawRequest], *, now: datetime) -> None:
    """Queue an SMS, or an e-mail for who has no number, to each. One statement, and none for nobody.

    It says that there was no time, of which day, and the ways on. Nothing about with whom or why.
    """
    messages = [_message(draw, one, now) for one in requests]
    if messages:
        outbox.queue_messages(messages, now=now)


def _message(draw: Draw, one: DrawRequest, now: datetime) -> NewMessage:
    patient, clinic = one.asker, draw.clinic
    by_mail = bool(patient.email) and not patient.mobile
    with translation.override(patient.language or clinic.language):
        words = {
            "clinic": clinic.name,
            "day": moments.day(draw.day),
            "address": settings.BASE_URL
            + reverse("release:request", args=[clinic.portal_identifier, one.pk]),
            "phone": as_people_write(clinic.phone, clinic.country) if clinic.phone else "",
        }
        title = _("The draw at %(clinic)s") % words
        body = _(
            "%(clinic)s: There were too few urgent times for all who asked for %(day)s, and you got none."
        )
        way_on = _("See other times: %(address)s") % words
        if clinic.phone:
            way_on += " " + _("Can't it wait? Phone %(phone)s.") % words
        text = f"{body % words} {way_on}"
    return NewMessage(
        clinic=clinic,
        kind=MessageKind.DRAW_LOST,
        channel=Channel.EMAIL if by_mail else Channel.SMS,
        to=patient.email if by_mail else patient.mobile,
        subject=one,
        version=1,
        title=title,
        body=text,
        due_at=now,
        not_after=now + LASTS,
    )
