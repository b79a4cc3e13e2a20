"""Whom one can be in the demo: patients by their synthetic national IDs, staff by password and current code."""

from dataclasses import dataclass
from datetime import datetime

from clinic_admin import queries as clinics
from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import queries as identity
from identity.demo_idp import staff_codes
from identity.demo_idp.people import PEOPLE, Person
from services.home.demo.clinics import CLINICS, PASSWORD, PATIENT_PASSWORD, DemoStaff


@dataclass(frozen=True, slots=True)
class StaffCard:
    """Someone who works at the clinic, with the code that their app shows now."""

    staff: DemoStaff
    code: str


@dataclass(frozen=True, slots=True)
class ClinicCard:
    """A clinic with everyone one can be there."""

    clinic: Clinic
    eid: str
    patients: tuple[Person, ...]
    staff: tuple[StaffCard, ...]
    person_with_password: str
    """Full name of the patient who can also sign in with password and code, if any."""
    patient_password: str


@dataclass(frozen=True, slots=True)
class People:
    """Everyone, by clinic."""

    clinics: tuple[ClinicCard, ...]
    password: str
    seconds_left: int
    """How long the codes are good for."""


def page(now: datetime) -> People:
    """Return everyone one can be. The codes hold until the half minute is over."""
    cards = []
    for demo in CLINICS:
        clinic = clinics.clinic_by_identifier(demo.identifier)
        if clinic is None:
            continue
        staff = []
        for one in demo.staff:
            user = identity.staff_user(one.email)
            staff.append(StaffCard(one, staff_codes.current_code(user) if user else ""))
        cards.append(
            ClinicCard(
                clinic=clinic,
                eid="BankID" if clinic.country == Country.NORWAY else "MitID",
                patients=tuple(person for person in PEOPLE if person.country == clinic.country),
                staff=tuple(staff),
                person_with_password=demo.person_with_password,
                patient_password=PATIENT_PASSWORD,
            )
        )
    return People(clinics=tuple(cards), password=PASSWORD, seconds_left=30 - int(now.timestamp()) % 30)
