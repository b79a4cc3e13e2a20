"""Brings the translation catalogues up to date with the code, or checks that they are."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal import catalogues


class Command(BaseCommand):
    help = (
        "Extract all texts into locale/<language>/LC_MESSAGES/django.po and keep the translations. "
        "With --check nothing is written: exit code 1 and a list if a text is missing or untranslated."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only check; exit 1 when something is missing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            for language in catalogues.LANGUAGES:
                catalogues.update(language)
        faults = [fault for language in catalogues.LANGUAGES for fault in catalogues.faults(language)]
        for fault in faults:
            self.stdout.write(fault)
        if faults and options["check"]:
            raise CommandError(
                f"{len(faults)} texts are missing; run make messages and translate them", returncode=1
            )
        self.stdout.write(
            f"{len(faults)} texts wait for translation" if faults else "every text is translated"
        )
