"""Adds someone to a clinic's staff."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic_admin import queries as register
from clinic_admin.choices import Role
from identity import operations, queries


class Command(BaseCommand):
    """manage.py add_staff EMAIL --name NAME --clinic IDENTIFIER --role ROLE"""

    help = "Add someone to a clinic's staff. Whoever has no login yet gets one; the password is asked for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument("--clinic", required=True, help="portal identifier")
        parser.add_argument("--role", required=True, action="append", choices=Role.values)
        parser.add_argument(
            "--password-from-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = register.clinic_by_identifier(options["clinic"])
        if clinic is None:
            raise CommandError(f"There is no clinic {options['clinic']!r}.")
        known = queries.staff_user(options["email"])
        try:
            operations.add_staff(
                email=options["email"],
                name=options["name"],
                clinic=clinic,
                roles=[Role(role) for role in options["role"]],
                password=None if known else self._password(from_stdin=options["password_from_stdin"]),
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write("Added. A code app or a passkey is set up at the first sign-in.")

    @staticmethod
    def _password(*, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\n")
        first, second = getpass.getpass("Password: "), getpass.getpass("Password again: ")
        if first != second:
            raise CommandError("The two passwords differ.")
        return first
