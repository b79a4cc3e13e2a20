"""Tells staff the story of a request from somebody without an account."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from services.booking.guests.choices import GuestStatus
from services.booking.models import GuestRequest


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the request."""

    at: datetime
    what: str
    who: str
    sign: str
    sentence: str = ""
    """What the person's page says about it."""


def history_of(guest: GuestRequest) -> list[Event]:
    """Return what happened to a request whose mobile is confirmed, oldest first; `decided_by` is loaded."""
    events = [
        Event(guest.confirmed_at or guest.created_at, _("Asked without an account"), guest.full_name, "plus")
    ]
    if guest.decided_at is None:
        return events
    what, sign = {
        GuestStatus.APPROVED: (_("Approved"), "check"),
        GuestStatus.REFUSED: (_("Refused"), "cross"),
        GuestStatus.WITHDRAWN: (_("Withdrawn"), "cross"),
    }[GuestStatus(guest.status)]
    who = guest.decided_by.name if guest.decided_by else guest.full_name
    sentence = guest.get_refused_because_display() if guest.refused_because else ""
    return [*events, Event(guest.decided_at, what, who, sign, str(sentence))]
