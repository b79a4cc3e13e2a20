"""The Danish CPR register through the health platform NSP ("CPR Udvidet").

Here is what an answer means; the transport isn't: the service asks for an agreement, a certificate and the health net.
Without a transport every answer is UNKNOWN, so the clinic sees proof itself. The shape follows the published data model;
no answer of the real service has been seen.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from identity.national_id import NationalId
from patients.guardianship.choices import Basis, Source, Status
from patients.guardianship.port import ChildRef, GuardianResult

Fetch = Callable[[str], Mapping[str, Any]]
"""Takes a CPR number and returns that person's record. Raises TimeoutError, OSError or ValueError."""

_PARENTS = {"0003": (Basis.MOTHER, "K"), "0004": (Basis.FATHER, "M")}
_OTHERS = {"0005", "0006"}


class NspCpr:
    """Reads `foraeldremyndighedrelation`, and the adult's `barnrelation` where the child's record says only "the mother"."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch

    def check(self, child: NationalId, adult: NationalId, on: date, *, now: datetime) -> GuardianResult:
        """Return what the register says. Not connected: UNKNOWN; no or a broken answer: ERROR."""
        if self._fetch is None:
            return GuardianResult(Status.UNKNOWN, Source.NSP_CPR, now, evidence_ref="not connected")
        try:
            return self._answer(child, adult, on, now)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return GuardianResult(Status.ERROR, Source.NSP_CPR, now)

    def children_of(self, adult: NationalId, on: date) -> Sequence[ChildRef]:
        """Return nobody: only a relation that was checked may open anything, and it is checked child by child."""
        return ()

    def _answer(self, child: NationalId, adult: NationalId, on: date, now: datetime) -> GuardianResult:
        assert self._fetch is not None
        record = self._fetch(child.number)
        reference = str(record.get("id", ""))[:120]
        rows = [row for row in record["foraeldremyndighedrelation"] if _holds(row, on)]
        if not rows:
            return GuardianResult(Status.UNKNOWN, Source.NSP_CPR, now, evidence_ref=reference)
        parent: Mapping[str, Any] | None = None
        for row in rows:
            code = str(row["typeKode"])
            if code in _PARENTS:
                parent = parent or self._fetch(adult.number)
                basis, sex = _PARENTS[code]
                fits = parent.get("koen") == sex and _has_child(parent, child.number)
            elif code in _OTHERS:
                basis, fits = Basis.OTHER, row.get("relationCpr") == adult.number
            else:
                raise ValueError("a type of custody that the data model does not have")
            if fits:
                status = Status.UNKNOWN if row.get("usikker") else Status.VALID
                joint = len(rows) > 1 and basis is not Basis.OTHER
                return GuardianResult(
                    status,
                    Source.NSP_CPR,
                    now,
                    basis=(Basis.JOINT if joint else basis) if status is Status.VALID else None,
                    valid_from=_day(row.get("gyldigFra")),
                    valid_to=_day(row.get("gyldigTil")),
                    evidence_ref=reference,
                )
        unnamed = any(str(row["typeKode"]) in _OTHERS and not row.get("relationCpr") for row in rows)
        is_open = unnamed or any(row.get("usikker") for row in rows)
        status = Status.UNKNOWN if is_open else Status.NOT_VALID
        return GuardianResult(status, Source.NSP_CPR, now, evidence_ref=reference)


def _holds(row: Mapping[str, Any], on: date) -> bool:
    begins, ends = _day(row.get("gyldigFra")), _day(row.get("gyldigTil"))
    return (begins is None or begins <= on) and (ends is None or on <= ends)


def _has_child(parent: Mapping[str, Any], number: str) -> bool:
    return any(row["relationCpr"] == number for row in parent["barnrelation"])


def _day(text: Any) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None
