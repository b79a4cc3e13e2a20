"""A register's extract that an operator loaded (manage.py load_guardians)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from identity import national_id
from identity.national_id import NationalId
from patients.guardianship.choices import Basis, Source, Status
from patients.guardianship.models import RegisterEntry
from patients.guardianship.port import ChildRef, GuardianResult


class File:
    """Answers from the newest extract of the child's country."""

    def check(self, child: NationalId, adult: NationalId, on: date, *, now: datetime) -> GuardianResult:
        """Return what the extract says: one query. A child that it does not name is UNKNOWN."""
        entries = list(_current(child_index=national_id.index(child), country=child.country, on=on))
        if not entries:
            return GuardianResult(Status.UNKNOWN, Source.FILE, now)
        reference = entries[0].extract.name
        own = [entry for entry in entries if entry.adult_index == national_id.index(adult)]
        if any(entry.is_uncertain for entry in own):
            return GuardianResult(Status.UNKNOWN, Source.FILE, now, evidence_ref=reference)
        if own:
            entry = own[0]
            return GuardianResult(
                Status.VALID,
                Source.FILE,
                now,
                basis=Basis(entry.basis),
                valid_from=entry.valid_from,
                valid_to=entry.valid_to,
                evidence_ref=reference,
            )
        is_open = any(entry.is_uncertain or not entry.adult_index for entry in entries)
        status = Status.UNKNOWN if is_open else Status.NOT_VALID
        return GuardianResult(status, Source.FILE, now, evidence_ref=reference)

    def children_of(self, adult: NationalId, on: date) -> Sequence[ChildRef]:
        """Return the children of whom the extract names the adult as guardian on the day. One query."""
        found = _current(adult_index=national_id.index(adult), country=adult.country, on=on)
        return [ChildRef(entry.child_index) for entry in found]


def _current(*, country: str, on: date, **who: str) -> Iterable[RegisterEntry]:
    entries = RegisterEntry.objects.filter(extract__country=country, **who).select_related("extract")
    return [
        entry
        for entry in entries.order_by("pk")
        if (entry.valid_from is None or entry.valid_from <= on)
        and (entry.valid_to is None or on <= entry.valid_to)
    ]
