"""Ends sessions that have been open, or unused, for too long, and answers sign-ins that were refused."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from identity import operations, views
from identity.operations import SignInRefused

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionLimitsMiddleware:
    """Looks at the session's clocks at each request of someone signed in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key and request.user.is_authenticated:
            operations.end_stale_session(request, now=timezone.now())
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show the page of failed sign-ins, wherever the refusal came up."""
        if not isinstance(exception, SignInRefused):
            return None
        return views.refusal_page(request, exception, exception.clinic or getattr(request, "clinic", None))
