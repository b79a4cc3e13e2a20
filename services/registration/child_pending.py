"""What a guardian filled in, until the eID has answered: encrypted in the browser's session, for a quarter of an hour."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest

from portal import crypto

_KEY = "child_sign_in"
_CONTEXT = "session.child_sign_in"
LASTS = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pending:
    """The form. `password` is a hash; empty when a sign-in that is there is only confirmed."""

    clinic_id: int
    child: str
    guardian: str
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    mobile: str = ""
    password: str = ""
    terms: str = ""

    def __repr__(self) -> str:
        """Say nothing: this object must not show in logs and error reports."""
        return "<Pending>"


def keep(request: HttpRequest, pending: Pending, *, now: datetime) -> None:
    """Keep the form; one that was kept before is dropped."""
    text = json.dumps(asdict(pending) | {"at": now.isoformat()})
    request.session[_KEY] = crypto.encrypt(text, context=_CONTEXT)


def take(request: HttpRequest, *, clinic_id: int, now: datetime) -> Pending | None:
    """Return the form and drop it: it is good once, at its clinic, for a quarter of an hour."""
    sealed = request.session.pop(_KEY, None)
    if not isinstance(sealed, str):
        return None
    values = json.loads(crypto.decrypt(sealed, context=_CONTEXT))
    at = datetime.fromisoformat(values.pop("at"))
    pending = Pending(**values)
    return pending if pending.clinic_id == clinic_id and now - at < LASTS else None
