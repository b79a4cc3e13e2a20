"""What the page of a time asks first, where a crowd comes, so that it is read with who comes (patients/arrival.py)."""

import re
from typing import Any

from django.http import HttpRequest

from patients.arrival import THE_CLINIC, THE_PATIENT, also_asks
from portal.ready import Ready
from services.booking.forms import key_of
from services.booking.operations.appointments import OPEN_SLOT, open_slot

_ONE_TIME = re.compile(r"book/([0-9]{1,18})/")


def register() -> None:
    """Let it be read ahead. Once, when the application starts."""
    also_asks(_the_time, OPEN_SLOT, ahead=Ready(lambda: open_slot(clinic=THE_CLINIC, patient=THE_PATIENT)))


def _the_time(request: HttpRequest, rest: str) -> dict[str, Any] | None:
    time = _ONE_TIME.fullmatch(rest) if request.method == "POST" else None
    return {"id": int(time[1]), "form_key": key_of(request.POST)} if time else None
