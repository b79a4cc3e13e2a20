"""Who waits, who is next in line, and what was offered. Each function says how many queries it takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Closure
from identity.choices import Assurance
from patients.models import Patient
from portal.ready import Given, Ready
from services.access import queries as access
from services.access.choices import Approval
from services.access.queries import ProviderChoice
from services.booking import free_times, own_times
from services.booking import policy as booking_policy
from services.booking import queries as booking
from services.booking.choices import LIVE, AppointmentStatus, SlotKind, SlotState
from services.booking.earlier import policy
from services.booking.earlier.choices import OfferStatus, PartOfDay, PassedReason, WishStatus
from services.booking.earlier.models import EarlierOffer, EarlierWish, PassedOver
from services.booking.models import Appointment, Slot

MOST_AT_ONCE = 200
"""Freed times that one round looks at; the rest is for the next."""
LINE = 20
"""How many in line are looked at in one query."""
PER_PAGE = 50


# -- the line ----------------------------------------------------------------------------------------------
def to_pass_on(clinic: Clinic, now: datetime) -> QuerySet[Slot]:
    """Return the clinic's times that came free and nobody is offered, the nearest first; locked ones left out."""
    closed = Closure.objects.filter(
        clinic=clinic, first_day__lte=OuterRef("day"), last_day__gte=OuterRef("day")
    )
    offered = EarlierOffer.objects.filter(slot=OuterRef("pk"), status=OfferStatus.OPEN)
    rows = Slot.objects.filter(
        ~Exists(closed),
        ~Exists(offered),
        clinic=clinic,
        state=SlotState.FREE,
        kind=SlotKind.PORTAL,
        freed_at__isnull=False,
        starts_at__gt=now,
    )
    return rows.order_by("starts_at", "pk").select_for_update(of=("self",), skip_locked=True)


def clinics_with_news() -> list[Clinic]:
    """Return the clinics whose times may have to be passed on. One query."""
    has_open = Q(pk__in=EarlierOffer.objects.filter(status=OfferStatus.OPEN).values("clinic"))
    return list(Clinic.objects.filter(Q(offers_earlier=True) | has_open).order_by("pk"))


def next_in_line(slot: Slot, clinic: Clinic) -> "QuerySet[Any]":
    """Return the first wishes that the slot suits and that were not asked since it came free. One query.

    In order of joining. Each says in `has_offer` whether another offer of the patient is open, in `has_own` whether the
    patient has another appointment then, apart from what would be moved. Nobody gets back what they had just given up.
    """
    asked = EarlierOffer.objects.filter(slot=slot.pk, wish=OuterRef("pk"))
    passed = PassedOver.objects.filter(slot=slot.pk, wish=OuterRef("pk"), at__gte=slot.freed_at)
    own = Appointment.objects.filter(slot=slot.pk, patient=OuterRef("patient"))
    offers = EarlierOffer.objects.filter(patient=OuterRef("patient"), status=OfferStatus.OPEN)
    beside = own_times.beside_of(OuterRef("patient"), slot.starts_at, slot.ends_at).exclude(
        Q(pk=OuterRef("moved")) | Q(status=AppointmentStatus.REQUESTED, replaces=OuterRef("moved"))
    )
    with_whom = Q(provider_ids=[]) | Q(provider_ids__contains=[slot.provider_id])
    is_earlier = Q(appointment=None) | Q(
        appointment__status__in=LIVE, appointment__starts_at__gt=slot.starts_at
    )
    rows = EarlierWish.objects.filter(
        with_whom,
        is_earlier,
        ~Exists(asked),
        ~Exists(passed),
        ~Exists(own),
        clinic=slot.clinic_id,
        status=WishStatus.WAITING,
        first_day__lte=slot.day,
        last_day__gte=slot.day,
        weekdays__contains=[str(slot.day.weekday())],
        part__in=[PartOfDay.ANY, policy.part_of(slot.starts_at, clinic.zone)],
    ).annotate(
        moved=Coalesce("appointment", Value(own_times.NOBODYS)),
        has_offer=Exists(offers),
        has_own=Exists(beside),
    )
    return rows.select_related("patient", "appointment").order_by("joined_at", "pk")[:LINE]


def why_passed_over(wish: EarlierWish, slot: Slot, clinic: Clinic, now: datetime) -> PassedReason | None:
    """Return why the time is not offered to somebody in line, or None. One query, up to three with limits or a move."""
    patient, moved = wish.patient, wish.appointment
    patient.clinic = clinic
    decision = access.decision(
        patient=patient,
        service=Service.BOOKING,
        provider_id=slot.provider_id,
        assurance=Assurance.TWO_FACTORS,
        day=slot.day,
    )
    return policy.passed_over(
        is_reachable=bool(patient.mobile or patient.email),
        has_offer=bool(getattr(wish, "has_offer", False)),
        has_own=bool(getattr(wish, "has_own", False)),
        may_book=decision.allowed,
        is_full=_is_full(patient, slot, moved, now),
        can_move=moved is None or _can_move(moved, patient, now),
    )


def _is_full(patient: Patient, slot: Slot, moved: Appointment | None, now: datetime) -> bool:
    clinic = patient.clinic
    if moved is not None or clinic.most_upcoming is None:
        return False
    refusal = booking_policy.refuse_another(
        slot.kind,
        held=booking.held(patient, now=now),
        most_upcoming=clinic.most_upcoming,
        most_urgent=clinic.most_urgent,
    )
    return refusal is not None


def _can_move(appointment: Appointment, patient: Patient, now: datetime) -> bool:
    found = booking.movable(
        patient=patient, appointment_id=appointment.pk, assurance=Assurance.TWO_FACTORS, now=now
    )
    return found is not None and found.refusal is None


# -- for the patient ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Mine:
    """What a patient waits for and was offered."""

    wishes: list[EarlierWish]
    offers: list[EarlierOffer]
    """Those that can be answered now."""


def of_patient(patient: Patient, now: datetime) -> Mine:
    """Return what the patient waits for, the first one first, and their open offers. Two queries."""
    wishes = EarlierWish.objects.filter(patient=patient, status=WishStatus.WAITING)
    offers = EarlierOffer.objects.filter(patient=patient, status=OfferStatus.OPEN, expires_at__gt=now)
    return Mine(
        list(wishes.select_related("appointment__provider").order_by("joined_at", "pk")),
        list(offers.select_related("provider").order_by("expires_at")),
    )


def offered_now(patient: Patient, now: datetime) -> EarlierOffer | None:
    """Return what the patient is offered and can take now, with its provider. One query where times are offered."""
    return _OFFERED.first(patient=patient.pk, now=now) if patient.clinic.offers_earlier else None


_OFFERED = Ready(
    lambda: EarlierOffer.objects.filter(
        patient=Given("patient"), status=OfferStatus.OPEN, expires_at__gt=Given("now")
    ).select_related("provider")
)
"""There is one at most: earlier_offer_one_per_patient, which is how it is found, too."""


def wish_about(patient: Patient, appointment: Appointment | None) -> EarlierWish | None:
    """Return what the patient waits for instead of this appointment, or without one. One query."""
    rows = EarlierWish.objects.filter(patient=patient, status=WishStatus.WAITING, appointment=appointment)
    return rows.first()


def offer_of(patient: Patient, offer_id: UUID) -> EarlierOffer | None:
    """Return the patient's own offer with its provider and what it would move, or None. One query."""
    rows = EarlierOffer.objects.filter(patient=patient, pk=offer_id)
    return rows.select_related("provider", "wish__appointment__provider", "appointment").first()


def approval_of(offer: EarlierOffer, patient: Patient, assurance: Assurance) -> Approval:
    """Return how the offered time would be approved. One query."""
    decision = access.decision(
        patient=patient,
        service=Service.BOOKING,
        provider_id=offer.provider_id,
        assurance=assurance,
        day=offer.starts_at.astimezone(patient.clinic.zone).date(),
    )
    return decision.approval


def with_whom(patient: Patient, assurance: Assurance, now: datetime) -> list[ProviderChoice]:
    """Return whom the patient may book now or within the horizon, in the order of the list. One query."""
    first_day, last_day = free_times.horizon(patient.clinic, now)
    windows = access.windows(
        patient=patient,
        services=(Service.BOOKING,),
        assurance=assurance,
        first_day=first_day,
        last_day=last_day,
    )
    return list({window.provider.provider_id: window.provider for window in windows}.values())


# -- for staff ---------------------------------------------------------------------------------------------
def waiting(clinic: Clinic) -> list[EarlierWish]:
    """Return the first who wait, in order of joining, at most fifty. One query."""
    rows = EarlierWish.objects.filter(clinic=clinic, status=WishStatus.WAITING)
    return list(rows.select_related("patient", "appointment").order_by("joined_at", "pk")[:PER_PAGE])


def numbers(clinic: Clinic, now: datetime) -> tuple[int, int]:
    """Return how many wait, and how many are offered a time just now. Two queries."""
    wishes = EarlierWish.objects.filter(clinic=clinic, status=WishStatus.WAITING)
    offers = EarlierOffer.objects.filter(clinic=clinic, status=OfferStatus.OPEN, expires_at__gt=now)
    return wishes.count(), offers.count()


def log(clinic: Clinic) -> list[EarlierOffer]:
    """Return the latest offers with whoever was passed over for each, at most fifty. Two queries."""
    passed = PassedOver.objects.select_related("wish__patient").order_by("wish__joined_at", "pk")
    rows = EarlierOffer.objects.filter(clinic=clinic).select_related("patient", "provider", "wish")
    return list(
        rows.prefetch_related(Prefetch("passed_over", queryset=passed)).order_by("-offered_at", "pk")[
            :PER_PAGE
        ]
    )


@dataclass(frozen=True, slots=True)
class ForNobody:
    """A time that came free, suited somebody, and was offered to none of them."""

    starts_at: datetime
    at: datetime
    passed: list[PassedOver]


def for_nobody(clinic: Clinic) -> list[ForNobody]:
    """Return the latest times that were offered to nobody, with who was passed over and why. One query, fifty rows."""
    rows = PassedOver.objects.filter(clinic=clinic, offer=None).select_related("wish__patient")
    found: dict[tuple[int | None, datetime, datetime], ForNobody] = {}
    for row in rows.order_by("-at", "pk")[:PER_PAGE]:
        key = (row.slot_id, row.starts_at, row.at)
        found.setdefault(key, ForNobody(row.starts_at, row.at, [])).passed.append(row)
    return list(found.values())
