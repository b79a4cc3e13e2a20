"""manage.py outbox_after_restore hold|release: what to do with messages after a restore from backup."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications.clock import database_now
from notifications.operations import begin_epoch, release_held


class Command(BaseCommand):
    help = (
        "After a restore, before workers start: hold. Then, when the provider can be reached: release. Held "
        "messages that were due are looked for at the provider and sent only if they are missing there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["hold", "release"])

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "hold":
            print(f"Open messages are held back. New ones are sent. Epoch {begin_epoch()}.")
        else:
            print(f"{release_held(now=database_now())} messages go on.")
