"""What the pages of one's own sessions do, the same for patients and staff."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity import operations
from identity.choices import EndReason
from identity.session import open_sessions
from identity.session.open_sessions import OpenSession


def listed(request: HttpRequest, *, now: datetime) -> list[OpenSession]:
    """Return where the person at the keyboard is signed in, this browser first. Two queries."""
    user: Any = request.user
    return open_sessions.of(user, current_key=request.session.session_key, now=now)


def act(request: HttpRequest, *, now: datetime) -> bool:
    """Do what was posted: end one ("end" with its number), all others ("others"), or all ("everywhere").

    Only sessions of the person at the keyboard are found. Returns whether this one ended, too.
    """
    user: Any = request.user
    here, number = request.session.session_key, request.POST.get("end", "")
    if request.POST.get("do") in {"others", "everywhere"}:
        ended = open_sessions.end_others(user, current_key=here, why=EndReason.BY_ONESELF, now=now)
        if request.POST.get("do") == "everywhere":
            operations.sign_out(request, now=now, may_return=True)
            return True
        said = ngettext("Signed out at one other place.", "Signed out at %(count)d other places.", ended)
        messages.success(request, said % {"count": ended})
    elif number.isascii() and number.isdecimal() and len(number) < LONGEST_NUMBER:
        if open_sessions.end_one(user, int(number), current_key=here, now=now):
            messages.success(request, _("That session is ended."))
        else:
            messages.info(request, _("That session had ended already."))
    return False


LONGEST_NUMBER = 10
