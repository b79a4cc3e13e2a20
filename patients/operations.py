"""Every change to patients' records. All are atomic, keyword-only and audited; `actor` is a User or audit.SYSTEM."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity.by_code import memberships
from identity.by_code.holders import Holder
from identity.choices import EidProof, MembershipState, UserKind
from identity.session import kept_forms
from patients import own_changes, policy, queries, staff_queries
from patients.choices import ImportRefusal, PatientRefusal, SeenIn
from patients.contact import letters
from patients.contact import operations as contact
from patients.contact.letters import Moved
from patients.guardianship import queries as relations
from patients.import_rows import GoodRow
from patients.models import DataChange, Patient
from patients.queries import ChangedRow
from portal import audit
from portal.refusals import Refused

_ROWS_AT_ONCE = 1000


class ImportRefused(Refused):
    """Nothing was imported; the reason is an ImportRefusal."""


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """How many patients an import stored anew, changed, and found as they were."""

    new: int
    changed: int
    unchanged: int
    told: int = 0
    """Patients who were told at the address or number that they had before."""


@transaction.atomic
def import_patients(
    *, clinic: Clinic, rows: Iterable[GoodRow], actor: Any, now: datetime, tells: bool = True
) -> ImportOutcome:
    """Store checked rows (patients.import_rows.check) as the clinic's patients: all of them, or none.

    Patients who are not among the rows are left alone. Storing the same rows again changes nothing. Who has a login and
    is moved away from an address or number is told there, unless `tells` is off because thousands are corrected at once.
    Raises ImportRefused while another import of the clinic runs.
    """
    if not _take_import_lock(clinic):
        raise ImportRefused(ImportRefusal.ANOTHER_RUNS)
    plan = queries.import_plan(clinic=clinic, rows=rows, lock=True)
    _store_new(clinic, plan.new, actor=actor, now=now)
    _store_changed(clinic, plan.changed, actor=actor, now=now)
    told = _tell_the_old(clinic, plan.changed, now) if tells else 0
    outcome = ImportOutcome(len(plan.new), len(plan.changed), plan.unchanged, told)
    audit.record(
        action="patients.imported",
        subject=clinic,
        actor=actor,
        now=now,
        clinic_id=clinic.pk,
        new=outcome.new,
        changed=outcome.changed,
        unchanged=outcome.unchanged,
        told=outcome.told,
    )
    return outcome


class PatientRefused(Refused):
    """Nothing was changed; the reason is a PatientRefusal."""


@transaction.atomic
def open_page(*, clinic: Clinic, patient_id: UUID, part: str, actor: Any, now: datetime) -> Patient | None:
    """Return the clinic's patient for a page of staff, and record who looked at which part. None: no such patient."""
    found = staff_queries.patient_of(clinic=clinic, patient_id=patient_id)
    if found is None:
        return None
    found.clinic = clinic
    audit.record(action="patient.viewed", subject=found, actor=actor, now=now, patient_id=found.pk, part=part)
    return found


@transaction.atomic
def note_listed(
    *, clinic: Clinic, patient_ids: Iterable[UUID], page: SeenIn, actor: Any, now: datetime
) -> None:
    """Record that staff saw these patients of the clinic on a page that names many of them.

    Once for each patient, page and quarter of an hour, whatever is loaded how often: one statement, no read.
    """
    utc = now.astimezone(UTC)
    quarter = utc.replace(minute=utc.minute // 15 * 15)
    audit.record_listed(
        action="patient.listed",
        patient_ids=patient_ids,
        clinic_id=clinic.pk,
        page=page.value,
        period=f"{quarter:%Y%m%dT%H%MZ}",
        actor=actor,
        now=now,
    )


@transaction.atomic
def show_national_id(*, patient: Patient, actor: Any, now: datetime) -> str:
    """Return the national ID in full, as people write it, and record who saw it. Raises PatientRefused."""
    number = staff_queries.shown_id(patient, in_full=True)
    if not number:
        raise PatientRefused(PatientRefusal.NO_NATIONAL_ID)
    audit.record(
        action="patient.national_id_shown", subject=patient, actor=actor, now=now, patient_id=patient.pk
    )
    return number


@transaction.atomic
def set_portal_withdrawn(*, patient: Patient, withdrawn: bool, actor: Any, now: datetime) -> None:
    """Take the portal away from one patient, or give it back. What is booked and written stays (002).

    Raises PatientRefused when it is so already.
    """
    stored = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if (stored.portal_withdrawn_at is not None) == withdrawn:
        raise PatientRefused(PatientRefusal.ALREADY_WITHDRAWN if withdrawn else PatientRefusal.NOT_WITHDRAWN)
    stored.portal_withdrawn_at = patient.portal_withdrawn_at = now if withdrawn else None
    stored.save(update_fields=["portal_withdrawn_at", "updated_at"])
    audit.record(
        action="patient.portal_withdrawn" if withdrawn else "patient.portal_given_back",
        subject=stored,
        actor=actor,
        now=now,
        patient_id=stored.pk,
    )


@transaction.atomic
def set_no_eid(*, patient: Patient, proof: EidProof | None, actor: Any, now: datetime) -> None:
    """Note that the patient can't use eID, and how the clinic made sure who it is; None takes the note back (004).

    The note lets the patient sign in with password and code where the country asks for a reason. Taking it back ends
    every session that a code opened (W5). Raises PatientRefused: it is so already, or the record has no national ID.
    """
    stored = Patient.objects.select_for_update(no_key=True).select_related("clinic").get(pk=patient.pk)
    if (stored.no_eid_at is not None) == (proof is not None):
        raise PatientRefused(PatientRefusal.MARKED_ALREADY)
    if not stored.national_id_index:
        raise PatientRefused(PatientRefusal.NO_NATIONAL_ID)
    values = {
        "no_eid_at": now if proof else None,
        "no_eid_by": actor if proof else None,
        "no_eid_proof": proof.value if proof else "",
    }
    for name, value in values.items():
        setattr(stored, name, value)
        setattr(patient, name, value)
    stored.save(update_fields=[*values, "updated_at"])
    audit.record(
        action="patient.no_eid_set" if proof else "patient.no_eid_cleared",
        subject=stored,
        actor=actor,
        now=now,
        patient_id=stored.pk,
        proof=proof.value if proof else "",
    )
    index, clinic = stored.national_id_index, stored.clinic
    if proof:
        memberships.confirm_identity(
            clinic=clinic, national_id_index=index, patient_id=stored.pk, actor=actor, now=now
        )
    else:
        memberships.close_codes(clinic=clinic, national_id_index=index, actor=actor, now=now)


@transaction.atomic
def register(*, clinic: Clinic, holder: Holder, actor: Any, now: datetime) -> Patient:
    """Return the clinic's record of the person, registered with the portal; made now if there is none (002, D4).

    Contact details that the person gave fill what the record lacks. Where it says something else, theirs wait for
    their link or code, and the record's count until then (F14); what they left empty stays as it is.
    """
    patient, is_new = _made(clinic, holder, registered_at=now, actor=actor, now=now)
    if not is_new:
        note_registered(patient=patient, actor=actor, now=now)
    contact.note_given(patient=patient, email=holder.email, mobile=holder.mobile, actor=actor, now=now)
    return patient


@transaction.atomic
def make_record(*, clinic: Clinic, holder: Holder, actor: Any, now: datetime) -> tuple[Patient, bool]:
    """Return the clinic's record of the person, and whether it was made now. An existing one stays as it is."""
    return _made(clinic, holder, registered_at=None, actor=actor, now=now)


def _made(
    clinic: Clinic, holder: Holder, *, registered_at: datetime | None, actor: Any, now: datetime
) -> tuple[Patient, bool]:
    values = {
        "national_id": holder.national_id,
        "given_name": holder.given_name,
        "family_name": holder.family_name,
        "birth_date": holder.birth_date,
        "mobile": holder.mobile,
        "email": holder.email,
        "language": holder.language if holder.language != clinic.language else "",
        "registered_at": registered_at,
    }
    patient, is_new = Patient.objects.select_for_update(no_key=True).get_or_create(
        clinic=clinic, national_id_index=holder.national_id_index, defaults=values
    )
    patient.clinic = clinic
    if is_new:
        audit.record(action="patient.created", subject=patient, actor=actor, now=now, patient_id=patient.pk)
    return patient, is_new


@transaction.atomic
def note_registered(*, patient: Patient, actor: Any, now: datetime) -> None:
    """Note that the patient uses this clinic's portal from now on. Twice is once."""
    away = Q(registered_at=None) | Q(left_at__isnull=False)
    if not Patient.objects.filter(away, pk=patient.pk).update(registered_at=now, left_at=None):
        return
    patient.registered_at, patient.left_at = now, None
    audit.record(action="patient.registered", subject=patient, actor=actor, now=now, patient_id=patient.pk)


@transaction.atomic
def remove_from_portal(*, patient: Patient, actor: Any, now: datetime) -> None:
    """End the patient's tie to this clinic's portal (002, "Slet"): by staff, or by the patient who leaves it.

    Record, account and other clinics stay. The password here is gone, sessions that it opened end, what was typed and
    kept is deleted, and eID leads to the page on which the patient may register again. Twice is once.
    """
    stored = Patient.objects.select_for_update(no_key=True).select_related("clinic").get(pk=patient.pk)
    index = stored.national_id_index
    membership = memberships.membership_of(clinic=stored.clinic, national_id_index=index) if index else None
    if membership is not None and membership.state != MembershipState.REMOVED:
        memberships.remove(
            clinic=stored.clinic, national_id_index=index or "", patient_id=stored.pk, actor=actor, now=now
        )
    kept_forms.drop_all(
        clinic=stored.clinic,
        national_id_index=index,
        relations=relations.ids_of(stored),
    )
    if not policy.is_registered(rules_of(stored.clinic.country), stored.registered_at, stored.left_at):
        return
    stored.registered_at = patient.registered_at = None
    stored.left_at = patient.left_at = now
    stored.save(update_fields=["registered_at", "left_at", "updated_at"])
    by_patient = actor is not audit.SYSTEM and actor.kind == UserKind.PATIENT
    audit.record(
        action="patient.left_portal" if by_patient else "patient.removed_from_portal",
        subject=stored,
        actor=actor,
        now=now,
        patient_id=stored.pk,
    )


@transaction.atomic
def set_wants_electronic_answers(*, patient: Patient, wants: bool, actor: Any, now: datetime) -> None:
    """Note whether the patient wants answers through the portal (002). Saying it twice changes nothing."""
    stored = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if stored.wants_electronic_answers == wants:
        return
    stored.wants_electronic_answers = patient.wants_electronic_answers = wants
    stored.save(update_fields=["wants_electronic_answers", "updated_at"])
    audit.record(
        action="patient.electronic_answers",
        subject=stored,
        actor=actor,
        now=now,
        patient_id=stored.pk,
        after=wants,
    )


def _take_import_lock(clinic: Clinic) -> bool:
    """Return whether this transaction may import. The database lets go of the lock when it ends, however it ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"patients.import:{clinic.pk}"]
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _store_new(clinic: Clinic, rows: Sequence[GoodRow], *, actor: Any, now: datetime) -> None:
    patients = [
        Patient(clinic=clinic, national_id=row.national_id, national_id_index=row.index, **row.values)
        for row in rows
    ]
    Patient.objects.bulk_create(patients, batch_size=_ROWS_AT_ONCE)
    events: list[tuple[Patient, dict[str, Any]]] = [(patient, {}) for patient in patients]
    audit.record_many(action="patient.imported", patients=events, actor=actor, now=now)


def _store_changed(clinic: Clinic, rows: Sequence[ChangedRow], *, actor: Any, now: datetime) -> None:
    """Write the changed fields only; the encrypted national ID is neither read nor written."""
    events: list[tuple[Patient, dict[str, Any]]] = []
    for row in rows:
        values = {name: row.record[name] for name in queries.IMPORTED_FIELDS} | dict(row.changes)
        patient = Patient(pk=row.patient_id, clinic=clinic, updated_at=now, **values)
        events.append((patient, _told(row)))
    fields = {_column(name) for row in rows for name in row.changes}
    if fields:
        Patient.objects.bulk_update(
            [patient for patient, _ in events], [*sorted(fields), "updated_at"], batch_size=_ROWS_AT_ONCE
        )
    written = audit.record_many(action="patient.updated", patients=events, actor=actor, now=now)
    changes = [
        change
        for event, row in zip(written, rows, strict=True)
        for change in own_changes.kept(event.pk, row.patient_id, row.record, row.changes)
    ]
    DataChange.objects.bulk_create(changes, batch_size=_ROWS_AT_ONCE)
    moved = [row.patient_id for row in rows if row.changes.keys() & {"mobile", "email"}]
    if moved:
        _end_what_went_to_the_old(clinic, moved, now)


def _end_what_went_to_the_old(clinic: Clinic, patient_ids: Sequence[UUID], now: datetime) -> None:
    """End codes and links of those who have an account, as any other change of contact details does (L6)."""
    moved = Patient.objects.filter(pk__in=patient_ids)
    for index, email in moved.filter(memberships.has_password_here("national_id_index", clinic)).values_list(
        "national_id_index", "email"
    ):
        memberships.contact_changed(clinic=clinic, national_id_index=index, email=email, now=now)


def _tell_the_old(clinic: Clinic, rows: Sequence[ChangedRow], now: datetime) -> int:
    """Tell those whom `queries.to_be_told` names, as for the patient's own change (F14); return how many they are."""
    told = queries.to_be_told(rows)
    patients = Patient.objects.filter(pk__in=[row.patient_id for row in told]).defer("national_id")
    by_id = {patient.pk: patient for patient in patients}
    for row in told:
        patient = by_id[row.patient_id]
        patient.clinic = clinic
        moved = [
            Moved(kind, str(row.record[kind]), str(row.changes[kind])) for kind in queries.moved_away(row)
        ]
        letters.tell_the_old(patient, moved, now=now)
    return len(told)


def _told(row: ChangedRow) -> dict[str, Any]:
    """Return which fields changed; of those that decide what the patient may do, also what stood and stands there."""
    fields = sorted(_column(name) for name in row.changes)
    deciding = [name for name in ("gp_id", "is_active") if name in row.changes]
    if not deciding:
        return {"fields": fields}
    return {
        "fields": fields,
        "before": {_column(name): row.record[name] for name in deciding},
        "after": {_column(name): row.changes[name] for name in deciding},
    }


def _column(name: str) -> str:
    """Return the model field's name: bulk_update knows a foreign key by it, not by its column."""
    return name.removesuffix("_id")
