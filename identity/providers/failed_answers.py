"""How many answers of providers, real or made up, may fail from one network address (identity research, 7)."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from portal import network_address, throttle
from portal.throttle import Limit

FAILED = Limit("failed-answers", 60, timedelta(minutes=1))
V = TypeVar("V", bound=Callable[..., HttpResponse])


def too_many(request: HttpRequest) -> HttpResponse:
    """Return the page of who is stopped for a minute."""
    response = render(request, "429.html", status=429)
    response["Retry-After"] = "60"
    return response


def limited(view: V) -> V:
    """Answer 429 while too many answers from this address have failed. Those that are good don't count.

    Each one that fails is written to the trail, so made-up ones must end somewhere; and where many patients share an
    address, as in a mobile network, all of them come in at once when times are released.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        address, now = network_address.of(request), timezone.now()
        if throttle.is_used_up_from(address, FAILED, now=now):
            return too_many(request)
        answer = view(request, *args, **kwargs)
        if answer.status_code == 400:
            throttle.is_exceeded_from(address, FAILED, now=now)
        return answer

    return guarded  # type: ignore[return-value]
