"""What staff see of the outbox."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from clinic_admin.models import Clinic
from notifications.choices import Channel, MessageKind, State
from notifications.ledger import LedgerLine
from notifications.models import CarrierReport, OutboxAttempt, OutboxMessage
from notifications.policy import ARRIVED, LOOSE, TROUBLED

__all__ = ["LedgerLine", "failed_reminders", "ledger_of", "not_reached", "paid", "reminders_of"]


def ledger_of(subject: models.Model) -> list[LedgerLine]:
    """Return what was told about the row, newest first, in one query. The caller has checked the row's clinic."""
    return _lines(OutboxMessage.objects.about(subject).order_by("-created_at", "-pk"))


def not_reached(clinic: Clinic, *, since: datetime) -> list[LedgerLine]:
    """Return the clinic's messages that did not arrive since an instant, newest first, at most 200."""
    rows = OutboxMessage.objects.filter(clinic=clinic, state__in=TROUBLED, closed_at__gte=since)
    return _lines(rows.order_by("-closed_at")[:200])


def reminders_of(subjects: Collection[models.Model]) -> list[LedgerLine]:
    """Return the reminders of these rows, newest first, in one query. The caller has checked the rows' clinic."""
    if not subjects:
        return []
    (label,) = {subject._meta.label_lower for subject in subjects}
    ids = [str(subject.pk) for subject in subjects]
    rows = OutboxMessage.objects.filter(subject_type=label, subject_id__in=ids, kind=MessageKind.REMINDER)
    return _lines(rows.order_by("-created_at", "-pk"))


def failed_reminders(
    clinic: Clinic, *, after: tuple[datetime, UUID] | None, before: datetime, since: datetime, most: int
) -> list[tuple[datetime, LedgerLine]]:
    """Return the clinic's reminders that did not arrive, of what starts within [since, before), each with that instant.

    In order of that instant; `after` is the last one that was seen. One query that reads no more rows than it returns.
    """
    rows = OutboxMessage.objects.filter(
        clinic=clinic,
        kind=MessageKind.REMINDER,
        state__in=TROUBLED,
        not_after__gte=since,
        not_after__lt=before,
    )
    if after is not None:
        at, pk = after
        rows = rows.filter(Q(not_after__gt=at) | Q(not_after=at, pk__gt=pk), not_after__gte=at)
    found = list(rows.order_by("not_after", "pk")[:most].values_list("pk", "not_after"))
    lines = {line.id: line for line in _lines(OutboxMessage.objects.filter(pk__in=[pk for pk, _ in found]))}
    return [(not_after, lines[pk]) for pk, not_after in found]


def paid(clinic: Clinic, *, since: datetime, before: datetime) -> models.QuerySet[OutboxMessage]:
    """Return the clinic's messages due within [since, before) that were sent and cost who got them something.

    Of several about the same thing the first: it was chosen once. No texts and no numbers.
    """
    sent = OutboxMessage.objects.filter(clinic=clinic, price_ore__gt=0, state__in=ARRIVED)
    first = sent.filter(
        Q(due_at__lt=OuterRef("due_at")) | Q(due_at=OuterRef("due_at"), pk__lt=OuterRef("pk")),
        subject_type=OuterRef("subject_type"),
        subject_id=OuterRef("subject_id"),
    )
    rows = sent.filter(~Exists(first), due_at__gte=since, due_at__lt=before)
    return rows.order_by("due_at", "pk").defer("recipient", "title", "body")


def _lines(rows: models.QuerySet[OutboxMessage]) -> list[LedgerLine]:
    loose = OutboxAttempt.objects.filter(message=OuterRef("pk"), outcome__in=LOOSE)
    last = OutboxAttempt.objects.filter(pk=OuterRef("last_attempt_id")).exclude(code="")
    reports = CarrierReport.objects.filter(attempt=OuterRef("last_attempt_id")).exclude(code="")
    code = Coalesce(
        Subquery(reports.order_by("-received_at").values("code")[:1]),
        Subquery(last.values("code")[:1]),
        Value(""),
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
            version=row.version,
            subject_id=row.subject_id,
            code=row.last_code,
            price_ore=row.price_ore,
        )
        for row in rows.annotate(has_loose_end=Exists(loose), last_code=code).defer(
            "recipient", "title", "body"
        )
    ]
