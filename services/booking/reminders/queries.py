"""How reminders stand: of one appointment, of many, and which did not arrive. Each says how many queries it takes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clinic_admin.models import Clinic
from notifications import queries as outbox
from notifications.queries import LedgerLine
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.reminders import policy
from services.booking.reminders.policy import Outlook, Wish

PER_PAGE = 50


def clinics_that_remind() -> list[Clinic]:
    """Return the clinics whose portal is on. One query."""
    return list(Clinic.objects.filter(is_active=True).order_by("pk"))


def wish_of(appointment: Appointment) -> Wish:
    """Return what decides about the appointment's reminder; its clinic and patient are at hand."""
    clinic, patient = appointment.clinic, appointment.patient
    return Wish(
        status=appointment.status,
        starts_at=appointment.starts_at,
        wants=appointment.wants_reminder,
        clinic_reminds=clinic.reminds_everyone,
        channel=policy.channel_of(patient.mobile, patient.email),
        hours_ahead=clinic.reminder_hours_ahead,
        zone=clinic.zone,
    )


def outlook_of(appointment: Appointment, now: datetime) -> Outlook:
    """Return how the appointment's reminder stands. One query."""
    return policy.outlook(wish_of(appointment), current([appointment]).get(appointment.pk), now)


def current(appointments: Collection[Appointment]) -> dict[UUID, LedgerLine]:
    """Return, by appointment, the reminder of its present time; of several the one that counts. One query."""
    versions = {str(one.pk): one.version for one in appointments}
    found: dict[UUID, LedgerLine] = {}
    for line in outbox.reminders_of(appointments):
        if line.version != versions[line.subject_id]:
            continue
        known = found.get(UUID(line.subject_id))
        if known is None or _counts_less(known):
            found[UUID(line.subject_id)] = line
    return found


def _counts_less(line: LedgerLine) -> bool:
    """Return whether any other message says more: this one was withdrawn, as when an SMS took an e-mail's place."""
    return line.closed_at is not None and line.tries == 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A coming appointment whose reminder did not arrive."""

    appointment: Appointment
    line: LedgerLine


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page of them, in order of time."""

    rows: list[Failed]
    after: str
    """Where the next page begins; empty when there is none."""


def failed(
    clinic: Clinic, *, since: datetime, before: datetime, after: str = "", most: int = PER_PAGE
) -> FailedPage:
    """Return booked appointments within [since, before) whose reminder did not arrive. Three queries at most."""
    found = outbox.failed_reminders(clinic, after=parse(after), before=before, since=since, most=most + 1)
    page, rest = found[:most], found[most:]
    rows = _booked(clinic, [line for _, line in page])
    last = f"{page[-1][0].isoformat()}_{page[-1][1].id}" if rest else ""
    return FailedPage(
        [
            Failed(rows[line.subject_id], line)
            for _, line in page
            if _is_current(rows.get(line.subject_id), line)
        ],
        last,
    )


def _booked(clinic: Clinic, lines: Iterable[LedgerLine]) -> dict[str, Appointment]:
    own = Appointment.objects.for_clinic(clinic).filter(
        pk__in={line.subject_id for line in lines}, status=AppointmentStatus.BOOKED
    )
    return {str(one.pk): one for one in own.select_related("patient", "provider").defer("reason")}


def _is_current(appointment: Appointment | None, line: LedgerLine) -> bool:
    return appointment is not None and appointment.version == line.version


def failed_within(clinic: Clinic, *, since: datetime, before: datetime) -> set[tuple[UUID, int]]:
    """Return (appointment, version) of reminders that did not arrive, for the calendar's signs. Two queries at most."""
    found = outbox.failed_reminders(clinic, after=None, before=before, since=since, most=MOST_SIGNS)
    return {(UUID(line.subject_id), line.version) for _, line in found}


MOST_SIGNS = 500
"""Of one day or week in the calendar."""


def parse(after: str) -> tuple[datetime, UUID] | None:
    """Return where a page begins; None for what is none of ours: then it is the first."""
    at, _, key = after.partition("_")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, UUID(key)) if moment.tzinfo else None
    except ValueError:
        return None
