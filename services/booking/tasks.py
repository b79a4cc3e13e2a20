"""What booking does by itself."""

import logging

from celery import shared_task
from django.utils import timezone

from clinic_admin.models import Provider
from portal.one_by_one import do_each
from services.booking import operations, queries
from services.booking.earlier import operations as earlier_times
from services.booking.earlier import queries as earlier_queries
from services.booking.guests import operations as guests
from services.booking.release import operations as release
from services.booking.reminders import operations as reminders
from services.booking.reminders import queries as reminder_queries

log = logging.getLogger("venterom.booking")


@shared_task(name="booking.extend_calendars")
def extend_calendars() -> None:
    """Fill every calendar that has a template up to the horizon. Each in a transaction of its own; twice is once."""
    do_each(queries.providers_with_templates(), _extend, log=log, failed="calendar not extended")


def _extend(provider: Provider) -> None:
    change = operations.extend_calendar(provider=provider, now=timezone.now())
    if change.left_out:
        log.info(
            "calendar keeps what is booked",
            extra={"provider": provider.pk, "left_out": len(change.left_out)},
        )


@shared_task(name="booking.forget_guests")
def forget_guests() -> None:
    """Delete what people without an account wrote, when nobody needs it any more."""
    guests.forget(now=timezone.now())


@shared_task(name="booking.pass_on")
def pass_on() -> None:
    """Offer times that came free to those who wait, clinic by clinic. Two workers at once do it once."""
    do_each(
        earlier_queries.clinics_with_news(),
        lambda clinic: earlier_times.pass_on(clinic=clinic, now=timezone.now()),
        log=log,
        failed="times not passed on",
    )


@shared_task(name="booking.forget_people")
def forget_people() -> None:
    """Delete old wishes for earlier times, and take the names from old draws."""
    now = timezone.now()
    log.info(
        "forgotten", extra={"wishes": earlier_times.forget(now), "draw_requests": release.forget_people(now)}
    )


@shared_task(name="booking.keep_reminders")
def keep_reminders() -> None:
    """Bring the reminders that are due soon in line with settings and contact details, clinic by clinic."""
    do_each(
        reminder_queries.clinics_that_remind(),
        lambda clinic: reminders.keep_up(clinic, timezone.now()),
        log=log,
        failed="reminders not kept",
    )


@shared_task(name="booking.keep_up_draws")
def keep_up_draws() -> None:
    """Hold the draws of urgent times that are due, and prepare the next. Pages do the same when nobody else does."""
    release.keep_up_everywhere(timezone.now())


@shared_task(name="booking.forget_draw_reasons")
def forget_draw_reasons() -> None:
    """Empty what patients wrote for a draw in which they got no time."""
    release.forget_reasons(timezone.now())
