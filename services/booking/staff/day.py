"""Puts a day's slots and appointments side by side, in the words and colours that staff know."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic
from portal import moments
from portal.look.day import MOST_COLUMNS, SIGNS, Act, Column, DayCalendar, Entry, Group, Kind, entry_name
from services.booking import policy
from services.booking.choices import AppointmentStatus, SlotKind, SlotState
from services.booking.desk.choices import Attendance
from services.booking.desk.origin import FROM_CALENDAR
from services.booking.desk.policy import UNMARKED, possible_marks
from services.booking.staff.queries import AppointmentOfDay, GuestOfDay, ProviderOfDay, SlotOfDay

FIRST_HOUR = 8
LAST_HOUR = 15
MOST_PROVIDERS = MOST_COLUMNS

KIND_OF_SLOT = {
    SlotKind.PORTAL: Kind.FREE,
    SlotKind.URGENT: Kind.URGENT,
    SlotKind.PHONE: Kind.PHONE,
    SlotKind.INTERNAL: Kind.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class Moving:
    """The appointment that looks for another time: free times lead to it instead of to a new one."""

    address: str
    """Takes a target as the rest of its query."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies within the days shown."""

    slots: Sequence[SlotOfDay]
    appointments: Sequence[AppointmentOfDay]
    guests: Sequence[GuestOfDay] = ()

    @property
    def patient_ids(self) -> list[UUID]:
        """Return whom the calendar names."""
        offered = [slot.offered_to for slot in self.slots if slot.offered_to is not None]
        return [*(one.patient_id for one in self.appointments), *offered]


EMPTY = {Kind.FREE, Kind.URGENT, Kind.PHONE, Kind.HELD, Kind.INTERNAL, Kind.BLOCKED}
"""Kinds of times that no patient has."""


def calendar_of_day(
    clinic: Clinic,
    day: date,
    *,
    providers: Sequence[ProviderOfDay],
    contents: Contents,
    is_closed: bool = False,
    moving: Moving | None = None,
    keeps: str = "",
    now: datetime,
) -> DayCalendar:
    """Return the day with a column for each provider. What took a slot stands in place of it.

    `is_closed` says that the clinic is, that day. `keeps` is what the addresses of free times and of moving carry,
    to lead back here (desk.origin).
    """
    entries = _entries(clinic, contents, [day] if is_closed else [], moving, keeps, now)
    first, last = _hours(entry for column in entries.values() for entry in column)
    local = now.astimezone(clinic.zone)
    return DayCalendar(
        columns=[
            _column(provider, day, entries.get((provider.pk, day), []), first, last) for provider in providers
        ],
        first_hour=first,
        last_hour=last,
        now=local.time() if local.date() == day else None,
    )


def calendar_of_week(
    clinic: Clinic,
    days: Sequence[date],
    *,
    providers: Sequence[ProviderOfDay],
    contents: Contents,
    away: Collection[tuple[int, date]] = (),
    closed: Mapping[date, str] | None = None,
    moving: Moving | None = None,
    keeps: str = "",
    now: datetime,
) -> DayCalendar:
    """Return these days, a column for each and, of several providers, for each of them within the day.

    `away` are providers with a day on which they are; `closed` are the clinic's closed days, with the reason.
    """
    shut = closed or {}
    entries = _entries(clinic, contents, shut, moving, keeps, now)
    first, last = _hours(entry for column in entries.values() for entry in column)
    local = now.astimezone(clinic.zone)
    columns = []
    for day in days:
        why = (_("Closed") + " " + shut[day]).strip() if day in shut else ""
        group = Group(capfirst(moments.day(day)), why, len(providers))
        for place, provider in enumerate(providers):
            is_away = (provider.pk, day) in away
            own = entries.get((provider.pk, day), [])
            column = _column(replace(provider, is_absent=is_away, cover=""), day, own, first, last)
            column = replace(
                column, text=_("Away") if is_away else "", is_today=day == local.date(), group=group.title
            )
            columns.append(_within(group, column, provider, is_first=place == 0))
    is_shown = local.date() in days
    return DayCalendar(columns, first_hour=first, last_hour=last, now=local.time() if is_shown else None)


def _within(group: Group, column: Column, provider: ProviderOfDay, *, is_first: bool) -> Column:
    """Return the column under its day's heading; alone it bears the day itself."""
    if group.size == 1:
        return replace(column, title=group.title, text=group.text or column.text, group="")
    return replace(column, short=provider.initials, opens=group if is_first else None)


def _entries(
    clinic: Clinic,
    contents: Contents,
    closed: Collection[date],
    moving: Moving | None,
    keeps: str,
    now: datetime,
) -> dict[tuple[int, date], list[Entry]]:
    """Return the entries of each provider and day. On closed days nobody can book what is free; staff still may."""
    zone = clinic.zone
    taken = {one.slot_id for one in contents.appointments} | {one.slot_id for one in contents.guests}
    entries: dict[tuple[int, date], list[Entry]] = defaultdict(list)
    way, kept = _way(clinic, moving, keeps), f"&{keeps}" if keeps else ""
    for slot in contents.slots:
        if slot.pk not in taken:
            opens_at = policy.releases_at(slot.day, release_at=clinic.urgent_release_at, zone=zone)
            entry = _slot(slot, clinic, opens_at if opens_at > now else None, way, kept, now)
            if moving is not None and slot.state == SlotState.BLOCKED:
                entry = replace(entry, url="")
            if slot.day in closed and entry.kind in {Kind.FREE, Kind.URGENT}:
                entry = replace(entry, kind=Kind.INTERNAL, title=_("The clinic is closed"), text="")
            entries[slot.provider_id, slot.day].append(entry)
    for one in contents.appointments:
        entries[one.provider_id, one.starts_at.astimezone(zone).date()].append(
            _appointment(one, clinic, kept, now, is_moving=moving is not None)
        )
    for guest in contents.guests:
        entries[guest.provider_id, guest.starts_at.astimezone(zone).date()].append(
            _guest(guest, clinic, kept)
        )
    return entries


def _column(
    provider: ProviderOfDay, day: date, entries: list[Entry], first_hour: int, last_hour: int
) -> Column:
    entries = _side_by_side(sorted(entries, key=lambda entry: entry.starts))
    text = provider.role
    if provider.is_absent:
        text = _("Away, %(name)s covers") % {"name": provider.cover} if provider.cover else _("Away")
        ends = time(last_hour + 1) if last_hour < 23 else time()
        entries.insert(0, Entry(time(first_hour), ends, Kind.ABSENT, _("Away")))
    target = urlencode({"provider": provider.pk, "day": day.isoformat()})
    return Column(title=provider.name, text=text, entries=entries, target=target)


def _slot(
    slot: SlotOfDay, clinic: Clinic, opens_at: datetime | None, way: str, kept: str, now: datetime
) -> Entry:
    zone = clinic.zone
    kind = KIND_OF_SLOT[SlotKind(slot.kind)]
    title, text, url, target = str(SlotKind(slot.kind).label), "", "", ""
    if slot.state == SlotState.BLOCKED:
        kind, title, text = Kind.BLOCKED, _("Blocked"), slot.block_reason or ""
        if slot.block_id:
            url = blocked_page(clinic, slot.block_id, kept.removeprefix("&"))
    elif slot.state == SlotState.TAKEN:
        kind, title = Kind.INTERNAL, _("Taken in the clinic's calendar")
    elif slot.ends_at > now:
        target = urlencode({"slot": slot.pk})
        url = f"{way}{target}"
        if slot.is_held(now):
            kind, title, text = Kind.HELD, *_held(slot, clinic, now)
    drawn_at = _drawn_at(slot, clinic)
    if kind is Kind.URGENT and opens_at is None and drawn_at is not None and now < drawn_at:
        kind, text = Kind.HELD, _("For the draw at %(time)s") % {"time": moments.clock(drawn_at, zone)}
    if opens_at is not None and kind is Kind.URGENT:
        text = _("Opens %(time)s") % {"time": moments.day_and_clock(opens_at, zone)}
    starts, ends = _clock(slot.starts_at, zone), _clock(slot.ends_at, zone)
    return Entry(starts, ends, kind, title, text, url=url, target=target)


def _held(slot: SlotOfDay, clinic: Clinic, now: datetime) -> tuple[str, str]:
    """Return for whom a time is held, and until when; while it is offered to nobody, that the next in line comes."""
    title, until = _("Kept for the waiting list"), slot.held_until
    if slot.offered_until is not None and slot.offered_until > now:
        title, until = _("Offered to %(name)s") % {"name": slot.offered_name}, slot.offered_until
    if until is None:
        return title, ""
    is_today = until.astimezone(clinic.zone).date() == now.astimezone(clinic.zone).date()
    clock = moments.clock(until, clinic.zone) if is_today else moments.day_and_clock(until, clinic.zone)
    return title, _("Held until %(time)s") % {"time": clock}


def _drawn_at(slot: SlotOfDay, clinic: Clinic) -> datetime | None:
    """Return when lots are drawn for an urgent time; None where nothing is drawn."""
    if not clinic.draws_urgent:
        return None
    opens_at = policy.releases_at(slot.day, release_at=clinic.urgent_release_at, zone=clinic.zone)
    return opens_at + clinic.asking_time


def _way(clinic: Clinic, moving: Moving | None, keeps: str) -> str:
    """Return the address to which a free time leads, up to where the target stands."""
    kept = f"{keeps}&" if keeps else ""
    if moving is not None:
        return f"{moving.address}&{kept}"
    return f"{reverse('desk:book', args=[clinic.portal_identifier])}?{kept}"


def _appointment(
    appointment: AppointmentOfDay, clinic: Clinic, kept: str, now: datetime, *, is_moving: bool
) -> Entry:
    words = [str(AppointmentStatus(appointment.status).label)]
    if appointment.attendance:
        words = [str(Attendance(appointment.attendance).label)]
    if appointment.kind == SlotKind.URGENT:
        words.append(str(SlotKind.URGENT.label))
    return Entry(
        starts=_clock(appointment.starts_at, clinic.zone),
        ends=_clock(appointment.ends_at, clinic.zone),
        kind=_kind(appointment, now),
        title=appointment.patient_name,
        text=" · ".join(words),
        url=page_of(clinic, appointment.pk, kept.removeprefix("&")),
        badge=_("Online") if appointment.is_online else "",
        warning=_("The reminder did not arrive") if appointment.reminder_failed else "",
        mover="" if appointment.attendance else mover_of(clinic, appointment.pk, appointment.version) + kept,
        name=entry_name(appointment.pk),
        question=_("Did %(name)s come?") % {"name": appointment.patient_name},
        acts=() if is_moving else _acts(appointment, clinic, kept, now),
    )


def _acts(appointment: AppointmentOfDay, clinic: Clinic, kept: str, now: datetime) -> list[Act]:
    """Return what can be noted of the appointment now, and what once it begins."""
    asked = (appointment.status, appointment.attendance, appointment.starts_at, clinic.zone)
    at_once = possible_marks(*asked, now=now)
    is_today = appointment.starts_at.astimezone(clinic.zone).date() == now.astimezone(clinic.zone).date()
    begun = possible_marks(*asked, now=max(now, appointment.starts_at)) if is_today else at_once
    address = reverse("desk:mark", args=[clinic.portal_identifier, appointment.pk])
    words: dict[str, tuple[str, str]] = {
        Attendance.ARRIVED: ("a", str(Attendance.ARRIVED.label)),
        Attendance.MISSED: ("x", str(Attendance.MISSED.label)),
        UNMARKED: ("u", _("Take the mark back")),
    }
    return [
        Act(
            word=words[mark][1],
            value=mark,
            address=f"{address}?seen={appointment.attendance}{kept}",
            key=words[mark][0],
            opens_at=None if mark in at_once else appointment.starts_at,
        )
        for mark in begun
    ]


def page_of(clinic: Clinic, appointment_id: UUID, keeps: str) -> str:
    """Return the address of the appointment's own page, with what leads back from there (desk.origin)."""
    page = reverse("booking_staff:appointment", args=[clinic.portal_identifier, appointment_id])
    return f"{page}?{keeps}" if keeps else page


def blocked_page(clinic: Clinic, block_id: int, keeps: str) -> str:
    """Return the address of what is blocked, with what leads back from there (desk.origin)."""
    page = reverse("desk:blocked", args=[clinic.portal_identifier, block_id])
    return f"{page}?{keeps}" if keeps else page


def mover_of(clinic: Clinic, appointment_id: UUID, version: int) -> str:
    """Return the address at which the appointment gets another time; it says which version the page showed."""
    return f"{reverse('desk:move', args=[clinic.portal_identifier, appointment_id])}?version={version}"


def _kind(appointment: AppointmentOfDay, now: datetime) -> Kind:
    if appointment.attendance:
        return Kind.ARRIVED if appointment.attendance == Attendance.ARRIVED else Kind.MISSED
    if appointment.status == AppointmentStatus.REQUESTED:
        return Kind.WAITING
    return Kind.DONE if appointment.ends_at <= now else Kind.BOOKED


def _guest(guest: GuestOfDay, clinic: Clinic, kept: str) -> Entry:
    page = reverse("guests_staff:request", args=[clinic.portal_identifier, guest.pk])
    return Entry(
        starts=_clock(guest.starts_at, clinic.zone),
        ends=_clock(guest.ends_at, clinic.zone),
        kind=Kind.WAITING,
        title=guest.name,
        text=str(AppointmentStatus.REQUESTED.label),
        url=f"{page}?{FROM_CALENDAR}=1{kept}",
        badge=_("No account"),
    )


def _side_by_side(entries: list[Entry]) -> list[Entry]:
    """Split the width where an appointment from before a change of the calendar stands beside new slots."""
    return [
        replace(entry, lane=1 if entry.kind in EMPTY else 2, lanes=2)
        if any(_overlap(entry, other) for other in entries if (other.kind in EMPTY) != (entry.kind in EMPTY))
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


def requests_within(
    clinic: Clinic,
    appointments: Sequence[AppointmentOfDay],
    providers: Sequence[ProviderOfDay],
    keeps: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return the requests among the appointments with their providers' names, to be decided beside the calendar.

    `keeps` is what leads back from their own pages.
    """
    names = {provider.pk: provider.name for provider in providers}
    return [
        {
            "row": row,
            "url": page_of(clinic, row.pk, keeps),
            "provider": names[row.provider_id],
            "has_passed": row.starts_at <= now,
        }
        for row in appointments
        if row.status == AppointmentStatus.REQUESTED
    ]


def neighbours(day: date) -> tuple[date, date]:
    """Return the days before and after."""
    return day - timedelta(days=1), day + timedelta(days=1)


def legend() -> list[tuple[Kind, str, str]]:
    """Return (kind, sign, words) of every colour that the calendar uses."""
    words = {
        Kind.BOOKED: _("Booked"),
        Kind.WAITING: _("Waits for approval"),
        Kind.DONE: _("Over"),
        Kind.ARRIVED: _("Arrived"),
        Kind.MISSED: _("Did not attend"),
        Kind.FREE: _("Free, bookable online"),
        Kind.URGENT: _("Free, urgent"),
        Kind.PHONE: _("Free, for those who phone"),
        Kind.HELD: _("Held for somebody"),
        Kind.INTERNAL: _("The clinic's own"),
        Kind.BLOCKED: _("Blocked"),
        Kind.ABSENT: _("Away"),
    }
    return [(kind, SIGNS[kind], word) for kind, word in words.items()]
