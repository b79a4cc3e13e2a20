"""manage.py load_guardians: who has custody of whom, from a register's extract."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone

from clinic_admin.choices import Country
from patients.guardianship import extract, operations
from patients.guardianship.extract import UnusableExtract

ROWS_REFUSED = 1
UNUSABLE = 2


class Command(BaseCommand):
    """Load an extract."""

    help = (
        "Load who has custody of whom from a register's extract. It replaces the country's extract before it, whole. "
        "Without --apply nothing is stored: it only says what the file holds. "
        "CSV (semicolons or commas, UTF-8) or a JSON list with: record (014 child of a parent, 016 custody, "
        "017 guardian of an adult), person, related, type (014: M or F; 016: 0003 mother, 0004 father, 0005 or 0006 "
        "someone else), from, until (2026-11-27), uncertain (yes). National IDs are kept as keyed hashes only. "
        "Used where GUARDIANSHIP_SOURCE is file. "
        "Exit code: 0 all is well, 1 rows are refused and nothing is stored, 2 the file can't be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the extract; read as JSON if its name ends so")
        parser.add_argument("--country", required=True, choices=Country.values, help="whose national IDs")
        parser.add_argument("--apply", action="store_true", help="store it, if no row is refused")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        country = Country(options["country"])
        try:
            rows = extract.rows_of(path.read_bytes(), is_json=path.suffix.lower() == ".json")
        except OSError:
            raise CommandError(
                f"{path}: there is no such file, or it may not be read.", returncode=UNUSABLE
            ) from None
        except UnusableExtract as unusable:
            raise CommandError(f"{path}: {unusable}", returncode=UNUSABLE) from None
        if not rows:
            raise CommandError(f"{path}: the file is empty.", returncode=UNUSABLE)
        entries, bad = extract.entries_of(rows, country)
        for row in bad:
            self.stdout.write(f"row {row.number}: {row.problem.label}")
        self.stdout.write(f"entries {len(entries)}, refused {len(bad)}")
        if bad:
            raise CommandError("Nothing is stored. Correct the refused rows first.", returncode=ROWS_REFUSED)
        if not options["apply"]:
            self.stdout.write("Nothing is stored yet. Run this again with --apply to store it.")
            return
        operations.load_extract(country=country, name=path.name[:100], entries=entries, now=timezone.now())
        self.stdout.write("Stored.")
