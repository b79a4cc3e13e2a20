"""How much waits in the outbox and what became of the rest, for those who run the installation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q

from notifications.choices import Channel, State
from notifications.models import ChannelPause, OutboxMessage

WINDOW = timedelta(hours=24)
ARRIVED = (State.ACCEPTED, State.DELIVERED)
FAILED = (State.UNDELIVERED, State.FAILED, State.FAILED_FINAL, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class ChannelLoad:
    """One channel's numbers."""

    channel: Channel
    waiting: int
    """To be sent, now or later."""
    due: int
    """Of these, those whose time has come."""
    oldest_due_at: datetime | None
    sent: int
    """Within the last day."""
    failed: int
    """Within the last day."""
    is_paused: bool
    """The provider does not know our account, so nothing is sent."""

    @property
    def ended(self) -> int:
        """Return how many were sent or failed within the last day."""
        return self.sent + self.failed


def of_channels(now: datetime) -> list[ChannelLoad]:
    """Return the numbers of every channel. Three queries: what waits, the last day by an index, and the pauses."""
    is_due = Q(state=State.QUEUED, next_try_at__lte=now)
    waiting = _by_channel(
        OutboxMessage.objects.filter(closed_at__isnull=True),
        waiting=Count("pk"),
        due=Count("pk", filter=is_due),
        oldest=Min("next_try_at", filter=is_due),
    )
    ended = _by_channel(
        OutboxMessage.objects.filter(closed_at__gt=now - WINDOW),
        sent=Count("pk", filter=Q(state__in=ARRIVED)),
        failed=Count("pk", filter=Q(state__in=FAILED)),
    )
    paused = set(ChannelPause.objects.filter(paused_until__gt=now).values_list("channel", flat=True))
    return [
        ChannelLoad(
            channel=channel,
            waiting=waiting.get(channel, {}).get("waiting", 0),
            due=waiting.get(channel, {}).get("due", 0),
            oldest_due_at=waiting.get(channel, {}).get("oldest"),
            sent=ended.get(channel, {}).get("sent", 0),
            failed=ended.get(channel, {}).get("failed", 0),
            is_paused=channel.value in paused,
        )
        for channel in Channel
    ]


def _by_channel(rows: Any, **counts: Any) -> dict[str, dict[str, Any]]:
    return {row["channel"]: row for row in rows.values("channel").annotate(**counts)}
