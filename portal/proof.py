"""When somebody showed their second factor last, and whether that is recent enough for a dangerous act.

Who asks for it once more stands further up the stack (settings.PROVE_AGAIN), as with Django's CSRF_FAILURE_VIEW.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

LASTS = timedelta(minutes=5)
"""So long after it a proof opens dangerous acts (identity research, F16)."""
_TURNED_BACK = timedelta(minutes=1)
"""So far a server's clock may have been turned back since the proof."""


def note(request: HttpRequest, *, now: datetime) -> None:
    """Note in the session that the second factor was shown at this instant."""
    request.session[settings.SECOND_FACTOR_MARK] = now.timestamp()


def was_given(request: HttpRequest) -> bool:
    """Return whether this session has seen the second factor, however long ago."""
    return bool(request.session.get(settings.SECOND_FACTOR_MARK))


def is_fresh(request: HttpRequest, *, now: datetime) -> bool:
    """Return whether the second factor was shown in this session within the last five minutes."""
    shown_at = request.session.get(settings.SECOND_FACTOR_MARK)
    if not isinstance(shown_at, float | int):
        return False
    ago = timedelta(seconds=now.timestamp() - shown_at)
    return -_TURNED_BACK <= ago < LASTS


def page_before(request: HttpRequest) -> HttpResponse | None:
    """Return the page that must be answered before this request is carried out, or None if it may be now."""
    ask: Callable[[HttpRequest], HttpResponse | None] = import_string(settings.PROVE_AGAIN)
    return ask(request)
