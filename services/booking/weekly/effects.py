"""What a change of a weekly calendar does to the coming weeks: told before it is saved."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clinic_admin.models import Provider
from services.booking import policy
from services.booking.models import Appointment, TemplateBlock
from services.booking.operations import Foreseen, foresee
from services.booking.weekly import generation as generation
from services.booking.weekly.policy import WeekBlock

MOST_LISTED = 50
"""Appointments that are listed one by one; of more, the number is told."""


@dataclass(frozen=True, slots=True)
class WeekEffect:
    """A week in which something changes."""

    monday: date
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Staying:
    """An appointment that no weekly calendar would have a time for; it stays."""

    pk: UUID
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """What saving would do within the weeks that calendars are filled for."""

    weeks: tuple[WeekEffect, ...]
    added: int
    removed: int
    """Free times. What somebody has is never removed."""
    staying: tuple[Staying, ...]

    @property
    def is_asked_about(self) -> bool:
        """Return whether saving is asked about once more: patients lose free times, or appointments stand apart."""
        return bool(self.removed or self.staying)


def effect_of(
    provider: Provider,
    blocks: Sequence[WeekBlock],
    *,
    valid_from: date,
    valid_until: date | None,
    template_id: int | None,
    now: datetime,
) -> Effect:
    """Return what it does to save these rows as the provider's calendar `template_id`, None: as a new one. Nine queries.

    Without rows: what it does to delete it. Days and clock times are the clinic's. Appointments that have no time in the
    calendars as they are, as those that staff book by hand, are not told of.
    """
    own = [
        generation.Block(
            block.weekday,
            block.starts_at,
            block.ends_at,
            block.minutes,
            block.kind,
            valid_from,
            valid_until,
        )
        for block in blocks
    ]
    found = foresee(provider=provider, blocks=[*_others(provider, template_id), *own], now=now)
    before = foresee(provider=provider, blocks=_others(provider, None), now=now)
    return Effect(
        weeks=_weeks(found),
        added=len(found.added),
        removed=len(found.removed),
        staying=tuple(_staying(provider, found, before, now)),
    )


def _others(provider: Provider, template_id: int | None) -> list[generation.Block]:
    rows = TemplateBlock.objects.filter(template__provider=provider).exclude(template=template_id)
    return [
        generation.Block(
            int(row.weekday),
            row.starts_at,
            row.ends_at,
            row.minutes,
            row.kind,
            row.template.valid_from,
            row.template.valid_until,
        )
        for row in rows.select_related("template").order_by("template__valid_from", "pk")
    ]


def _weeks(found: Foreseen) -> tuple[WeekEffect, ...]:
    added = Counter(policy.week_of(slot.day) for slot in found.added)
    removed = Counter(policy.week_of(slot.day) for slot in found.removed)
    return tuple(WeekEffect(monday, added[monday], removed[monday]) for monday in sorted({*added, *removed}))


def _staying(provider: Provider, found: Foreseen, before: Foreseen, now: datetime) -> Iterable[Staying]:
    rows = Appointment.objects.live().filter(provider=provider, clinic=provider.clinic_id, starts_at__gt=now)
    for pk, slot_id, starts_at, ends_at in rows.order_by("starts_at").values_list(
        "pk", "slot_id", "starts_at", "ends_at"
    ):
        place = slot_id, starts_at, ends_at
        if _is_apart(found, *place) and not _is_apart(before, *place):
            yield Staying(pk, starts_at)


def _is_apart(found: Foreseen, slot_id: int | None, starts_at: datetime, ends_at: datetime) -> bool:
    """Return whether the calendars have no such time. One of another kind is one: the appointment fits into it."""
    return any(slot.pk == slot_id for slot in found.kept) or any(
        plan.overlaps(starts_at, ends_at) for plan in found.left_out
    )
