"""Puts a day's slots and appointments side by side, in the words and colours that staff know."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic
from portal import moments
from portal.look.day import MOST_COLUMNS, SIGNS, Column, DayCalendar, Entry, Kind
from services.booking import policy
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.staff_queries import AppointmentOfDay, GuestOfDay, ProviderOfDay, SlotOfDay

FIRST_HOUR = 8
LAST_HOUR = 15
MOST_PROVIDERS = MOST_COLUMNS

KIND_OF_SLOT = {
    SlotKind.PORTAL: Kind.FREE,
    SlotKind.URGENT: Kind.URGENT,
    SlotKind.INTERNAL: Kind.INTERNAL,
}


def calendar_of_day(
    clinic: Clinic,
    day: date,
    *,
    providers: Sequence[ProviderOfDay],
    slots: Iterable[SlotOfDay],
    appointments: Iterable[AppointmentOfDay],
    guests: Iterable[GuestOfDay] = (),
    now: datetime,
) -> DayCalendar:
    """Return the day with a column for each provider. What took a slot stands in place of it."""
    zone = clinic.zone
    appointments, guests = list(appointments), list(guests)
    taken = {one.slot_id for one in appointments} | {one.slot_id for one in guests}
    entries: dict[int, list[Entry]] = {provider.pk: [] for provider in providers}
    opens_at = policy.releases_at(day, release_at=clinic.urgent_release_at, zone=zone)
    for slot in slots:
        if slot.pk not in taken:
            entries[slot.provider_id].append(_slot(slot, zone, opens_at if opens_at > now else None))
    for appointment in appointments:
        entries[appointment.provider_id].append(_appointment(appointment, clinic, now))
    for guest in guests:
        entries[guest.provider_id].append(_guest(guest, clinic))
    first, last = _hours(entry for column in entries.values() for entry in column)
    local = now.astimezone(zone)
    return DayCalendar(
        columns=[_column(provider, entries[provider.pk], first, last) for provider in providers],
        first_hour=first,
        last_hour=last,
        now=local.time() if local.date() == day else None,
    )


def _column(provider: ProviderOfDay, entries: list[Entry], first_hour: int, last_hour: int) -> Column:
    entries = _side_by_side(sorted(entries, key=lambda entry: entry.starts))
    text = provider.role
    if provider.is_absent:
        text = _("Away, %(name)s covers") % {"name": provider.cover} if provider.cover else _("Away")
        ends = time(last_hour + 1) if last_hour < 23 else time()
        entries.insert(0, Entry(time(first_hour), ends, Kind.ABSENT, _("Away")))
    return Column(title=provider.name, text=text, entries=entries)


def _slot(slot: SlotOfDay, zone: ZoneInfo, opens_at: datetime | None) -> Entry:
    kind = KIND_OF_SLOT[SlotKind(slot.kind)]
    title = str(SlotKind(slot.kind).label)
    text = ""
    if slot.state == SlotState.BLOCKED:
        kind, title = Kind.BLOCKED, _("Blocked")
    elif slot.state == SlotState.TAKEN:
        kind, title = Kind.INTERNAL, _("Taken in the clinic's calendar")
    elif opens_at is not None and kind is Kind.URGENT:
        text = _("Opens %(time)s") % {"time": moments.day_and_clock(opens_at, zone)}
    starts, ends = _clock(slot.starts_at, zone), _clock(slot.ends_at, zone)
    return Entry(starts, ends, kind, title, text)


def _appointment(appointment: AppointmentOfDay, clinic: Clinic, now: datetime) -> Entry:
    zone = clinic.zone
    kind = Kind.DONE if appointment.ends_at <= now else Kind.BOOKED
    if appointment.status == AppointmentStatus.REQUESTED:
        kind = Kind.WAITING
    words = [str(AppointmentStatus(appointment.status).label)]
    if appointment.kind == SlotKind.URGENT:
        words.append(str(SlotKind.URGENT.label))
    return Entry(
        starts=_clock(appointment.starts_at, zone),
        ends=_clock(appointment.ends_at, zone),
        kind=kind,
        title=appointment.patient_name,
        text=" · ".join(words),
        url=reverse("booking_staff:appointment", args=[clinic.portal_identifier, appointment.pk]),
        badge=_("Online") if appointment.is_online else "",
    )


def _guest(guest: GuestOfDay, clinic: Clinic) -> Entry:
    return Entry(
        starts=_clock(guest.starts_at, clinic.zone),
        ends=_clock(guest.ends_at, clinic.zone),
        kind=Kind.WAITING,
        title=guest.name,
        text=str(AppointmentStatus.REQUESTED.label),
        url=reverse("guests_staff:request", args=[clinic.portal_identifier, guest.pk]),
        badge=_("No account"),
    )


def _side_by_side(entries: list[Entry]) -> list[Entry]:
    """Split the width where an appointment from before a change of the calendar stands beside new slots."""
    return [
        replace(entry, lane=2 if entry.url else 1, lanes=2)
        if any(_overlap(entry, other) for other in entries if bool(other.url) != bool(entry.url))
        else entry
        for entry in entries
    ]


def _overlap(one: Entry, other: Entry) -> bool:
    return one.at < other.at + other.steps and other.at < one.at + one.steps


def _hours(entries: Iterable[Entry]) -> tuple[int, int]:
    first, last = FIRST_HOUR, LAST_HOUR
    for entry in entries:
        first = min(first, entry.starts.hour)
        last = max(last, (entry.at + entry.steps - 1) // 12)
    return first, last


def _clock(instant: datetime, zone: ZoneInfo) -> time:
    return instant.astimezone(zone).time()


def neighbours(day: date) -> tuple[date, date]:
    """Return the days before and after."""
    return day - timedelta(days=1), day + timedelta(days=1)


def legend() -> list[tuple[Kind, str, str]]:
    """Return (kind, sign, words) of every colour that the calendar uses."""
    words = {
        Kind.BOOKED: _("Booked"),
        Kind.WAITING: _("Waits for approval"),
        Kind.DONE: _("Over"),
        Kind.FREE: _("Free, bookable online"),
        Kind.URGENT: _("Free, urgent"),
        Kind.INTERNAL: _("The clinic's own"),
        Kind.BLOCKED: _("Blocked"),
        Kind.ABSENT: _("Away"),
    }
    return [(kind, SIGNS[kind], word) for kind, word in words.items()]
