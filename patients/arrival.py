"""Reads what every page of a signed-in patient asks first by one statement: session, login, clinic and record.

And what a page asks next that a crowd comes to, if it says so (`also_asks`). Whoever asks for one of them finds it
read (portal.ready): nobody below knows about this, and nothing depends on it. It names who sent the request as the
session's own list does; whether that is so, the session and the guards still find out for themselves, and what they
don't ask for is never used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone

from clinic_admin.choices import RESERVED_IDENTIFIERS
from clinic_admin.models import Clinic
from clinic_admin.queries import CLINIC
from identity.backends import PATIENT
from identity.choices import UserKind
from identity.models import Account, User
from identity.session.store import LIVE
from patients.models import Patient
from patients.queries import RECORD
from portal.ready import AtOnce, Given, Ready, answered

NOT_FOR_PATIENTS = ("staff/", "admin/")
"""How addresses below a clinic's begin where no patient is let in."""

_USER = Ready(
    lambda: User.objects.filter(
        kind=UserKind.PATIENT, is_active=True, usersession__session_key=Given("key")
    ).select_related("account")
)
INDEX = Account.objects.filter(user__usersession__session_key=Given("key")).values("national_id_index")
"""Of whom the session is, as its own list says: what their records are found by."""
_OWN_RECORD = Ready(
    lambda: Patient.objects.filter(
        clinic__portal_identifier=Given("identifier"), national_id_index=Subquery(INDEX)
    ).select_related("gp")
)
_EVERY_PAGES = (LIVE, CLINIC, _USER, _OWN_RECORD)
_ARRIVAL = AtOnce(*_EVERY_PAGES)

THE_CLINIC = Subquery(Clinic.objects.filter(portal_identifier=Given("identifier")).values("pk"))
"""Stands in what is read ahead for the clinic that the page will ask about, and the next for the patient."""
THE_PATIENT = Subquery(
    Patient.objects.filter(
        clinic__portal_identifier=Given("identifier"), national_id_index=Subquery(INDEX)
    ).values("pk")
)


Reads = Callable[[HttpRequest, str], dict[str, Any] | None]
"""Takes the address below the clinic's; returns what a page asks for, or None where another page is meant."""


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """What one page asks as soon as it knows clinic and patient."""

    reads: Reads
    query: Ready[Any]
    at_once: AtOnce


_PAGES: list[PageQuestion] = []


def also_asks(reads: Reads, query: Ready[Any], *, ahead: Ready[Any]) -> None:
    """Let what a page asks first be read with what every page asks first.

    `query` is as the page asks it, with `clinic` and `patient` by their keys beside what `reads` returns; `ahead` is the
    same about THE_CLINIC and THE_PATIENT.
    """
    _PAGES.append(PageQuestion(reads, query, AtOnce(*_EVERY_PAGES, ahead)))


class ArrivalMiddleware:
    """Reads ahead for requests with a session to a page of a clinic's portal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        identifier, _slash, rest = request.path_info[1:].partition("/")
        if not key or identifier in RESERVED_IDENTIFIERS or rest.startswith(NOT_FOR_PATIENTS):
            return self.get_response(request)
        try:
            page = _next(request, rest)
        except UnreadablePostError:
            return HttpResponse(status=400)  # for nobody: whoever sent the form has hung up meanwhile
        with answered(_read(key, identifier.lower(), timezone.now(), *page)):
            return self.get_response(request)


def _next(request: HttpRequest, rest: str) -> tuple[PageQuestion, dict[str, Any]] | tuple[()]:
    for page in _PAGES:
        asked = page.reads(request, rest)
        if asked is not None:
            return page, asked
    return ()


def _read(
    key: str,
    identifier: str,
    now: datetime,
    page: PageQuestion | None = None,
    asked: dict[str, Any] | None = None,
) -> Iterator[tuple[Ready[Any], dict[str, Any], Any]]:
    """Give each question that will be asked, with its answer."""
    at_once = _ARRIVAL if page is None else page.at_once
    session, clinic, user, record, *more = at_once.first(
        key=key, identifier=identifier, now=now, **(asked or {})
    )
    yield LIVE, {"key": key}, session
    yield CLINIC, {"identifier": identifier}, clinic
    if user is not None:
        yield PATIENT, {"id": user.pk}, user
    if user is not None and clinic is not None:
        yield RECORD, {"clinic": clinic.pk, "index": user.account.national_id_index}, record
    if page is not None and record is not None:
        yield page.query, {"clinic": record.clinic_id, "patient": record.pk, **(asked or {})}, more[0]
