"""What the inbox shows. Lists are pages by key, so that a million items are as fast as ten."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from clinic_admin.models import Clinic, StaffMember
from patients.search import folded
from services.inbox.choices import Box
from services.inbox.models import InboxItem

PER_PAGE = 30
MOST_COUNTED = 99


@dataclass(frozen=True, slots=True)
class Heap:
    """A page of items. `following` is the key of the next page, if there is one."""

    items: tuple[InboxItem, ...]
    following: UUID | None


def heap(
    *, clinic: Clinic, box: Box, staff_member: StaffMember, name: str = "", after: UUID | None = None
) -> Heap:
    """Return a page of the clinic's items: what waits, longest first; what is done, latest first. Two queries at most.

    `name` keeps only those with a name that begins like each of its words.
    """
    rows = _box(clinic, box, staff_member).select_related("assigned_to")
    for word in folded(name).split():
        rows = rows.filter(search_name__contains=f" {word}")
    last = InboxItem.objects.filter(clinic=clinic, pk=after).first() if after else None
    if box == Box.DONE:
        rows = rows.order_by("-closed_at", "-pk")
        if last is not None and last.closed_at is not None:
            beyond = Q(closed_at=last.closed_at, pk__lt=last.pk) | Q(closed_at__lt=last.closed_at)
            rows = rows.filter(
                beyond, closed_at__lte=last.closed_at
            )  # said twice: an index begins at a plain bound only
    else:
        rows = rows.order_by("opened_at", "pk")
        if last is not None:
            beyond = Q(opened_at=last.opened_at, pk__gt=last.pk) | Q(opened_at__gt=last.opened_at)
            rows = rows.filter(beyond, opened_at__gte=last.opened_at)
    found = list(rows[: PER_PAGE + 1])
    shown = tuple(found[:PER_PAGE])
    return Heap(shown, shown[-1].pk if len(found) > PER_PAGE else None)


def item_of(*, clinic: Clinic, kind: str, subject_id: UUID) -> InboxItem | None:
    """Return the clinic's item about the service's row. One query."""
    rows = InboxItem.objects.filter(clinic=clinic, kind=kind, subject_id=subject_id)
    return rows.select_related("assigned_to", "closed_by").first()


def next_waiting(*, clinic: Clinic) -> InboxItem | None:
    """Return what has waited longest. One query."""
    return InboxItem.objects.filter(clinic=clinic, closed_at=None).order_by("opened_at", "pk").first()


def _box(clinic: Clinic, box: Box, staff_member: StaffMember) -> QuerySet[InboxItem]:
    rows = InboxItem.objects.filter(clinic=clinic, closed_at__isnull=box != Box.DONE)
    if box == Box.MINE:
        return rows.filter(assigned_to=staff_member)
    return rows.filter(assigned_to=None) if box == Box.UNASSIGNED else rows
