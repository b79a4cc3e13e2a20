"""Reading files of patients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients import import_file
from patients.choices import FileProblem
from patients.import_file import UnusableFile
from tests.patients.build_patients import csv_of

HEADER = "national_id;given_name;family_name"


def problem_of(content):
    with pytest.raises(UnusableFile) as unusable:
        import_file.parse(content)
    return unusable.value.problem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_dialect_gives_the_same_rows(encoding, separator, line_end):
    lines = ["fødselsnummer;fornavn;etternavn;mobil", "1;Åse;Ærlig;+47", "2;Bjørg;Østby;"]
    text = line_end.join(lines).replace(";", separator)
    file = import_file.parse(text.encode(encoding))
    assert [row.cells["given_name"] for row in file.rows] == ["Åse", "Bjørg"]
    assert file.rows[1].cells == {
        "national_id": "2",
        "given_name": "Bjørg",
        "family_name": "Østby",
        "mobile": "",
    }


@pytest.mark.parametrize(
    "header",
    [
        "national_id,given_name,family_name,mobile,email,gp,active",
        "Fødselsnummer,Fornavn,Etternavn,Mobil,Epost,Fastlege,Aktiv",
        "CPR,Fornavn,Efternavn,Mobil,E-mail,Læge,Aktiv",
        " National ID , GIVEN NAME ,Family-name,mobile,E-post,GP,active",
    ],
)
def test_columns_are_known_in_three_languages(header):
    file = import_file.parse(csv_of("a,b,c,d,e,f,g", header=header))
    assert file.rows[0].cells == dict(zip(import_file.COLUMNS, "abcdefg", strict=True))
    assert not file.ignored


def test_unknown_columns_are_named_and_left_out():
    file = import_file.parse(csv_of("1;x;A;B", header="national_id;Shoe size;given_name;family_name"))
    assert file.ignored == ["Shoe size"]
    assert file.rows[0].cells == {"national_id": "1", "given_name": "A", "family_name": "B"}


def test_rows_are_numbered_as_a_spreadsheet_does_and_empty_ones_left_out():
    file = import_file.parse(csv_of("1;A;B", "", ";;", "2;C;D", header=HEADER))
    assert [row.number for row in file.rows] == [2, 5]


def test_a_separator_inside_quotation_marks_is_part_of_the_name():
    file = import_file.parse(csv_of('1;"Per; Pål";B', header=HEADER))
    assert file.rows[0].cells["given_name"] == "Per; Pål"


def test_a_row_with_too_many_or_too_few_cells_is_kept_apart():
    file = import_file.parse(csv_of("1;A;B;C", "1;A", header=HEADER))
    assert [row.cells for row in file.rows] == [None, None]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", FileProblem.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00", FileProblem.NOT_TEXT),
        (HEADER.encode("utf-16"), FileProblem.NOT_TEXT),
        (b"\x81\x8d\x8f", FileProblem.NOT_TEXT),
        (b"14048800150;Line;Danser\n", FileProblem.MISSING_COLUMN),
        (b"national_id;given_name;family_name;cpr\n", FileProblem.COLUMN_TWICE),
        (csv_of('1;"A;B', header=HEADER), FileProblem.BROKEN),
        (csv_of(f"1;{'A' * 140_000};B", header=HEADER), FileProblem.BROKEN),
    ],
)
def test_a_file_that_can_not_be_used_says_why(content, problem):
    assert problem_of(content) is problem


def test_the_message_names_columns_and_nothing_that_stands_in_the_file():
    with pytest.raises(UnusableFile) as unusable:
        import_file.parse(b"14048800150;given_name;Danser\n")
    assert "national_id, family_name" in str(unusable.value.message)
    assert "14048800150" not in f"{unusable.value.message}{unusable.value!r}"


def test_a_file_that_is_not_there_is_unusable(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(UnusableFile) as unusable:
            import_file.read(path)
        assert unusable.value.problem is FileProblem.NOT_FOUND


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_never_break(content):
    for start in (b"", HEADER.encode() + b"\n"):
        try:
            import_file.parse(start + content)
        except UnusableFile as unusable:
            assert unusable.message  # noqa: PT017
