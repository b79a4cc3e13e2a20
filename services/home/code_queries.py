"""What signing in with a code needs of the clinic's records."""

from clinic_admin.models import Clinic
from identity.holders import Holder
from patients import queries as patients
from patients.models import Patient


def registered_mobile(patient: Patient | None) -> str:
    """Return the number that the clinic has registered, or nothing for someone without an active record here."""
    return patient.mobile if patient is not None and patient.is_active else ""


def language_of(patient: Patient | None, clinic: Clinic) -> str:
    """Return the language of messages to the patient."""
    return (patient.language if patient else "") or clinic.language


def holder_of(patient: Patient, clinic: Clinic, *, email: str = "") -> Holder | None:
    """Return the patient as identity knows people, or None for a record without national ID."""
    if not patient.national_id or not patient.national_id_index:
        return None
    return Holder(
        country=clinic.country,
        national_id=patient.national_id,
        national_id_index=patient.national_id_index,
        given_name=patient.given_name,
        family_name=patient.family_name,
        birth_date=patient.birth_date,
        email=email or patient.email,
        mobile=patient.mobile,
        language=language_of(patient, clinic),
    )


def holder_who_fits(*, clinic: Clinic, national_id_index: str, email: str, mobile: str) -> Holder | None:
    """Return the person if number, e-mail and mobile are all as the clinic's active record has them (000 §9)."""
    patient = patients.record_of(national_id_index=national_id_index, clinic=clinic)
    if patient is None or not patient.is_active or not patient.email or not patient.mobile:
        return None
    fits = patient.email.casefold() == email.casefold() and patient.mobile == mobile
    return holder_of(patient, clinic) if fits else None


def context_words(patient: Patient, clinic: Clinic) -> list[str]:
    """Return texts whose words make a password easy to guess for someone who knows the patient."""
    born = patient.birth_date
    dates = [f"{born:%d%m%Y}", f"{born:%d%m%y}", f"{born:%Y%m%d}", f"{born:%Y}"] if born else []
    return [
        patient.full_name,
        clinic.name,
        patient.email.partition("@")[0],
        patient.mobile[-8:],
        patient.national_id or "",
        *dates,
    ]
