"""The Norwegian National Population Register: `foreldreansvar`.

Here is what an answer means; the transport isn't: the register asks for an agreement and a certificate. Without a
transport every answer is UNKNOWN, so the clinic sees proof itself. The code list is as published systems use it; no
answer of the real service has been seen. "ukjent" and guardians that a court named are UNKNOWN, never a no.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from identity.national_id import NationalId
from patients.guardianship.choices import Basis, Source, Status
from patients.guardianship.port import ChildRef, GuardianResult

Fetch = Callable[[str], Mapping[str, Any]]
"""Takes a national ID and returns that person's document. Raises TimeoutError, OSError or ValueError."""

_BASES = {
    "felles": Basis.JOINT,
    "mor": Basis.MOTHER,
    "far": Basis.FATHER,
    "medmor": Basis.OTHER,
    "andre": Basis.OTHER,
}
_UNKNOWN = "ukjent"


class Folkeregister:
    """Reads the child's document. Each row names who has the responsibility: `ansvarlig`."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch

    def check(self, child: NationalId, adult: NationalId, on: date, *, now: datetime) -> GuardianResult:
        """Return what the register says. Not connected: UNKNOWN; no or a broken answer: ERROR."""
        if self._fetch is None:
            return GuardianResult(Status.UNKNOWN, Source.FOLKEREGISTER, now, evidence_ref="not connected")
        try:
            return self._answer(child, adult, on, now)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return GuardianResult(Status.ERROR, Source.FOLKEREGISTER, now)

    def children_of(self, adult: NationalId, on: date) -> Sequence[ChildRef]:
        """Return nobody: only a relation that was checked may open anything, and it is checked child by child."""
        return ()

    def _answer(self, child: NationalId, adult: NationalId, on: date, now: datetime) -> GuardianResult:
        assert self._fetch is not None
        document = self._fetch(child.number)
        reference = str(document.get("hendelsesId", ""))[:120]
        rows = [row for row in document["foreldreansvar"] if _holds(row, on)]
        for row in rows:
            kind = str(row["ansvar"])
            if kind not in _BASES and kind != _UNKNOWN:
                raise ValueError("a kind of responsibility that the code list does not have")
        own = next((row for row in rows if row.get("ansvarlig") == adult.number), None)
        if own is not None and own["ansvar"] != _UNKNOWN:
            return GuardianResult(
                Status.VALID,
                Source.FOLKEREGISTER,
                now,
                basis=_BASES[own["ansvar"]],
                valid_from=_day(own.get("gyldighetstidspunkt")),
                valid_to=_day(own.get("opphoerstidspunkt")),
                evidence_ref=reference,
            )
        is_open = not rows or any(row["ansvar"] == _UNKNOWN or not row.get("ansvarlig") for row in rows)
        status = Status.UNKNOWN if is_open else Status.NOT_VALID
        return GuardianResult(status, Source.FOLKEREGISTER, now, evidence_ref=reference)


def _holds(row: Mapping[str, Any], on: date) -> bool:
    begins, ends = _day(row.get("gyldighetstidspunkt")), _day(row.get("opphoerstidspunkt"))
    return row.get("erGjeldende", True) is True and (
        (begins is None or begins <= on) and (ends is None or on <= ends)
    )


def _day(text: Any) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None
