"""No register: the clinic's own word, which stands beside every source, is all there is."""

from collections.abc import Sequence
from datetime import date, datetime

from identity.national_id import NationalId
from patients.guardianship.choices import Source, Status
from patients.guardianship.port import ChildRef, GuardianResult


class Manual:
    """Knows nobody: staff see proof and say so."""

    def check(self, child: NationalId, adult: NationalId, on: date, *, now: datetime) -> GuardianResult:
        """Return UNKNOWN."""
        return GuardianResult(Status.UNKNOWN, Source.MANUAL, now)

    def children_of(self, adult: NationalId, on: date) -> Sequence[ChildRef]:
        """Return nobody."""
        return ()
