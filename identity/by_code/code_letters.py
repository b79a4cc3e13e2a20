"""The messages that carry a one-time code, or say that eID is the way in."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin.countries import CodeChannel
from identity.models import OneTimeCode


@dataclass(frozen=True, slots=True)
class Words:
    """What the message says. Printing it shows nothing."""

    title: str = field(repr=False)
    """An e-mail's subject; SMS have none. It never holds the code: subjects show on locked screens."""
    body: str = field(repr=False)


def code(question: OneTimeCode, digits: str) -> Words:
    """Return the message with the code. The last line of an SMS lets a phone fill it in on our pages only."""
    words = {"code": digits, "clinic": question.clinic.name}
    with translation.override(question.language):
        body = _("%(code)s is your code for %(clinic)s. Never tell it to anyone, not even to us.") % words
        if question.channel == CodeChannel.SMS:
            return Words("", f"{body}\n\n@{urlsplit(settings.BASE_URL).hostname} #{digits}")
        title = _("Your code for %(clinic)s") % words
        more = _(
            "It works for ten minutes, in the browser where you asked for it. "
            "If you didn't ask for it, somebody knows your password: choose a new one, and tell the clinic."
        )
    return Words(title, f"{body}\n\n{more}")


def hint(question: OneTimeCode) -> Words:
    """Return the message to someone who has eID and tried their right password instead, or to a child's guardian (004)."""
    if question.is_for_guardian:
        return _guardian_hint(question)
    words = {"clinic": question.clinic.name}
    with translation.override(question.language):
        title = _("Sign in to %(clinic)s with your eID") % words
        body = (
            _(
                "Hello,\n\nsomeone has just written your password at %(clinic)s. "
                "No code was sent: you sign in with MitID.\n\n"
                "If you can't use MitID, phone the clinic. It can make sure who you are and open sign-in with password "
                "and code for you.\n\n"
                "If it wasn't you, choose a new password."
            )
            % words
        )
    return Words(title, body)


def _guardian_hint(question: OneTimeCode) -> Words:
    clinic = question.clinic
    address = settings.BASE_URL + reverse("child:confirm", args=[clinic.portal_identifier])
    words = {"clinic": clinic.name, "address": address}
    with translation.override(question.language):
        title = _("A guardian must confirm a child's sign-in at %(clinic)s") % words
        body = (
            _(
                "Hello,\n\nsomeone has just written a child's password at %(clinic)s. No code was sent: a guardian must "
                "first confirm the child's sign-in, once, with their own MitID:\n\n%(address)s\n\n"
                "After that the child signs in with password and a code as before.\n\n"
                "If it wasn't you, choose a new password."
            )
            % words
        )
    return Words(title, body)
