"""What a session knows about how it was opened."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.http import HttpRequest

from identity.choices import Assurance, Method

_KEY = "sign_in"


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
    stored = request.session.get(_KEY)
    if not stored:
        return None
    return SignIn(
        method=Method(stored["method"]),
        assurance=Assurance(stored["assurance"]),
        at=datetime.fromisoformat(stored["at"]),
        provider=stored["provider"],
        clinic_scope=stored["clinic_scope"],
    )
