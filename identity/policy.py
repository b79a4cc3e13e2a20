"""Rules of signing in that need no rows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

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

_SHORTEST_PASSWORD = 8
_LONG_ENOUGH = 15
LONGEST_PASSWORD = 128
_SHORTEST_CONTEXT = 4


def can_be_reached(channel: CodeChannel, recipient: str) -> bool:
    """Return whether codes can be sent to a number (E.164) or an e-mail address the clinic has."""
    return bool(recipient) if channel is CodeChannel.EMAIL else may_receive_code(recipient)


def may_receive_code(mobile: str) -> bool:
    """Return whether codes are sent to a number (E.164): only to mobiles of our own countries (section 7, C9)."""
    return _CODE_NUMBERS.fullmatch(mobile) is not None


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
    folded = password.casefold()
    words = {word.casefold() for text in context for word in re.split(r"[^\w]+", text)}
    if any(len(word) >= _SHORTEST_CONTEXT and word in folded for word in words):
        return PasswordProblem.PERSONAL
    return None
