"""What the page of weekly calendars shows."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from clinic_admin import history
from clinic_admin.history import LastSave
from clinic_admin.models import Clinic, Provider
from services.booking.models import CalendarTemplate, TemplateBlock
from services.booking.weekly import generation as generation
from services.booking.weekly.generation import Block, PlannedSlot
from services.booking.weekly.policy import WeekBlock

FIRST_SHOWN = 6
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A weekly calendar on the list."""

    pk: int
    name: str
    valid_from: date
    valid_until: date | None
    per_week: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """A provider with their weekly calendars, newest first."""

    pk: int
    name: str
    templates: tuple[TemplateLine, ...]

    @property
    def last_day(self) -> date | None:
        """Return the last day for which there is a calendar; None when one holds until further notice, or there is none."""
        ends = [line.valid_until for line in self.templates]
        return max(end for end in ends if end) if ends and None not in ends else None

    @property
    def is_over(self) -> bool:
        """Return whether all calendars are over."""
        return bool(self.templates) and all(line.is_over for line in self.templates)


@dataclass(frozen=True, slots=True)
class Yield:
    """What a weekly calendar makes."""

    per_week: int
    per_kind: dict[str, int]
    per_weekday: tuple[int, ...]
    """Monday to Sunday."""
    first: tuple[PlannedSlot, ...]
    """The first times from today or the first day on, public holidays and closed days left out."""


def providers_with_templates(clinic: Clinic, today: date) -> list[ProviderLine]:
    """Return the clinic's active providers with their weekly calendars, in three queries."""
    rows = CalendarTemplate.objects.filter(clinic=clinic).order_by("-valid_from", "-pk")
    by_provider: dict[int, list[TemplateLine]] = {}
    for row in rows.prefetch_related("blocks"):
        line = TemplateLine(
            pk=row.pk,
            name=row.name,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            per_week=sum(block.number for block in _blocks(row.blocks.all())),
            is_over=row.valid_until is not None and row.valid_until < today,
        )
        by_provider.setdefault(row.provider_id, []).append(line)
    return [
        ProviderLine(provider.pk, provider.name, tuple(by_provider.get(provider.pk, ())))
        for provider in Provider.objects.for_clinic(clinic).active()
    ]


def provider_of(clinic: Clinic, provider_id: int) -> Provider | None:
    """Return the clinic's active provider, or None."""
    return Provider.objects.for_clinic(clinic).active().filter(pk=provider_id).first()


def template_of(clinic: Clinic, template_id: int) -> CalendarTemplate | None:
    """Return the clinic's weekly calendar with its provider, or None."""
    return CalendarTemplate.objects.filter(clinic=clinic, pk=template_id).select_related("provider").first()


def blocks_of(template: CalendarTemplate) -> list[WeekBlock]:
    """Return the rows of a weekly calendar, in the order of the week. One query, none where they were read with it."""
    return _blocks(sorted(template.blocks.all(), key=lambda row: (row.weekday, row.starts_at, row.pk)))


def _blocks(rows: Iterable[TemplateBlock]) -> list[WeekBlock]:
    return [WeekBlock(int(row.weekday), row.starts_at, row.ends_at, row.minutes, row.kind) for row in rows]


# -- as the trail tells of it -------------------------------------------------------------------------------
SAVED, DELETED = "calendar-template.saved", "calendar-template.deleted"


def told(
    name: str, valid_from: date, valid_until: date | None, blocks: Sequence[WeekBlock]
) -> dict[str, Any]:
    """Return a weekly calendar as the trail holds it."""
    return {
        "name": name,
        "valid_from": valid_from.isoformat(),
        "valid_until": valid_until.isoformat() if valid_until else None,
        "blocks": [
            f"{block.weekday} {block.starts_at:%H:%M}-{block.ends_at:%H:%M} {block.minutes} {block.kind}"
            for block in blocks
        ],
    }


def told_of(template: CalendarTemplate) -> dict[str, Any]:
    """Return a stored weekly calendar as the trail holds it. One query."""
    return told(template.name, template.valid_from, template.valid_until, blocks_of(template))


def token(told: Mapping[str, Any]) -> str:
    """Return a short text that differs when the calendar does: a page carries what it was made from."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Stood:
    """A weekly calendar as it once was."""

    name: str
    valid_from: date
    valid_until: date | None
    blocks: list[WeekBlock]


def last_change(clinic: Clinic, template: CalendarTemplate | None = None) -> LastSave | None:
    """Return the last change of this weekly calendar, or of any of the clinic's. Two queries."""
    return history.last_save(clinic, (SAVED, DELETED), subject=template)


def stood_before(change: LastSave | None) -> Stood | None:
    """Return what a change replaced or deleted; None when it was the first."""
    before = change.steps[0].details.get("before") if change else None
    if not before:
        return None
    last = before["valid_until"]
    return Stood(
        name=before["name"],
        valid_from=date.fromisoformat(before["valid_from"]),
        valid_until=date.fromisoformat(last) if last else None,
        blocks=[_block(stored) for stored in before["blocks"]],
    )


def was_deletion(change: LastSave | None) -> bool:
    """Return whether the change deleted a weekly calendar."""
    return change is not None and change.steps[0].action == DELETED


def deleted_last(clinic: Clinic, provider: Provider) -> LastSave | None:
    """Return the last change of the clinic's calendars if it deleted one of this provider. Two queries."""
    change = last_change(clinic)
    if change is None or not was_deletion(change):
        return None
    return change if change.steps[0].details["provider"] == provider.pk else None


def _block(stored: str) -> WeekBlock:
    """Return the row that told() wrote."""
    weekday, times, minutes, kind = stored.split()
    starts, ends = (time.fromisoformat(end) for end in times.split("-"))
    return WeekBlock(int(weekday), starts, ends, int(minutes), kind)


def yield_of(
    clinic: Clinic,
    blocks: Sequence[WeekBlock],
    *,
    valid_from: date,
    valid_until: date | None,
    now: datetime,
) -> Yield:
    """Return what these rows would make. One query, for the clinic's closed days."""
    per_kind: Counter[str] = Counter()
    per_weekday = [0] * 7
    for block in blocks:
        per_kind[block.kind] += block.number
        per_weekday[block.weekday] += block.number
    return Yield(
        per_week=sum(per_weekday),
        per_kind=dict(per_kind),
        per_weekday=tuple(per_weekday),
        first=_first(clinic, blocks, valid_from, valid_until, now),
    )


def _first(
    clinic: Clinic, blocks: Sequence[WeekBlock], valid_from: date, valid_until: date | None, now: datetime
) -> tuple[PlannedSlot, ...]:
    first_day = max(valid_from, now.astimezone(clinic.zone).date())
    last_day = min(valid_until or first_day + 3 * WEEK, first_day + 3 * WEEK)
    if last_day < first_day:
        return ()
    closed = generation.public_holidays(clinic.country, first_day, last_day)
    for closure in clinic.closures.filter(first_day__lte=last_day, last_day__gte=first_day):
        closed.update(day for day in generation.days_between(first_day, last_day) if closure.covers(day))
    wanted = [
        Block(
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
    planned = generation.plan(wanted, first_day=first_day, last_day=last_day, zone=clinic.zone, closed=closed)
    return tuple(slot for slot in planned if slot.starts_at > now)[:FIRST_SHOWN]
