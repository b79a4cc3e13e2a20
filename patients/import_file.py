"""Reads a file of patients as the clinic's journal system writes it: CSV in several dialects, encodings and languages."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise

from patients.choices import FileProblem

REQUIRED = ("national_id", "given_name", "family_name")
OPTIONAL = ("mobile", "email", "gp", "active")
COLUMNS = (*REQUIRED, *OPTIONAL)

_ALIASES = {
    "national_id": {"fødselsnummer", "fodselsnummer", "fnr", "cpr", "cprnummer"},
    "given_name": {"fornavn"},
    "family_name": {"etternavn", "efternavn"},
    "mobile": {"mobil", "mobiltelefon"},
    "email": {"epost", "mail"},
    "gp": {"fastlege", "læge", "egenlæge"},
    "active": {"aktiv"},
}
_NAMES = {alias: column for column, aliases in _ALIASES.items() for alias in aliases} | {
    column.replace("_", ""): column for column in COLUMNS
}
_DELIMITERS = ";,\t"


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it stands in the file. None instead of cells: their number does not fit the header's."""

    number: int
    """As a spreadsheet counts: the header is row 1."""
    cells: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class ImportFile:
    """The rows of a file, and the columns that say nothing to us."""

    rows: Sequence[RawRow]
    ignored: Sequence[str]


class UnusableFile(Exception):
    """Nothing of the file can be used. The message never holds what stands in its rows."""

    def __init__(self, problem: FileProblem, *columns: str) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.columns = columns

    @property
    def message(self) -> str | Promise:
        """Return the sentence for the user."""
        return str(self.problem.label).format(columns=", ".join(self.columns))


def read(path: Path) -> ImportFile:
    """Return the file's rows, their cells by our column names and without spaces around; empty rows are left out.

    Raises UnusableFile.
    """
    try:
        content = path.read_bytes()
    except OSError:
        raise UnusableFile(FileProblem.NOT_FOUND) from None
    return parse(content)


def parse(content: bytes) -> ImportFile:
    """Return the rows of a file's content; see read."""
    text = _decoded(content)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except csv.Error:
        raise UnusableFile(FileProblem.BROKEN) from None
    if not records:
        raise UnusableFile(FileProblem.EMPTY)
    header, *body = records
    columns = [_NAMES.get(_plain(title), "") for title in header]
    _refuse_unusable(columns)
    return ImportFile(
        rows=[_raw_row(number, columns, cells) for number, cells in enumerate(body, start=2) if any(cells)],
        ignored=[title.strip() for title, column in zip(header, columns, strict=True) if not column],
    )


def _decoded(content: bytes) -> str:
    """Return the text: UTF-8 with or without byte order mark, or else Windows-1252, which Latin-1 texts are too."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnusableFile(FileProblem.NOT_TEXT)


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _plain(title: str) -> str:
    return "".join(character for character in title.casefold() if character.isalnum())


def _refuse_unusable(columns: Sequence[str]) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise UnusableFile(FileProblem.MISSING_COLUMN, *missing)
    twice = [column for column in COLUMNS if columns.count(column) > 1]
    if twice:
        raise UnusableFile(FileProblem.COLUMN_TWICE, *twice)


def _raw_row(number: int, columns: Sequence[str], cells: Sequence[str]) -> RawRow:
    if len(cells) != len(columns):
        return RawRow(number, None)
    return RawRow(
        number, {column: cell.strip() for column, cell in zip(columns, cells, strict=True) if column}
    )
