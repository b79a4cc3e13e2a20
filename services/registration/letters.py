"""The e-mails of registration, in the person's language. None says anything about health."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic
from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from portal import crypto, phone_numbers


def received(*, clinic: Clinic, subject: models.Model, to: str, language: str, now: datetime) -> None:
    """Say that the request has come and the clinic decides: once to each address that was written."""
    with translation.override(language):
        title = _("%(clinic)s has your registration") % {"clinic": clinic.name}
        body = _(
            "Hello,\n\nyour registration at %(clinic)s has come. The clinic looks at it, and you get an e-mail when it has "
            "decided.\n\nIf you didn't register, tell the clinic."
        ) % {"clinic": clinic.name}
    _queue(clinic, subject, _version_for(to), to, title, body, now)


def _version_for(address: str) -> int:
    """Return the same number above those of the other letters for the same address, another one for others."""
    return 16 + int(crypto.blind_index(address.strip().lower(), purpose="registration.received")[:7], 16)


def accepted(
    *, clinic: Clinic, subject: models.Model, version: int, to: str, language: str, now: datetime
) -> None:
    """Say that the person can use the portal, and where."""
    address = settings.BASE_URL + reverse("clinic_front", args=[clinic.portal_identifier])
    words: dict[str, Any] = {"clinic": clinic.name, "address": address}
    with translation.override(language):
        title = _("You can use the online services of %(clinic)s") % words
        body = (
            _(
                "Hello,\n\nyou are registered at %(clinic)s. Sign in here:\n%(address)s\n\n"
                "If you didn't register, tell the clinic."
            )
            % words
        )
    _queue(clinic, subject, version, to, title, body, now)


def child_confirmed(*, clinic: Clinic, subject: models.Model, to: str, language: str, now: datetime) -> None:
    """Say that a child's sign-in is confirmed, and where one signs in."""
    address = settings.BASE_URL + reverse("clinic_front", args=[clinic.portal_identifier])
    words = {"clinic": clinic.name, "address": address}
    with translation.override(language):
        title = _("A child's sign-in at %(clinic)s is confirmed") % words
        body = (
            _(
                "Hello,\n\nthe clinic has seen who the guardian is. The child can sign in now, with national ID, password "
                "and a code that we send to this address:\n%(address)s\n\nIf this was not you, phone the clinic."
            )
            % words
        )
    _queue(clinic, subject, 2, to, title, body, now)


def decided_about_a_child(
    *, clinic: Clinic, subject: models.Model, to: str, language: str, now: datetime
) -> None:
    """Say that there is a decision, and nothing else: nobody has proven that the address is the guardian's."""
    words = {"clinic": clinic.name, "phone": phone_numbers.as_people_write(clinic.phone, clinic.country)}
    with translation.override(language):
        title = _("News about a request at %(clinic)s") % words
        body = (
            _(
                "Hello,\n\na request at %(clinic)s was made with this address, and the clinic has decided. Phone the clinic "
                "to hear more. If you know nothing of it, you need do nothing."
            )
            % words
        )
        if clinic.phone:
            body += "\n\n" + _("Phone: %(phone)s") % words
    _queue(clinic, subject, 2, to, title, body, now)


def refused(
    *, clinic: Clinic, subject: models.Model, to: str, language: str, reason: str, now: datetime
) -> None:
    """Say that the clinic refused, why if it said so, and what to do instead."""
    words = {"clinic": clinic.name, "reason": reason, "phone": clinic.phone}
    with translation.override(language):
        title = _("Your registration at %(clinic)s") % words
        body = _("Hello,\n\n%(clinic)s could not accept your registration.") % words
        if reason:
            body += "\n\n" + _("The clinic writes: %(reason)s") % words
        if clinic.phone:
            body += "\n\n" + _("If you have questions, phone the clinic: %(phone)s") % words
    _queue(clinic, subject, 2, to, title, body, now)


def _queue(
    clinic: Clinic, subject: models.Model, version: int, to: str, title: str, body: str, now: datetime
) -> None:
    outbox.queue_message(
        NewMessage(
            clinic=clinic,
            kind=MessageKind.REGISTRATION,
            channel=Channel.EMAIL,
            to=to,
            subject=subject,
            version=version,
            title=title,
            body=body,
            due_at=now,
            not_after=None,
        ),
        now=now,
    )
