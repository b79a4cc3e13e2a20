"""Fills calendars from templates, and never touches what somebody has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from clinic_admin.models import Provider
from delegation.models import Absence
from portal import audit
from services.booking import freeing, policy
from services.booking.choices import SlotKind, SlotState
from services.booking.models import Slot, TemplateBlock
from services.booking.weekly import generation as generation
from services.booking.weekly.generation import PlannedSlot

_LOCK_CLASS = 0x5107
"""First half of the advisory lock's key: calendars. The second half is the provider."""


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """What filling a calendar did."""

    added: int
    removed: int
    left_out: tuple[PlannedSlot, ...]
    """Slots that the templates want where somebody already has, or blocked, another piece of time."""


@transaction.atomic
def extend_calendar(
    *,
    provider: Provider,
    now: datetime,
    horizon: timedelta = policy.HORIZON,
    actor: Any = audit.SYSTEM,
) -> CalendarChange:
    """Make the provider's free slots from now until the horizon what the templates, closures and absences say.

    Only free slots come and go; a taken or blocked one is never changed, moved or removed (I15), and a new slot
    that would overlap it is left out and reported. Doing it twice does nothing the second time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, provider.pk])
    wanted, kept, obsolete = _compared(provider, None, now, horizon)
    obsolete_ids = [slot.pk for slot in obsolete]
    removed = _remove(obsolete_ids, now)
    kept += Slot.objects.filter(pk__in=set(obsolete_ids) - removed)
    missing, left_out = _sort_out(wanted, kept)
    news, soon = freeing.of_new(provider.clinic, now) if missing else {}, _today(provider, now) + freeing.SOON
    added = Slot.objects.bulk_create(
        [
            Slot(
                clinic_id=provider.clinic_id,
                provider=provider,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                day=slot.day,
                kind=slot.kind,
                **(news if slot.kind == SlotKind.PORTAL and slot.day <= soon else {}),
            )
            for slot in missing
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )
    _tell_apart(provider, [slot.pk for slot in kept], now)
    change = CalendarChange(added=len(added), removed=len(removed), left_out=tuple(left_out))
    if added or removed:
        audit.record(
            action="calendar.extended",
            subject=provider,
            actor=actor,
            now=now,
            added=change.added,
            removed=change.removed,
            left_out=len(change.left_out),
        )
    return change


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What filling a calendar would do."""

    added: tuple[PlannedSlot, ...]
    removed: tuple[Slot, ...]
    kept: tuple[Slot, ...]
    """Slots that somebody has, blocked or is offered, and for which the templates have no time of any kind: they stay."""
    left_out: tuple[PlannedSlot, ...]
    """Slots that the templates want where one of those, or an appointment's other time, stands."""


def foresee(*, provider: Provider, blocks: Sequence[generation.Block], now: datetime) -> Foreseen:
    """Return what extend_calendar would do if the provider's templates had these blocks. Three queries, no change."""
    wanted, kept, obsolete = _compared(provider, blocks, now, policy.HORIZON)
    held = [slot for slot in obsolete if slot.state_at(now) != SlotState.FREE]
    missing, left_out = _sort_out(wanted, [*kept, *held])
    removed = [slot for slot in obsolete if slot not in held]
    times = {(plan.starts_at, plan.ends_at) for plan in wanted}
    apart = [slot for slot in (*kept, *held) if (slot.starts_at, slot.ends_at) not in times]
    return Foreseen(tuple(missing), tuple(removed), tuple(apart), tuple(left_out))


def _compared(
    provider: Provider, blocks: Sequence[generation.Block] | None, now: datetime, horizon: timedelta
) -> tuple[list[PlannedSlot], list[Slot], list[Slot]]:
    """Return what is wanted and not there, what stays although it is not wanted, and what is free and not wanted."""
    wanted = {slot.starts_at: slot for slot in _wanted(provider, now, horizon, blocks)}
    kept: list[Slot] = []
    obsolete: list[Slot] = []
    for slot in Slot.objects.filter(provider=provider, ends_at__gt=now, day__gte=_today(provider, now)):
        plan = wanted.get(slot.starts_at)
        if plan is not None and (plan.ends_at, plan.kind) == (slot.ends_at, slot.kind):
            del wanted[slot.starts_at]
        elif slot.state == SlotState.FREE and slot.starts_at > now:
            obsolete.append(slot)
        else:
            kept.append(slot)
    return list(wanted.values()), kept, obsolete


def _wanted(
    provider: Provider,
    now: datetime,
    horizon: timedelta,
    blocks: Sequence[generation.Block] | None = None,
) -> list[PlannedSlot]:
    """Return what the provider's own templates want, or those of `blocks`."""
    if not provider.is_active:
        return []
    clinic = provider.clinic
    first_day = _today(provider, now)
    last_day = first_day + horizon
    slots = generation.plan(
        _blocks(provider) if blocks is None else blocks,
        first_day=first_day,
        last_day=last_day,
        zone=clinic.zone,
        closed=generation.public_holidays(clinic.country, first_day, last_day)
        | _days_off(provider, first_day, last_day),
    )
    return [slot for slot in slots if slot.starts_at > now]


def _today(provider: Provider, now: datetime) -> date:
    return now.astimezone(provider.clinic.zone).date()


def _blocks(provider: Provider) -> list[generation.Block]:
    blocks = (
        TemplateBlock.objects.filter(template__provider=provider)
        .select_related("template")
        .order_by("template__valid_from", "pk")
    )
    return [
        generation.Block(
            weekday=int(block.weekday),
            starts_at=block.starts_at,
            ends_at=block.ends_at,
            minutes=block.minutes,
            kind=block.kind,
            valid_from=block.template.valid_from,
            valid_until=block.template.valid_until,
        )
        for block in blocks
    ]


def _days_off(provider: Provider, first_day: date, last_day: date) -> set[date]:
    """Return the days on which the clinic is closed or the provider away."""
    within = {"first_day__lte": last_day, "last_day__gte": first_day}
    away = Absence.objects.filter(provider=provider, **within)
    closed = provider.clinic.closures.filter(**within)
    return {
        day
        for period in [
            *away.values_list("first_day", "last_day"),
            *closed.values_list("first_day", "last_day"),
        ]
        for day in generation.days_between(max(period[0], first_day), min(period[1], last_day))
    }


def _tell_apart(provider: Provider, without: list[int], now: datetime) -> None:
    """Note of what stays whether a calendar has it; `without` are those of none (freeing.free).

    What stays is booked, blocked, or held for somebody who may yet take it. One that is locked is left to the next filling.
    """
    coming = Slot.objects.filter(provider=provider, ends_at__gt=now, day__gte=_today(provider, now))
    wrong = coming.filter(Q(by_hand=False, pk__in=without) | (Q(by_hand=True) & ~Q(pk__in=without)))
    found = set(wrong.select_for_update(skip_locked=True).values_list("pk", flat=True))
    for is_of_none, slots in ((True, found & set(without)), (False, found - set(without))):
        if slots:
            Slot.objects.filter(pk__in=slots).update(by_hand=is_of_none)


def _remove(slot_ids: list[int], now: datetime) -> set[int]:
    """Remove those that are still free; whoever is just booking one, or is offered one, keeps it. Return which went."""
    unheld = Q(held_until__isnull=True) | Q(held_until__lte=now)
    free = Slot.objects.filter(unheld, pk__in=slot_ids, state=SlotState.FREE).select_for_update(
        skip_locked=True
    )
    found = set(free.values_list("pk", flat=True))
    Slot.objects.filter(pk__in=found).delete()
    return found


def _sort_out(wanted: Iterable[PlannedSlot], kept: list[Slot]) -> tuple[list[PlannedSlot], list[PlannedSlot]]:
    """Part what can be added from what would overlap a kept slot. The same time kept is no conflict to report."""
    missing, left_out = [], []
    by_day: dict[date, list[Slot]] = {}
    for slot in kept:
        by_day.setdefault(slot.day, []).append(slot)
    for plan in wanted:
        in_the_way = [
            slot for slot in by_day.get(plan.day, []) if plan.overlaps(slot.starts_at, slot.ends_at)
        ]
        if not in_the_way:
            missing.append(plan)
        elif not any((plan.starts_at, plan.ends_at) == (slot.starts_at, slot.ends_at) for slot in in_the_way):
            left_out.append(plan)
    return missing, left_out
