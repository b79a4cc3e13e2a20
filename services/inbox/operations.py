"""Opening, taking and closing what waits. Services call these in the transaction of what they tell of."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from clinic_admin.models import Clinic, StaffMember
from portal import audit
from portal.refusals import Refused
from services.inbox.choices import ItemKind, ItemRefusal
from services.inbox.models import InboxItem


class ItemRefused(Refused):
    """Nothing was changed; the reason is an ItemRefusal."""


@transaction.atomic
def open_item(*, clinic: Clinic, kind: ItemKind, subject_id: UUID, who: str, now: datetime) -> InboxItem:
    """Put something into the clinic's inbox. Told twice, it is there once, and takes as long as the first time."""
    item = InboxItem(clinic=clinic, kind=kind, subject_id=subject_id, who=who[:160], opened_at=now)
    InboxItem.objects.bulk_create([item], ignore_conflicts=True)
    return InboxItem.objects.get(kind=kind, subject_id=subject_id)


@transaction.atomic
def close_item(*, clinic: Clinic, kind: ItemKind, subject_id: UUID, actor: Any, now: datetime) -> None:
    """Take it out of what waits. Closing twice keeps who was first."""
    InboxItem.objects.filter(clinic=clinic, kind=kind, subject_id=subject_id, closed_at=None).update(
        closed_at=now, closed_by=actor
    )


@transaction.atomic
def reopen_item(*, clinic: Clinic, kind: ItemKind, subject_id: UUID) -> None:
    """Let it wait again, at its old place."""
    InboxItem.objects.filter(clinic=clinic, kind=kind, subject_id=subject_id).update(
        closed_at=None, closed_by=None
    )


@transaction.atomic
def note_seen(*, item: InboxItem, now: datetime) -> None:
    """Note the first look at it."""
    if item.seen_at is None:
        InboxItem.objects.filter(pk=item.pk, seen_at=None).update(seen_at=now)


@transaction.atomic
def assign(
    *,
    clinic: Clinic,
    item_id: UUID,
    seen: int | None,
    to: StaffMember | None,
    actor: Any,
    now: datetime,
) -> None:
    """Let one of the clinic's staff have it, or nobody. `seen` is who had it when the page was made.

    Raises ItemRefused: dealt with, or somebody else took it meanwhile. InboxItem.DoesNotExist: not the clinic's.
    """
    item = InboxItem.objects.select_for_update(of=("self",)).get(clinic=clinic, pk=item_id)
    if item.closed_at is not None:
        raise ItemRefused(ItemRefusal.CLOSED)
    if item.assigned_to_id not in {seen, to.pk if to else None}:
        raise ItemRefused(ItemRefusal.TAKEN)
    before = item.assigned_to_id
    if before == (to.pk if to else None):
        return
    item.assigned_to = to
    item.save(update_fields=["assigned_to"])
    audit.record(
        action="inbox.assigned",
        subject=item,
        actor=actor,
        now=now,
        before=before,
        after=to.pk if to else None,
    )
