"""What the clock asks for."""

from celery import shared_task
from django.utils import timezone

from services.operation import operations


@shared_task(name="operation.pulse")
def pulse() -> None:
    """Show that clock, broker and a worker work together."""
    operations.beat(now=timezone.now())
