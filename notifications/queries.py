"""What staff see of the outbox."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef

from clinic_admin.models import Clinic
from notifications.choices import Channel, MessageKind, Outcome, State
from notifications.models import OutboxAttempt, OutboxMessage


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One message about something, as staff read it. Holds neither number nor text."""

    id: UUID
    kind: MessageKind
    channel: Channel
    state: State
    due_at: datetime
    created_at: datetime
    closed_at: datetime | None
    tries: int
    may_have_been_sent: bool
    """It was withdrawn or given up after an attempt whose end we don't know, or which arrived all the same."""
    possible_duplicate: bool

    @property
    def is_trouble(self) -> bool:
        """Return whether somebody should phone instead."""
        return self.state in {
            State.UNDELIVERED,
            State.FAILED,
            State.FAILED_FINAL,
            State.EXPIRED,
            State.NO_RECIPIENT,
        }


def ledger_of(subject: models.Model) -> list[LedgerLine]:
    """Return what was told about the row, newest first, in one query. The caller has checked the row's clinic."""
    return _lines(OutboxMessage.objects.about(subject).order_by("-created_at", "-pk"))


def not_reached(clinic: Clinic, *, since: datetime) -> list[LedgerLine]:
    """Return the clinic's messages that did not arrive since an instant, newest first, at most 200."""
    troubled = [State.UNDELIVERED, State.FAILED, State.FAILED_FINAL, State.EXPIRED, State.NO_RECIPIENT]
    rows = OutboxMessage.objects.filter(clinic=clinic, state__in=troubled, closed_at__gte=since)
    return _lines(rows.order_by("-closed_at")[:200])


def _lines(rows: models.QuerySet[OutboxMessage]) -> list[LedgerLine]:
    loose = OutboxAttempt.objects.filter(
        message=OuterRef("pk"), outcome__in=[Outcome.PENDING, Outcome.UNCLEAR, Outcome.ACCEPTED]
    )
    over_without_knowing = {State.SENDING, State.UNKNOWN, State.CANCELLED, State.EXPIRED}
    return [
        LedgerLine(
            id=row.pk,
            kind=MessageKind(row.kind),
            channel=Channel(row.channel),
            state=State(row.state),
            due_at=row.due_at,
            created_at=row.created_at,
            closed_at=row.closed_at,
            tries=row.tries,
            may_have_been_sent=row.has_loose_end and State(row.state) in over_without_knowing,
            possible_duplicate=row.possible_duplicate,
        )
        for row in rows.annotate(has_loose_end=Exists(loose)).defer("recipient", "title", "body")
    ]
