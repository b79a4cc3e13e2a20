"""What delegation does by itself."""

import logging

from celery import shared_task
from django.utils import timezone

from delegation import operations, queries
from portal.one_by_one import do_each

log = logging.getLogger("venterom.delegation")


@shared_task(name="delegation.look_ahead")
def look_ahead() -> None:
    """Find coming days on which a list has nobody, at every clinic. Each in a transaction of its own.

    Runs every hour and does a clinic's day once, after its local midnight, also when a night was missed.
    """
    do_each(
        queries.clinics_to_look_ahead(),
        lambda clinic: operations.look_ahead(clinic=clinic, now=timezone.now()),
        log=log,
        failed="not looked ahead",
    )
