"""The name by which the audit trail tells the sessions of one login apart.

It is made when a session opens, and says nothing that would open one: the session's key can't be found from it. A session
whose key changes, because somebody proved anew who they are, keeps it, so that all of an incident stays together.
"""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest

from portal import network_address

_KEY = "reference"
_OPENING = "_opening_session"


def begin(request: HttpRequest, *, goes_on: bool = False) -> None:
    """Name the session that is about to open: what is recorded from now on belongs to it.

    `goes_on`: the same person proves anew who they are, and the session keeps the name that it has.
    """
    setattr(request, _OPENING, (of_data(request.session) if goes_on else None) or uuid4())


def store(request: HttpRequest) -> None:
    """Keep the name in the session that has opened; one that was not begun gets its name now."""
    named = getattr(request, _OPENING, None) or of_data(request.session) or uuid4()
    request.session[_KEY] = str(named)


def forget(request: HttpRequest) -> None:
    """Drop the name of a session that did not open after all."""
    if hasattr(request, _OPENING):
        delattr(request, _OPENING)


def of(request: HttpRequest) -> UUID | None:
    """Return the name of the request's session; None where nobody signed in. No query of its own."""
    opening: UUID | None = getattr(request, _OPENING, None)
    return opening or (of_data(request.session) if hasattr(request, "session") else None)


def of_data(data: Any) -> UUID | None:
    """Return the same of what a session holds (a mapping); None in one from before sessions had names."""
    stored = data.get(_KEY)
    return UUID(stored) if stored else None


def current() -> UUID | None:
    """Return the name of the session whose request is being answered; None outside of any."""
    request = network_address.in_hand()
    return of(request) if request is not None else None
