"""An appointment as a calendar file. Pure: values in, bytes out. It says when and where, never why or with whom."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment

_STATUS = {
    AppointmentStatus.REQUESTED: "TENTATIVE",
    AppointmentStatus.BOOKED: "CONFIRMED",
    AppointmentStatus.REFUSED: "CANCELLED",
    AppointmentStatus.CANCELLED: "CANCELLED",
}


def calendar_file(appointment: Appointment, *, host: str, address: str, now: datetime) -> bytes:
    """Return an iCalendar file (RFC 5545) of the appointment with its clinic.

    Fetched again it replaces itself in the reader's calendar: same UID, higher SEQUENCE. `address` is where the
    patient sees more after signing in.
    """
    clinic = appointment.clinic
    event = Event()
    event.add("uid", f"{appointment.pk}@{host}")
    event.add("sequence", appointment.version - 1)
    event.add("dtstamp", now)
    event.add("dtstart", _local(appointment.starts_at, clinic.zone))
    event.add("dtend", _local(appointment.ends_at, clinic.zone))
    event.add("summary", _("Appointment at %(clinic)s") % {"clinic": clinic.name})
    place = ", ".join(part for part in (clinic.street, f"{clinic.postcode} {clinic.city}".strip()) if part)
    if place:
        event.add("location", place)
    event.add("url", address)
    event.add("status", _STATUS[AppointmentStatus(appointment.status)])
    event.add("class", "PRIVATE")
    calendar = Calendar()
    calendar.add("prodid", "-//Venterom//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone)
