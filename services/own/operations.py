"""What patients do with all of their data at once: take it out, and leave the portal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from clinic_admin.countries import rules_of
from identity.choices import Assurance
from patients import operations as patients
from patients.guardianship import operations as guardianship
from patients.guardianship import queries as relations
from patients.models import Patient
from portal import audit
from portal.refusals import Refused
from services.booking import operations as booking
from services.booking import queries as appointments
from services.booking.operations import BookingRefused
from services.own import letters, policy
from services.own.choices import LeaveRefusal

MOST_AT_ONCE = 200
"""So many coming appointments are looked at when a patient leaves."""


class LeaveRefused(Refused):
    """The patient can't leave. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Left:
    """What became of coming appointments."""

    cancelled: int
    kept: int


@transaction.atomic
def record_data_taken(*, patient: Patient, kind: str, actor: Any, now: datetime) -> None:
    """Record that the patient takes out a file (`kind` is json or html) with all that the portal holds about them."""
    audit.record(
        action="patient.data_taken", subject=patient, actor=actor, now=now, patient_id=patient.pk, kind=kind
    )


@transaction.atomic
def leave(*, patient: Patient, cancels: bool, assurance: Assurance, actor: Any, now: datetime) -> Left:
    """End the patient's use of this clinic's portal; the same as when staff take a patient out of it (002).

    The clinic's record stays, and so do appointments, except those that `cancels` says to cancel and the patient may
    cancel online. Reminders that the patient chose, electronic answers, proxies and the password here end. The patient
    is told by e-mail, and may register again. The caller ends the session at hand. Raises LeaveRefused.
    """
    clinic = patient.clinic
    if (refusal := refusal_of(patient, now)) is not None:
        raise LeaveRefused(refusal)
    cancelled = _cancel(patient, assurance, actor, now) if cancels else 0
    booking.drop_reminders(patient=patient, now=now)
    patients.set_wants_electronic_answers(patient=patient, wants=False, actor=actor, now=now)
    for proxy in relations.proxies_given(patient, today=now.astimezone(clinic.zone).date()):
        guardianship.end_proxy(clinic=clinic, relation_id=proxy.pk, actor=actor, why="left", now=now)
    patients.remove_from_portal(patient=patient, actor=actor, now=now)
    letters.left(patient, now=now)
    return Left(cancelled, appointments.upcoming(patient, now).count())


def refusal_of(patient: Patient, now: datetime) -> LeaveRefusal | None:
    """Return why the patient can't leave by themselves, or None."""
    rules, today = rules_of(patient.clinic.country), now.astimezone(patient.clinic.zone).date()
    return None if policy.may_leave(rules, patient.birth_date, today) else LeaveRefusal.TOO_YOUNG


def _cancel(patient: Patient, assurance: Assurance, actor: Any, now: datetime) -> int:
    done = 0
    for pk in list(appointments.upcoming(patient, now).values_list("pk", flat=True)[:MOST_AT_ONCE]):
        try:
            booking.cancel(patient=patient, appointment_id=pk, assurance=assurance, actor=actor, now=now)
        except BookingRefused:
            continue
        done += 1
    return done
