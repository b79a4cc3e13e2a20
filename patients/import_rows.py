"""Checks rows of an import: from cells to values of a record, or to what is wrong with them. No query, no clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise

from identity import national_id
from identity.national_id import BadNationalId, NationalId
from patients.choices import RowProblem
from patients.import_file import RawRow
from portal import phone_numbers
from portal.phone_numbers import BadPhoneNumber

_LONGEST_NAME = 80
_LONGEST_EMAIL = 254
_YES = frozenset({"yes", "ja", "y", "j", "true", "1"})
_NO = frozenset({"no", "nei", "nej", "n", "false", "0"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What rows are checked against: the clinic's country and list holders (initials -> id), and today's date."""

    country: str
    list_holders: Mapping[str, int]
    today: date


@dataclass(frozen=True, slots=True)
class GoodRow:
    """What a row says about one patient. Printing it shows nobody."""

    number: int
    national_id: str = field(repr=False)
    index: str = field(repr=False)
    """Keyed hash by which the record is found."""
    values: Mapping[str, Any] = field(repr=False)
    """Field -> value, of those fields that the row says something about."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that can't be used, and why. Never the cells themselves."""

    number: int
    reasons: tuple[str | Promise, ...]


class _Bad(Exception):
    """A cell can't be used."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__()
        self.reason = reason


def check(rows: Iterable[RawRow], surroundings: Surroundings) -> Iterator[GoodRow | RefusedRow]:
    """Yield each row checked, in order. A national ID that stands there twice is refused the second time."""
    seen: set[str] = set()
    for row in rows:
        checked = _check_row(row, surroundings)
        if isinstance(checked, GoodRow):
            if checked.index in seen:
                checked = RefusedRow(row.number, (RowProblem.TWICE.label,))
            else:
                seen.add(checked.index)
        yield checked


def _check_row(row: RawRow, surroundings: Surroundings) -> GoodRow | RefusedRow:
    if row.cells is None:
        return RefusedRow(row.number, (RowProblem.CELLS.label,))
    reasons: list[str | Promise] = []
    values: dict[str, Any] = {}
    for column, read in _READERS.items():
        if column in row.cells:
            try:
                values.update(read(row.cells[column], surroundings))
            except _Bad as bad:
                reasons.append(bad.reason)
    if reasons:
        return RefusedRow(row.number, tuple(reasons))
    person: NationalId = values.pop("person")
    return GoodRow(row.number, person.number, national_id.index(person), values)


def _person(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    try:
        person = national_id.parse(cell, surroundings.country, today=surroundings.today)
    except BadNationalId as bad:
        raise _Bad(bad.message) from None
    return {"person": person, "birth_date": person.birth_date}


def _given_name(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    return {"given_name": _name(cell, RowProblem.GIVEN_NAME)}


def _family_name(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    return {"family_name": _name(cell, RowProblem.FAMILY_NAME)}


def _name(cell: str, problem: RowProblem) -> str:
    name = " ".join(cell.split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise _Bad(problem.label)
    return name


def _mobile(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    """An empty cell says nothing: the patient may have given the number in the portal."""
    if not cell:
        return {}
    try:
        return {"mobile": phone_numbers.parse_mobile(cell, surroundings.country)}
    except BadPhoneNumber as bad:
        raise _Bad(bad.message) from None


def _email(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    """An empty cell says nothing, as with the mobile."""
    if not cell:
        return {}
    try:
        validate_email(cell)
    except ValidationError:
        raise _Bad(RowProblem.EMAIL.label) from None
    if len(cell) > _LONGEST_EMAIL:
        raise _Bad(RowProblem.EMAIL.label)
    return {"email": cell}


def _gp(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    """An empty cell says that the patient is on nobody's list here."""
    if not cell:
        return {"gp_id": None}
    gp = surroundings.list_holders.get(cell) or surroundings.list_holders.get(cell.upper())
    if gp is None:
        raise _Bad(RowProblem.GP.label)
    return {"gp_id": gp}


def _active(cell: str, surroundings: Surroundings) -> dict[str, Any]:
    """An empty cell says nothing; a new record is active."""
    if not cell:
        return {}
    word = cell.casefold()
    if word not in _YES | _NO:
        raise _Bad(RowProblem.ACTIVE.label)
    return {"is_active": word in _YES}


_READERS: dict[str, Callable[[str, Surroundings], dict[str, Any]]] = {
    "national_id": _person,
    "given_name": _given_name,
    "family_name": _family_name,
    "mobile": _mobile,
    "email": _email,
    "gp": _gp,
    "active": _active,
}
"""Column -> how its cell becomes values of the record."""
