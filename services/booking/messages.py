"""What patients are told about their appointments, in their own language. Pure: values in, texts out.

A message says that there is an appointment, when, and at which clinic. Never with whom, why, or of what kind:
whoever else sees the phone learns nothing about anyone's health.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from notifications.choices import MessageKind
from portal import moments
from portal.phone_numbers import as_people_write


@dataclass(frozen=True, slots=True)
class Occasion:
    """Which appointment is told of, for whom to read."""

    clinic_name: str
    clinic_phone: str
    """As stored; empty if the clinic has none."""
    country: str
    starts_at: datetime
    zone: ZoneInfo
    language: str
    address: str
    """Where the patient sees more after signing in; empty for somebody who has no account."""
    page_says_more: bool = False
    """Whether the page that an earlier message to somebody without an account led to says more than this message."""


@dataclass(frozen=True, slots=True)
class Text:
    """A title for e-mail, and the text itself."""

    title: str
    body: str


def text_of(kind: MessageKind, occasion: Occasion) -> Text:
    """Return what a message of this kind (one of the appointment kinds) says, in the occasion's language."""
    title, sentence = _sentences(kind, occasion.language)
    words = {
        "clinic": occasion.clinic_name,
        "when": _when(occasion.starts_at, occasion.zone, occasion.language),
    }
    way_on = _way_on(
        kind,
        occasion.language,
        occasion.address,
        occasion.clinic_phone,
        occasion.country,
        occasion.page_says_more,
    )
    return Text(title=title % words, body=f"{words['clinic']}: {sentence % words} {way_on}".strip())


# What follows is the same for many messages, and takes longer to find than to keep.
@lru_cache(maxsize=64)
def _sentences(kind: MessageKind, language: str) -> tuple[str, str]:
    with translation.override(language):
        title, sentence = _SENTENCES[kind]
        return str(title), str(sentence)


@lru_cache(maxsize=1024)
def _when(starts_at: datetime, zone: ZoneInfo, language: str) -> str:
    """Return day and time in words: by SMS, by e-mail and in the reminder they are the same."""
    with translation.override(language):
        return moments.day_and_clock(starts_at, zone)


@lru_cache(maxsize=1024)
def _way_on(
    kind: MessageKind, language: str, address: str, phone: str, country: str, page_says_more: bool
) -> str:
    """Return where to see more, or whom to ask."""
    needs_another = kind in {MessageKind.BOOKING_REFUSED, MessageKind.BOOKING_IN_DOUBT}
    with translation.override(language):
        if address and not (needs_another and phone):
            return _("Sign in to see more: %(address)s") % {"address": address}
        if not phone:
            return str(_("See the link we sent.")) if page_says_more else ""
        words = {"address": address, "phone": as_people_write(phone, country)}
        if address:
            return _("Choose another time at %(address)s or phone %(phone)s.") % words
        if page_says_more:
            return _("See the link we sent, or phone %(phone)s.") % words
        return _("Questions? Phone %(phone)s.") % words


_SENTENCES = {
    MessageKind.BOOKING_REQUESTED: (
        _("Your request to %(clinic)s"),
        _("We have received your request for %(when)s. You will hear from us when it is approved."),
    ),
    MessageKind.BOOKING_CONFIRMED: (
        _("Your appointment at %(clinic)s"),
        _("Your appointment is booked for %(when)s."),
    ),
    MessageKind.BOOKING_REFUSED: (
        _("Your request to %(clinic)s"),
        _("We could not approve your request for %(when)s."),
    ),
    MessageKind.BOOKING_MOVED: (
        _("Your appointment at %(clinic)s is changed"),
        _("Your appointment is changed. It is now on %(when)s."),
    ),
    MessageKind.BOOKING_IN_DOUBT: (
        _("About your appointment at %(clinic)s"),
        _("Your appointment on %(when)s may not take place as planned."),
    ),
    MessageKind.BOOKING_CANCELLED: (
        _("Appointment cancelled at %(clinic)s"),
        _("Your appointment on %(when)s is cancelled."),
    ),
    MessageKind.REMINDER: (
        _("Reminder of your appointment at %(clinic)s"),
        _("You have an appointment on %(when)s."),
    ),
}
"""Of each kind the title and the sentence; translated when they are read."""
