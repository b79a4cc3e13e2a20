"""What a letter about a child's request may say: only a proven address hears that it is about a child, and why."""

from patients import queries as records
from patients.contact import queries as contact
from patients.contact.choices import ContactKind
from services.registration.choices import RequestKind
from services.registration.models import LoginRequest


def may_name_the_child(asked: LoginRequest) -> bool:
    """Return whether the request is the person's own, or its address one that was proven for the child's record."""
    if asked.kind not in (RequestKind.CHILD, RequestKind.CONFIRM):
        return True
    patient = records.record_of(national_id_index=asked.national_id_index, clinic=asked.clinic)
    return patient is not None and contact.is_proven(patient, ContactKind.EMAIL, asked.email)
