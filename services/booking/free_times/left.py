"""Whether a clinic has an urgent time left for anybody: what most hear by, where everyone comes at once (ADR 11)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Subquery

from clinic_admin.models import Clinic, Closure
from patients.models import Patient
from portal.ready import Given, Ready
from services.booking import policy
from services.booking.choices import SlotKind, SlotState
from services.booking.free_times.kinds import UrgentOpening
from services.booking.models import Appointment, Slot


@dataclass(frozen=True, slots=True)
class UrgentLeft:
    """What a press for the first urgent time can hope for, whoever presses."""

    is_left: bool
    """One is out and free, or the form has taken one already."""
    opens_at: datetime | None
    """When the next ones come out to be pressed for, if that is today."""


def look_for_urgent(patient: Patient, form_key: UUID | None, now: datetime) -> UrgentLeft:
    """Return whether the clinic has an urgent time for anybody. One query.

    Whether this patient may have one is asked when there is one.
    """
    found = _LEFT.first(clinic=patient.clinic_id, patient=patient.pk, form_key=form_key, now=now)
    return UrgentLeft(False, None) if found is None else left_of(found, patient.clinic, now)


def answers(*, clinic: Any, patient: Any) -> dict[str, Any]:
    """Return what to ask beside a row. first_day: of the free urgent times, or None; has_form: the form has taken one.

    Clinic and patient are keys, or name them in the outer query. The first free one is found by slot_urgent_free.
    """
    closed = Closure.objects.filter(
        clinic=OuterRef("clinic"), first_day__lte=OuterRef("day"), last_day__gte=OuterRef("day")
    )
    free = Slot.objects.filter(
        ~Exists(closed), clinic=clinic, kind=SlotKind.URGENT, state=SlotState.FREE, starts_at__gt=Given("now")
    )
    unheld = free.filter(Q(held_until=None) | Q(held_until__lte=Given("now")))
    made = Appointment.objects.filter(patient=patient, form_key=Given("form_key"))
    return {
        "first_day": Subquery(unheld.order_by("starts_at").values("day")[:1]),
        "has_form": Exists(made),
    }


_LEFT = Ready(
    lambda: (
        Clinic.objects.filter(pk=Given("clinic"))
        .annotate(**answers(clinic=Given("clinic"), patient=Given("patient")))
        .only("pk")
    )
)


def left_of(found: Any, clinic: Clinic, now: datetime) -> UrgentLeft:
    """Return what the answers beside a row come to. Times that are not out yet are none (F1)."""
    out_until = policy.released_until(
        now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone
    )
    if found.has_form or (found.first_day is not None and found.first_day <= out_until):
        return UrgentLeft(True, None)
    if found.first_day is None or clinic.draws_urgent:  # where lots are drawn nothing is pressed for
        return UrgentLeft(False, None)
    opening = UrgentOpening.of(found.first_day, clinic)
    return UrgentLeft(False, opening.opens_at if opening.is_today(now, clinic) else None)
