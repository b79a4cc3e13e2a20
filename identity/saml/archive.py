"""The SAML messages that were exchanged, with their signatures, kept for the time that NemLog-in asks for (ADR 9).

Nothing shows them but `manage.py saml_archive`. A message that can't be kept stops nobody's sign-in: it is an error in
the log, which is watched.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from lxml import etree

from identity.choices import Direction
from identity.models import ArchivedMessage, IdentityProvider
from portal import audit

log = logging.getLogger(__name__)

LONGEST = 400_000
"""Characters; a longer message is refused unread, so there is nothing to prove with it."""
ROWS_AT_ONCE = 500
_LONGEST_ID = 200
_UNREADABLE = "unreadable"


def sent(provider: IdentityProvider, message: Any, query: str, now: datetime) -> None:
    """Keep a message of ours: the element that was signed, and the query string with its signature."""
    _keep(provider, Direction.SENT, message, query, now)


def received(provider: IdentityProvider, message: Any, content: str, now: datetime) -> None:
    """Keep a message of the provider's. `message` is its element, None if it could not be read."""
    _keep(provider, Direction.RECEIVED, message, content, now)


def found(*, message_id: str = "", since: datetime | None = None) -> QuerySet[ArchivedMessage]:
    """Return messages, the oldest first: the one of this ID with all that answer it, or all since then."""
    rows = ArchivedMessage.objects.select_related("provider").order_by("at", "pk")
    if message_id:
        rows = rows.filter(Q(message_id=message_id) | Q(in_response_to=message_id))
    return rows.filter(at__gte=since) if since else rows


@transaction.atomic
def opened(row: ArchivedMessage, *, now: datetime) -> str:
    """Return what a message says, and record that it was read."""
    audit.record(
        action="saml.archive-read", subject=row, actor=audit.SYSTEM, now=now, provider=row.provider.slug
    )
    return row.content or ""


def sweep(*, now: datetime) -> int:
    """Delete what is older than the setting says, some rows at a time, and return how many there were."""
    cutoff, done = now - timedelta(days=settings.SAML_ARCHIVE_DAYS), 0
    while True:
        old = ArchivedMessage.objects.filter(at__lt=cutoff).order_by("at").values("pk")[:ROWS_AT_ONCE]
        count, _by_model = ArchivedMessage.objects.filter(pk__in=old).delete()
        done += count
        if count < ROWS_AT_ONCE:
            return done


def _keep(
    provider: IdentityProvider, direction: Direction, message: Any, content: str, now: datetime
) -> None:
    if not content or len(content) > LONGEST:
        return
    try:
        with transaction.atomic():
            ArchivedMessage.objects.create(
                provider=provider,
                direction=direction,
                kind=_kind(message),
                message_id=_attribute(message, "ID"),
                in_response_to=_attribute(message, "InResponseTo"),
                content=content,
                at=now,
            )
    except DatabaseError as error:
        log.error(  # noqa: TRY400  the driver's own words may repeat what was to be stored
            "a SAML message could not be archived", extra={"error": type(error).__name__}
        )


def _kind(message: Any) -> str:
    return _UNREADABLE if message is None else etree.QName(message).localname[:40]


def _attribute(message: Any, name: str) -> str:
    """Return an attribute, as far as an ID may reach. NUL can't be in XML."""
    return "" if message is None else str(message.get(name, ""))[:_LONGEST_ID]
