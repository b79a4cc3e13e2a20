"""The messages around a change of contact details. None names the patient, and none says anything about health."""

from collections.abc import Sequence
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
from patients.contact import policy
from patients.contact.choices import ContactKind
from patients.contact.models import ContactChange
from patients.models import Patient
from portal import phone_numbers

_CHANNELS = {ContactKind.EMAIL: Channel.EMAIL, ContactKind.MOBILE: Channel.SMS}


def queue_link(change: ContactChange, token: str, *, is_child: bool, now: datetime) -> None:
    """Queue the e-mail with the link to the new address. `token` is the word in it; it stands nowhere else."""
    clinic = change.clinic
    words = {
        "clinic": clinic.name,
        "address": settings.BASE_URL
        + reverse("patients:contact_link", args=[clinic.portal_identifier, token]),
    }
    with translation.override(_language(change.patient)):
        title = _("Confirm your e-mail address for %(clinic)s") % words
        if is_child:
            body = (
                _(
                    "Hello,\n\nA guardian has made a sign-in for a child at %(clinic)s with this e-mail address. "
                    "Confirm here that the address is right:\n\n%(address)s\n\n"
                    "The link works once, and for a day. After that you sign in with the child's national ID, the "
                    "password that was chosen, and a code that we send to this address.\n\n"
                    "If you know nothing of this, open the link and say so, or do nothing."
                )
                % words
            )
        else:
            body = (
                _(
                    "Hello,\n\nThis address was given to %(clinic)s as the e-mail address of a patient. "
                    "Confirm here that it is right:\n\n%(address)s\n\n"
                    "The link works once, and for a day. Until then the clinic goes on using the address it had.\n\n"
                    "If you know nothing of this, open the link and say so, or do nothing."
                )
                % words
            )
    _queue(change, change.value or "", title, body, MessageKind.CONTACT_CHANGED, now=now)


def queue_code(change: ContactChange, code: str, *, now: datetime) -> UUID:
    """Queue the SMS with the code to the new number, and return the message's id."""
    words = {"code": code, "clinic": change.clinic.name}
    with translation.override(_language(change.patient)):
        body = (
            _("%(code)s is your code to confirm this number at %(clinic)s. Never tell it to anyone.") % words
        )
    body = f"{body}\n\n@{urlsplit(settings.BASE_URL).hostname} #{code}"
    return _queue(change, change.value or "", "", body, MessageKind.SIGN_IN_CODE, now=now)


def _queue(
    change: ContactChange, to: str, title: str, body: str, kind: MessageKind, *, now: datetime
) -> UUID:
    message = outbox.queue_message(
        NewMessage(
            clinic=change.clinic,
            kind=kind,
            channel=_CHANNELS[ContactKind(change.kind)],
            to=to,
            subject=change,
            version=change.sends,
            title=title,
            body=body,
            due_at=now,
            not_after=change.expires_at,
        ),
        now=now,
    )
    return message.pk


@dataclass(frozen=True, slots=True)
class Moved:
    """One way to be reached that the record has changed. Printing it shows nothing."""

    kind: ContactKind
    before: str = field(repr=False)
    after: str = field(repr=False)


def tell_the_old(patient: Patient, moved: Sequence[Moved], *, now: datetime) -> None:
    """Tell where the patient was reached before that this was changed; of the new value enough to know it, no more.

    What was empty before is told over the other way. Belongs into the transaction of the change.
    """
    before = {one.kind: one.before for one in moved}
    had = {kind: before.get(kind, getattr(patient, kind)) for kind in ContactKind}
    told: dict[ContactKind, list[Moved]] = {}
    for one in moved:
        other = next(kind for kind in ContactKind if kind is not one.kind)
        way = one.kind if had[one.kind] else other
        if had[way]:
            told.setdefault(way, []).append(one)
    for way, changes in told.items():
        _queue_notice(patient, way, had[way], changes, now)


def _queue_notice(
    patient: Patient, way: ContactKind, to: str, changes: Sequence[Moved], now: datetime
) -> None:
    clinic = patient.clinic
    with translation.override(_language(patient)):
        lines = [_line(one) for one in changes]
        words = {
            "clinic": clinic.name,
            "changes": "\n".join(lines) if way is ContactKind.EMAIL else " ".join(lines),
            "phone": phone_numbers.as_people_write(clinic.phone, clinic.country),
        }
        title = _("Your contact details at %(clinic)s were changed") % words
        if way is ContactKind.EMAIL:
            body = (
                _("Hello,\n\nthe contact details of a patient at %(clinic)s were changed:\n\n%(changes)s")
                % words
            )
            body += "\n\n" + _("If it wasn't you, phone the clinic at once.")
        else:
            body = _("%(clinic)s: contact details were changed. %(changes)s") % words
            body += " " + _("If it wasn't you, phone the clinic at once.")
        if clinic.phone:
            body += " " + _("Phone: %(phone)s") % words
    outbox.queue_message(
        NewMessage(
            clinic=clinic,
            kind=MessageKind.CONTACT_CHANGED,
            channel=_CHANNELS[way],
            to=to,
            subject=patient,
            version=int(now.timestamp()),
            title=title,
            body=body,
            due_at=now,
            not_after=None,
        ),
        now=now,
    )


def _line(one: Moved) -> str:
    shown = {"value": policy.masked(one.kind, one.after)}
    if one.kind is ContactKind.EMAIL:
        return (
            _("New e-mail address: %(value)s.") % shown if one.after else _("The e-mail address was removed.")
        )
    return _("New mobile number: %(value)s.") % shown if one.after else _("The mobile number was removed.")


def _language(patient: Patient) -> str:
    return patient.language or patient.clinic.language
