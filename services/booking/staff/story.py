"""Tells the story of an appointment: who did what when, and what became of the messages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from identity.choices import UserKind
from identity.models import User
from notifications.choices import State
from notifications.policy import ARRIVED
from notifications.queries import LedgerLine
from patients.guardianship import words
from portal import moments
from services.booking.choices import AppointmentStatus
from services.booking.desk.choices import Attendance
from services.booking.models import Appointment, AttendanceMark, Receipt
from services.booking.reminders.choices import Stage
from services.booking.reminders.policy import Outlook


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the appointment."""

    at: datetime
    what: str
    who: str
    sign: str


@dataclass(frozen=True, slots=True)
class Told:
    """A message as the page shows it."""

    title: str
    state: str
    colour: str
    sign: str
    at: datetime
    is_due: bool
    """The time is when it will go; else when it ended."""
    note: str


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and sign of a status."""

    colour: str
    sign: str


LOOKS = {
    AppointmentStatus.REQUESTED: Look("warning", "hourglass"),
    AppointmentStatus.BOOKED: Look("success", "check"),
    AppointmentStatus.REFUSED: Look("danger", "cross"),
    AppointmentStatus.CANCELLED: Look("", "cross"),
}
GOING = {State.QUEUED, State.SENDING, State.UNKNOWN}


def look_of(appointment: Appointment) -> Look:
    """Return the colour and the sign of the appointment's status."""
    return LOOKS[AppointmentStatus(appointment.status)]


def colour_of(reminder: Outlook) -> str:
    """Return the colour of how the reminder stands."""
    if reminder.stage is Stage.FAILED:
        return "danger"
    return "success" if reminder.stage in {Stage.SENT, Stage.DELIVERED} else ""


def history_of(appointment: Appointment, marks: Iterable[AttendanceMark]) -> list[Event]:
    """Return what happened, oldest first. An automatic approval is the portal's doing. `marks` are its own, oldest first."""
    was_decided_at_once = appointment.decided_at is not None and appointment.decided_by is None
    is_by_hand = appointment.requested_by.kind == UserKind.STAFF
    asked = _("Booked online") if was_decided_at_once else _("Asked for online")
    if is_by_hand:
        asked = _("Booked by hand")
    events = [
        Event(
            appointment.requested_at,
            asked,
            _who(appointment, appointment.requested_by, appointment.requested_at),
            "plus",
        )
    ]
    if appointment.decided_at and appointment.decided_by and not is_by_hand:
        refused = appointment.status == AppointmentStatus.REFUSED
        what, sign = (_("Refused"), "cross") if refused else (_("Approved"), "check")
        events.append(Event(appointment.decided_at, what, appointment.decided_by.name, sign))
    since = _marked(marks)
    if appointment.cancelled_at:
        since.append(
            Event(
                appointment.cancelled_at,
                _("Cancelled"),
                _who(appointment, appointment.cancelled_by, appointment.cancelled_at),
                "cross",
            )
        )
    return events + sorted(since, key=lambda event: event.at)


def _marked(marks: Iterable[AttendanceMark]) -> list[Event]:
    """Return what was noted of whether the patient came, and what of that was taken back."""
    events, before = [], ""
    for one in marks:
        if one.mark:
            what = str(Attendance(one.mark).label)
            sign = "person-check" if one.mark == Attendance.ARRIVED else "person-cross"
        else:
            what, sign = _("Taken back: %(mark)s") % {"mark": before}, "undo"
        events.append(Event(one.at, what, one.by.name, sign))
        before = what
    return events


def with_moves(events: Iterable[Event], appointment: Appointment, receipts: Iterable[Receipt]) -> list[Event]:
    """Return what happened with each move, where it was moved from and by whom, oldest first."""
    moves = [
        Event(
            one.at,
            _("Moved from %(when)s") % {"when": moments.day_and_clock(one.was_at, appointment.clinic.zone)},
            _who(appointment, one.by, one.at),
            "move",
        )
        for one in receipts
        if one.was_at is not None
    ]
    return sorted([*events, *moves], key=lambda event: event.at)


def _who(appointment: Appointment, user: User | None, at: datetime) -> str:
    if user is None:
        return _("the portal")
    return words.name_and_role(appointment.patient, user, at)


def told(lines: Iterable[LedgerLine]) -> list[Told]:
    """Return the messages as the page shows them, in their order."""
    return [_told(line) for line in lines]


def _told(line: LedgerLine) -> Told:
    if line.is_trouble:
        colour, sign = "danger", "alert"
    elif line.state in ARRIVED:
        colour, sign = "success", "check"
    else:
        colour, sign = "", "clock" if line.state in GOING else "minus"
    notes = []
    if line.is_trouble:
        if line.why:
            notes.append(str(line.why.label))
        notes.append(_("Phone the patient instead."))
    if line.may_have_been_sent:
        notes.append(_("It may have arrived all the same."))
    if line.possible_duplicate:
        notes.append(_("It may have arrived twice."))
    return Told(
        title=f"{line.kind.label}, {line.channel.label}",
        state=str(line.state.label),
        colour=colour,
        sign=sign,
        at=line.due_at if line.state in GOING else line.closed_at or line.created_at,
        is_due=line.state in GOING,
        note=" ".join(notes),
    )
