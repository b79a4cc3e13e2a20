"""One header of a request. Django's own `request.headers` first makes a mapping of all of them, as long as a form takes."""

from functools import lru_cache

from django.http import HttpRequest
from django.http.request import HttpHeaders


def header(request: HttpRequest, name: str) -> str:
    """Return what the header says, empty if it did not come."""
    value: str = request.META.get(_in_meta(name), "")
    return value


def sent_by_page(request: HttpRequest) -> bool:
    """Return whether a page of ours sent it by itself (htmx), and puts the answer where it belongs."""
    return header(request, "HX-Request") == "true"


@lru_cache(maxsize=64)
def _in_meta(name: str) -> str:
    return HttpHeaders.to_wsgi_name(name)
