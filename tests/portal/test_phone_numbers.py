"""Phone numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import phone_numbers
from portal.phone_numbers import BadPhoneNumber, Problem


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("912 34 567", "NO", "+4791234567"),
        ("91234567", "NO", "+4791234567"),
        ("+47 912 34 567", "NO", "+4791234567"),
        ("0047 91 23 45 67", "DK", "+4791234567"),
        ("20 12 34 56", "DK", "+4520123456"),
        ("(+45) 20-12-34-56", "NO", "+4520123456"),
        ("+46 70 123 45 67", "NO", "+46701234567"),
    ],
)
def test_mobiles_are_read_as_people_write_them(text, country, e164):
    assert phone_numbers.parse_mobile(text, country) == e164


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Problem.MISSING),
        ("   ", Problem.MISSING),
        ("9123456", Problem.NOT_A_NUMBER),
        ("my daughter's", Problem.NOT_A_NUMBER),
        ("113", Problem.NOT_A_NUMBER),
        ("91234567 ext. 5", Problem.NOT_A_NUMBER),
        ("9" * 5000, Problem.NOT_A_NUMBER),
        ("22 33 44 55", Problem.NOT_A_MOBILE),
    ],
)
def test_each_mistake_has_its_own_sentence(text, reason):
    with pytest.raises(BadPhoneNumber) as refused:
        phone_numbers.parse_mobile(text, "NO")
    assert refused.value.reason is reason
    assert refused.value.message


@given(st.text(max_size=60))
def test_anything_else_is_refused_and_never_breaks(text):
    try:
        assert phone_numbers.parse_mobile(text, "NO").startswith("+")
    except BadPhoneNumber as refused:
        assert refused.args == (refused.reason.value,)  # noqa: PT017


def test_a_fixed_line_will_do_where_nobody_sends_messages():
    assert phone_numbers.parse_phone("22 33 44 55", "NO") == "+4722334455"


def test_numbers_are_shown_with_country_code_except_at_home():
    assert phone_numbers.as_people_write("+4791234567") == "+47 91 23 45 67"
    assert phone_numbers.as_people_write("+4791234567", "NO") == "91 23 45 67"
    assert phone_numbers.as_people_write("+4791234567", "DK") == "+47 91 23 45 67"
    assert phone_numbers.as_people_write("+4520123456", "DK") == "20 12 34 56"
    assert phone_numbers.as_people_write("ask at the desk") == "ask at the desk"


@given(st.integers(90_000_000, 99_999_999))
def test_what_is_shown_can_be_read_again(digits):
    try:
        e164 = phone_numbers.parse_mobile(str(digits), "NO")
    except BadPhoneNumber:
        return
    for reader in ("NO", "DK"):
        assert phone_numbers.parse_mobile(phone_numbers.as_people_write(e164, reader), reader) == e164


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("116117", "NO", "116117"),
        ("116 117", "NO", "116117"),
        ("1813", "DK", "1813"),
        ("70 11 31 31", "DK", "+4570113131"),
        ("22 33 44 55", "NO", "+4722334455"),
    ],
)
def test_a_clinic_can_give_a_short_number_of_its_country(text, country, stored):
    assert phone_numbers.parse_public_phone(text, country) == stored
    assert phone_numbers.parse_public_phone(phone_numbers.as_people_write(stored, country), country) == stored


@pytest.mark.parametrize("text", ["", "4711", "the hospital", "1" * 5000, "١١٦١١٧"])
def test_a_short_number_of_nobody_is_refused(text):
    with pytest.raises(BadPhoneNumber):
        phone_numbers.parse_public_phone(text, "NO")
