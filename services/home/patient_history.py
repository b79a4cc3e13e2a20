"""What happened around a patient, told in sentences from the audit trail: who saw, who changed what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from identity.models import User
from patients.guardianship import words
from patients.models import Patient
from portal.models import AuditEvent
from services.access.choices import Approval, Right
from services.own import words as own_words

PER_PAGE = 60
"""Events read for a page; looks by the same person on a day become one line."""

_SENTENCES: dict[str, tuple[str | Promise, str]] = {
    **own_words.SENTENCES,
    "patient.viewed": (gettext_lazy("Opened the patient's page"), "eye"),
    "patient.listed": (gettext_lazy("Saw the name on a list"), "eye"),
    "patient.data_taken": (gettext_lazy("Took out a file with all the data"), "download"),
    "patient.left_portal": (gettext_lazy("Left the portal"), "sign-out"),
    "patient.removed_from_portal": (gettext_lazy("Took the patient out of the portal"), "person-cross"),
    "patient.registered": (gettext_lazy("Registered the patient with the portal"), "person-check"),
    "patient.national_id_shown": (gettext_lazy("Saw the whole national ID"), "eye"),
    "patient.contact_changed": (gettext_lazy("Changed how the patient is reached"), "edit"),
    "contact.asked": (gettext_lazy("Asked for a new e-mail address or number, to be confirmed"), "hourglass"),
    "contact.sent_again": (gettext_lazy("Asked once more for the link or code to confirm it"), "refresh"),
    "contact.confirmed": (gettext_lazy("Confirmed the new e-mail address or number"), "check"),
    "contact.kept": (gettext_lazy("Said that the contact details are right"), "check"),
    "contact.ended": (gettext_lazy("The new e-mail address or number was not confirmed"), "cross"),
    "contact.code_wrong": (gettext_lazy("Wrote a wrong code for a new number"), "alert"),
    "contact.code_locked": (gettext_lazy("Wrote too many wrong codes for a new number"), "alert"),
    "patient.gp_changed": (gettext_lazy("Moved the patient to another list"), "move"),
    "appointment.absence_answered": (
        gettext_lazy("Decided about a time while the provider is away"),
        "pause",
    ),
    "patient.imported": (gettext_lazy("The record came with an import"), "folder-up"),
    "patient.updated": (gettext_lazy("An import changed the record"), "folder-up"),
    "patient.portal_withdrawn": (gettext_lazy("Took the portal away"), "person-cross"),
    "patient.portal_given_back": (gettext_lazy("Gave the portal back"), "person-check"),
    "special_rights.changed": (gettext_lazy("Changed the special rights"), "star"),
    "appointment.booked": (gettext_lazy("Booked or asked for a time"), "calendar"),
    "appointment.approved": (gettext_lazy("Approved a time"), "check"),
    "appointment.refused": (gettext_lazy("Refused a time"), "cross"),
    "appointment.cancelled": (gettext_lazy("Cancelled a time"), "cross"),
    "appointment.moved": (gettext_lazy("Moved a time"), "move"),
    "appointment.marked": (gettext_lazy("Noted whether the patient came"), "person-check"),
    "appointment.viewed": (gettext_lazy("Opened an appointment"), "eye"),
    "guardian.checked": (gettext_lazy("Asked who is the guardian"), "child"),
    "guardian.confirmed": (gettext_lazy("Saw proof of a guardian"), "child"),
    "guardian.ended": (gettext_lazy("Ended what the clinic said of a guardian"), "child"),
    "guardian.blocked": (gettext_lazy("Blocked a guardian"), "person-cross"),
    "guardian.unblocked": (gettext_lazy("Let a blocked guardian in again"), "person-check"),
    "acting.closed": (gettext_lazy("Closed: nobody can act for the patient"), "shield-lock"),
    "acting.allowed": (gettext_lazy("Others can act for the patient again"), "shield"),
    "acting.letters_opened": (gettext_lazy("Opened e-consultations to the guardians"), "envelope-open"),
    "acting.letters_closed": (gettext_lazy("Closed e-consultations to the guardians"), "envelope"),
    "acting.started": (gettext_lazy("Began to act for the patient"), "sign-in"),
    "acting.stopped": (gettext_lazy("Stopped acting for the patient"), "sign-out"),
    "proxy.registered": (gettext_lazy("Registered a proxy"), "assign"),
    "proxy.ended": (gettext_lazy("Ended a proxy"), "assign"),
    "patient.came_of_age": (gettext_lazy("Old enough: guardians can't act any more"), "child"),
    "appointment.requested": (gettext_lazy("Asked for a time"), "calendar"),
    "account.created": (gettext_lazy("The patient's login was made"), "key"),
    "membership.created": (gettext_lazy("Made an account with password, with the patient's consent"), "key"),
    "membership.link_sent": (gettext_lazy("Sent a link to choose a password"), "envelope"),
    "membership.activated": (gettext_lazy("The patient chose a password"), "check"),
    "membership.password_changed": (gettext_lazy("The patient chose a new password"), "key"),
    "membership.removed": (gettext_lazy("Removed the account with password"), "person-cross"),
    "auth.success": (gettext_lazy("Signed in"), "sign-in"),
    "auth.fail": (gettext_lazy("A sign-in failed"), "alert"),
    "session.end": (gettext_lazy("Signed out"), "sign-out"),
}
_FIELDS: dict[str, str | Promise] = {
    "mobile": gettext_lazy("mobile"),
    "email": gettext_lazy("e-mail"),
    "language": gettext_lazy("language"),
    "gp": gettext_lazy("GP"),
    "is_active": gettext_lazy("active or not"),
    "given_name": gettext_lazy("given name"),
    "family_name": gettext_lazy("family name"),
    "birth_date": gettext_lazy("birth date"),
}
_RIGHTS: dict[str, str | Promise] = {
    **{right.value: right.label for right in Right},
    "approval": gettext_lazy("What the patient books"),
}
_LOOKS = {"patient.viewed", "patient.listed", "appointment.viewed"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, or several looks by the same person on the same day."""

    at: datetime
    what: str
    who: str
    more: str
    """What exactly, where the trail tells."""
    icon: str
    action: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class History:
    """A page of what happened, latest first."""

    lines: tuple[Line, ...]
    following: int | None
    """The event after which the next page begins."""


def history_of(*, patient: Patient, before: int | None = None) -> History:
    """Return what the trail tells about the patient at this clinic. Two queries; three on later pages."""
    events = AuditEvent.objects.filter(patient_id=patient.pk, clinic_id=patient.clinic_id)
    ordered = events.order_by("-at", "-pk")
    last = events.filter(pk=before).first() if before else None
    if last:
        ordered = ordered.filter(at__lte=last.at).exclude(at=last.at, pk__gte=last.pk)
    found = list(ordered[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    ids = {event.actor_id for event in shown if event.actor_id}
    users = {user.pk: user for user in User.objects.filter(pk__in=ids).select_related("account")}
    lines = [_line(event, patient, users) for event in shown]
    return History(tuple(_gathered(lines, patient)), shown[-1].pk if len(found) > PER_PAGE else None)


def _line(event: AuditEvent, patient: Patient, users: Mapping[UUID, User]) -> Line:
    what, icon = _SENTENCES.get(event.action, (_("Something else was done"), "info"))
    return Line(event.at, str(what), _who(event, patient, users), _more(event), icon, event.action)


def _who(event: AuditEvent, patient: Patient, users: Mapping[UUID, User]) -> str:
    if event.actor_id is None:
        return _("the portal")
    user = users.get(event.actor_id)
    if user is None:
        return _("someone who is not here any more")
    return words.name_and_role(patient, user, event.at)


def _more(event: AuditEvent) -> str:
    details: dict[str, Any] = event.details
    if event.action == "special_rights.changed":
        return "; ".join(_changed(details.get("before") or {}, details.get("after") or {}))
    fields = details.get("fields")
    if isinstance(fields, list):
        return ", ".join(str(_FIELDS.get(field, field)) for field in fields)
    return "" if event.action in _SENTENCES else event.action


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [
        _("%(right)s: from “%(before)s” to “%(after)s”")
        % {"right": label, "before": _value(before.get(name)), "after": _value(after.get(name))}
        for name, label in _RIGHTS.items()
        if before.get(name) != after.get(name)
    ]


def _value(value: Any) -> str:
    if value is None:
        return _("as standard")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(Approval(value).label) if value in Approval.values else str(value)


def _gathered(lines: Sequence[Line], patient: Patient) -> list[Line]:
    """Make one line of the looks that follow each other, by the same person on the same local day."""
    zone, found = patient.clinic.zone, list[Line]()
    for line in lines:
        last = found[-1] if found else None
        if (
            last is not None
            and line.action in _LOOKS
            and (line.action, line.who) == (last.action, last.who)
            and line.at.astimezone(zone).date() == last.at.astimezone(zone).date()
        ):
            found[-1] = replace(last, times=last.times + 1)
        else:
            found.append(line)
    return found
