"""manage.py day_password: what the vendor tells a clinic that must change its portal identifier."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone

from clinic_admin import day_password
from clinic_admin.choices import Country


class Command(BaseCommand):
    """Print the day's password."""

    help = (
        "Print the password with which an administrator can change a clinic's portal identifier today. "
        "It holds for one day, at every clinic of this installation. Norway and Denmark share the day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", help="another day than today, as in 2026-12-24")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        if not day_password.issued():
            raise CommandError("VENDOR_SECRET is not set: there are no day passwords here.", returncode=2)
        self.stdout.write(day_password.of_day(_day(options["date"])))


def _day(text: str | None) -> date:
    if not text:
        return timezone.localdate(timezone=ZoneInfo(Country.NORWAY.time_zone))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a date like 2026-12-24.") from None
