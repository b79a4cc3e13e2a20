"""Rules of the register: what opening hours and closures can be, and what a page must know to save safely."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, time
from itertools import pairwise

from clinic_admin.choices import DOCTOR_TAG, PATIENT_TAG, ClinicRefusal

SHORTEST_QUESTION_LIMIT = 100
LONGEST_QUESTION_LIMIT = 10_000
"""Between these the clinic chooses how many characters a patient may write (000 §2.2)."""
MOST_NOTICE_HOURS = 168
FEWEST_OFFER_MINUTES = 10
MOST_OFFER_MINUTES = 1440
MOST_LIMIT = 50
"""The largest limit of appointments that makes sense to set."""
FEWEST_REMINDER_HOURS = 1
MOST_REMINDER_HOURS = 168
DEAREST_SMS = 20
"""Crowns."""
FEWEST_DRAW_MINUTES = 5
MOST_DRAW_MINUTES = 60
"""Between these the clinic chooses how long patients can ask before urgent times are drawn."""
LONGEST_TEXT = 4000
"""Characters of a text that the clinic writes."""
LONGEST_SIGNATURE = 500
_TAG = re.compile(r"\[[^\[\]\s]*_TAG\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClinicSettings:
    """What a clinic's administrators set about the clinic itself (000 §2.2)."""

    name: str
    street: str
    postcode: str
    city: str
    phone: str
    """E.164."""
    out_of_hours_phone: str
    """E.164, or a short number of the country; empty for what patients are told anyway."""
    email: str
    urgent_release_at: time
    """By the clinic's clock, the day before."""
    draws_urgent: bool
    """Fair release: asked for and drawn, instead of first come, first served."""
    draw_minutes: int
    requires_eid_for_consultation: bool
    reminds_everyone: bool
    reminder_hours_ahead: int
    sms_ore: int | None
    """What an SMS costs the patient, in hundredths of the currency; None is the country's price."""
    longest_question: int
    self_registration: str
    """A SelfRegistration."""
    requires_own_gp: bool
    books_without_account: bool
    code_countries: list[str]
    """Whose mobiles codes go to beside Norwegian and Danish ones, in alphabetical order."""
    cancel_notice_hours: int
    """By the clinic's clock; 0 is until the appointment begins."""
    most_upcoming: int | None
    most_urgent: int | None
    offers_earlier: bool
    earlier_minutes: int
    """How long an offer of an earlier time stands at most."""


TIMES = frozenset({"urgent_release_at"})
"""Settings that are times of day."""


@dataclass(frozen=True, slots=True, order=True)
class OpenPeriod:
    """From when to when the clinic is open on a weekday ("0" is Monday), by its own clock."""

    weekday: str
    opens_at: time
    closes_at: time


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """Days on which the clinic is closed, both ends included."""

    first_day: date
    last_day: date


def hours_refusal(periods: Iterable[OpenPeriod]) -> ClinicRefusal | None:
    """Return why these can't be the week's opening hours, or None."""
    ordered = sorted(periods)
    if any(period.closes_at <= period.opens_at for period in ordered):
        return ClinicRefusal.HOURS_OUT_OF_ORDER
    if any(a.weekday == b.weekday and b.opens_at <= a.closes_at for a, b in pairwise(ordered)):
        return ClinicRefusal.HOURS_OVERLAP
    return None


def closure_refusal(
    wanted: ClosedDays, *, existing: Iterable[ClosedDays], today: date
) -> ClinicRefusal | None:
    """Return why the clinic can't be closed on these days, or None. Today is the clinic's local day."""
    if wanted.last_day < wanted.first_day:
        return ClinicRefusal.CLOSURE_OUT_OF_ORDER
    if wanted.last_day < today:
        return ClinicRefusal.CLOSURE_IS_OVER
    if any(days.first_day <= wanted.first_day and wanted.last_day <= days.last_day for days in existing):
        return ClinicRefusal.CLOSURE_TWICE
    return None


def text_refusal(text: str, *, has_tags: bool) -> ClinicRefusal | None:
    """Return why a clinic can't use this text, or None. With tags, every word like [THIS_TAG] must be one of ours."""
    if not has_tags:
        return None
    known = {PATIENT_TAG, DOCTOR_TAG}
    wrong = any(word not in known for word in _TAG.findall(text))
    return ClinicRefusal.TEXT_UNKNOWN_TAG if wrong else None


def filled_in(text: str, *, patient: str, doctor: str) -> str:
    """Return the text with the names in place of the placeholders. A name that looks like one stays a name."""
    names = {PATIENT_TAG: patient, DOCTOR_TAG: doctor}
    return _TAG.sub(lambda found: names.get(found[0], found[0]), text)


def settings_token(settings: ClinicSettings) -> str:
    """Return a short text that changes when any setting does. A page carries it, so that it can't save over news."""
    return _token(sorted(asdict(settings).items()))


def hours_token(periods: Iterable[OpenPeriod]) -> str:
    """Return a short text that changes when the opening hours do."""
    return _token(sorted(periods))


def differences(before: ClinicSettings, after: ClinicSettings) -> dict[str, tuple[object, object]]:
    """Return setting -> (before, after) for those that differ."""
    old, new = asdict(before), asdict(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def _token(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:20]
