"""The demo's families: who has custody of whom, as a register's extract would say it, and one proxy."""

from datetime import datetime, timedelta

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id
from identity.demo_idp.people import PEOPLE, Person
from identity.models import User
from patients.guardianship import extract, operations
from patients.guardianship.choices import Area
from patients.guardianship.operations import Adult
from patients.models import Patient

CUSTODY = (
    ("Line Danser", "M", ("Ola Danser", "Nora Danser")),
    ("Søren Østergaard", "F", ("Emil Østergaard",)),
)
"""Parent, mother or father, children."""
CHILDREN = frozenset(name for _parent, _role, children in CUSTODY for name in children)
PROXY = ("Finn Dottno", "Line Danser")
"""Who lets whom take care of appointments."""
_TYPES = {"M": "0003", "F": "0004"}


def load(now: datetime) -> None:
    """Load the extracts, one per country, as an operator would. Calling it again replaces them by the same."""
    for country in Country:
        entries, bad = extract.entries_of(_rows(country), country)
        if bad:
            raise ValueError("the demo's own families must be loadable")
        operations.load_extract(country=country, name=f"demo-{country.value}", entries=entries, now=now)


def _rows(country: Country) -> list[dict[str, str]]:
    people = {person.full_name: person for person in PEOPLE if person.country == country}
    rows = []
    for parent, role, children in CUSTODY:
        for child in children:
            if parent in people and child in people:
                numbers = people[parent].national_id, people[child].national_id
                rows.append(_row("014", numbers[0], numbers[1], role))
                rows.append(_row("016", numbers[1], "", _TYPES[role]))
    return rows


def _row(record: str, person: str, related: str, kind: str) -> dict[str, str]:
    values = {"record": record, "person": person, "related": related, "type": kind}
    return dict.fromkeys(extract.COLUMNS, "") | values


def parent_of(child: Person) -> Person:
    """Return who has custody of one of the children."""
    name = next(parent for parent, _role, children in CUSTODY if child.full_name in children)
    return next(person for person in PEOPLE if person.full_name == name)


def give_proxy(clinic: Clinic, known: dict[str, Patient], *, actor: User, now: datetime) -> None:
    """Register the demo's proxy, where both people are patients."""
    giver, receiver = (known.get(name) for name in PROXY)
    if giver is None or receiver is None:
        return
    operations.add_proxy(
        patient=giver,
        adult=Adult(national_id.parse(receiver.national_id or "", clinic.country), receiver.full_name),
        areas=[Area.APPOINTMENTS],
        last_day=now.astimezone(clinic.zone).date() + timedelta(days=180),
        proof="ID",
        actor=actor,
        now=now,
    )
