"""Fills in the demo's clinics."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from services.home.demo import filling


class Command(BaseCommand):
    help = (
        "Make the demo's two clinics with patients, calendars and appointments, all dates relative to today. "
        "What is already there is left as it is. Refused outside the demo."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEVELOPMENT:
            raise CommandError(
                "The demo's people can sign in as anyone: VENTEROM_ENV must be demo.", returncode=2
            )
        made = filling.fill(timezone.now())
        for clinic in made:
            self.stdout.write(f"made {clinic.name}: /{clinic.portal_identifier}/")
        if not made:
            self.stdout.write("the demo's clinics are there already")
