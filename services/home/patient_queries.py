"""What the staff's pages about patients show, gathered from several areas."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic
from patients import staff_queries
from patients.models import Patient
from patients.search import Wanted
from services.access.models import SpecialRights
from services.booking.models import Appointment

MOST_COMING = 50
EARLIER_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class State:
    """A word about a patient that staff should see at once."""

    word: str
    colour: str
    icon: str


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A patient on the list."""

    patient: Patient
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class PatientList:
    """One page of the list."""

    rows: tuple[PatientRow, ...]
    following: UUID | None


def patient_list(*, clinic: Clinic, wanted: Wanted, after: UUID | None = None) -> PatientList:
    """Return a page of the clinic's patients with what staff should see at once. Four queries at most."""
    page = staff_queries.find(clinic=clinic, wanted=wanted, after=after)
    special = _with_special_rights(page.patients)
    rows = tuple(PatientRow(patient, states(patient, patient.pk in special)) for patient in page.patients)
    return PatientList(rows, page.following)


def _with_special_rights(patients: Sequence[Patient]) -> set[UUID]:
    ids = [patient.pk for patient in patients]
    return (
        set(SpecialRights.objects.filter(patient__in=ids).values_list("patient_id", flat=True))
        if ids
        else set()
    )


def has_special_rights(patient: Patient) -> bool:
    """Return whether the patient has other rights than the standard. One query."""
    return bool(_with_special_rights([patient]))


def states(patient: Patient, is_special: bool) -> tuple[State, ...]:
    """Return what stands out about the patient, the gravest first."""
    found = []
    if not patient.is_active:
        found.append(State(_("Not active"), "danger", "pause"))
    if not patient.has_national_id:
        found.append(State(_("No national ID"), "danger", "alert"))
    if patient.portal_withdrawn_at:
        found.append(State(_("Portal withdrawn"), "warning", "person-cross"))
    if patient.left_at:
        found.append(State(_("Has left the portal"), "warning", "sign-out"))
    if not patient.email:
        found.append(State(_("No e-mail"), "danger", "envelope"))
    if patient.no_eid_at:
        found.append(State(_("No eID"), "accent", "shield"))
    if is_special:
        found.append(State(_("Special rights"), "accent", "star"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PatientAppointments:
    """A patient's times at the clinic."""

    coming: tuple[Appointment, ...]
    earlier: tuple[Appointment, ...]
    following: UUID | None
    """The last of the earlier ones, when there are more."""


def appointments_of(*, patient: Patient, now: datetime, after: UUID | None = None) -> PatientAppointments:
    """Return coming times, soonest first, and a page of earlier ones, latest first. Three queries at most."""
    own = Appointment.objects.filter(clinic=patient.clinic).for_patient(patient)
    rows = own.select_related("provider").defer("reason")
    coming = rows.filter(starts_at__gte=now).order_by("starts_at", "pk")[:MOST_COMING]
    earlier = rows.filter(starts_at__lt=now).order_by("-starts_at", "-pk")
    last = after and own.filter(pk=after).only("starts_at").first()
    if last:
        earlier = earlier.filter(
            Q(starts_at__lt=last.starts_at) | Q(pk__lt=last.pk), starts_at__lte=last.starts_at
        )
    found = list(earlier[: EARLIER_PER_PAGE + 1])
    shown = found[:EARLIER_PER_PAGE]
    more = len(found) > EARLIER_PER_PAGE
    return PatientAppointments(() if last else tuple(coming), tuple(shown), shown[-1].pk if more else None)
