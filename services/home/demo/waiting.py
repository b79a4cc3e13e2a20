"""What waits in the demo's clinics: login requests for staff, and contact details that patients are asked about."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from identity.by_code import passwords
from patients.contact import operations as contact
from patients.contact.choices import ContactKind
from patients.guardianship.operations import Adult
from patients.models import Patient
from services.home.demo.clinics import PATIENT_PASSWORD
from services.registration import child_operations
from services.registration import operations as registration
from services.registration.child_pending import Pending
from services.registration.choices import TERMS_VERSION
from services.registration.registrant import Registrant

ASKED_AGAIN = "Mette Æbelø"
"""Who has confirmed nothing yet and is asked at sign-in."""
SAYS_OTHERWISE = "Donald Andersen"
"""Whose own word differs from what the clinic has."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Someone who registered and waits. No clinic of the demo has a record of them."""

    country: Country
    given_name: str
    family_name: str
    born: date
    serial: int
    hours_ago: int
    is_proven: bool = True


NEWCOMERS = (
    Newcomer(Country.NORWAY, "Sunniva", "Nybø", date(1992, 8, 30), 15, 50),
    Newcomer(Country.NORWAY, "Terje", "Flyttdag", date(1967, 2, 12), 16, 20, is_proven=False),
    Newcomer(Country.NORWAY, "Amina", "Lie", date(2001, 10, 5), 17, 3),
    Newcomer(Country.DENMARK, "Freja", "Nyby", date(1989, 3, 27), 15, 41),
    Newcomer(Country.DENMARK, "Anders", "Tilflytter", date(1955, 12, 9), 16, 5, is_proven=False),
)
CHILD = Newcomer(Country.DENMARK, "Alma", "Nyby", date(2018, 9, 14), 17, 26)
GUARDIAN = NEWCOMERS[3]
"""Whom no register names as the child's guardian, so that staff must see proof."""


def ask(clinic: Clinic, now: datetime) -> None:
    """Let newcomers have registered in the last days, as they would themselves. Twice is once."""
    for one in NEWCOMERS:
        if one.country == clinic.country:
            _registers(clinic, one, now - timedelta(hours=one.hours_ago))
    if clinic.country == CHILD.country:
        _guardian_asks(clinic, now - timedelta(hours=CHILD.hours_ago))


def say(known: dict[str, Patient], now: datetime) -> None:
    """Let the people one can be have confirmed their contact details, but for two, so that both can be seen."""
    for name, patient in known.items():
        for kind in ContactKind:
            value = getattr(patient, kind)
            if name == SAYS_OTHERWISE and kind is ContactKind.EMAIL:
                value = f"min-nye-{value}"
            if value and name != ASKED_AGAIN:
                contact.note_word_for_demo(patient=patient, kind=kind, value=value, at=now)


def _registers(clinic: Clinic, one: Newcomer, now: datetime) -> None:
    who = Registrant(
        number=_number(one),
        given_name=one.given_name,
        family_name=one.family_name,
        email=_address(one),
        mobile="",
        language=clinic.language,
        terms=TERMS_VERSION,
        password=passwords.hashed(PATIENT_PASSWORD),
    )
    registration.register(clinic=clinic, who=who, is_proven=one.is_proven, now=now)


def _guardian_asks(clinic: Clinic, now: datetime) -> None:
    pending = Pending(
        clinic_id=clinic.pk,
        child=_number(CHILD).number,
        guardian=_number(GUARDIAN).number,
        given_name=CHILD.given_name,
        family_name=CHILD.family_name,
        email=_address(GUARDIAN),
        password=passwords.hashed(PATIENT_PASSWORD),
        terms=TERMS_VERSION,
    )
    proven = Adult(_number(GUARDIAN), f"{GUARDIAN.given_name} {GUARDIAN.family_name}")
    child_operations.finish(clinic=clinic, pending=pending, proven=proven, now=now)


def _number(one: Newcomer) -> national_id.NationalId:
    number = national_id.make_synthetic(one.country, one.born, serial=one.serial)
    return national_id.parse(number, one.country, allow_synthetic=True)


def _address(one: Newcomer) -> str:
    name = one.given_name.lower()
    return f"{name}@example.{one.country.lower()}"
