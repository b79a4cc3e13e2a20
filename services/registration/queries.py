"""What the staff's page of a login request shows."""

from dataclasses import dataclass
from uuid import UUID

from clinic_admin.models import Clinic
from identity import national_id
from patients import queries as records
from patients.models import Patient
from services.inbox import queries as inbox
from services.inbox.choices import ItemKind
from services.inbox.models import InboxItem
from services.registration.models import LoginRequest


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, the clinic's record of the person, if there is one, and its place in the inbox."""

    request: LoginRequest
    record: Patient | None
    item: InboxItem | None
    number: str
    """The national ID as people write it."""
    guardian_number: str
    """The guardian's, for a request about a child; else empty."""


def asked(*, clinic: Clinic, request_id: UUID) -> Asked | None:
    """Return the clinic's request, or None. Three queries."""
    rows = LoginRequest.objects.filter(clinic=clinic, pk=request_id).select_related("decided_by")
    found = rows.first()
    if found is None:
        return None
    found.clinic = clinic
    return Asked(
        request=found,
        record=records.record_of(national_id_index=found.national_id_index, clinic=clinic),
        item=inbox.item_of(clinic=clinic, kind=ItemKind.REGISTRATION, subject_id=found.pk),
        number=_shown(found.national_id, clinic),
        guardian_number=_shown(found.guardian_national_id, clinic),
    )


def _shown(number: str | None, clinic: Clinic) -> str:
    if not number:
        return ""
    digits = national_id.parse(number, clinic.country, allow_synthetic=True).number
    return f"{digits[:6]} {digits[6:]}"
