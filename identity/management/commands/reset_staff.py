"""Helps staff who lost their password, or their code app and passkeys."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from identity import queries
from identity.staff import help as staff_help


class Command(BaseCommand):
    """manage.py reset_staff EMAIL --code-app --password"""

    help = "Take away lost code app and passkeys (the next sign-in sets up new ones), or set a new password. Told by e-mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--code-app", action="store_true", help="forget code app, passkeys and recovery codes"
        )
        parser.add_argument("--password", action="store_true", help="ask for a new password")
        parser.add_argument("--from-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        user = queries.staff_user(options["email"])
        if user is None:
            raise CommandError("No staff login has this address.")
        if not options["code_app"] and not options["password"]:
            raise CommandError("Say what to reset: --code-app, --password, or both.")
        now = timezone.now()
        if options["code_app"]:
            staff_help.take_factors_away(user, now=now)
        if options["password"]:
            from_stdin = options["from_stdin"]
            password = sys.stdin.readline().rstrip("\n") if from_stdin else getpass.getpass("New password: ")
            try:
                staff_help.set_password(user, password, now=now)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
        self.stdout.write("Done.")
