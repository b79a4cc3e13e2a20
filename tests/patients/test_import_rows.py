"""Checking rows of an import."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.national_id import Problem
from patients import import_rows, policy
from patients.choices import RowProblem
from patients.import_file import COLUMNS, RawRow
from patients.import_rows import GoodRow, RefusedRow, Surroundings
from portal import phone_numbers
from tests.patients.build_patients import TODAY, checked, csv_of, number, row_of


def reasons_of(row, **surroundings):
    (refused,) = checked(csv_of(row), **surroundings)
    assert isinstance(refused, RefusedRow)
    return refused.reasons


def test_a_good_row_becomes_the_values_of_a_record():
    (row,) = checked(csv_of(row_of(given="  Line   Marie ", gp="MK")), list_holders={"MK": 5})
    assert row.national_id == number(1)
    assert row.values == {
        "birth_date": date(1988, 4, 14),
        "given_name": "Line Marie",
        "family_name": "Danser",
        "mobile": "+4791234567",
        "email": "l@x.example",
        "gp_id": 5,
        "is_active": True,
    }


def test_an_empty_cell_takes_no_contact_data_away_but_takes_the_gp_away():
    (row,) = checked(csv_of(row_of(mobile="", email="", gp="", active="")))
    assert set(row.values) == {"birth_date", "given_name", "family_name", "gp_id"}
    assert row.values["gp_id"] is None


def test_a_column_that_is_not_there_says_nothing():
    (row,) = checked(csv_of(f"{number()},Line,Danser", header="national_id,given_name,family_name"))
    assert set(row.values) == {"birth_date", "given_name", "family_name"}


@pytest.mark.parametrize(
    ("word", "active"), [("yes", True), ("JA", True), ("no", False), ("Nei", False), ("nej", False)]
)
def test_active_is_said_in_three_languages(word, active):
    (row,) = checked(csv_of(row_of(active=word)))
    assert row.values["is_active"] is active


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"given": ""}, RowProblem.GIVEN_NAME),
        ({"given": "A" * 81}, RowProblem.GIVEN_NAME),
        ({"family": " "}, RowProblem.FAMILY_NAME),
        ({"mobile": "22 33 44 55"}, phone_numbers.Problem.NOT_A_MOBILE),
        ({"mobile": "12"}, phone_numbers.Problem.NOT_A_NUMBER),
        ({"email": "line at home"}, RowProblem.EMAIL),
        ({"email": f"{'a' * 60}@{'b.' * 120}example"}, RowProblem.EMAIL),
        ({"gp": "XX"}, RowProblem.GP),
        ({"active": "perhaps"}, RowProblem.ACTIVE),
        ({"active": "yes,yes"}, RowProblem.CELLS),
    ],
)
def test_each_mistake_has_its_own_sentence(cells, reason):
    assert reasons_of(row_of(**cells)) == (reason.label,)


def test_all_mistakes_of_a_row_are_told_at_once():
    row = ",".join(["15108695077", "", "Danser", "12", "", "", "yes"])
    assert reasons_of(row) == (
        Problem.CHECK_DIGITS.label,
        RowProblem.GIVEN_NAME.label,
        phone_numbers.Problem.NOT_A_NUMBER.label,
    )


def test_initials_may_be_written_small():
    (row,) = checked(csv_of(row_of(gp="mk")), list_holders={"MK": 5})
    assert row.values["gp_id"] == 5


def test_the_same_national_id_is_refused_the_second_time_however_it_is_written():
    spaced = row_of(1).replace(number(1), f"{number(1)[:6]} {number(1)[6:]}")
    first, other, second = checked(csv_of(row_of(1), row_of(2), spaced))
    assert isinstance(first, GoodRow)
    assert isinstance(other, GoodRow)
    assert second == RefusedRow(4, (RowProblem.TWICE.label,))


def test_printing_a_row_shows_nobody():
    (row,) = checked(csv_of(row_of()))
    assert "Danser" not in repr(row)
    assert number(1) not in repr(row)


@given(st.fixed_dictionaries({column: st.text(max_size=30) for column in COLUMNS}))
def test_any_cells_are_taken_or_refused_with_sentences_that_do_not_repeat_them(cells):
    surroundings = Surroundings("DK", {"MK": 1}, TODAY)
    (row,) = import_rows.check([RawRow(2, cells)], surroundings)
    if isinstance(row, RefusedRow):
        known = {*RowProblem.labels, *Problem.labels, *phone_numbers.Problem.labels}
        assert row.reasons
        assert set(row.reasons) <= known


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)))
def test_differences_are_what_makes_the_record_as_wanted_and_no_more(wanted):
    record = {"a": 0, "b": 1, "c": 2}
    changes = policy.differences(record, wanted)
    assert record | changes == record | wanted
    assert all(record[name] != value for name, value in changes.items())
