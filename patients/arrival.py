"""Reads what every page of a signed-in patient asks first by one statement: session, login, clinic and record.

And what a page asks next that a crowd comes to, if it says so (`also_asks`). Whoever asks for one of them finds it
read (portal.ready): nobody below knows about this, and nothing depends on it. It names who sent the request as the
session's own list does; whether that is so, the session and the guards still find out for themselves, and what they
don't ask for is never used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Subquery
from django.http import HttpRequest, HttpResponse
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
_INDEX = Account.objects.filter(user__usersession__session_key=Given("key")).values("national_id_index")
_OWN_RECORD = Ready(
    lambda: Patient.objects.filter(
        clinic__portal_identifier=Given("identifier"), national_id_index=Subquery(_INDEX)
    ).select_related("gp")
)
_EVERY_PAGES = (LIVE, CLINIC, _USER, _OWN_RECORD)
_ARRIVAL = AtOnce(*_EVERY_PAGES)

THE_CLINIC = Subquery(Clinic.objects.filter(portal_identifier=Given("identifier")).values("pk"))
"""Stands in what is read ahead for the clinic that the page will ask about, and the next for the patient."""
THE_PATIENT = Subquery(
    Patient.objects.filter(
        clinic__portal_identifier=Given("identifier"), national_id_index=Subquery(_INDEX)
    ).values("pk")
)


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """What one page asks as soon as it knows clinic and patient."""

    reads: Callable[[HttpRequest, str], dict[str, Any] | None]
    """Takes the address below the clinic's; returns what else is asked for, or None where another page is meant."""
    query: Ready[Any]
    """As the page asks it, with `clinic` and `patient`, both by their keys."""
    ahead: Ready[Any]
    """The same about THE_CLINIC and THE_PATIENT."""
    together: AtOnce = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "together", AtOnce(*_EVERY_PAGES, self.ahead))


_PAGES: list[PageQuestion] = []


def also_asks(question: PageQuestion) -> None:
    """Let what a page asks first be read with what every page asks first."""
    _PAGES.append(question)


class ArrivalMiddleware:
    """Reads ahead for requests with a session to a page of a clinic's portal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        identifier, _slash, rest = request.path_info[1:].partition("/")
        if not key or identifier in RESERVED_IDENTIFIERS or rest.startswith(NOT_FOR_PATIENTS):
            return self.get_response(request)
        with answered(_read(key, identifier.lower(), timezone.now(), *_next(request, rest))):
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
    at_once = _ARRIVAL if page is None else page.together
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
