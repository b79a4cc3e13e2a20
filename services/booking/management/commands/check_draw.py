"""Holds a past draw again from its record, and says whether everything is as it was."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import override

from clinic_admin.queries import clinic_by_identifier
from services.booking.release import policy, queries


class Command(BaseCommand):
    """Check a draw."""

    help = "Recompute the draw of a day's urgent times from its seed and requests. Ends with 1 if anything differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which draw."""
        parser.add_argument("--clinic", required=True, help="portal identifier of the clinic")
        parser.add_argument(
            "--day", required=True, type=date.fromisoformat, help="day of the times, 2026-11-24"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print seed, hash and every request in the order that the seed gives; no names."""
        clinic = clinic_by_identifier(options["clinic"])
        if clinic is None:
            raise CommandError(f"There is no clinic called {options['clinic']}.")
        draw = queries.draw_of(clinic=clinic, day=options["day"])
        if draw is None or draw.drawn_at is None:
            raise CommandError("No draw was held for that day.")
        with override("en"):
            self._print(draw)

    def _print(self, draw: Any) -> None:
        record = queries.record_of(draw)
        self.stdout.write(f"seed      {record.seed}")
        self.stdout.write(f"sha256    {policy.seed_hash(record.seed)}")
        self.stdout.write(f"published {record.published}, {record.committed_at.isoformat()}")
        for slot in record.pool:
            self.stdout.write(
                f"time      {slot.starts_at.isoformat()} slot {slot.slot_id} provider {slot.provider_id}"
            )
        entries = {one.request_id: one for one in record.entries}
        for place, request_id in enumerate(
            policy.in_order(record.seed, (key for key, one in entries.items() if one.outcome != "withdrawn")),
            1,
        ):
            one = entries[request_id]
            self.stdout.write(f"{place:>9} {request_id} {one.outcome.value} {one.slot_id or ''}".rstrip())
        found = policy.faults(record)
        if found:
            raise CommandError("\n".join(str(fault.label) for fault in found))
        self.stdout.write("The draw is in order.")
