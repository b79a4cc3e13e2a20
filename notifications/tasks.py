"""What workers do for the outbox. Tasks carry no numbers and no texts: what is due stands in the database."""

from celery import shared_task
from django.utils import timezone

from notifications import dispatch, retention


@shared_task(name="notifications.send_due")
def send_due(**_future: object) -> int:
    """Send what is due. Called by wake-ups and by the clock; once more does no harm."""
    return dispatch.run()


@shared_task(name="notifications.sweep")
def sweep(**_future: object) -> int:
    """Erase texts of messages that are long over."""
    return retention.erase_old_texts(now=timezone.now())
