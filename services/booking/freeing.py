"""A time comes free: open to all at once, or kept a moment for those who wait for an earlier time (earlier/)."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, DateTimeField, Exists, F, Q, Value, When

from clinic_admin.models import Clinic
from services.booking.choices import SlotKind, SlotState
from services.booking.earlier import wakeup
from services.booking.earlier.choices import WishStatus
from services.booking.earlier.models import EarlierWish
from services.booking.earlier.policy import GRACE
from services.booking.models import Slot

SOON = timedelta(days=14)
"""Of the times that a calendar adds, those further ahead are no earlier times: they are open to all at once."""


def free(slot_id: int, *, clinic: Clinic, now: datetime, was: SlotState = SlotState.TAKEN) -> None:
    """Free the clinic's slot in the transaction that gives it up. One statement.

    Where the clinic offers earlier times and somebody waits, it is held until a worker has offered it to the first of
    them; without workers it is open to all after GRACE. One that no weekly calendar has (any more) is offered to nobody:
    staff see it until the calendar is filled again.
    """
    kind = Case(When(by_hand=True, then=Value(SlotKind.INTERNAL)), default=F("kind"))
    changes: dict[str, Any] = {"state": SlotState.FREE, "held_until": None, "kind": kind}
    if clinic.offers_earlier:
        can_be_offered = Q(kind=SlotKind.PORTAL, by_hand=False, starts_at__gt=now)
        is_wanted = Q(Exists(_waiting(clinic))) & can_be_offered
        changes["freed_at"] = now
        changes["held_until"] = Case(
            When(is_wanted, then=Value(now + GRACE)), default=None, output_field=DateTimeField()
        )
        wakeup.wake_after_commit()
    Slot.objects.filter(pk=slot_id, state=was).update(**changes)


def of_new(clinic: Clinic, now: datetime) -> dict[str, Any]:
    """Return what to store of times that a calendar adds: as of one that comes free. One query, none where it is off."""
    if not clinic.offers_earlier:
        return {}
    wakeup.wake_after_commit()
    return {"freed_at": now, "held_until": now + GRACE if _waiting(clinic).exists() else None}


def _waiting(clinic: Clinic) -> Any:
    return EarlierWish.objects.filter(clinic=clinic.pk, status=WishStatus.WAITING)
