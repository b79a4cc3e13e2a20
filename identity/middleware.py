"""Ends sessions that have been open, or unused, for too long: on the server, whatever the browser kept."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from identity import operations

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionLimitsMiddleware:
    """Looks at the session's clocks at each request of someone signed in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and request.user.is_authenticated:
            operations.end_stale_session(request, now=timezone.now())
        return self.get_response(request)
