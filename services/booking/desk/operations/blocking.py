"""Closing a stretch of a provider's day by hand, and opening it again. What is taken is never touched."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from clinic_admin.models import Clinic
from identity.models import User
from portal import audit
from services.booking import freeing
from services.booking.choices import BookingRefusal, SlotKind, SlotState
from services.booking.desk import policy
from services.booking.desk.choices import DeskRefusal
from services.booking.desk.operations.places import FENCES
from services.booking.desk.policy import Span
from services.booking.desk.queries import Place
from services.booking.earlier import operations as earlier
from services.booking.models import Appointment, Block, Slot
from services.booking.operations.refusals import BookingRefused, fences, refuse

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Blocked:
    """What was blocked, and how many times of the stretch are taken and stay."""

    block: Block
    taken: int


def block(*, clinic: Clinic, place: Place, reason: str, actor: User, now: datetime) -> Blocked:
    """Block what is free of the place, also where no slot is, so that no weekly calendar makes one there. Twice is once.

    A free slot that begins or ends outside is blocked as a whole. Raises BookingRefused when it is past, everything is
    taken, or somebody takes some of it at this moment.
    """
    try:
        with fences(FENCES), transaction.atomic():
            return _block(clinic, place, reason, actor=actor, now=now)
    except BookingRefused:
        done = _done_already(place, reason, actor)
        if done is None:
            raise
        return done


def _done_already(place: Place, reason: str, actor: User) -> Blocked | None:
    """Return what a first press of the same button has blocked, or None."""
    span = {"provider": place.provider, "starts_at": place.starts_at, "ends_at": place.ends_at}
    done = Block.objects.filter(**span, clinic=place.provider.clinic_id, reason=reason, by=actor).first()
    if done is None:
        return None
    return Blocked(done, len(_appointments(place, [])))


def _block(clinic: Clinic, place: Place, reason: str, *, actor: User, now: datetime) -> Blocked:
    if place.ends_at <= now:
        refuse(BookingRefusal.PAST)
    span = Span(place.starts_at, place.ends_at)
    found = list(
        Slot.objects.filter(
            clinic=clinic,
            provider=place.provider,
            day__range=(place.day - _DAY, place.day + _DAY),  # what the index knows
            starts_at__lt=span.ends_at,
            ends_at__gt=span.starts_at,
        )
        .order_by("pk")
        .select_for_update()
    )
    held = _appointments(place, found)
    gaps = policy.gaps(span, [*(Span(one.starts_at, one.ends_at) for one in found), *held])
    free = [slot.pk for slot in found if slot.state == SlotState.FREE]
    if not free and not gaps:
        refuse(DeskRefusal.ALL_TAKEN)
    made = Block.objects.create(
        clinic=clinic,
        provider=place.provider,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        reason=reason,
        at=now,
        by=actor,
    )
    Slot.objects.filter(pk__in=free).update(state=SlotState.BLOCKED, block=made, held_until=None)
    if any(slot.held_until is not None for slot in found):
        earlier.end_offers_of(free, now=now)
    Slot.objects.bulk_create(_closed(made, gap, place) for gap in gaps)
    audit.record(
        action="calendar.blocked",
        subject=made,
        actor=actor,
        now=now,
        provider=place.provider.pk,
        starts_at=span.starts_at.isoformat(),
        ends_at=span.ends_at.isoformat(),
    )
    taken = sum(slot.state == SlotState.TAKEN for slot in found) + len(held)
    return Blocked(made, taken)


def _appointments(place: Place, found: list[Slot]) -> list[Span]:
    """Return appointments without a slot of their own, from before a change of the calendar."""
    rows = Appointment.objects.live().filter(
        provider=place.provider,
        starts_at__gt=place.starts_at - _DAY,
        starts_at__lt=place.ends_at,
        ends_at__gt=place.starts_at,
    )
    apart = rows.exclude(slot__in=[slot.pk for slot in found])
    return [Span(*row) for row in apart.values_list("starts_at", "ends_at")]


def _closed(made: Block, gap: Span, place: Place) -> Slot:
    return Slot(
        clinic_id=made.clinic_id,
        provider=place.provider,
        starts_at=gap.starts_at,
        ends_at=gap.ends_at,
        day=place.day,
        kind=SlotKind.INTERNAL,
        state=SlotState.BLOCKED,
        by_hand=True,
        block=made,
    )


@transaction.atomic
def unblock(*, clinic: Clinic, block_id: int, actor: User, now: datetime) -> Block:
    """Open what the block closed: times of the weekly calendars are free again, the rest goes.

    Raises Block.DoesNotExist for another clinic's and for one that is open already.
    """
    found = Block.objects.select_for_update().get(clinic=clinic, pk=block_id)
    audit.record(
        action="calendar.unblocked",
        subject=found,
        actor=actor,
        now=now,
        provider=found.provider_id,
        starts_at=found.starts_at.isoformat(),
        ends_at=found.ends_at.isoformat(),
    )
    own = Slot.objects.filter(block=found)
    own.filter(by_hand=True).delete()
    opened = list(own.values_list("pk", flat=True))
    own.update(block=None)
    for slot_id in opened:
        freeing.free(slot_id, clinic=clinic, now=now, was=SlotState.BLOCKED)
    found.delete()
    return found
