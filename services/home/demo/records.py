"""The demo's patients: imported like a clinic's own file, and found again by name."""

from collections.abc import Iterable
from datetime import datetime

from clinic_admin import queries as clinics
from clinic_admin.models import Clinic, Provider
from identity import national_id
from identity import operations as identity
from identity.choices import Assurance
from identity.demo_idp.people import Person
from identity.models import User
from identity.providers.verified import Evidence
from patients import operations as patients
from patients import queries as found
from patients.import_file import RawRow
from patients.import_rows import GoodRow, Surroundings, check
from patients.models import Patient
from patients.synthetic import InventedPerson
from portal import audit
from services.home.demo import families

GP_OF = {
    "Line Danser": "MK",
    "Finn Dottno": "MK",
    "Donald Andersen": "SL",
    "Åse Ærlig": "",
    "Mikkel Mus": "MK",
    "Bibi Utflyttet": "MK",
    "Søren Østergaard": "KH",
    "Mette Æbelø": "JK",
    "Inger Uden-MitID": "KH",
    "Ola Danser": "MK",
    "Nora Danser": "MK",
    "Emil Østergaard": "KH",
}
"""Who has a record, and the initials of their GP. Roland Gundersen has none anywhere."""
MOVED_AWAY = "Bibi Utflyttet"


def of_person(person: Person, clinic: Clinic) -> InventedPerson | None:
    """Return what the clinic's file says about one of the people one can be, or None if it has no record."""
    if person.full_name not in GP_OF:
        return None
    is_child = person.full_name in families.CHILDREN
    reached_by = families.parent_of(person) if is_child else person
    name = reached_by.given_name.lower().replace("å", "a").replace("ø", "o").replace("æ", "ae")
    return InventedPerson(
        national_id=person.national_id,
        given_name=person.given_name,
        family_name=person.family_name,
        birth_date=person.birth_date,
        mobile="" if is_child else _mobile(person, clinic),
        email=f"{name}@example.{clinic.country.lower()}",
        gp=GP_OF[person.full_name],
        is_active=person.full_name != MOVED_AWAY,
    )


def _mobile(person: Person, clinic: Clinic) -> str:
    return f"+479001{person.serial:02d}10" if clinic.country == "NO" else f"+452222{person.serial:04d}"


def store(clinic: Clinic, people: Iterable[InventedPerson], *, now: datetime) -> None:
    """Import these people as the clinic's patients."""
    rows = [RawRow(number, _cells(person)) for number, person in enumerate(people, start=2)]
    checked = list(check(rows, _surroundings(clinic, now)))
    good = [row for row in checked if isinstance(row, GoodRow)]
    if len(good) != len(checked):
        bad = [str(reason) for row in checked if not isinstance(row, GoodRow) for reason in row.reasons]
        raise ValueError(f"the demo's own people must be importable: {bad[:3]}")
    patients.import_patients(clinic=clinic, rows=good, actor=audit.SYSTEM, now=now)


def _surroundings(clinic: Clinic, now: datetime) -> Surroundings:
    return Surroundings(clinic.country, clinics.list_holders(clinic), now.astimezone(clinic.zone).date())


def _cells(person: InventedPerson) -> dict[str, str]:
    return {
        "national_id": person.national_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "mobile": person.mobile,
        "email": person.email,
        "gp": person.gp,
        "active": "yes" if person.is_active else "no",
    }


def known(clinic: Clinic, people: Iterable[Person]) -> dict[str, Patient]:
    """Return full name -> record of those who have one."""
    records = {}
    for person in people:
        index = national_id.index(national_id.parse(person.national_id, clinic.country))
        record = found.record_of(national_id_index=index, clinic=clinic)
        if record is not None:
            records[person.full_name] = record
    return records


def some_with_gp(clinic: Clinic, count: int) -> list[Patient]:
    """Return some active patients who are on a list, always the same."""
    people = Patient.objects.for_clinic(clinic).filter(is_active=True, gp__isnull=False)
    return list(people.select_related("clinic").order_by("national_id_index")[:count])


def on_list_of(provider: Provider, count: int) -> list[Patient]:
    """Return some active patients of the provider's list, always the same, with their clinic as loaded."""
    people = Patient.objects.for_clinic(provider.clinic).filter(is_active=True, gp=provider)
    found = list(people.order_by("national_id_index")[:count])
    for patient in found:
        patient.clinic = provider.clinic
    return found


def login_of(patient: Patient, now: datetime) -> User:
    """Return the login that the patient has after signing in once with eID."""
    evidence = Evidence(
        issuer="",
        subject="",
        national_id=patient.national_id or "",
        national_id_index=patient.national_id_index or "",
        given_name=patient.given_name,
        family_name=patient.family_name,
        birth_date=patient.birth_date,
        assurance=Assurance.HIGH,
    )
    return identity.account_for(evidence, country=patient.clinic.country, now=now).user
