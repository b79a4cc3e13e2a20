"""manage.py create_clinic: a new clinic, with its portal off."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.utils import timezone

from clinic_admin import operations
from clinic_admin.choices import Country
from clinic_admin.operations import ClinicChangeRefused
from portal import audit


class Command(BaseCommand):
    """Create a clinic."""

    help = (
        "Create a clinic. Its portal stays off until it is switched on, and every service is off for everyone. "
        "Next: manage.py add_administrator, then manage.py import_patients."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help='what patients call the clinic, as in "Sentrum legekontor"')
        parser.add_argument(
            "identifier", help="its part of the portal's addresses: small letters, digits and hyphens"
        )
        parser.add_argument("country", choices=Country.values, help="where the clinic is")
        parser.add_argument("--active", action="store_true", help="switch the portal on at once")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 0 < len(name) <= 120:
            raise CommandError("The name must have 1 to 120 characters.")
        try:
            clinic = operations.create_clinic(
                name=name,
                portal_identifier=options["identifier"],
                country=options["country"],
                is_active=options["active"],
                actor=audit.SYSTEM,
                now=timezone.now(),
            )
        except ClinicChangeRefused as refused:
            raise CommandError(str(refused.message)) from refused
        state = "on" if clinic.is_active else "off"
        self.stdout.write(f"{clinic.name} is at /{clinic.portal_identifier}/; its portal is {state}.")
