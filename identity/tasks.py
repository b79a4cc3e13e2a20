"""What happens to sign-in's rows by the clock."""

from celery import shared_task
from django.utils import timezone

from identity import operations


@shared_task(name="identity.sweep")
def sweep() -> None:
    """Delete old sign-ins, sessions and counters."""
    operations.sweep(now=timezone.now())
