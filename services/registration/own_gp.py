"""Whether the clinic is a person's own GP. The national registers are outside; here the clinic's own record answers."""

from typing import Protocol

from patients.models import Patient
from services.registration.choices import OwnGp


class OwnGpSource(Protocol):
    """Where the answer comes from. An agreement with a national GP register is another class with this method."""

    def answer(self, record: Patient | None) -> OwnGp:
        """Return what is known about the person; UNKNOWN never opens anything."""


class ClinicRecords:
    """The clinic's own list of patients: who is on a GP's list here, is the clinic's. Of others nothing is known."""

    def answer(self, record: Patient | None) -> OwnGp:
        """Return YES for an active record on a list of this clinic, else UNKNOWN."""
        on_a_list = record is not None and record.is_active and record.gp_id is not None
        return OwnGp.YES if on_a_list else OwnGp.UNKNOWN


SOURCE: OwnGpSource = ClinicRecords()
