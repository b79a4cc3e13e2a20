"""Rules of signing in that need no rows."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import phonenumbers

from clinic_admin.countries import CodeChannel, CountryRules
from identity.choices import Assurance, PasswordProblem, Purpose

LONGEST_PATH = 500


def own_path(text: str) -> str:
    """Return the text if it is a path of this portal, else an empty string.

    Browsers read "//host", "/\\host" and control characters as the start of another site's address, also when they
    are escaped (identity research, W9).
    """
    plain = unquote(text)
    if len(text) > LONGEST_PATH or not plain.startswith("/") or plain.startswith("//"):
        return ""
    if "\\" in plain or "//" in urlsplit(plain).path or not plain.isprintable():
        return ""
    parts = urlsplit(text)
    return "" if parts.scheme or parts.netloc else text


@dataclass(frozen=True, slots=True)
class Need:
    """How sure a sign-in must be, and how recent; None: as old as the session may get."""

    at_least: Assurance
    within: timedelta | None = None

    def is_met(self, assurance: Assurance, at: datetime, now: datetime) -> bool:
        """Return whether a sign-in of this assurance, at this instant, is enough now."""
        return assurance >= self.at_least and (self.within is None or now - at < self.within)


_AS_SURE_AS_BEFORE = Need(Assurance.TWO_FACTORS, timedelta(minutes=10))
"""Again as one signed in: whoever has no eID proves it with password and code (identity research, 5.1)."""


def need_of(purpose: Purpose, rules: CountryRules, *, letters_need_eid: bool) -> Need:
    """Return what a purpose asks for in a country (identity research, 5.1 and 8; C16).

    `letters_need_eid` is the clinic's setting. Where it is on, Norway asks for level 4.
    """
    if purpose is Purpose.CONTACT:
        return Need(Assurance.SUBSTANTIAL, _AS_SURE_AS_BEFORE.within)
    if purpose not in {Purpose.READ_LETTERS, Purpose.SEND_LETTERS}:
        return _AS_SURE_AS_BEFORE
    eid = Assurance.HIGH if rules.letters_need_high else Assurance.SUBSTANTIAL
    within = timedelta(minutes=60) if purpose is Purpose.SEND_LETTERS else None
    return Need(eid if letters_need_eid else Assurance.TWO_FACTORS, within)


TRIES_WITHOUT_WAIT = 4
LONGEST_WAIT = timedelta(seconds=60)
TRIES_BEFORE_PAUSE = 10
PAUSE = timedelta(minutes=15)
"""Ten tries within this time close the password way for as long."""
TRIES_COUNT_FOR = timedelta(hours=1)
"""So long after the last one a try begins a new row of them."""
_TRIES_REMEMBERED = 12
"""Enough for the longest wait and for the pause."""


def tries_with(earlier: Sequence[datetime], now: datetime) -> list[datetime]:
    """Return the row of tries that one at this instant ends, oldest first; of a long row its end."""
    kept = list(earlier) if earlier and now - earlier[-1] < TRIES_COUNT_FOR else []
    return [*kept, now][-_TRIES_REMEMBERED:]


def wait_after(tries: Sequence[datetime]) -> timedelta:
    """Return how long after the last of these tries, oldest first, the next one may come (identity research, 7; C12).

    From the fifth on 1, 2, 4 … 60 seconds; a quarter of an hour when the last ten came within one.
    """
    if len(tries) >= TRIES_BEFORE_PAUSE and tries[-1] - tries[-TRIES_BEFORE_PAUSE] < PAUSE:
        return PAUSE
    if len(tries) <= TRIES_WITHOUT_WAIT:
        return timedelta(0)
    return min(LONGEST_WAIT, timedelta(seconds=2 ** (len(tries) - TRIES_WITHOUT_WAIT - 1)))


STOP_RATIO = 3
"""Codes sent for each one that is used; more looks like somebody who makes us pay for messages (toll fraud)."""
WORTH_TELLING, WORTH_STOPPING = 20, 50
"""So many codes must have gone out within the hours that are looked at, before their ratio tells anything."""
RATIO_HOURS = 2
"""The hour that runs and the one before."""
STOP_LASTS = timedelta(hours=2)
"""Not shorter than RATIO_HOURS: when it ends, what led to it is no longer looked at."""


def is_too_many_codes(*, sent: int, used: int, least: int) -> bool:
    """Return whether more than three codes went out for each that was used, and at least so many."""
    return sent >= least and sent > STOP_RATIO * used


USUAL_DAYS = 28
TIMES_THE_USUAL = 10
FEWEST_USUAL_TRIES, FEWEST_USUAL_FAILURES = 5.0, 2.0
"""Per hour: a clinic where nearly nobody signs in has no usual to speak of."""


def is_unusual(count: int, *, usual: float, floor: float) -> bool:
    """Return whether an hour's count is at least ten times what is usual for that hour of the day at that clinic."""
    return count >= TIMES_THE_USUAL * max(usual, floor)


CODE_SLUG = "code"
"""What the settings and the trail call this way of signing in; no identity provider has the name."""
CODE_DIGITS = 6
CODE_TRIES = 5
CODE_LASTS = {CodeChannel.SMS: timedelta(minutes=5), CodeChannel.EMAIL: timedelta(minutes=10)}
"""How long a code is good for (section 7; ASVS 6.5.5)."""
CODE_COOL_DOWN = timedelta(seconds=60)
ACTIVATION_LASTS = timedelta(hours=72)
RESET_LASTS = timedelta(minutes=30)

_CODE_NUMBERS = re.compile(r"\+47[49]\d{7}|\+45[2-9]\d{7}")
"""Norwegian mobiles begin with 4 or 9; Danish numbers don't tell. Calls to other countries cost what we can't know."""
_OWN_CODES = ("+47", "+45")

_SHORTEST_PASSWORD = 8
_LONG_ENOUGH = 15
LONGEST_PASSWORD = 128
_SHORTEST_CONTEXT = 4


def can_be_reached(channel: CodeChannel, recipient: str, more: Sequence[str]) -> bool:
    """Return whether codes can be sent to a number (E.164) or an e-mail address the clinic has.

    `more` are the countries that the clinic allows beside our own.
    """
    return bool(recipient) if channel is CodeChannel.EMAIL else may_receive_code(recipient, more)


def may_receive_code(mobile: str, more: Sequence[str]) -> bool:
    """Return whether codes are sent to a number (E.164): to mobiles of our own countries and of `more` (section 7, C9).

    Elsewhere only what its country's plan calls a mobile: fixed lines, premium numbers and satellites never get one.
    """
    if _CODE_NUMBERS.fullmatch(mobile) is not None:
        return True
    if not more or not mobile.startswith("+") or mobile.startswith(_OWN_CODES):
        return False
    try:
        number = phonenumbers.parse(mobile)
    except phonenumbers.NumberParseException:
        return False
    is_mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    return is_mobile and phonenumbers.region_code_for_number(number) in more


def codes_are_open(rules: CountryRules, *, no_eid: bool, is_confirmed_child: bool) -> bool:
    """Return whether a person may sign in with password and code where codes are offered.

    In Denmark only who is marked "no eID" at that clinic, and a child whose sign-in a guardian confirmed (004; C14).
    """
    return not rules.codes_need_reason or no_eid or is_confirmed_child


def password_problem(password: str, context: Iterable[str]) -> PasswordProblem | None:
    """Return what is wrong with a password, or None.

    At least 8 characters with upper case, lower case and digit, or 15 of anything (003; section 7); none of the
    `context` words of at least four letters in it, in whatever case.
    """
    if len(password) > LONGEST_PASSWORD:
        return PasswordProblem.LONG
    if len(password) < _SHORTEST_PASSWORD:
        return PasswordProblem.SHORT
    is_mixed = (
        any(sign.isupper() for sign in password)
        and any(sign.islower() for sign in password)
        and any(sign.isdigit() for sign in password)
    )
    if len(password) < _LONG_ENOUGH and not is_mixed:
        return PasswordProblem.PLAIN
    return PasswordProblem.PERSONAL if has_word_of(password, context) else None


def has_word_of(password: str, context: Iterable[str]) -> bool:
    """Return whether a word of at least four letters from these texts is in the password, in whatever case."""
    folded = password.casefold()
    words = {word.casefold() for text in context for word in re.split(r"[^\w]+", text)}
    return any(len(word) >= _SHORTEST_CONTEXT and word in folded for word in words)
