"""What happens around every request."""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal import error_pages, network_address, request_id
from portal.audience import audience_of

GetResponse = Callable[[HttpRequest], HttpResponse]
log = logging.getLogger("venterom.request")


class RequestIdMiddleware:
    """Gives the request an id, answers with it, and logs one line per request: route and duration, no address."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identifier = request_id.start()
        started = time.perf_counter()
        with network_address.remembered(request):
            response = self.get_response(request)
        response["X-Request-ID"] = identifier
        match = request.resolver_match
        log.info(
            "request",
            extra={
                "method": request.method,
                "route": match.view_name if match else "",
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return response


class SecurityHeadersMiddleware:
    """Content security policy, permissions and caching. Pages of signed-in people are never stored."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.policy = "; ".join(
            f"{name} {' '.join(sources)}" for name, sources in settings.SECURE_CSP.items()
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self._policy_for(response))
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _policy_for(self, response: HttpResponse) -> str:
        """Let a page that sends a form on to an identity provider name that provider, and nothing else."""
        extra = getattr(response, "form_action_origins", ())
        return self.policy.replace("form-action 'self'", " ".join(["form-action 'self'", *extra]))


class NulMiddleware:
    """Refuses an address or a cookie that holds the NUL character: nobody has it, and Postgres can't look for it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cookies = "".join(request.COOKIES.values())
        if "\x00" in request.path + cookies or "%00" in request.META.get("QUERY_STRING", ""):
            return error_pages.bad_request(request)
        return self.get_response(request)


class UnavailableMiddleware:
    """Turns a lost database into a calm page that says when to try again, instead of an error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except error_pages.LOST:
            log.exception("database unavailable")
            return error_pages.unavailable(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, error_pages.LOST):
            log.error("database unavailable", exc_info=exception)
            return error_pages.unavailable(request)
        return None


class NotAllowedMiddleware:
    """Gives an address that is only for sending a page, for whoever opens it: browsers show an empty one as broken."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and not response.content:
            return error_pages.not_allowed(request, response["Allow"])
        return response


class AudienceMiddleware:
    """Refuses every view that does not say whom it is for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: object, kwargs: object
    ) -> None:
        if audience_of(view) is None:
            raise PermissionDenied("this view declares no audience")
