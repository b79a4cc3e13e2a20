"""The part of a page on which somebody chooses with whom and when: the same for booking, moving, and without an account."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.http import QueryDict
from django_htmx.middleware import HtmxDetails

from clinic_admin.models import Clinic
from services.booking import policy, times
from services.booking.forms import FindForm
from services.booking.queries import Offer


def words(
    query: QueryDict,
    *,
    clinic: Clinic,
    page: str,
    offer_of: Callable[[date, date, int | None], Offer],
    now: datetime,
) -> dict[str, Any]:
    """Return what `booking/with_whom.html`, `week_steps.html` and the list of times show.

    `query` is the address's (FindForm), `page` the page's own address without it; a time is chosen at `<page><slot>/`.
    `offer_of` takes first and last day (both included) and the provider, or None for anyone.
    """
    asked = FindForm(query).wanted()
    week = times.week_from(
        asked["from_day"],
        today=now.astimezone(clinic.zone).date(),
        last_day=policy.last_day(now, zone=clinic.zone),
        provider_id=asked["provider"],
        page=page,
    )
    offer = offer_of(week.first_day, week.last_day, asked["provider"])
    chosen = next((one for one in offer.providers if one.choice.provider_id == asked["provider"]), None)
    first = offer.first_free
    return {
        "page_url": page,
        "offer": offer,
        "chosen": chosen,
        "asked_provider": asked["provider"],
        "week": week,
        "days": times.days_of(
            offer.times,
            first_day=week.first_day,
            last_day=week.last_day,
            zone=clinic.zone,
            page=page,
            names_provider=chosen is None and len(offer.providers) > 1,
        ),
        "first_free_url": times.find_address(page, provider_id=asked["provider"], first_day=first.day)
        if first
        else "",
    }


def wants_part(htmx: HtmxDetails) -> bool:
    """Return whether only a part of the page changes. Going back asks for the whole page again."""
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request
