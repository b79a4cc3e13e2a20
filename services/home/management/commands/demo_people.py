"""Prints where the demo is and whom one can be."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from services.home import demo_people


class Command(BaseCommand):
    help = "Print the demo's addresses and the people to sign in as."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEVELOPMENT:
            raise CommandError("There are no demo people outside the demo.", returncode=2)
        page = demo_people.page(timezone.now())
        base = settings.BASE_URL
        self.stdout.write(f"  Everyone, with codes that change   {base}/dev/")
        self.stdout.write(f"  The phone: every SMS and e-mail    {base}/dev/phone/")
        for card in page.clinics:
            self.stdout.write(f"\n  {card.clinic.name:<34} {base}/{card.clinic.portal_identifier}/")
            self.stdout.write(
                f"    patients ({card.eid}): " + ", ".join(one.full_name for one in card.patients)
            )
            for staff in card.staff:
                self.stdout.write(f"    {staff.staff.email:<28} {staff.staff.note}")
        self.stdout.write(f"\n  Staff sign in at {base}/staff/sign-in/ with the password {page.password}")
