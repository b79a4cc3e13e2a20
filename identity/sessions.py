"""What a session knows about how it was opened, and which sign-ins it has under way."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest

from identity.choices import Assurance, EndReason, Method, SentLate

_KEY = "sign_in"
_UNDER_WAY = "sign_ins_under_way"
_VERIFIED = "verified_sign_in"
_ACTING = "acting_for"
_BEFORE = "signed_in_before"
_LEAVING = "leaving"

CARRIED_BY_STEP_UP = (_ACTING,)
"""What a session keeps when the same person proves anew who they are; all else is dropped (identity research, 5)."""
MOST_UNDER_WAY = 5
"""Sign-ins that one browser can have under way (identity research, 5)."""


class Data(Protocol):
    """What a session holds: the request's, or one that was read from its row."""

    def get(self, key: str, /) -> Any:
        """Return the value, or None."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """How and when the person at the keyboard signed in."""

    method: Method
    assurance: Assurance
    at: datetime
    provider: str = ""
    clinic_scope: int | None = None
    """The only clinic this session is good for; None for eID, which may go to any (identity research, 0)."""


def store(request: HttpRequest, sign_in: SignIn) -> None:
    """Keep it in the session."""
    request.session[_KEY] = asdict(sign_in) | {"at": sign_in.at.isoformat()}


def of(request: HttpRequest) -> SignIn | None:
    """Return how this session was opened, or None if nobody is signed in as a patient."""
    return of_data(request.session)


def of_data(data: Data) -> SignIn | None:
    """Return the same of what another session holds."""
    stored = data.get(_KEY)
    if not stored:
        return None
    return _sign_in(
        stored["method"], stored["assurance"], stored["at"], stored["provider"], stored["clinic_scope"]
    )


@lru_cache(maxsize=1024)
def _sign_in(method: str, assurance: str, at: str, provider: str, clinic_scope: int | None) -> SignIn:
    """Return what was stored. It is asked for several times while a page is made."""
    return SignIn(Method(method), Assurance(assurance), datetime.fromisoformat(at), provider, clinic_scope)


def note_started(request: HttpRequest, transaction_id: str) -> None:
    """Remember that this browser began the sign-in; the oldest of too many is forgotten."""
    request.session[_UNDER_WAY] = [*started(request), transaction_id][-MOST_UNDER_WAY:]


def started(request: HttpRequest) -> list[str]:
    """Return the ids of the sign-ins that this browser began, oldest first."""
    return list(request.session.get(_UNDER_WAY, []))


def note_verified(request: HttpRequest, transaction_id: str) -> None:
    """Remember which of this browser's sign-ins the provider has answered."""
    request.session[_VERIFIED] = transaction_id


def verified(request: HttpRequest) -> str | None:
    """Return the id of the answered sign-in that waits for a session to be opened."""
    value = request.session.get(_VERIFIED)
    return value if isinstance(value, str) else None


def forget_verified(request: HttpRequest) -> None:
    """Drop it: it was used or given up."""
    request.session.pop(_VERIFIED, None)


def note_leaving(request: HttpRequest, logout_id: str) -> None:
    """Remember which logout at a provider this browser, which is signed out here, goes on with."""
    request.session[_LEAVING] = logout_id


def leaving(request: HttpRequest) -> str | None:
    """Return the id of the logout that this browser goes on with."""
    value = request.session.get(_LEAVING)
    return value if isinstance(value, str) else None


def carried(request: HttpRequest) -> dict[str, Any]:
    """Return what a step-up takes along."""
    return {key: request.session[key] for key in CARRIED_BY_STEP_UP if key in request.session}


def acted_by(data: Data) -> UUID | None:
    """Return the relation by which a session acts for somebody else (patients.guardianship.acting)."""
    stored = data.get(_ACTING)
    return UUID(stored["relation"]) if isinstance(stored, dict) else None


@dataclass(frozen=True, slots=True)
class Before:
    """Whose session it was that ended in this browser."""

    user_id: UUID
    acted_by: UUID | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What the pages of sign-in say to somebody whose session ended in this browser."""

    why: EndReason | None
    """None: they signed out of it."""
    sent: SentLate | None
    """What became of what they sent afterwards."""


def note_before(request: HttpRequest, before: Before, why: EndReason | None) -> None:
    """Remember it, and why it ended (None: by signing out), in the browser's new session, until somebody signs in."""
    acted_by = str(before.acted_by) if before.acted_by else ""
    request.session[_BEFORE] = {
        "user": str(before.user_id),
        "acted_by": acted_by,
        "why": why.value if why else "",
        "sent": "",
    }


def before(request: HttpRequest) -> Before | None:
    """Return whose session ended here, if nobody signed in since."""
    stored = request.session.get(_BEFORE)
    if not stored:
        return None
    return Before(UUID(stored["user"]), UUID(stored["acted_by"]) if stored["acted_by"] else None)


def take_before(request: HttpRequest) -> Before | None:
    """Return the same, and forget it: somebody signs in now."""
    found = before(request)
    request.session.pop(_BEFORE, None)
    return found


def note_sent_late(request: HttpRequest, sent: SentLate) -> None:
    """Remember that something was sent after the end."""
    request.session[_BEFORE] = request.session[_BEFORE] | {"sent": sent.value}


def ended(request: HttpRequest) -> Ended | None:
    """Return what is to be said of the session that was open here before."""
    stored = request.session.get(_BEFORE)
    if not stored:
        return None
    why, sent = stored["why"], stored["sent"]
    return Ended(EndReason(why) if why else None, SentLate(sent) if sent else None)
