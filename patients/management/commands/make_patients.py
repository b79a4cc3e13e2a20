"""manage.py make_patients: a file of invented patients, for demos, trials and measurements."""

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from tqdm import tqdm

from clinic_admin import queries as clinics
from patients.import_file import COLUMNS
from patients.synthetic import InventedPerson, invented_people

MOST = 1_000_000


class Command(BaseCommand):
    """Write invented patients to a file."""

    help = (
        "Write a CSV file of invented patients that import_patients can read. The same clinic, count and seed give the "
        "same people. Their national IDs are synthetic and refused in production; their mobile numbers may exist, "
        "so never send real messages to them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="where to write; must not exist yet")
        parser.add_argument(
            "--clinic", required=True, metavar="IDENTIFIER", help="the clinic's portal identifier"
        )
        parser.add_argument("--count", type=int, default=1000, help="how many people (default 1000)")
        parser.add_argument("--seed", type=int, default=1, help="another seed gives other people (default 1)")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        clinic = clinics.clinic_by_identifier(options["clinic"])
        if clinic is None:
            raise CommandError(f"There is no clinic {options['clinic']!r}.", returncode=2)
        if not 0 < options["count"] <= MOST:
            raise CommandError(f"--count must be from 1 to {MOST}.", returncode=2)
        people = invented_people(
            clinic.country, options["count"], options["seed"], sorted(clinics.list_holders(clinic))
        )
        try:
            with options["file"].open("x", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file, delimiter=";")
                writer.writerow(COLUMNS)
                for person in tqdm(people, total=options["count"], unit=" people", disable=None, leave=False):
                    writer.writerow(_cells(person))
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.", returncode=2) from error
        self.stdout.write(f"Wrote {options['count']} invented patients to {options['file']}.")


def _cells(person: InventedPerson) -> tuple[str, ...]:
    """Return the person's cells in the order of the columns."""
    return (
        person.national_id,
        person.given_name,
        person.family_name,
        person.mobile,
        person.email,
        person.gp,
        "yes" if person.is_active else "no",
    )
