"""What a patient's rights come to, what a spreadsheet may be given, and how bars are drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.access import policy as access
from services.access.choices import Approval
from services.access.policy import AccessFacts, ClinicFacts, PatientFacts, ProviderFacts
from services.reports.choices import RecordState

WEEKS = 26
"""How far back the chart of use goes."""


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
