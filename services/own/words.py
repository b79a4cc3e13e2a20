"""Every event around a patient as a sentence that the patient understands: what was done, and before and after.

The same sentences stand on the page of who has seen or changed the data and in the files that patients take out. They
never hold a national ID or what somebody wrote. What an event lacks is left out, never an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic_admin.models import Clinic
from patients.choices import MessageLanguage, SeenIn
from patients.guardianship.choices import Area
from portal import moments, phone_numbers
from portal.models import AuditEvent
from services.access.choices import Approval, Right
from services.own.choices import Part

LOOKS = {"patient.viewed", "patient.listed", "patient.national_id_shown", "appointment.viewed"}
"""Reading. Everything else did something."""

SENTENCES: Mapping[str, tuple[str | Promise, str]] = {
    "patient.viewed": (gettext_lazy("Opened the patient page"), "eye"),
    "patient.listed": (gettext_lazy("Saw the name on a list"), "eye"),
    "patient.national_id_shown": (gettext_lazy("Saw the whole national ID"), "eye"),
    "appointment.viewed": (gettext_lazy("Opened an appointment"), "eye"),
    "patient.contact_changed": (gettext_lazy("Changed contact details"), "edit"),
    "contact.asked": (gettext_lazy("Asked for a new e-mail address or number, to be confirmed"), "hourglass"),
    "contact.sent_again": (gettext_lazy("Asked once more for the link or code to confirm it"), "refresh"),
    "contact.confirmed": (gettext_lazy("Confirmed the new e-mail address or number"), "check"),
    "contact.kept": (gettext_lazy("Said that the contact details are right"), "check"),
    "contact.ended": (gettext_lazy("The new e-mail address or number was not confirmed"), "cross"),
    "contact.code_wrong": (gettext_lazy("Wrote a wrong code for a new number"), "alert"),
    "contact.code_locked": (gettext_lazy("Wrote too many wrong codes for a new number"), "alert"),
    "patient.gp_changed": (gettext_lazy("Moved the patient to another GP's list"), "move"),
    "patient.created": (gettext_lazy("Made the record at the clinic"), "plus"),
    "patient.imported": (gettext_lazy("Brought the record over from the clinic's own system"), "folder-up"),
    "patient.updated": (gettext_lazy("Brought changes over from the clinic's own system"), "folder-up"),
    "patient.registered": (gettext_lazy("Registered the patient with the portal"), "person-check"),
    "patient.left_portal": (gettext_lazy("Left the portal"), "sign-out"),
    "patient.removed_from_portal": (gettext_lazy("Took the patient out of the portal"), "person-cross"),
    "patient.portal_withdrawn": (gettext_lazy("Closed the portal's services to the patient"), "person-cross"),
    "patient.portal_given_back": (gettext_lazy("Opened the portal's services again"), "person-check"),
    "patient.no_eid_set": (gettext_lazy("Noted that the patient can't use eID"), "shield"),
    "patient.no_eid_cleared": (gettext_lazy("Took away the note that the patient can't use eID"), "shield"),
    "patient.electronic_answers": (gettext_lazy("Noted how the patient wants answers"), "envelope"),
    "patient.came_of_age": (gettext_lazy("Ended the guardians' access: the patient is old enough"), "child"),
    "patient.data_taken": (gettext_lazy("Took out a file with all the data"), "download"),
    "special_rights.changed": (gettext_lazy("Changed what the patient may use in the portal"), "star"),
    "appointment.booked": (gettext_lazy("Booked an appointment"), "calendar"),
    "appointment.requested": (gettext_lazy("Asked for an appointment"), "calendar"),
    "appointment.approved": (gettext_lazy("Approved an appointment"), "check"),
    "appointment.refused": (gettext_lazy("Refused an appointment"), "cross"),
    "appointment.cancelled": (gettext_lazy("Cancelled an appointment"), "cross"),
    "appointment.moved": (gettext_lazy("Moved an appointment"), "move"),
    "appointment.reminder_on": (gettext_lazy("Asked to be reminded of an appointment"), "bell"),
    "appointment.reminder_off": (gettext_lazy("Took back the reminder of an appointment"), "bell"),
    "appointment.marked": (gettext_lazy("Noted whether the patient came"), "person-check"),
    "appointment.absence_answered": (
        gettext_lazy("Decided about an appointment because the provider is away"),
        "pause",
    ),
    "draw.asked": (gettext_lazy("Asked for an urgent time in a draw"), "star"),
    "draw.asked_again": (gettext_lazy("Changed what was asked for in a draw of urgent times"), "star"),
    "draw.withdrawn": (gettext_lazy("Took back what was asked for in a draw of urgent times"), "cross"),
    "earlier.joined": (gettext_lazy("Asked to be told of earlier times"), "hourglass"),
    "earlier.changed": (gettext_lazy("Changed which earlier times suit"), "hourglass"),
    "earlier.left": (gettext_lazy("Left the list of earlier times"), "cross"),
    "earlier.offered": (gettext_lazy("Offered an earlier time"), "bell"),
    "earlier.accepted": (gettext_lazy("Took an earlier time that was offered"), "check"),
    "earlier.declined": (gettext_lazy("Let an earlier time go that was offered"), "cross"),
    "earlier.expired": (gettext_lazy("Passed an earlier time on that was not answered"), "hourglass"),
    "earlier.failed": (gettext_lazy("Passed an earlier time on that could not be taken"), "hourglass"),
    "guest.approved": (gettext_lazy("Accepted a request that was made without an account"), "check"),
    "guardian.checked": (gettext_lazy("Asked who the guardian is"), "child"),
    "guardian.confirmed": (gettext_lazy("Saw proof of who the guardian is"), "child"),
    "guardian.ended": (gettext_lazy("Ended a guardian's access"), "child"),
    "guardian.blocked": (gettext_lazy("Closed a guardian's access"), "person-cross"),
    "guardian.unblocked": (gettext_lazy("Opened a guardian's access again"), "person-check"),
    "guardian.child_sign_in": (gettext_lazy("Asked for the child's own sign-in"), "child"),
    "acting.closed": (gettext_lazy("Closed: nobody can act for the patient"), "shield-lock"),
    "acting.allowed": (gettext_lazy("Others can act for the patient again"), "shield"),
    "acting.letters_opened": (gettext_lazy("Opened e-consultations to the guardians"), "envelope-open"),
    "acting.letters_closed": (gettext_lazy("Closed e-consultations to the guardians"), "envelope"),
    "acting.started": (gettext_lazy("Began to act for the patient"), "sign-in"),
    "acting.stopped": (gettext_lazy("Stopped acting for the patient"), "sign-out"),
    "proxy.registered": (gettext_lazy("Registered a proxy"), "assign"),
    "proxy.ended": (gettext_lazy("Ended a proxy"), "assign"),
    "membership.created": (gettext_lazy("Made an account with password"), "key"),
    "membership.registered": (gettext_lazy("Took a password into use at this clinic"), "key"),
    "membership.link_sent": (gettext_lazy("Sent a link to choose a password"), "envelope"),
    "membership.activated": (gettext_lazy("Took the account with password into use"), "check"),
    "membership.identity_confirmed": (gettext_lazy("Confirmed who uses the account with password"), "check"),
    "membership.password_chosen": (gettext_lazy("Chose a password"), "key"),
    "membership.password_changed": (gettext_lazy("Chose a new password"), "key"),
    "membership.removed": (gettext_lazy("Removed the account with password"), "person-cross"),
    "register.approved": (gettext_lazy("Accepted the registration"), "person-check"),
}
"""Every action that is recorded about a patient; a test sees to it."""

_FIELDS: Mapping[str, str | Promise] = {
    "mobile": gettext_lazy("Mobile"),
    "email": gettext_lazy("E-mail"),
    "language": gettext_lazy("Language"),
    "given_name": gettext_lazy("Given name"),
    "family_name": gettext_lazy("Family name"),
    "birth_date": gettext_lazy("Birth date"),
    "gp": gettext_lazy("GP"),
    "is_active": gettext_lazy("Record active"),
}


class Line(NamedTuple):
    """One thing that changed. Empty texts mean that there was nothing before, or is nothing after."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class KnownAppointment:
    """What the trail says of an appointment, besides its id."""

    starts_at: datetime
    provider: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What sentences need besides the event, read for a page of events at once."""

    clinic: Clinic
    providers: Mapping[int, str]
    appointments: Mapping[str, KnownAppointment]
    """By id, as the trail writes it."""
    changes: Mapping[int, Mapping[str, tuple[str, str]]]
    """By event: field, and what stood and stands there."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event in words."""

    what: str
    more: str
    lines: tuple[Line, ...]
    icon: str


def tell(event: AuditEvent, around: Surroundings) -> Told:
    """Return the event in the language in force. An action without a sentence is told in general words."""
    what, icon = SENTENCES.get(event.action, (_("Did something else with the record"), "info"))
    return Told(str(what), _more(event, around), _lines(event, around), icon)


def appointment_id(event: AuditEvent) -> str:
    """Return the id of the appointment that the event is about, or nothing."""
    if event.subject_type == "booking.appointment":
        return event.subject_id
    named = event.details.get("appointment")
    return named if isinstance(named, str) else ""


def part_of(event: AuditEvent) -> str:
    """Return which part of the patient's page was opened, or on which list the name stood, in words."""
    part, page = event.details.get("part"), event.details.get("page")
    if part in Part.values:
        return str(Part(part).label)
    return str(SeenIn(page).label) if page in SeenIn.values else ""


# -- details -----------------------------------------------------------------------------------------------
def _more(event: AuditEvent, around: Surroundings) -> str:
    if event.action in {"patient.viewed", "patient.listed"}:
        return part_of(event)
    if event.action == "proxy.registered":
        areas = event.details.get("areas") or []
        return ", ".join(str(Area(area).label) for area in areas if area in Area.values)
    known = around.appointments.get(appointment_id(event))
    if known is None:
        return ""
    moment = moments.day_and_clock(known.starts_at, around.clinic.zone)
    return _("%(moment)s with %(name)s") % {"moment": moment, "name": known.provider}


def _lines(event: AuditEvent, around: Surroundings) -> tuple[Line, ...]:
    before, after = _mapping(event, "before"), _mapping(event, "after")
    if event.action == "special_rights.changed":
        return _rights(before, after)
    if event.action == "appointment.moved":
        return _moved(before, after, around)
    if event.action == "patient.electronic_answers":
        wants = event.details.get("after")
        return (Line(_("Wants answers electronically"), _yes(not wants), _yes(wants)),)
    kept = around.changes.get(event.pk, {})
    fields = dict.fromkeys([*(event.details.get("fields") or []), *before, *after])
    lines = []
    for field in fields:
        label = str(_FIELDS.get(field, ""))
        if not label:
            continue
        if field in kept:
            texts = (_own_text(field, text, around.clinic) for text in kept[field])
        else:
            texts = (_value(field, side.get(field), around) for side in (before, after))
        lines.append(Line(label, *texts))
    return tuple(lines)


def _rights(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Line, ...]:
    labels = dict(Right.choices) | {"approval": _("Approval of bookings")}
    return tuple(
        Line(str(label), _right(before.get(name)), _right(after.get(name)))
        for name, label in labels.items()
        if before.get(name) != after.get(name)
    )


def _right(value: object) -> str:
    if value is None:
        return _("as standard")
    if isinstance(value, bool):
        return _yes(value)
    return str(Approval(value).label) if value in Approval.values else str(value)


def _moved(before: Mapping[str, Any], after: Mapping[str, Any], around: Surroundings) -> tuple[Line, ...]:
    lines = [
        Line(_("Time"), *(_moment(side.get("starts_at"), around.clinic) for side in (before, after))),
        Line(_("With"), *(_provider(side.get("provider"), around) for side in (before, after))),
    ]
    return tuple(line for line in lines if line.before != line.after)


def _moment(stored: object, clinic: Clinic) -> str:
    try:
        return moments.day_and_clock(datetime.fromisoformat(str(stored)), clinic.zone)
    except ValueError:
        return ""


def _value(field: str, value: object, around: Surroundings) -> str:
    if field == "gp":
        return _provider(value, around)
    return _yes(value) if isinstance(value, bool) else ""


def _provider(number: object, around: Surroundings) -> str:
    if not isinstance(number, int):
        return _("none")
    return around.providers.get(number) or _("a provider who has left")


def _own_text(field: str, text: str, clinic: Clinic) -> str:
    if field == "mobile" and text:
        return phone_numbers.as_people_write(text, clinic.country)
    if field == "language":
        return str(MessageLanguage(text).label) if text in MessageLanguage.values else text
    if field == "birth_date" and text:
        try:
            return moments.full_date(date.fromisoformat(text))
        except ValueError:
            return text
    return text


def _mapping(event: AuditEvent, name: str) -> Mapping[str, Any]:
    found = event.details.get(name)
    return found if isinstance(found, Mapping) else {}


def _yes(value: object) -> str:
    return _("yes") if value else _("no")
