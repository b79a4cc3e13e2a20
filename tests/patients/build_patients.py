"""Files of patients for tests."""

from datetime import date

from identity import national_id
from patients import import_rows
from patients.import_file import COLUMNS, RawRow, parse
from patients.import_rows import Surroundings
from patients.synthetic import invented_people

TODAY = date(2026, 11, 22)
HEADER = ",".join(COLUMNS)


def number(serial=1, *, country="NO", born=date(1988, 4, 14)):
    """Return a synthetic national ID."""
    return national_id.make_synthetic(country, born, serial=serial)


def csv_of(*rows, header=HEADER, encoding="utf-8"):
    """Return the content of a file."""
    return "\n".join([header, *rows, ""]).encode(encoding)


def row_of(
    serial=1, given="Line", family="Danser", mobile="912 34 567", email="l@x.example", gp="", active="yes"
):
    """Return one line of a file with all columns."""
    return ",".join([number(serial), given, family, mobile, email, gp, active])


def checked(content, *, country="NO", list_holders=None):
    """Return all rows of a file's content, checked."""
    surroundings = Surroundings(country, list_holders or {}, TODAY)
    return list(import_rows.check(parse(content).rows, surroundings))


def many(count, *, country="NO", list_holders=None, **changes):
    """Return checked rows of invented people."""
    people = invented_people(country, count, 7, sorted(list_holders or {}))
    rows = [RawRow(place, _cells(person) | changes) for place, person in enumerate(people, start=2)]
    return list(import_rows.check(rows, Surroundings(country, list_holders or {}, TODAY)))


def _cells(person):
    return {
        "national_id": person.national_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "mobile": person.mobile,
        "email": person.email,
        "gp": person.gp,
        "active": "yes" if person.is_active else "no",
    }
