"""What happens to sign-in's rows by the clock."""

from celery import shared_task
from django.utils import timezone

from identity import code_sender, operations


@shared_task(name="identity.sweep")
def sweep() -> None:
    """Delete old sign-ins, sessions and counters."""
    operations.sweep(now=timezone.now())


@shared_task(name="identity.send_waiting")
def send_waiting() -> None:
    """Make and send codes and links whose web process ended before it could."""
    code_sender.send_waiting(now=timezone.now())
