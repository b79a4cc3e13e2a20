"""Which reminders patients pay for: those that they chose, that were sent, and what they were told then."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from clinic_admin.models import Clinic
from notifications import queries as outbox
from notifications.models import OutboxMessage
from services.booking.models import Appointment
from services.booking.reminders.queries import parse
from services.booking.staff.queries import bounds

PER_PAGE = 50
_AT_ONCE = 500
FIRST = date(2000, 1, 1)
"""Earlier months than this hold nothing."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A reminder that the patient pays for."""

    sent_at: datetime
    """When it was due, which is when it went; it does not change with what becomes known later."""
    appointment_id: UUID
    patient_id: UUID
    patient_name: str
    starts_at: datetime
    """Of the appointment, as the reminder said it."""
    provider_name: str
    ore: int
    """What the patient was told when they chose it, in hundredths of the currency."""


@dataclass(frozen=True, slots=True)
class PaidPage:
    """A page of them in order of time."""

    rows: Sequence[Paid]
    after: str
    """Where the next page begins; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are, and what they cost together."""

    number: int
    ore: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the clinic's calendar."""

    first: date

    @classmethod
    def of(cls, text: str, *, today: date) -> "Month":
        """Return the month that an address names as 2026-11; this one where it names none, or one to come."""
        this = today.replace(day=1)
        try:
            found = date.fromisoformat(f"{text}-01")
        except ValueError:
            return cls(this)
        return cls(max(FIRST, min(found, this)))

    @property
    def following(self) -> "Month":
        """Return the next month."""
        return Month((self.first + timedelta(days=31)).replace(day=1))

    @property
    def before(self) -> "Month":
        """Return the month before."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    def bounds(self, clinic: Clinic) -> tuple[datetime, datetime]:
        """Return the instants between which it lies by the clinic's clock, half open."""
        return bounds(clinic, self.first, (self.following.first - self.first).days)


def page(clinic: Clinic, month: Month, *, after: str = "") -> PaidPage:
    """Return those of the month, the first fifty after where the page before ended. Two queries."""
    rows = _rows(clinic, month)
    if begins := parse(after):
        at, pk = begins
        rows = rows.filter(Q(due_at__gt=at) | Q(due_at=at, pk__gt=pk), due_at__gte=at)
    found = list(rows[: PER_PAGE + 1])
    shown, rest = found[:PER_PAGE], found[PER_PAGE:]
    last = f"{shown[-1].due_at.isoformat()}_{shown[-1].pk}" if rest else ""
    return PaidPage(list(_told(clinic, shown)), last)


def total(clinic: Clinic, month: Month) -> Total:
    """Return how many there are in the month, and their sum. One query."""
    counted = _rows(clinic, month).order_by().aggregate(number=Count("pk"), ore=Sum("price_ore"))
    return Total(counted["number"], counted["ore"] or 0)


def every(clinic: Clinic, month: Month) -> Iterator[Paid]:
    """Yield all of the month, in order of time, five hundred in two queries."""
    rows = iter(_rows(clinic, month))
    while some := list(islice(rows, _AT_ONCE)):
        yield from _told(clinic, some)


def _rows(clinic: Clinic, month: Month) -> "QuerySet[OutboxMessage]":
    since, before = month.bounds(clinic)
    label = Appointment._meta.label_lower
    return outbox.paid(clinic, since=since, before=before).filter(subject_type=label)


def _told(clinic: Clinic, messages: Iterable[OutboxMessage]) -> Iterator[Paid]:
    known = list(messages)
    rows = Appointment.objects.for_clinic(clinic).filter(pk__in=[UUID(one.subject_id) for one in known])
    found = {one.pk: one for one in rows.select_related("patient", "provider").defer("reason")}
    for one in known:
        appointment = found[UUID(one.subject_id)]
        yield Paid(
            sent_at=one.due_at,
            appointment_id=appointment.pk,
            patient_id=appointment.patient_id,
            patient_name=appointment.patient.full_name,
            starts_at=one.not_after,
            provider_name=appointment.provider.name,
            ore=one.price_ore,
        )
