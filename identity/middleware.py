"""Ends sessions that have been open, or unused, for too long, keeps what was typed, and answers refused sign-ins."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from clinic_admin.guards import ClinicRequest
from identity import operations, sessions, step_up, views
from identity.choices import SentLate
from identity.operations import SignInRefused
from identity.session import kept_forms, kept_html
from identity.session.kept_forms import Mark
from portal.audience import Audience, audience_of
from portal.headers import header

GetResponse = Callable[[HttpRequest], HttpResponse]
SIGNED_IN = {Audience.PATIENT, Audience.STAFF, Audience.ADMINISTRATOR}
KEEP_HEADER = "X-Keep-Form"
"""A form that is sent with it is kept instead of being carried out: just before a session ends."""
BY_ITSELF_HEADER = "X-By-Itself"
"""Sent by a script that looks whether a page still stands: nobody has used anything."""
REST = '<div id="kept-rest"></div>'


class SessionLimitsMiddleware:
    """Looks at the session's clocks at each request of someone signed in. No query besides session and login."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if key:
            self._look(request, key)
        response = self.get_response(request)
        if key:
            operations.write_notes(request)
        return response

    def _look(self, request: HttpRequest, key: str) -> None:
        """End what is over, and learn why a session is gone that was ended from elsewhere (then one query more)."""
        request.user = get_user(request)  # itself: each look through Django's lazy one is several calls
        if request.user.is_authenticated:
            operations.end_stale_session(request, now=timezone.now())
        elif request.session.session_key is None:
            operations.note_ended(request, key)
        if not request.user.is_authenticated:
            request.ended = sessions.ended(request)  # type: ignore[attr-defined]

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: object, kwargs: object
    ) -> None:
        """Count the request as use, unless a script sent it by itself: to look what has changed, or to keep a form."""
        by_itself = getattr(view, "leaves_the_clock", False) or any(
            header(request, name) for name in (KEEP_HEADER, BY_ITSELF_HEADER)
        )
        if not by_itself and request.COOKIES.get(settings.SESSION_COOKIE_NAME):
            operations.note_use(request, now=timezone.now())

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show the page of failed sign-ins, wherever the refusal came up."""
        if not isinstance(exception, SignInRefused):
            return None
        return views.refusal_page(request, exception, exception.clinic or getattr(request, "clinic", None))


class KeptFormsMiddleware:
    """Keeps what is sent after a session has ended, and fills it in when the same person opens the page again."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _leads_on(response) and _came_in(request):
            kept_forms.drop(request, [one.id for one in getattr(request, "sends_kept", [])])
        shown = getattr(request, "kept", None)
        if shown is not None and shown.here is not None and _is_page(request, response):
            _fill(request, response, shown.here)
        return response

    def process_view(
        self, request: ClinicRequest, view: Callable[..., HttpResponseBase], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Answer instead of the view where somebody is not, or not any more, signed in."""
        audience = audience_of(view)
        if audience not in SIGNED_IN or not hasattr(request, "clinic"):
            return None
        if not request.user.is_authenticated:
            return _signed_out(request, audience)
        if request.method != "POST":
            request.kept = kept_forms.shown_on(request, request.clinic)  # type: ignore[attr-defined]
        elif header(request, KEEP_HEADER):
            kept_forms.keep_for_session(request, page=step_up.page_of(request), now=timezone.now())
            return HttpResponse(status=204)
        else:
            request.sends_kept = kept_forms.sent_again(request, request.clinic)  # type: ignore[attr-defined]
        return None


def _signed_out(request: ClinicRequest, audience: Audience) -> HttpResponse | None:
    """Keep what is sent, and lead to signing in and back; a page that is only looked at is the guard's."""
    before = sessions.before(request)
    if request.method == "POST" and before is not None:
        kept = kept_forms.keep(
            request.clinic,
            before,
            request.POST,
            page=step_up.page_of(request),
            action=request.path,
            now=timezone.now(),
        )
        is_by_script = bool(header(request, KEEP_HEADER))
        if kept or not is_by_script:
            sessions.note_sent_late(request, SentLate.KEPT if kept else SentLate.LOST)
        if is_by_script:
            return HttpResponse(status=204)
    elif not request.htmx:
        return None
    page = step_up.page_of(request)
    front = reverse("clinic_front", args=[request.clinic.portal_identifier])
    address = f"{front if audience == Audience.PATIENT else settings.LOGIN_URL}?{urlencode({'next': page})}"
    if request.htmx:
        return HttpResponse(status=403, headers={"HX-Redirect": address})
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def _leads_on(response: HttpResponse) -> bool:
    """Return whether what was sent is done: the answer is another page's address, for a browser or for a script."""
    is_done = 300 <= response.status_code < 400
    return is_done or (response.status_code < 300 and "HX-Redirect" in response.headers)


def _came_in(request: HttpRequest) -> bool:
    """Return whether a guard let the request in: leading away from the page is no answer to what was sent."""
    return hasattr(request, "patient") or hasattr(request, "staff_member")


def _is_page(request: HttpRequest, response: HttpResponse) -> bool:
    is_html = response.get("Content-Type", "").startswith("text/html")
    return is_html and response.status_code in _PAGES and not response.streaming


_PAGES = {200, 404, 409}
"""Also that something can't be had any more, such as a time that was lost meanwhile: what was typed is shown there."""


def _fill(request: HttpRequest, response: HttpResponse, mark: Mark) -> None:
    """Put what was typed into the page's form; what finds no place there is shown to be copied."""
    fields = kept_forms.fields_for(request, mark, timezone.now())
    if fields is None:
        return
    html = response.content.decode()
    filled = kept_html.fill(html, page=request.path, action=mark.action, fields=fields)
    rest = kept_forms.written(filled.rest)
    words = render_to_string("identity/kept_rest.html", {"rest": rest}) if rest else ""
    response.content = filled.html.replace(REST, words, 1)
