"""The part of a page on which somebody chooses with whom and when: the same for booking, moving, and without an account."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django_htmx.middleware import HtmxDetails

from clinic_admin.models import Clinic
from services.booking import policy, times
from services.booking.forms import FindForm
from services.booking.free_times import Offer
from services.booking.times import Wanted


def words(
    query: QueryDict,
    *,
    clinic: Clinic,
    page: str,
    offer_of: Callable[..., Offer],
    now: datetime,
    for_other: bool = False,
) -> dict[str, Any]:
    """Return what `booking/with_whom.html`, `week_steps.html` and the list of times show.

    `query` is the address's (FindForm), `page` the page's own address without it; a time is chosen at `<page><slot>/`.
    `offer_of` takes first_day and last_day (both included), provider_id, part and now, as queries.offer does.
    `for_other`: whoever looks acts for the patient.
    """
    asked = FindForm(query).wanted()
    wanted = Wanted(page, asked["provider"], asked["from_day"], asked["part"])
    today = now.astimezone(clinic.zone).date()
    week = times.week_from(wanted, today=today, last_day=policy.last_day(now, zone=clinic.zone))
    offer = offer_of(
        first_day=week.first_day,
        last_day=week.last_day,
        provider_id=wanted.provider_id,
        part=wanted.part,
        now=now,
    )
    chosen = next((one for one in offer.providers if one.choice.provider_id == wanted.provider_id), None)
    return {
        "page_url": page,
        "times_url": wanted.address(),
        "times_version": times.version_of(offer.times),
        "offer": offer,
        "chosen": chosen,
        "asked_provider": wanted.provider_id,
        "part": wanted.part,
        "parts": times.parts_of(wanted),
        "week": week,
        "days": times.days_of(
            offer.times,
            first_day=week.first_day,
            last_day=week.last_day,
            zone=clinic.zone,
            page=page,
            names_provider=chosen is None and len(offer.providers) > 1,
            for_other=for_other,
        ),
        "has_own_times": any(slot.is_own_time for slot in offer.times),
        "opens_today": offer.urgent_opening is not None and offer.urgent_opening.is_today(now, clinic),
        **_ways(wanted, offer),
    }


def _ways(wanted: Wanted, offer: Offer) -> dict[str, Any]:
    """Return the addresses that lead on from here, each keeping the rest of what is wanted."""
    anyone = wanted.address(provider_id=None, first_day=None)
    return {
        "anyone_url": anyone,
        "with_whom": [
            (one, wanted.address(provider_id=one.choice.provider_id, first_day=None))
            for one in offer.providers
        ],
        "all_day_url": wanted.address(part=None),
        "first_free_url": wanted.address(first_day=offer.first_free.day) if offer.first_free else "",
    }


TIMES_HEADER = "X-Times"
"""Sent by a page that asks by itself, with the version of the times that it shows; and with each answer to that."""


def answer_quietly(request: HttpRequest, found: dict[str, Any]) -> HttpResponse | None:
    """Answer a page that asks by itself which of its times still stand; None when a person asks for the page.

    `found` is from `words`. Nothing is sent while nothing has changed, else the address of each time, of each at which
    the patient has something else by now, and what stands beside each day.
    """
    seen, version = request.headers.get(TIMES_HEADER), found["times_version"]
    if seen is None:
        return None
    if seen == version:
        return HttpResponse(status=204, headers={TIMES_HEADER: version})
    answer = {
        "version": version,
        "times": [time.url for day in found["days"] for time in day.times if time.url],
        "busy": [f"{found['page_url']}{slot_id}/" for slot_id in _own_times(found["offer"])],
        "notes": {day.day.isoformat(): day.note for day in found["days"]},
    }
    return JsonResponse(answer, headers={TIMES_HEADER: version})


def _own_times(offer: Offer) -> Iterator[int]:
    """Yield the slots that the patient has, and those that are free at the same time."""
    yield from offer.own_slots
    yield from (slot.slot_id for slot in offer.times if slot.is_own_time)


def wants_part(htmx: HtmxDetails) -> bool:
    """Return whether only a part of the page changes. Going back asks for the whole page again."""
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request
