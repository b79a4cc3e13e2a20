"""What is forgotten about messages, and when."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from notifications.policy import GIVE_UP_AFTER

KEEP_TEXT_FOR = timedelta(days=7)
"""Number and text stay so long after the end: receipts come up to three days late."""
SECRETS = (
    MessageKind.ACTIVATION,
    MessageKind.STAFF_INVITATION,
    MessageKind.STAFF_PASSWORD_LINK,
    MessageKind.SIGN_IN_CODE,
)
"""Their texts open a door, so they go with the next sweep after the end."""
AT_ONCE = 2000

assert KEEP_TEXT_FOR > GIVE_UP_AFTER


@transaction.atomic
def erase_old_texts(*, now: datetime) -> int:
    """Erase number, title and text of messages that ended a week ago, and of links and codes that ended at all.

    Returns of how many. What happened stays.
    """
    is_old = Q(closed_at__lte=now - KEEP_TEXT_FOR) | Q(kind__in=SECRETS, closed_at__lte=now)
    old = OutboxMessage.objects.filter(is_old, erased_at__isnull=True)
    keys = old.order_by("closed_at").values_list("pk", flat=True)[:AT_ONCE]
    return OutboxMessage.objects.filter(pk__in=list(keys)).update(
        recipient="", title="", body="", erased_at=now
    )


@transaction.atomic
def erase_sent_secrets(messages: Collection[UUID], *, now: datetime) -> int:
    """Erase the texts of those among the messages that hold a link or a code and are over; return of how many."""
    over = OutboxMessage.objects.filter(
        pk__in=messages, kind__in=SECRETS, closed_at__isnull=False, erased_at__isnull=True
    )
    return over.update(recipient="", title="", body="", erased_at=now)
