"""What the SMS stand-in does later."""

from celery import shared_task
from django.utils import timezone

from notifications.demo_sms import callbacks


@shared_task(name="demo_sms.call_back")
def call_back(**_future: object) -> int:
    """Send the receipts that are due."""
    return callbacks.report_all(now=timezone.now())
