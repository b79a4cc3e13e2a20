"""Rules of contact details."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from patients.contact.choices import ContactKind, ContactState

CONFIRMED_FOR = timedelta(days=365)
"""After this the patient is asked again whether it is still right."""
LINK_LASTS = timedelta(hours=24)
CODE_LASTS = timedelta(minutes=5)
CODE_TRIES = 5
COOL_DOWN = timedelta(seconds=60)
"""Between two messages about one change (section 7)."""
_HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class Word:
    """What the patient said, and when."""

    value: str = ""
    at: datetime | None = None


def state(value: str, word: Word, *, unconfirmed_since: datetime | None, now: datetime) -> ContactState:
    """Return how sure it is that the record's value is right.

    The record and the patient's word are kept apart, so that whatever changes the record later - staff, an import -
    shows as a difference without being told. `unconfirmed_since`: from when older words don't count, as after a
    birthday on which the guardians' address may stand there.
    """
    if not value and not word.value:
        return ContactState.MISSING
    if word.at is None:
        return ContactState.UNCONFIRMED
    if word.value != value:
        return ContactState.DIFFERS
    if unconfirmed_since is not None and word.at <= unconfirmed_since:
        return ContactState.UNCONFIRMED
    return ContactState.CONFIRMED if now < word.at + CONFIRMED_FOR else ContactState.OLD


def masked(kind: ContactKind, value: str) -> str:
    """Return enough of an address or number (E.164) to know it again, and too little to learn it."""
    if not value:
        return ""
    if kind is ContactKind.MOBILE:
        return f"{_HIDDEN} {value[-2:]}"
    name, _at, host = value.rpartition("@")
    return f"{name[:1]}{_HIDDEN}@{host[:1]}{_HIDDEN}.{host.rpartition('.')[2]}"
