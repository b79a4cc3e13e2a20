"""A web process that is killed in the middle of a request: python -m tests.faults.sign_in_process.

Every line on standard input is a request as JSON (`point`, `cookie`, `method`, `path`, `data`). A fork answers it and
kills itself at the point; how it ended is printed: a signal as a negative number, else 0.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.test import Client
from django.test.utils import setup_test_environment

from identity import sessions
from identity.operations import patient_sessions
from identity.saml import sign_in as saml_sign_in
from portal import wsgi  # noqa: F401  loads what a web process has loaded


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def after(work: Callable[..., Any]) -> Callable[..., Any]:
    """Do the work, and die before anybody hears of it."""

    def then_die(*given: Any, **named: Any) -> Any:
        work(*given, **named)
        return die()

    return then_die


def arm(point: str) -> None:
    """Choose where it ends."""
    if point == "answer verified":  # the provider's answer is stored, the browser's session does not know it
        sessions.note_verified = die
    elif point == "answer taken":  # SAML: the answer is stored, the redirect not sent
        saml_sign_in.receive = after(saml_sign_in.receive)
    elif point == "answer used up":  # the sign-in is consumed, no session is begun
        patient_sessions._open_session = die
    elif point == "person known":  # the session has a user, and does not know how they signed in
        sessions.store = die
    elif point == "session begun":  # everything but the session's own row
        SessionMiddleware.process_response = die
    else:
        raise ValueError(point)


def serve(asked: dict[str, Any]) -> None:
    """Answer the request, up to the point."""
    arm(asked["point"])
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = asked["cookie"]
    getattr(client, asked["method"])(asked["path"], asked["data"])


def main() -> None:
    setup_test_environment()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            serve(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
