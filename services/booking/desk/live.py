"""Tells an open calendar that it is not the newest. Nothing here names a patient: to ask is no look at a record."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import ngettext

from clinic_admin.models import Clinic
from services.booking.staff.day import Contents
from services.booking.staff.queries import DayFacts

CALENDAR_HEADER = "X-Calendar"
"""Sent by a page that asks by itself, with the version of the calendar that it shows; and with each answer to that."""
WHOLE_DAY = ""
Marks = dict[str, dict[str, str]]
"""Column (as its target) -> clock time -> a short word that changes when what stands there does."""


@dataclass(frozen=True)
class Live:
    """What an open calendar compares with what it shows."""

    version: str
    """Of the fingerprint: changes when anything does, the numbers around the calendar among it."""
    marks: Marks
    facts: DayFacts

    @property
    def marks_word(self) -> str:
        """Return the marks as the page carries them."""
        return json.dumps(self.marks, separators=(",", ":"))

    @property
    def waiting(self) -> str:
        """Return how many requests wait, in words."""
        total = self.facts.waiting
        return ngettext(
            "%(total)s request waits for approval", "%(total)s requests wait for approval", total
        ) % {"total": total}

    @property
    def online(self) -> str:
        """Return how many times were booked online today, in words."""
        total = self.facts.booked_online_today
        return ngettext(
            "%(total)s time booked online today", "%(total)s times booked online today", total
        ) % {"total": total}


def live_of(
    clinic: Clinic,
    contents: Contents,
    *,
    days: Mapping[tuple[int, date], str],
    facts: DayFacts,
    version: str,
    now: datetime,
) -> Live:
    """Return what stands at each clock time of each column. No query.

    `days` are the columns by provider and day, with what stands over all of it (away, closed).
    """
    found: dict[tuple[int, date], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for column, words in days.items():
        if words:
            found[column][WHOLE_DAY].append(words)

    def put(provider_id: int, starts_at: datetime, *values: Any) -> None:
        local = starts_at.astimezone(clinic.zone)
        found[provider_id, local.date()][f"{local:%H:%M}"].append([_plain(value) for value in values])

    for slot in contents.slots:
        hold = (slot.is_held(now), slot.offered_to)
        put(
            slot.provider_id,
            slot.starts_at,
            *(slot.pk, slot.ends_at, slot.kind, slot.state, slot.block_id, slot.block_reason, *hold),
        )
    for one in contents.appointments:
        state = (one.status, one.attendance, one.version, one.reminder_failed)
        put(one.provider_id, one.starts_at, one.pk, one.ends_at, *state)
    for guest in contents.guests:
        put(guest.provider_id, guest.starts_at, guest.pk, guest.ends_at)
    marks = {
        urlencode({"provider": pk, "day": day.isoformat()}): {
            clock: _word(values, size=3) for clock, values in sorted(column.items())
        }
        for (pk, day), column in sorted(found.items())
    }
    return Live(version, marks, facts)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID | datetime) else value


def _word(values: Any, *, size: int) -> str:
    return blake2b(json.dumps(values).encode(), digest_size=size).hexdigest()


def nothing_new(request: HttpRequest, version: str) -> HttpResponse | None:
    """Answer a page that asks by itself and shows this version: nothing. None when there is more to say, or to a person."""
    if request.headers.get(CALENDAR_HEADER) != version:
        return None
    return HttpResponse(status=204, headers={CALENDAR_HEADER: version})


def answer_quietly(request: HttpRequest, live: Live) -> HttpResponse | None:
    """Answer a page that asks by itself what has changed; None when a person asks for the page.

    The marks to compare with, and the numbers around the calendar.
    """
    if CALENDAR_HEADER not in request.headers:
        return None
    answer = {
        "version": live.version,
        "marks": live.marks,
        "waiting": live.facts.waiting,
        "words": {"waiting": live.waiting, "online": live.online},
    }
    return JsonResponse(answer, headers={CALENDAR_HEADER: live.version})
