"""Fills calendars with very many slots, to see how fast searching and booking are at size."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic_admin.queries import clinic_by_identifier
from services.booking import operations


class Command(BaseCommand):
    """Make slots for trials."""

    help = (
        "Make very many slots for providers made for the purpose, to try out speed. Never on a real clinic."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where and how many."""
        parser.add_argument("--clinic", required=True, help="portal identifier of the clinic that gets them")
        parser.add_argument("--count", type=int, required=True, help="how many slots to make")
        parser.add_argument("--per-provider", type=int, default=2000, help="slots of one provider")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, in one transaction."""
        clinic = clinic_by_identifier(options["clinic"])
        if clinic is None:
            raise CommandError(f"There is no clinic called {options['clinic']}.")
        if options["count"] < 1 or options["per_provider"] < 1:
            raise CommandError("--count and --per-provider must be at least 1.")
        made = operations.make_slots_for_trials(
            clinic=clinic, count=options["count"], per_provider=options["per_provider"], now=timezone.now()
        )
        self.stdout.write(f"{made} slots made.")
