"""manage.py saml_archive: the SAML messages that are kept as proof."""

from datetime import UTC, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone
from django.utils.dateparse import parse_date

from identity.models import ArchivedMessage
from identity.saml import archive as saml_archive
from portal.crypto import Undecipherable

NOTHING = 1
UNUSABLE = 2
MOST_LISTED = 1000


class Command(BaseCommand):
    """List messages, or print one with all that answer it."""

    help = (
        "List the SAML messages that were exchanged with identity providers, or print one with its answers. They prove "
        "who signed in and out; what is printed can hold national IDs, so keep it out of tickets and logs. Every "
        "message that is printed is recorded in the audit trail. "
        "Exit code: 0 found, 1 there is nothing, 2 the day can't be read, or a message was encrypted with a key that is "
        "no longer in FIELD_KEYS."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument(
            "--id", metavar="ID", help="print the message with this ID, and those that answer it"
        )
        chosen.add_argument(
            "--since", metavar="YYYY-MM-DD", help=f"list messages since this day (UTC), {MOST_LISTED} at most"
        )

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            shown = self._print(options["id"]) if options["id"] else self._list(options["since"])
        except Undecipherable as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        if not shown:
            raise CommandError("There is no such message.", returncode=NOTHING)

    def _print(self, message_id: str) -> int:
        rows = list(saml_archive.found(message_id=message_id))
        for row in rows:
            self.stdout.write(_line(row))
            self.stdout.write(saml_archive.opened(row, now=timezone.now()))
        return len(rows)

    def _list(self, day: str) -> int:
        try:
            since = parse_date(day)
        except ValueError:
            since = None
        if since is None:
            raise CommandError("Write the day as YYYY-MM-DD.", returncode=UNUSABLE)
        begins = datetime.combine(since, time.min, UTC)
        rows = list(saml_archive.found(since=begins).defer("content")[:MOST_LISTED])
        for row in rows:
            self.stdout.write(_line(row))
        return len(rows)


def _line(row: ArchivedMessage) -> str:
    answers = f" answers {row.in_response_to}" if row.in_response_to else ""
    return f"{row.at:%Y-%m-%dT%H:%M:%SZ} {row.provider.slug} {row.direction} {row.kind} {row.message_id}{answers}"
