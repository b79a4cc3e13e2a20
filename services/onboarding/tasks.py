"""What happens to staff by the clock."""

from celery import shared_task
from django.utils import timezone

from services.onboarding import leaving_operations, leaving_queries


@shared_task(name="onboarding.carry_out_leavings")
def carry_out_leavings() -> None:
    """Do what was decided about everyone whose last day is over."""
    now = timezone.now()
    for leaving_id in leaving_queries.leavings_due(now):
        leaving_operations.carry_out(leaving_id=leaving_id, now=now)
