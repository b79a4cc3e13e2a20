"""What somebody had written in a form when the eID said no, or was cancelled: it stands there again in their browser.

National IDs, passwords and what was accepted are left out: whoever sits at the same computer next must not find them.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.http import HttpRequest

from portal import crypto

LASTS = timedelta(minutes=15)
_FIELDS = ("given_name", "family_name", "email", "email_again", "mobile")
_KEY, _CONTEXT = "typed", "session.typed"


def keep(request: HttpRequest, form: str, sent: Mapping[str, str], *, clinic_id: int, now: datetime) -> None:
    """Keep what was sent from the form of this name, encrypted in the browser's session; an older one is dropped."""
    values = {
        "form": form,
        "clinic_id": clinic_id,
        "at": now.isoformat(),
        "fields": {name: sent.get(name, "") for name in _FIELDS},
    }
    request.session[_KEY] = crypto.encrypt(json.dumps(values), context=_CONTEXT)


def of(request: HttpRequest, form: str, *, clinic_id: int, now: datetime) -> dict[str, str]:
    """Return name -> what was written in the clinic's form during the last quarter of an hour; empty: nothing."""
    sealed = request.session.get(_KEY)
    if not isinstance(sealed, str):
        return {}
    values = json.loads(crypto.decrypt(sealed, context=_CONTEXT))
    is_young = now - datetime.fromisoformat(values["at"]) < LASTS
    return values["fields"] if (values["form"], values["clinic_id"]) == (form, clinic_id) and is_young else {}


def forget(request: HttpRequest) -> None:
    """Drop it: what was begun is done."""
    request.session.pop(_KEY, None)
