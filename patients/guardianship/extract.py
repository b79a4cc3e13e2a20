"""Reads a register's extract: who has custody of whom, in the shape of the CPR extract's records 014, 016 and 017.

CSV (UTF-8, semicolons or commas) or a JSON list, with these names:

record      014 a parent's child, 016 custody of a child, 017 a guardian of an adult
person      014 the parent; 016 and 017 who is in custody or under guardianship
related     014 the child; 016 with type 0005 or 0006, and 017: who has it; may be empty there when nobody is named
type        014 M (mother) or F (father); 016 0003 the mother, 0004 the father, 0005 and 0006 someone else; 017 empty
from, until days as 2026-11-27; both may be empty
uncertain   yes when the register marks the entry as unreliable

A custody "0003" or "0004" is that of the parent whom a record 014 names.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from identity import national_id
from identity.national_id import BadNationalId
from patients.guardianship.choices import Basis, ExtractProblem

COLUMNS = ("record", "person", "related", "type", "from", "until", "uncertain")
LARGEST = 200 * 1024 * 1024

_CHILD, _CUSTODY, _GUARDIANSHIP = "014", "016", "017"
_ROLES = {"M": "0003", "F": "0004"}
_BY_ROLE = {"0003": Basis.MOTHER, "0004": Basis.FATHER}
_OTHERS = {"0005", "0006"}


class UnusableExtract(ValueError):
    """The file can't be read as an extract; the text says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One adult's right, by keyed hashes."""

    child_index: str
    adult_index: str
    basis: Basis
    valid_from: date | None
    valid_to: date | None
    is_uncertain: bool


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used, by its place in the file."""

    number: int
    problem: ExtractProblem


class _Unusable(ValueError):
    def __init__(self, problem: ExtractProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def rows_of(content: bytes, *, is_json: bool) -> list[Mapping[str, str]]:
    """Return the file's rows. Raises UnusableExtract."""
    if len(content) > LARGEST:
        raise UnusableExtract("The file is larger than 200 MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableExtract("The file is not text in UTF-8.") from None
    return _json_rows(text) if is_json else _csv_rows(text)


def _json_rows(text: str) -> list[Mapping[str, str]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableExtract("The file is not JSON.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnusableExtract("The JSON is not a list of objects.")
    return [{name: _word(row.get(name)) for name in COLUMNS} for row in rows]


def _word(value: Any) -> str:
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value)


def _csv_rows(text: str) -> list[Mapping[str, str]]:
    first = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise UnusableExtract(f"These columns are missing: {', '.join(missing)}.")
        return [{name: (row.get(name) or "").strip() for name in COLUMNS} for row in reader]
    except csv.Error:
        raise UnusableExtract("The file can't be read as CSV.") from None


def entries_of(rows: Iterable[Mapping[str, str]], country: str) -> tuple[list[Entry], list[BadRow]]:
    """Return who has custody of whom, and the rows that can't be used. The first row of a CSV's data is number 2."""
    numbered = list(enumerate(rows, start=2))
    parents, bad = _parents(numbered, country)
    entries: list[Entry] = []
    for number, row in numbered:
        if row["record"] == _CHILD:
            continue
        try:
            entries.append(_entry(row, parents, country))
        except _Unusable as unusable:
            bad.append(BadRow(number, unusable.problem))
    return entries, sorted(bad, key=lambda one: one.number)


def _parents(
    numbered: Iterable[tuple[int, Mapping[str, str]]], country: str
) -> tuple[dict[tuple[str, str], str], list[BadRow]]:
    """Return (child, type of custody) -> parent, of the records 014."""
    found: dict[tuple[str, str], str] = {}
    bad: list[BadRow] = []
    for number, row in numbered:
        if row["record"] != _CHILD:
            continue
        try:
            child, custody, parent = _parent(row, country)
            found[child, custody] = parent
        except _Unusable as unusable:
            bad.append(BadRow(number, unusable.problem))
    return found, bad


def _parent(row: Mapping[str, str], country: str) -> tuple[str, str, str]:
    if row["type"] not in _ROLES:
        raise _Unusable(ExtractProblem.TYPE)
    parent = _index(row["person"], country, ExtractProblem.PERSON)
    return _index(row["related"], country, ExtractProblem.RELATED), _ROLES[row["type"]], parent


def _entry(row: Mapping[str, str], parents: Mapping[tuple[str, str], str], country: str) -> Entry:
    if row["record"] not in {_CUSTODY, _GUARDIANSHIP}:
        raise _Unusable(ExtractProblem.RECORD)
    person = _index(row["person"], country, ExtractProblem.PERSON)
    adult, basis = _holder(row, person, parents, country)
    begins, ends = _day(row["from"]), _day(row["until"])
    if begins and ends and ends < begins:
        raise _Unusable(ExtractProblem.DATE)
    return Entry(person, adult, basis, begins, ends, row["uncertain"].lower() in {"yes", "ja", "1"})


def _holder(
    row: Mapping[str, str], person: str, parents: Mapping[tuple[str, str], str], country: str
) -> tuple[str, Basis]:
    related = _index(row["related"], country, ExtractProblem.RELATED) if row["related"] else ""
    if row["record"] == _GUARDIANSHIP:
        return related, Basis.ADULT
    if row["type"] in _OTHERS:
        return related, Basis.OTHER
    if row["type"] not in _BY_ROLE:
        raise _Unusable(ExtractProblem.TYPE)
    parent = parents.get((person, row["type"]))
    if parent is None:
        raise _Unusable(ExtractProblem.NO_PARENT)
    return parent, _BY_ROLE[row["type"]]


def _index(text: str, country: str, problem: ExtractProblem) -> str:
    try:
        return national_id.index(national_id.parse(text, country))
    except BadNationalId:
        raise _Unusable(problem) from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _Unusable(ExtractProblem.DATE) from None
