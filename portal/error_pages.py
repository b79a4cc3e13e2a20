"""Error pages in the product's look and the reader's language. They need no database."""

import sys
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.translation import get_language_from_request, override

from portal.audience import public_page

LOST = (OperationalError, InterfaceError)
"""What it is called that the database can't be reached."""


def _page(
    request: HttpRequest, status: int, template: str | None = None, words: dict[str, Any] | None = None
) -> HttpResponse:
    with override(get_language_from_request(request)):
        body = loader.render_to_string(template or f"{status}.html", {"status": status, **(words or {})})
    return HttpResponse(body, status=status)


@public_page
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The request can't be understood, or what was sent is larger than we take."""
    return _page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


@public_page
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The person is known and may not do this."""
    return _page(request, 403)


@public_page
def csrf_failure(
    request: HttpRequest, reason: str = "", *, typed: Sequence[str] = (), page: str = ""
) -> HttpResponse:
    """The form is older than the session, or came from another site. `typed` is shown to be copied to `page`."""
    return _page(request, 403, "403_csrf.html", {"typed": typed, "page": page})


@public_page
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """There is no such page, or it is someone else's."""
    return _page(request, 404)


@public_page
def not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """The address only takes what a form sends; `allowed` are its methods (RFC 9110, 15.5.6)."""
    response = _page(request, 405)
    response["Allow"] = allowed
    return response


@public_page
def failure(request: HttpRequest) -> HttpResponse:
    """Something broke on our side. Where that is the database, the page says when to try again.

    What a middleware raises Django makes a page of at once: those further out (UnavailableMiddleware) don't see it.
    """
    return unavailable(request) if isinstance(sys.exception(), LOST) else _page(request, 500)


@public_page
def unavailable(request: HttpRequest) -> HttpResponse:
    """The database can't be reached right now."""
    response = _page(request, 503)
    response["Retry-After"] = "10"
    return response
