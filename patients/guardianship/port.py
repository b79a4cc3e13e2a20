"""The port to whoever knows who is whose guardian (identity research, 12.3).

Addresses are never asked for or read: some are protected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from identity.national_id import NationalId
from patients.guardianship.choices import Basis, Source, Status


@dataclass(frozen=True, slots=True)
class GuardianResult:
    """What a source says about one adult and one child on one day."""

    status: Status
    source: Source
    fetched_at: datetime
    basis: Basis | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    """The last day; None: until the age at which nobody acts for the child."""
    evidence_ref: str = ""
    """Where the source's answer can be found again: an extract's name, a message's id. Never a national ID."""


@dataclass(frozen=True, slots=True)
class ChildRef:
    """A child that a source names as the adult's."""

    national_id_index: str


class GuardianshipPort(Protocol):
    """A source. It answers and does not raise: what goes wrong is ERROR, what it doesn't know UNKNOWN."""

    def check(self, child: NationalId, adult: NationalId, on: date, *, now: datetime) -> GuardianResult:
        """Return whether the adult is the child's guardian on the day."""
        ...

    def children_of(self, adult: NationalId, on: date) -> Sequence[ChildRef]:
        """Return the adult's children, as far as the source can list them; else none."""
        ...
