"""What the staff's pages show of the calendar. Each function is one query, however many rows there are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    CharField,
    Count,
    Exists,
    FilteredRelation,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Cast, Coalesce

from clinic_admin.choices import ProviderKind, Service
from clinic_admin.models import Clinic, Closure, Provider, StaffMember
from delegation.models import Absence, AbsenceCover
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from notifications.policy import TROUBLED
from patients.guardianship import words
from services.booking.choices import LIVE, AppointmentStatus, SlotState
from services.booking.earlier.choices import OfferStatus
from services.booking.guests.choices import GuestStatus
from services.booking.models import Appointment, AttendanceMark, GuestRequest, Slot
from services.inbox.models import InboxItem
from services.inbox.queries import MOST_COUNTED

WAITING_PER_PAGE = 20
ONLINE = "patient"
"""Kind of the user who asks for a time through the portal."""


@dataclass(frozen=True, slots=True)
class ProviderOfDay:
    """A provider as the day's calendar heads a column with them."""

    pk: int
    name: str
    role: str
    is_absent: bool
    cover: str
    """Who covers while they are away; empty when nobody does."""
    initials: str = ""


@dataclass(frozen=True, slots=True)
class SlotOfDay:
    """A piece of a provider's calendar; the instants are aware, in UTC."""

    pk: int
    provider_id: int
    starts_at: datetime
    ends_at: datetime
    kind: str
    state: str
    day: date
    block_id: int | None
    block_reason: str | None
    held_until: datetime | None = None
    """While it lies ahead, a free one is kept for somebody who waits for an earlier time."""
    offered_until: datetime | None = None
    """Until when it is offered to the patient below; None while it is offered to nobody."""
    offered_to: UUID | None = None
    given_name: str | None = None
    family_name: str | None = None

    @property
    def offered_name(self) -> str:
        """Return the name of the patient to whom it is offered."""
        return f"{self.given_name or ''} {self.family_name or ''}".strip()

    def is_held(self, now: datetime) -> bool:
        """Return whether patients can't have it now although it is free."""
        return self.state == SlotState.FREE and self.held_until is not None and self.held_until > now


@dataclass(frozen=True, slots=True)
class AppointmentOfDay:
    """A live appointment as the calendar shows it: no reason, no number."""

    pk: UUID
    provider_id: int
    slot_id: int | None
    starts_at: datetime
    ends_at: datetime
    kind: str
    status: str
    attendance: str
    version: int
    patient_name: str
    is_online: bool
    patient_id: UUID
    reminder_failed: bool
    """Whether the reminder of this time did not arrive."""
    is_reachable: bool
    """Whether the record has a mobile or an e-mail address."""


@dataclass(frozen=True, slots=True)
class GuestOfDay:
    """A request from somebody without an account that holds a time of the day."""

    pk: UUID
    provider_id: int
    slot_id: int | None
    starts_at: datetime
    ends_at: datetime
    name: str


class MenuCounts(NamedTuple):
    """What waits at the clinic, as the menu says it."""

    requests: int
    items: int


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """How many requests of the whole clinic wait for a decision."""

    requests: int
    """Of patients."""
    guests: int
    """Of people without an account."""


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What stands around the calendar."""

    waiting: int
    """Requests of the whole clinic that wait for a decision, those without an account among them."""
    booked_online_today: int
    """Coming appointments that patients booked or asked for through the portal since the clinic's midnight."""
    closed_because: str | None
    """None when the clinic is open that day; else the closure's reason, perhaps empty."""


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that waits for approval, with what is needed to decide."""

    pk: UUID
    patient_id: UUID
    patient_name: str
    birth_date: date | None
    provider_name: str
    starts_at: datetime
    ends_at: datetime
    kind: str
    reason: str
    requested_at: datetime
    requested_for: str
    """Who asked on the patient's behalf, with the role; empty when the patient did."""
    has_passed: bool
    is_reachable: bool
    """Whether the record has a mobile or an e-mail address."""
    assigned_to: str
    """Who got the request by message delegation; empty when it is everyone's."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page of requests begins: after this one."""

    requested_at: datetime
    pk: UUID

    def __str__(self) -> str:
        return f"{self.requested_at.isoformat()}_{self.pk}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """Return the cursor that an address carries, or None when it is not one."""
        moment, _, identifier = text.partition("_")
        try:
            cursor = cls(datetime.fromisoformat(moment), UUID(identifier))
        except ValueError:
            return None
        return cursor if cursor.requested_at.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """One page of what waits, oldest first."""

    requests: tuple[WaitingRequest, ...]
    following: Cursor | None
    """Where the next page begins; None on the last."""


def bounds(clinic: Clinic, day: date, days: int = 1) -> tuple[datetime, datetime]:
    """Return the instants between which so many of the clinic's local days lie, half open."""
    starts = datetime.combine(day, time.min, tzinfo=clinic.zone)
    return starts, datetime.combine(day + timedelta(days=days), time.min, tzinfo=clinic.zone)


def providers_of_day(clinic: Clinic, day: date) -> tuple[ProviderOfDay, ...]:
    """Return the clinic's active providers in their order, with who is away on the day and who covers."""
    away = Absence.objects.filter(
        clinic=clinic, provider=OuterRef("pk"), first_day__lte=day, last_day__gte=day
    ).order_by("first_day", "pk")
    covers = AbsenceCover.objects.filter(
        absence__clinic=clinic,
        absence__provider=OuterRef("pk"),
        absence__first_day__lte=day,
        absence__last_day__gte=day,
        service=Service.BOOKING,
    ).order_by("absence__first_day", "absence")
    rows = (
        Provider.objects.for_clinic(clinic)
        .active()
        .annotate(
            absence=Subquery(away.values("pk")[:1]),
            covered_by=Subquery(covers.values("provider__name")[:1]),
        )
        .values_list("pk", "name", "kind", "absence", "covered_by", "initials")
    )
    return tuple(
        ProviderOfDay(pk, name, str(ProviderKind(kind).label), absence is not None, cover or "", initials)
        for pk, name, kind, absence, cover, initials in rows
    )


def slots_of_day(
    clinic: Clinic, day: date, provider_ids: Collection[int], *, days: int = 1
) -> tuple[SlotOfDay, ...]:
    """Return the providers' slots of the clinic's local day, taken ones too, in the order of the clock.

    With `days`, of so many days from this one on.
    """
    last = day + timedelta(days=days - 1)
    rows = (
        Slot.objects.filter(clinic=clinic, day__range=(day, last), provider_id__in=provider_ids)
        .annotate(offer=FilteredRelation("offers", condition=Q(offers__status=OfferStatus.OPEN)))
        .order_by("starts_at", "pk")
        .values_list(
            *("pk", "provider_id", "starts_at", "ends_at", "kind", "state", "day"),
            *("block_id", "block__reason", "held_until"),
            *("offer__expires_at", "offer__patient_id"),
            *("offer__patient__given_name", "offer__patient__family_name"),
        )
    )
    return tuple(SlotOfDay(*row) for row in rows)


_FAILED_REMINDER = OutboxMessage.objects.filter(
    subject_type=Appointment._meta.label_lower,
    subject_id=Cast(OuterRef("pk"), CharField()),
    version=OuterRef("version"),
    kind=MessageKind.REMINDER,
    state__in=TROUBLED,
)


def appointments_of_day(
    clinic: Clinic, day: date, provider_ids: Collection[int], *, days: int = 1
) -> tuple[AppointmentOfDay, ...]:
    """Return the providers' live appointments that start on the clinic's local day, or on `days` days from it on."""
    starts, ends = bounds(clinic, day, days)
    rows = (
        Appointment.objects.for_clinic(clinic)
        .live()
        .filter(starts_at__gte=starts, starts_at__lt=ends, provider_id__in=provider_ids)
        .order_by("starts_at", "pk")
        .annotate(
            reminder_failed=Exists(_FAILED_REMINDER),
            is_reachable=~Q(patient__mobile="", patient__email=""),
        )
        .values_list(
            "pk",
            "provider_id",
            "slot_id",
            "starts_at",
            "ends_at",
            "kind",
            "status",
            "attendance",
            "version",
            "patient__given_name",
            "patient__family_name",
            "requested_by__kind",
            "patient_id",
            "reminder_failed",
            "is_reachable",
        )
    )
    return tuple(
        AppointmentOfDay(
            *row[:9],
            patient_name=f"{row[9]} {row[10]}".strip(),
            is_online=row[11] == ONLINE,
            patient_id=row[12],
            reminder_failed=row[13],
            is_reachable=row[14],
        )
        for row in rows
    )


def day_facts(clinic: Clinic, day: date, now: datetime) -> DayFacts:
    """Return the numbers of the badge, and whether the clinic is closed on the day."""
    midnight, _ = bounds(clinic, now.astimezone(clinic.zone).date())
    own = Appointment.objects.filter(clinic=OuterRef("pk"))
    since_midnight = own.filter(
        status__in=LIVE, starts_at__gte=now, requested_at__gte=midnight, requested_by__kind=ONLINE
    )
    closures = Closure.objects.filter(clinic=OuterRef("pk"), first_day__lte=day, last_day__gte=day)
    waiting, guests, booked, closed_because = (
        Clinic.objects.filter(pk=clinic.pk)
        .annotate(
            waiting=_number_of(own.filter(status=AppointmentStatus.REQUESTED)),
            guests=_number_of(_waiting_guests()),
            booked=_number_of(since_midnight),
            closed_because=Subquery(closures.order_by("first_day").values("reason")[:1]),
        )
        .values_list("waiting", "guests", "booked", "closed_because")
        .get()
    )
    return DayFacts(waiting + guests, booked, closed_because)


def _waiting_guests() -> "QuerySet[GuestRequest]":
    return GuestRequest.objects.filter(clinic=OuterRef("pk"), status=GuestStatus.WAITING)


def _number_of(rows: "QuerySet[Any]") -> Coalesce:
    counted = rows.order_by().values("clinic").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def guests_of_day(
    clinic: Clinic, day: date, provider_ids: Collection[int], *, days: int = 1
) -> tuple[GuestOfDay, ...]:
    """Return who without an account asks for a time of these providers on the clinic's local day, or on `days` days."""
    starts, ends = bounds(clinic, day, days)
    rows = GuestRequest.objects.filter(
        clinic=clinic,
        status=GuestStatus.WAITING,
        starts_at__gte=starts,
        starts_at__lt=ends,
        provider_id__in=provider_ids,
    ).defer("national_id", "reason")
    return tuple(
        GuestOfDay(row.pk, row.provider_id, row.slot_id, row.starts_at, row.ends_at, row.full_name)
        for row in rows.order_by("starts_at", "pk")
    )


def waiting_counts(clinic: Clinic) -> WaitingCounts:
    """Return how many requests wait for a decision."""
    requests = Appointment.objects.filter(clinic=OuterRef("pk"), status=AppointmentStatus.REQUESTED)
    row = (
        Clinic.objects.filter(pk=clinic.pk)
        .annotate(requests=_number_of(requests), guests=_number_of(_waiting_guests()))
        .values_list("requests", "guests")
        .get()
    )
    return WaitingCounts(*row)


def menu_counts(clinic: Clinic) -> MenuCounts:
    """Return what the menu of every staff page shows: requests that wait, and inbox items up to a hundred. One query."""
    requests = Appointment.objects.filter(clinic=OuterRef("pk"), status=AppointmentStatus.REQUESTED)
    items = InboxItem.objects.filter(clinic=OuterRef("pk"), closed_at=None).values("pk")[: MOST_COUNTED + 1]
    row = (
        Clinic.objects.filter(pk=clinic.pk)
        .annotate(
            requests=_number_of(requests) + _number_of(_waiting_guests()),
            items=Func(ArraySubquery(items), function="cardinality", output_field=IntegerField()),
        )
        .values_list("requests", "items")
        .get()
    )
    return MenuCounts(*row)


def waiting_for(post: StaffMember) -> int:
    """Return how many requests wait that were given to this staff member (C4)."""
    return Appointment.objects.filter(status=AppointmentStatus.REQUESTED, assigned_to=post).count()


def waiting(
    clinic: Clinic, *, now: datetime, after: Cursor | None, mine: StaffMember | None = None
) -> WaitingPage:
    """Return a page of requests that wait for approval, oldest first, with their reasons decrypted.

    With `mine`, only those that message delegation gave to this staff member.
    """
    rows = Appointment.objects.for_clinic(clinic).filter(status=AppointmentStatus.REQUESTED)
    if mine is not None:
        rows = rows.filter(assigned_to=mine)
    if after is not None:
        later = Q(requested_at__gt=after.requested_at) | Q(pk__gt=after.pk)
        rows = rows.filter(later, requested_at__gte=after.requested_at)
    found = list(
        rows.select_related("patient", "provider", "assigned_to", "requested_by__account").order_by(
            "requested_at", "pk"
        )[: WAITING_PER_PAGE + 1]
    )
    shown = found[:WAITING_PER_PAGE]
    more = len(found) > WAITING_PER_PAGE
    return WaitingPage(
        requests=tuple(_waiting_request(appointment, clinic, now) for appointment in shown),
        following=Cursor(shown[-1].requested_at, shown[-1].pk) if more else None,
    )


def _waiting_request(appointment: Appointment, clinic: Clinic, now: datetime) -> WaitingRequest:
    appointment.patient.clinic = clinic
    user = appointment.requested_by
    return WaitingRequest(
        pk=appointment.pk,
        patient_id=appointment.patient_id,
        patient_name=appointment.patient.full_name,
        birth_date=appointment.patient.birth_date,
        provider_name=appointment.provider.name,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        kind=appointment.kind,
        reason=appointment.reason or "",
        requested_at=appointment.requested_at,
        requested_for=words.name_and_role(appointment.patient, user, appointment.requested_at)
        if words.acted_for(appointment.patient, user)
        else "",
        has_passed=appointment.starts_at <= now,
        is_reachable=bool(appointment.patient.mobile or appointment.patient.email),
        assigned_to=appointment.assigned_to.name if appointment.assigned_to else "",
    )


def marks_of(appointment: Appointment) -> list[AttendanceMark]:
    """Return what was noted of whether the patient came, and taken back, with who did it, oldest first."""
    return list(appointment.marks.select_related("by").order_by("at", "pk"))


def appointment_of(clinic: Clinic, appointment_id: UUID) -> Appointment | None:
    """Return the clinic's appointment with patient, provider and everyone who touched it, or None."""
    return (
        Appointment.objects.for_clinic(clinic)
        .filter(pk=appointment_id)
        .select_related(
            *("patient", "provider", "requested_by__account", "decided_by"),
            *("cancelled_by__account", "marked_by", "refusal_words"),
        )
        .first()
    )
