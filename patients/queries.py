"""What pages and other areas need of the clinic's patients."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F

from clinic_admin.models import Clinic
from identity import queries as logins
from patients import policy
from patients.contact.choices import ContactKind
from patients.import_rows import GoodRow
from patients.models import Patient
from portal.ready import Given, Ready

IMPORTED_FIELDS = ("birth_date", "given_name", "family_name", "mobile", "email", "gp_id", "is_active")
"""What an import may say about a patient, besides the national ID."""


RECORD = Ready(
    lambda: Patient.objects.filter(clinic=Given("clinic"), national_id_index=Given("index")).select_related(
        "gp"
    )
)


def record_of(*, national_id_index: str, clinic: Clinic) -> Patient | None:
    """Return the clinic's record of the person, active or not, with the GP."""
    return RECORD.first(clinic=clinic.pk, index=national_id_index)


def contact_elsewhere(*, national_id_index: str, clinic: Clinic) -> tuple[str, str]:
    """Return e-mail and mobile (or empty) of the person at the clinic where they registered last, but this one.

    For the person themselves, once eID has proven them, and for a session that is good for all clinics. One query.
    """
    others = Patient.objects.filter(
        national_id_index=national_id_index,
        is_active=True,
        left_at=None,
        clinic__is_active=True,
        clinic__country=clinic.country,
    )
    found = others.exclude(clinic=clinic).exclude(email="").order_by(F("registered_at").desc(nulls_last=True))
    return found.values_list("email", "mobile").first() or ("", "")


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A patient whose record says something else than the row."""

    patient_id: UUID
    record: Mapping[str, Any]
    changes: Mapping[str, Any]
    """Field -> new value."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do."""

    new: tuple[GoodRow, ...]
    changed: tuple[ChangedRow, ...]
    unchanged: int


def import_plan(*, clinic: Clinic, rows: Iterable[GoodRow], lock: bool = False) -> ImportPlan:
    """Compare the rows with the clinic's records, in one query that decrypts nothing.

    With `lock` (in a transaction) the records can't change until the transaction ends.
    """
    records = _records_by_index(clinic, lock=lock)
    new, changed, unchanged = [], [], 0
    for row in rows:
        record = records.get(row.index)
        if record is None:
            new.append(row)
        elif changes := policy.differences(record, row.values):
            changed.append(ChangedRow(record["pk"], record, changes))
        else:
            unchanged += 1
    return ImportPlan(tuple(new), tuple(changed), unchanged)


def _records_by_index(clinic: Clinic, *, lock: bool) -> dict[str | None, Mapping[str, Any]]:
    patients = Patient.objects.for_clinic(clinic).filter(national_id_index__isnull=False)
    if lock:
        patients = patients.select_for_update(no_key=True)
    return {
        record["national_id_index"]: record
        for record in patients.values("pk", "national_id_index", *IMPORTED_FIELDS)
    }


def moved_away(row: ChangedRow) -> list[ContactKind]:
    """Return the ways to reach the patient that an import changes and that led somewhere before."""
    return [kind for kind in ContactKind if kind in row.changes and row.record[kind]]


def to_be_told(rows: Iterable[ChangedRow]) -> list[ChangedRow]:
    """Return those of an import's changes that the old address or number is told of: of patients who have a login.

    Who has none has nothing that codes and links could open. A first import has nobody to tell. One query.
    """
    moved = [row for row in rows if moved_away(row)]
    known = logins.with_login(
        Patient.objects.filter(pk__in=[row.patient_id for row in moved]), "national_id_index"
    )
    ids = set(known.values_list("pk", flat=True)) if moved else set()
    return [row for row in moved if row.patient_id in ids]
