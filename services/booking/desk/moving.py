"""The calendar while an appointment looks for another time: ?move=<id>&version=<number>."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinic_admin.guards import StaffRequest
from services.booking.desk import queries
from services.booking.desk.forms import VersionForm
from services.booking.models import Appointment
from services.booking.staff.day import Moving, mover_of


@dataclass(frozen=True, slots=True)
class Sought:
    """An appointment that is to get another time."""

    appointment: Appointment
    version: int
    """The one that the page showed when moving began."""
    keeps: str
    """What leads back to the view that shows it (desk.origin)."""

    @property
    def way(self) -> Moving:
        """Return where free times lead to."""
        mover = mover_of(self.appointment.clinic, self.appointment.pk, self.version)
        return Moving(f"{mover}&{self.keeps}" if self.keeps else mover)

    @property
    def query(self) -> dict[str, Any]:
        """Return what keeps it in the addresses of other days."""
        return {"move": self.appointment.pk, "version": self.version}


def moving_of(request: StaffRequest, keeps: str) -> Sought | None:
    """Return what the address says is to be moved; None when it says nothing that is. One query, or none."""
    try:
        wanted = UUID(request.GET.get("move", ""))
    except ValueError:
        return None
    found = queries.appointment_of(clinic=request.clinic, appointment_id=wanted)
    if found is None:
        return None
    form = VersionForm(request.GET)
    return Sought(found, form.cleaned_data["version"] if form.is_valid() else found.version, keeps)
