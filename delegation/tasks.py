"""What delegation does by itself."""

import logging

from celery import shared_task
from django.utils import timezone

from delegation import operations, queries

log = logging.getLogger("venterom.delegation")


@shared_task(name="delegation.look_ahead")
def look_ahead() -> None:
    """Find coming days on which a list has nobody, at every clinic. Each in a transaction of its own.

    Runs every hour and does a clinic's day once, after its local midnight, also when a night was missed.
    """
    for clinic in queries.clinics_to_look_ahead():
        try:
            operations.look_ahead(clinic=clinic, now=timezone.now())
        except Exception:
            # One clinic that can't be looked at must not keep the others from it.
            log.exception("not looked ahead", extra={"clinic": clinic.pk})
