"""What the two pages ask first that a crowd comes to, so that it is read with who comes (patients/arrival.py)."""

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from patients.arrival import THE_CLINIC, THE_PATIENT, also_asks
from portal.ready import Ready
from services.booking.forms import key_of
from services.booking.operations.appointments import OPEN_SLOT, open_slot
from services.booking.queries import URGENT_LEFT, urgent_left

_ONE_TIME = re.compile(r"book/([0-9]{1,18})/")
_ANY_URGENT = "book/first-urgent/"


def register() -> None:
    """Let both be read ahead. Once, when the application starts."""
    also_asks(_the_time, OPEN_SLOT, ahead=_ahead(open_slot))
    also_asks(_any_urgent, URGENT_LEFT, ahead=_ahead(urgent_left))


def _ahead(make: Callable[..., Any]) -> Ready[Any]:
    return Ready(lambda: make(clinic=THE_CLINIC, patient=THE_PATIENT))


def _the_time(request: HttpRequest, rest: str) -> dict[str, Any] | None:
    time = _ONE_TIME.fullmatch(rest) if request.method == "POST" else None
    return {"id": int(time[1]), "form_key": key_of(request.POST)} if time else None


def _any_urgent(request: HttpRequest, rest: str) -> dict[str, Any] | None:
    is_meant = request.method == "POST" and rest == _ANY_URGENT
    return {"form_key": key_of(request.POST)} if is_meant else None
