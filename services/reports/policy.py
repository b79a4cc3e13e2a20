"""What a patient's rights come to, how a search is read, what a spreadsheet may be given, and how bars are drawn."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.access import policy as access
from services.access.choices import Approval
from services.access.policy import AccessFacts, ClinicFacts, PatientFacts, ProviderFacts
from services.reports.choices import RecordState

WEEKS = 26
"""How far back the chart of use goes."""
SHORTEST_NATIONAL_ID = 9
"""So many digits are meant as a national ID, perhaps with one too few; a date has eight at most."""
MOST_WORDS = 6


# -- rights ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Active:
    """What a patient may use, standard and special rights taken together (R2, R3)."""

    state: RecordState
    booking: bool = False
    renewal: bool = False
    consultation: bool = False
    cancelling: bool = False
    by_hand: bool = False
    """Whether every booking must be approved."""
    by_provider: bool = False
    """Whether it depends on the provider: some approve by hand, others automatically."""


def active(patient: PatientFacts, providers: Mapping[int, ProviderFacts]) -> Active:
    """Return what the patient may use: with the GP's column, or without a GP whatever any provider gives."""
    state = _state(patient)
    if state is not RecordState.IN_ORDER:
        return Active(state)
    facts = AccessFacts(ClinicFacts(True, False), patient, providers)
    if patient.gp_id is not None:
        granted = [access.rights(facts, patient.gp_id)]
    else:
        reachable = [one.id for one in providers.values() if one.has_portal_access]
        granted = [access.rights(facts, provider_id) for provider_id in reachable]
    approvals = {rights.approval for rights in granted if rights.booking}
    return Active(
        state,
        booking=any(rights.booking for rights in granted),
        renewal=any(rights.renewal for rights in granted),
        consultation=any(rights.consultation for rights in granted),
        cancelling=any(rights.cancelling for rights in granted),
        by_hand=approvals == {Approval.BY_HAND},
        by_provider=len(approvals) > 1,
    )


def _state(patient: PatientFacts) -> RecordState:
    if not patient.is_active:
        return RecordState.INACTIVE
    if not patient.has_national_id:
        return RecordState.NO_NATIONAL_ID
    return RecordState.WITHDRAWN if patient.is_withdrawn else RecordState.IN_ORDER


# -- searching ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for: all of these parts of names, and born on one of the days of each set."""

    names: tuple[str, ...]
    births: tuple[tuple[date, ...], ...]


_DATES = ("%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%Y-%m-%d")
_DATE_WITHOUT_CENTURY = re.compile(r"(\d{1,2})[./-]?(\d{1,2})[./-]?(\d{2})", re.ASCII)
_NATIONAL_ID = re.compile(r"[0-9\s\-\u2010-\u2015\u2212]+")


def looks_like_national_id(text: str) -> bool:
    """Return whether the text is meant as a national ID, right or wrong, and must stay out of addresses."""
    return bool(_NATIONAL_ID.fullmatch(text)) and sum(map(str.isdigit, text)) >= SHORTEST_NATIONAL_ID


def wanted(text: str) -> Wanted:
    """Return what a search for parts of names and birth dates ("14.04.1988", "140488") asks for."""
    words = text.split()[:MOST_WORDS]
    births = {word: days for word in words if (days := birth_dates(word))}
    return Wanted(tuple(word for word in words if word not in births), tuple(births.values()))


def birth_dates(word: str) -> tuple[date, ...]:
    """Return the days that the word can mean, in both centuries where it names none; empty for other words."""
    for form in _DATES:
        day = _date(word, form)
        if day is not None:
            return (day,)
    short = _DATE_WITHOUT_CENTURY.fullmatch(word)
    if short is None:
        return ()
    days = (_date(".".join([*short.groups()[:2], f"{century}{short[3]}"]), _DATES[0]) for century in (19, 20))
    return tuple(day for day in days if day is not None)


def _date(word: str, form: str) -> date | None:
    try:
        return datetime.strptime(word, form).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


# -- spreadsheets ------------------------------------------------------------------------------------------
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV Injection), full-width twins included."""


def safe_cell(text: str) -> str:
    """Return the text so that a spreadsheet shows it and never runs it, blanks before the sign notwithstanding."""
    return f"'{text}" if text.startswith(_RISKY) or text.lstrip().startswith(_RISKY) else text


# -- the chart ---------------------------------------------------------------------------------------------
BAR, GAP, HEIGHT = 20, 4, 160


@dataclass(frozen=True, slots=True)
class Bar:
    """One week: its Monday, its number, and where its bar stands in a drawing that is HEIGHT high."""

    monday: date
    number: int
    x: int
    y: float
    height: float


def mondays(today: date) -> list[date]:
    """Return the first days of the last WEEKS weeks, the running one included, oldest first."""
    this = today - timedelta(days=today.weekday())
    return [this - timedelta(weeks=back) for back in reversed(range(WEEKS))]


def bars(weeks: Sequence[tuple[date, int]]) -> list[Bar]:
    """Return the bars, the tallest as high as the drawing. A week with anything at all can be seen."""
    most = max((number for _monday, number in weeks), default=0)
    drawn = []
    for place, (monday, number) in enumerate(weeks):
        height = max(2.0, round(number / most * HEIGHT, 1)) if number else 0.0
        drawn.append(Bar(monday, number, place * (BAR + GAP), round(HEIGHT - height, 1), height))
    return drawn


def width(weeks: Iterable[object]) -> int:
    """Return how wide the drawing of so many bars is."""
    return max(1, sum(BAR + GAP for _week in weeks) - GAP)
