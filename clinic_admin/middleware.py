"""Finds the clinic that an address names, keeps its time, and speaks its language until the reader chooses another."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.utils import timezone, translation

from clinic_admin import queries


class ClinicMiddleware:
    """Puts request.clinic there for every address under /<clinic>/; an unknown identifier is 404."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(None):
            return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        identifier = kwargs.pop("clinic", None)
        if identifier is None:
            return None
        clinic = queries.clinic_by_any_identifier(identifier)
        if clinic is None:
            raise Http404
        if clinic.portal_identifier != identifier.lower():
            return _moved(request, clinic.portal_identifier)
        request.clinic = clinic  # type: ignore[attr-defined]
        timezone.activate(clinic.zone)
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(clinic.language)
            request.LANGUAGE_CODE = clinic.language
        return None


def _moved(request: HttpRequest, identifier: str) -> HttpResponse:
    """Lead an old link to the same page where the portal is now. What was posted there is refused, not repeated."""
    if request.method not in {"GET", "HEAD"}:
        raise Http404
    _before, _old, rest = request.get_full_path().lstrip("/").partition("/")
    return HttpResponsePermanentRedirect(f"/{identifier}/{rest}")
