"""Changes of weekly calendars. Each fills the provider's calendar anew; what is booked stays (I15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from clinic_admin.models import Clinic, Provider
from portal import audit
from portal.refusals import Refused
from services.booking.choices import SlotState
from services.booking.models import CalendarTemplate, Slot, TemplateBlock
from services.booking.operations import CalendarChange, extend_calendar
from services.booking.weekly import policy, queries
from services.booking.weekly.choices import TemplateRefusal
from services.booking.weekly.policy import WeekBlock


class TemplateRefused(Refused):
    """A weekly calendar can't be saved. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving or deleting a weekly calendar did."""

    template: CalendarTemplate
    change: CalendarChange
    kept: int
    """Coming times of the provider that are booked or blocked, and were left as they are."""


@transaction.atomic
def save_template(
    *,
    clinic: Clinic,
    provider: Provider,
    name: str,
    valid_from: date,
    valid_until: date | None,
    blocks: Sequence[WeekBlock],
    actor: Any,
    now: datetime,
    template_id: int | None = None,
    seen: str | None = None,
) -> Saved:
    """Store a new weekly calendar, or the changed one with `template_id`, and fill the provider's calendar from it.

    Days and clock times are the clinic's. `seen` is the queries.token of the page; None saves regardless. The same new
    calendar twice is one.
    Raises Provider.DoesNotExist or CalendarTemplate.DoesNotExist for another
    clinic's, TemplateRefused when rows contradict one another or another calendar of the provider, or changed meanwhile.
    """
    provider = _locked(clinic, provider.pk)
    if policy.problems(blocks):
        raise TemplateRefused(TemplateRefusal.NOT_WHOLE)
    template, before = _existing(provider, template_id)
    after = queries.told(name, valid_from, valid_until, blocks)
    if before is not None and seen is not None and queries.token(before) != seen and before != after:
        raise TemplateRefused(TemplateRefusal.CHANGED_MEANWHILE)
    if before is None and (twin := _twin(provider, after)) is not None:
        return _filled(twin, provider, actor, now)
    beside = _beside(provider, valid_from, valid_until, template.pk)
    if policy.clash(blocks, [theirs for _other, theirs in beside]):
        raise TemplateRefused(TemplateRefusal.CLASHES)
    template.name, template.valid_from, template.valid_until = name, valid_from, valid_until
    template.save()
    template.blocks.all().delete()
    TemplateBlock.objects.bulk_create(
        TemplateBlock(
            template=template,
            weekday=str(block.weekday),
            starts_at=block.starts_at,
            ends_at=block.ends_at,
            minutes=block.minutes,
            kind=block.kind,
        )
        for block in blocks
    )
    audit.record(
        action="calendar-template.saved",
        subject=template,
        actor=actor,
        now=now,
        provider=provider.pk,
        before=before,
        after=after,
    )
    return _filled(template, provider, actor, now)


@transaction.atomic
def delete_template(*, clinic: Clinic, template_id: int, actor: Any, now: datetime) -> Saved:
    """Remove the weekly calendar and the free times it made; what is booked stays.

    Raises CalendarTemplate.DoesNotExist for another clinic's.
    """
    owner = CalendarTemplate.objects.filter(clinic=clinic).values_list("provider_id", flat=True)
    provider = _locked(clinic, owner.get(pk=template_id))
    template, before = _existing(provider, template_id)
    audit.record(
        action="calendar-template.deleted",
        subject=template,
        actor=actor,
        now=now,
        provider=provider.pk,
        before=before,
        after=None,
    )
    CalendarTemplate.objects.filter(pk=template_id).delete()
    return _filled(template, provider, actor, now)


@dataclass(frozen=True, slots=True)
class Clash:
    """A row that wants hours which another calendar of the provider has."""

    block: WeekBlock
    other: CalendarTemplate
    others: WeekBlock


def clashes(
    provider: Provider,
    name: str,
    blocks: Sequence[WeekBlock],
    *,
    valid_from: date,
    valid_until: date | None,
    template_id: int | None,
) -> list[Clash]:
    """Return the rows because of which saving would be refused, each with the first calendar in its way.

    A new calendar that is exactly as a stored one is what a first press has saved: it is in nobody's way. Four queries
    at most.
    """
    if template_id is None:
        twin = _twin(provider, queries.told(name, valid_from, valid_until, blocks))
        template_id = twin.pk if twin else None
    found: dict[WeekBlock, Clash] = {}
    beside = _beside(provider, valid_from, valid_until, template_id)
    for block in blocks:
        for other, theirs in beside:
            if block.overlaps(theirs):
                found.setdefault(block, Clash(block, other, theirs))
    return list(found.values())


def _locked(clinic: Clinic, provider_id: int) -> Provider:
    """Hold the provider, so that two administrators change the provider's calendars one after the other."""
    return (
        Provider.objects.for_clinic(clinic)
        .select_related("clinic")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=provider_id)
    )


def _existing(provider: Provider, template_id: int | None) -> tuple[CalendarTemplate, dict[str, Any] | None]:
    if template_id is None:
        return CalendarTemplate(clinic_id=provider.clinic_id, provider=provider), None
    template = CalendarTemplate.objects.get(pk=template_id, provider=provider)
    return template, queries.told_of(template)


def _twin(provider: Provider, told: dict[str, Any]) -> CalendarTemplate | None:
    """Return the calendar that a first press of the same button has made, or None."""
    rows = CalendarTemplate.objects.filter(provider=provider, name=told["name"])
    rows = rows.order_by("pk").prefetch_related("blocks")
    return next((row for row in rows if queries.told_of(row) == told), None)


def _beside(
    provider: Provider, first: date, until: date | None, template_id: int | None
) -> list[tuple[CalendarTemplate, WeekBlock]]:
    """Return the rows of the provider's other calendars that hold on some of these days."""
    others = CalendarTemplate.objects.filter(~Q(pk=template_id), provider=provider)
    return [
        (other, block)
        for other in others.order_by("valid_from", "pk").prefetch_related("blocks")
        if policy.hold_together(first, until, other.valid_from, other.valid_until)
        for block in queries.blocks_of(other)
    ]


def _filled(template: CalendarTemplate, provider: Provider, actor: Any, now: datetime) -> Saved:
    change = extend_calendar(provider=provider, now=now, actor=actor)
    today = now.astimezone(provider.clinic.zone).date()
    kept = Slot.objects.filter(provider=provider, clinic_id=provider.clinic_id, day__gte=today)
    return Saved(template, change, kept.exclude(state=SlotState.FREE).filter(starts_at__gt=now).count())
