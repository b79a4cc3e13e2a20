"""Answers the press for *the first urgent time* at the door when none is left (ADR 11).

At the hour of release a thousand people press for ten times, and nine hundred and ninety hear the same sentence. It gives
nothing and shows nothing of anybody's, so it need not wait until everything is asked that decides who may have what. All
else goes on to the page: whoever is not plainly a patient of the clinic with a session that lasts, who acts for somebody
else, whose form has taken a time already, and everyone while a time is left.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import ResolverMatch
from django.utils import timezone, translation

from clinic_admin.models import Clinic
from identity import sessions
from identity.choices import UserKind
from identity.middleware import KEEP_HEADER
from identity.models import User
from identity.session import clock
from identity.session.store import SessionStore
from patients.arrival import INDEX
from patients.guardianship import acting
from patients.models import Patient
from portal.headers import header, sent_by_page
from portal.ready import Given, Ready
from services.booking.free_times.left import answers, left_of
from services.booking.urgent_views import any_urgent, nothing_left

_ADDRESS = "/book/first-urgent/"
_FORM_KEY = re.compile(rb"(?:^|&)form_key=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:&|$)")
"""Where the form's key stands as our pages send it: taking the form apart takes as long as the answer."""
_OF_CLINIC = (
    "portal_identifier",
    "phone",
    "country",
    "time_zone",
    "urgent_release_at",
    "draws_urgent",
    "draw_minutes",
)
"""What the words and the hours of release need of it."""
_ROUTE = ResolverMatch(any_urgent, (), {}, url_name="any_urgent", namespaces=["booking"])
"""For the log: which page was meant."""


def _who_comes() -> Any:
    """Return the record of who sent it, with the clinic, with what is left there, and with what the session holds.

    Nothing for who is not plainly a patient of the clinic.
    """
    session = Session.objects.filter(session_key=Given("key"), expire_date__gt=Given("now"))
    login = User.objects.filter(kind=UserKind.PATIENT, is_active=True, usersession__session_key=Given("key"))
    return (
        Patient.objects.filter(
            Exists(login),
            clinic__portal_identifier=Given("identifier"),
            clinic__is_active=True,
            clinic__draws_urgent=False,
            national_id_index=Subquery(INDEX),
            is_active=True,
            left_at=None,
        )
        .annotate(
            held=Subquery(session.values("session_data")),
            **answers(clinic=OuterRef("clinic"), patient=OuterRef("pk")),
        )
        .select_related("clinic")
        .only("clinic", *(f"clinic__{name}" for name in _OF_CLINIC))
    )


_WHO_COMES = Ready(_who_comes)


class NothingLeftMiddleware:
    """Answers the press for which nothing is left; everything else goes on. One query for such a press."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_press(request):
            return self.get_response(request)
        try:
            form_key = _FORM_KEY.search(request.body)
        except UnreadablePostError:
            return HttpResponse(status=400)  # for nobody: whoever sent the form has hung up meanwhile
        told = _told(request, UUID(form_key[1].decode()), timezone.now()) if form_key else None
        return told or self.get_response(request)


def _is_press(request: HttpRequest) -> bool:
    """Return whether a page sends its form by itself, to be carried out."""
    return (
        request.method == "POST"
        and request.path_info.endswith(_ADDRESS)
        and sent_by_page(request)
        and not header(request, KEEP_HEADER)
        and settings.SESSION_COOKIE_NAME in request.COOKIES
    )


def _told(request: HttpRequest, form_key: UUID, now: datetime) -> HttpResponse | None:
    """Return the words that none is left, in the reader's language; None where the page is to answer."""
    key = request.COOKIES[settings.SESSION_COOKIE_NAME]
    identifier = request.path_info[1 : -len(_ADDRESS)].lower()
    found: Any = _WHO_COMES.first(key=key, identifier=identifier, form_key=form_key, now=now)
    if found is None or found.held is None:
        return None
    clinic = found.clinic
    left = left_of(found, clinic, now)
    if left.is_left:
        return None
    session = SessionStore.as_read(key, found.held)
    request.session = session
    if not _lasts(request, clinic, now):
        return None
    clock.note_use(request, UserKind.PATIENT, now)
    session.write_notes()
    request.resolver_match = _ROUTE
    return nothing_left(clinic, left.opens_at, _language(request, clinic))


def _lasts(request: HttpRequest, clinic: Clinic, now: datetime) -> bool:
    """Return whether the session is the patient's own at this clinic, and far from its end."""
    sign_in = sessions.of(request)
    left = clock.left(UserKind.PATIENT, request.session, now)
    return (
        sign_in is not None
        and sign_in.clinic_scope in {None, clinic.pk}
        and left is not None
        and left.time > left.warned_before
        and acting.chosen(request, clinic) is None
    )


def _language(request: HttpRequest, clinic: Clinic) -> str:
    """Return the language that the page speaks: the reader's, or the clinic's (clinic_admin.middleware)."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return translation.get_language_from_request(request)
    return clinic.language
