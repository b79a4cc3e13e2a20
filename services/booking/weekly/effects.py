"""What a change of a weekly calendar does to the coming weeks: told before it is saved."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clinic_admin.models import Provider
from services.booking import policy
from services.booking.choices import AppointmentStatus, SlotKind
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
    staying: int
    """Appointments that no weekly calendar would have a time for."""


@dataclass(frozen=True, slots=True)
class Staying:
    """An appointment that no weekly calendar would have a time for; it stays. Whose it is, and what is booked."""

    pk: UUID
    starts_at: datetime
    ends_at: datetime
    kind: SlotKind
    status: AppointmentStatus
    patient_id: UUID
    patient_name: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What saving would do within the weeks that calendars are filled for."""

    weeks: tuple[WeekEffect, ...]
    added: int
    removed: int
    """Free times. What somebody has is never removed."""
    stays: int
    """Appointments that no weekly calendar would have a time for."""
    staying: tuple[Staying, ...]
    """The first of them."""
    provider_id: int

    @property
    def more(self) -> int:
        """Return how many of them are not listed."""
        return self.stays - len(self.staying)

    @property
    def is_asked_about(self) -> bool:
        """Return whether saving is asked about once more: patients lose free times, or appointments stand apart."""
        return bool(self.removed or self.stays)


def effect_of(
    provider: Provider,
    blocks: Sequence[WeekBlock],
    *,
    valid_from: date,
    valid_until: date | None,
    template_id: int | None,
    now: datetime,
) -> Effect:
    """Return what it does to save these rows as the provider's calendar `template_id`, None: as a new one. Five queries,
    ten where appointments would stand apart.

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
    stays = _stays(provider, found, now)
    return Effect(
        weeks=_weeks(found, [one[2].astimezone(provider.clinic.zone).date() for one in stays]),
        added=len(found.added),
        removed=len(found.removed),
        stays=len(stays),
        staying=_listed([one[0] for one in stays[:MOST_LISTED]]),
        provider_id=provider.pk,
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


def _weeks(found: Foreseen, stays: Iterable[date]) -> tuple[WeekEffect, ...]:
    added = Counter(policy.week_of(slot.day) for slot in found.added)
    removed = Counter(policy.week_of(slot.day) for slot in found.removed)
    staying = Counter(policy.week_of(day) for day in stays)
    return tuple(
        WeekEffect(monday, added[monday], removed[monday], staying[monday])
        for monday in sorted({*added, *removed, *staying})
    )


def _stays(provider: Provider, found: Foreseen, now: datetime) -> list["_Booked"]:
    """Return the appointments that have a time in the calendars as they are, and would have none."""
    rows = Appointment.objects.live().filter(provider=provider, clinic=provider.clinic_id, starts_at__gt=now)
    booked = rows.order_by("starts_at", "pk").values_list("pk", "slot_id", "starts_at", "ends_at")
    stays = _apart(found, booked)
    if not stays:
        return []
    known = set(_apart(foresee(provider=provider, blocks=_others(provider, None), now=now), stays))
    return [one for one in stays if one not in known]


def _listed(keys: Sequence[UUID]) -> tuple[Staying, ...]:
    """Return these with whose they are: one query however many, none for none."""
    if not keys:
        return ()
    rows = Appointment.objects.filter(pk__in=keys).select_related("patient").defer("reason")
    return tuple(
        Staying(
            pk=one.pk,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            kind=SlotKind(one.kind),
            status=AppointmentStatus(one.status),
            patient_id=one.patient_id,
            patient_name=one.patient.full_name,
        )
        for one in rows.order_by("starts_at", "pk")
    )


_Booked = tuple[UUID, int | None, datetime, datetime]
"""An appointment, its slot, its beginning and its end."""


def _apart(found: Foreseen, booked: Iterable[_Booked]) -> list[_Booked]:
    """Return those for which the calendars have no time. One of another kind is one: the appointment fits into it."""
    kept = {slot.pk for slot in found.kept}
    return [
        one
        for one in booked
        if one[1] in kept or any(plan.overlaps(one[2], one[3]) for plan in found.left_out)
    ]
