"""Measures whether a form answers everyone alike (C11): what it says, how many statements it needs, how long it takes.

Processor time, not the clock on the wall: other programs on the machine don't count. The cases take turns, each round is
compared with itself, and what is judged are medians, over more rounds if a few are not enough.
"""

import gc
import re
import statistics
import time

from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.models import PasswordTries
from portal.models import ThrottleCounter

MOST = 0.1
"""So much may the slowest and the fastest case differ from the middle."""
_EACH_TIME_ANOTHER = re.compile(rb"request_uri=[^&\"]+|csrfmiddlewaretoken\" value=\"[^\"]+")
_VALUES = re.compile(r"'(?:[^']|'')*'|\b\d+\b|\bs\d+_x\d+\b")


def nothing(_case):
    """What most forms need before they are sent again."""


def differences(act, cases, *, least, most, before=nothing):
    """Let the cases take turns; return case -> how much longer it takes than all do, as a part of that.

    `before` makes things as they were, outside of the time that is taken.
    """
    rounds = []
    for case in cases:
        cost(act, case, before)  # what is made once only is made before
    gc.collect()
    gc.disable()
    try:
        while len(rounds) < most:
            shift = len(rounds) % len(cases)
            taken = {case: cost(act, case, before) for case in [*cases[shift:], *cases[:shift]]}
            middle = statistics.median(taken.values())
            rounds.append({case: one / middle - 1 for case, one in taken.items()})
            found = {case: statistics.median(one[case] for one in rounds) for case in cases}
            if len(rounds) >= least and is_even(found):
                break
    finally:
        gc.enable()
    return found


def forget_tries():
    """Let nobody wait for what was tried before."""
    ThrottleCounter.objects.all().delete()
    PasswordTries.objects.all().delete()


def cost(act, case, before=nothing):
    """Return the processor time of one time, in seconds."""
    forget_tries()
    before(case)
    started = time.process_time()
    act(case)
    return time.process_time() - started


def is_even(found):
    """Return whether no case stands out."""
    return max(map(abs, found.values())) <= MOST


def seen(answer):
    """Return all that a browser sees of an answer, without what is another each time."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    headers = {name: _EACH_TIME_ANOTHER.sub(b"", value.encode()) for name, value in headers.items()}
    cookies = sorted((name, one["path"], bool(one["httponly"])) for name, one in answer.cookies.items())
    body = _EACH_TIME_ANOTHER.sub(b"", answer.content)
    return answer.status_code, tuple(sorted(headers.items())), tuple(cookies), body


def statements(act, case, before=nothing):
    """Return the SQL of one time without its values."""
    forget_tries()
    before(case)
    with CaptureQueriesContext(connection) as found:
        act(case)
    return tuple(_VALUES.sub("?", one["sql"]) for one in found.captured_queries)
