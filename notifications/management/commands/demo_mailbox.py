"""manage.py demo_mailbox: the demo's mail server, until Ctrl-C."""

import asyncio
import signal
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from notifications.demo_mail import mailbox, smtp


class Command(BaseCommand):
    help = "Takes e-mail on this machine and shows it on the demo's phone page. Only in development."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.EMAIL_PORT, help="default: EMAIL_PORT")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEVELOPMENT:
            raise CommandError("The demo mailbox runs only where VENTEROM_ENV is demo or test.")
        asyncio.run(_serve(options["port"]))


async def _serve(port: int) -> None:
    server = await smtp.listen(port, sync_to_async(_keep))
    print(f"Demo mailbox on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with server:
        await ended.wait()


def _keep(sender: str, recipients: list[str], content: bytes) -> None:
    close_old_connections()
    mailbox.keep(sender=sender, recipients=recipients, content=content, now=timezone.now())
