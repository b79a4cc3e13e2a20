"""What is forgotten about messages, and when."""

from datetime import datetime, timedelta

from django.db import transaction

from notifications.models import OutboxMessage
from notifications.policy import GIVE_UP_AFTER

KEEP_TEXT_FOR = timedelta(days=7)
"""Number and text stay so long after the end: receipts come up to three days late."""
AT_ONCE = 2000

assert KEEP_TEXT_FOR > GIVE_UP_AFTER


@transaction.atomic
def erase_old_texts(*, now: datetime) -> int:
    """Erase number, title and text of messages that ended a week ago; return of how many. What happened stays."""
    old = OutboxMessage.objects.filter(erased_at__isnull=True, closed_at__lte=now - KEEP_TEXT_FOR)
    keys = old.order_by("closed_at").values_list("pk", flat=True)[:AT_ONCE]
    return OutboxMessage.objects.filter(pk__in=list(keys)).update(
        recipient="", title="", body="", erased_at=now
    )
