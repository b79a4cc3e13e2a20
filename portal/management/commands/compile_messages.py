"""Compiles the translation catalogues, without system gettext."""

from typing import Any

from django.core.management.base import BaseCommand

from portal import catalogues


class Command(BaseCommand):
    help = "Compile locale/*/LC_MESSAGES/django.po to .mo files."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for path in catalogues.compile_all():
            self.stdout.write(f"compiled {path.parent.parent.name}")
