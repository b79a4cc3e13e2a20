"""What signing in with a code needs of the clinic's records."""

from dataclasses import replace
from datetime import datetime

from clinic_admin import ages
from clinic_admin.countries import CodeChannel, rules_of
from clinic_admin.models import Clinic
from identity import policy
from identity.by_code.holders import Holder
from patients import queries as patients
from patients.models import Patient


def registered_recipient(patient: Patient | None, clinic: Clinic) -> str:
    """Return the number or address, by the country, that the clinic has registered; nothing without an active record."""
    if patient is None or not patient.is_open:
        return ""
    return patient.mobile if rules_of(clinic.country).code_channel is CodeChannel.SMS else patient.email


def is_child(patient: Patient | None, clinic: Clinic, now: datetime) -> bool:
    """Return whether guardians still act for the patient today, by the clinic's calendar."""
    today = now.astimezone(clinic.zone).date()
    return patient is not None and ages.is_below(
        patient.birth_date, rules_of(clinic.country).own_decisions_from, today
    )


def needs_eid(patient: Patient, clinic: Clinic, now: datetime) -> bool:
    """Return whether the patient signs in with eID and nothing else, so that a password is of no use (004)."""
    is_open = policy.codes_are_open(
        rules_of(clinic.country),
        no_eid=patient.no_eid_at is not None,
        is_confirmed_child=is_child(patient, clinic, now),
    )
    return not is_open


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


def holder_who_fits(
    *, clinic: Clinic, national_id_index: str, email: str, mobile: str | None, now: datetime
) -> Holder | None:
    """Return the person if number, e-mail and mobile are all as the clinic's active record has them (000 §9).

    `mobile` is None where it isn't asked for (003, "Glemt adgangskode").
    """
    patient = patients.record_of(national_id_index=national_id_index, clinic=clinic)
    if patient is None or not patient.is_open or not patient.email:
        return None
    fits = patient.email.casefold() == email.casefold()
    if mobile is not None:
        fits = fits and bool(patient.mobile) and patient.mobile == mobile
    found = holder_of(patient, clinic) if fits else None
    return found and replace(found, needs_eid=needs_eid(patient, clinic, now))


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
