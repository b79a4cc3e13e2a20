"""Nobody is in two places at once: a patient's live appointments at one clinic don't overlap.

At one clinic, because clinics see nothing of one another. The rule is asked here; behind it stand the constraint
`appointment_patient_not_in_two_places` and a trigger of the same name for what staff put beside another (ADR 10).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, ExpressionWrapper, OuterRef, Q, Value

from patients.models import Patient
from portal.ready import Given
from services.booking.choices import AppointmentStatus
from services.booking.desk.choices import Rule
from services.booking.models import Appointment, AppointmentQuerySet
from services.booking.policy import Stretch

LONGEST = timedelta(hours=8)
"""No appointment lasts longer (TemplateBlock, desk.policy): what began before that is over. Keeps the index scan short."""
NOBODYS = UUID(int=0)
"""Stands for the appointment that is given up where none is."""


def given_up(moved: Appointment | None) -> list[UUID]:
    """Return which appointments end when this one is moved, and so are in nobody's way."""
    if moved is None:
        return []
    return [one for one in (moved.pk, moved.replaces_id) if one is not None]


def beside(
    patient: Patient, starts_at: datetime, ends_at: datetime, *, moved: Appointment | None = None
) -> AppointmentQuerySet:
    """Return the patient's live appointments that overlap this stretch, apart from what ends when `moved` is moved."""
    return without(beside_of(patient.pk, starts_at, ends_at), given_up(moved))


def beside_of(patient: Any, starts_at: datetime, ends_at: datetime) -> AppointmentQuerySet:
    """Return the live appointments that overlap this stretch; `patient` is an id or an expression that gives it."""
    rows = Appointment.objects.live().filter(patient=patient)
    return rows.filter(starts_at__lt=ends_at, ends_at__gt=starts_at, starts_at__gt=starts_at - LONGEST)


def without(rows: AppointmentQuerySet, ended: Collection[UUID]) -> AppointmentQuerySet:
    """Return the rows without these, and without what waits to take their place."""
    if not ended:
        return rows
    return rows.exclude(pk__in=ended).exclude(status=AppointmentStatus.REQUESTED, replaces__in=ended)


def marks_of_moved(moved: Appointment) -> list[str]:
    """Return the rules that were put aside for the appointment and still are once it has another time.

    That it lies beside another belongs to the time it had: at the new one the rule and the fence hold again.
    """
    return [rule for rule in moved.overruled if rule != Rule.OWN_TIME]


def first_beside(patient: Patient, slot: Stretch, *, moved: Appointment | None = None) -> Appointment | None:
    """Return the first of those with its provider, to be shown. One query."""
    rows = beside(patient, slot.starts_at, slot.ends_at, moved=moved)
    return rows.select_related("provider").order_by("starts_at").first()


def beside_slot(patient: Any) -> AppointmentQuerySet:
    """Return the live appointments that overlap the slot of the outer query; `patient` is an expression of it."""
    earliest = ExpressionWrapper(OuterRef("starts_at") - Value(LONGEST), output_field=DateTimeField())
    rows = Appointment.objects.live().filter(patient=patient)
    return rows.filter(
        starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at"), starts_at__gt=earliest
    ).order_by()


def beside_slot_moving() -> AppointmentQuerySet:
    """Return the same for a Ready query that is given patient, `moved` and `replaced`: what is moved, and replaced by it."""
    rows = beside_slot(Given("patient"))
    waits = Q(status=AppointmentStatus.REQUESTED, replaces=Given("moved"))
    return rows.exclude(Q(pk=Given("moved")) | Q(pk=Given("replaced")) | waits)
