"""What pages and other areas need of the clinic's patients."""

from clinic_admin.models import Clinic
from patients.models import Patient


def record_of(*, national_id_index: str, clinic: Clinic) -> Patient | None:
    """Return the clinic's record of the person, active or not, with the GP."""
    return (
        Patient.objects.for_clinic(clinic)
        .filter(national_id_index=national_id_index)
        .select_related("gp")
        .first()
    )
