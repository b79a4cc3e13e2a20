"""manage.py import_patients: the clinic's patients from a file of its journal system."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone
from tqdm import tqdm

from clinic_admin import queries as clinics
from clinic_admin.models import Clinic
from patients import import_file, import_rows, operations, queries
from patients.import_file import ImportFile, UnusableFile
from patients.import_rows import GoodRow, RefusedRow, Surroundings
from patients.operations import ImportRefused
from portal import audit

ROWS_REFUSED = 1
UNUSABLE = 2


class Command(BaseCommand):
    """Import patients."""

    help = (
        "Import a clinic's patients from a CSV file. Without --apply nothing is stored: it only says what would be new, "
        "changed, unchanged and refused. With --apply either all rows are stored or, when any is refused, none. "
        "Columns: national_id, given_name, family_name, and optionally mobile, email, gp (initials), active (yes/no); "
        "Norwegian and Danish names of the columns work too. "
        "Exit code: 0 all is well, 1 rows are refused, 2 the file or the clinic can't be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="CSV with semicolons, commas or tabs; UTF-8 or Windows-1252"
        )
        parser.add_argument(
            "--clinic", required=True, metavar="IDENTIFIER", help="the clinic's portal identifier"
        )
        parser.add_argument("--apply", action="store_true", help="store the rows, if none is refused")
        parser.add_argument(
            "--tell-nobody",
            action="store_true",
            help="don't tell patients with a login at the address or number they had before; for mass corrections",
        )

    tells = True

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        self.tells = not options["tell_nobody"]
        clinic = clinics.clinic_by_identifier(options["clinic"])
        if clinic is None:
            raise CommandError(f"There is no clinic {options['clinic']!r}.", returncode=UNUSABLE)
        file = self._read(options["file"])
        good, refused = self._check(file, clinic)
        for row in refused:
            self.stdout.write(f"row {row.number}: {' '.join(str(reason) for reason in row.reasons)}")
        if options["apply"] and not refused:
            self._apply(clinic, good)
        else:
            self._rehearse(clinic, good, refused)

    def _read(self, path: Path) -> ImportFile:
        try:
            file = import_file.read(path)
        except UnusableFile as unusable:
            raise CommandError(f"{path}: {unusable.message}", returncode=UNUSABLE) from None
        if file.ignored:
            self.stdout.write(f"Columns that are not used: {', '.join(file.ignored)}")
        return file

    def _check(self, file: ImportFile, clinic: Clinic) -> tuple[list[GoodRow], list[RefusedRow]]:
        today = timezone.now().astimezone(clinic.zone).date()
        surroundings = Surroundings(clinic.country, clinics.list_holders(clinic), today)
        good: list[GoodRow] = []
        refused: list[RefusedRow] = []
        rows = tqdm(file.rows, desc="Checking", unit=" rows", disable=None, leave=False)
        for row in import_rows.check(rows, surroundings):
            if isinstance(row, GoodRow):
                good.append(row)
            else:
                refused.append(row)
        return good, refused

    def _rehearse(self, clinic: Clinic, good: list[GoodRow], refused: list[RefusedRow]) -> None:
        plan = queries.import_plan(clinic=clinic, rows=good)
        told = len(queries.to_be_told(plan.changed)) if self.tells else 0
        self._say(len(plan.new), len(plan.changed), plan.unchanged, len(refused), told)
        if refused:
            raise CommandError(
                "Nothing is stored. Correct the refused rows and run this again.", returncode=ROWS_REFUSED
            )
        self.stdout.write("Nothing is stored yet. Run this again with --apply to store it.")

    def _apply(self, clinic: Clinic, good: list[GoodRow]) -> None:
        try:
            outcome = operations.import_patients(
                clinic=clinic, rows=good, actor=audit.SYSTEM, now=timezone.now(), tells=self.tells
            )
        except ImportRefused as refused:
            raise CommandError(str(refused.message), returncode=UNUSABLE) from None
        self._say(outcome.new, outcome.changed, outcome.unchanged, 0, outcome.told)
        self.stdout.write("Stored.")

    def _say(self, new: int, changed: int, unchanged: int, refused: int, told: int) -> None:
        self.stdout.write(
            f"new {new}, changed {changed}, unchanged {unchanged}, refused {refused}, told at the old address {told}"
        )
