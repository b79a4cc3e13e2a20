"""National IDs."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from stdnum.dk import cpr
from stdnum.exceptions import ValidationError
from stdnum.no import fodselsnummer

from clinic_admin.choices import Country
from identity import national_id
from identity.demo_idp.people import PEOPLE
from identity.national_id import BadNationalId, Kind, Problem
from portal import crypto
from tests.build import make_clinic, make_patient

TODAY = date(2026, 11, 22)
NO_DATES = st.dates(date(1854, 1, 1), TODAY)
DK_DATES = st.dates(date(1858, 1, 1), TODAY)
SERIALS = st.integers(0, 100_000)
COUNTRIES = st.sampled_from(["NO", "DK"])


def parse(text, country="NO", **more):
    return national_id.parse(text, country, allow_synthetic=True, today=TODAY, **more)


def refusal(text, country="NO", **more):
    with pytest.raises(BadNationalId) as refused:
        parse(text, country, **more)
    return refused.value.reason


def norwegian(day, month, year, individual):
    """Return the number with right check digits; None where there is none."""
    start = f"{day:02}{month:02}{year:02}{individual:03}"
    digits = fodselsnummer.calc_check_digit1(start)
    digits += fodselsnummer.calc_check_digit2(start + digits)
    return start + digits if len(digits) == 2 else None


@given(NO_DATES, SERIALS)
def test_every_made_norwegian_number_is_read_with_its_birth_date(born, serial):
    made = parse(national_id.make_synthetic("NO", born, serial=serial))
    assert (made.birth_date, made.kind, made.is_synthetic) == (born, Kind.SYNTHETIC, True)


@given(DK_DATES, SERIALS)
def test_every_made_danish_number_is_read_with_its_birth_date(born, serial):
    made = parse(national_id.make_synthetic("DK", born, serial=serial), "DK")
    assert (made.birth_date, made.kind, made.is_synthetic) == (born, Kind.REPLACEMENT, True)


@pytest.mark.parametrize(("country", "room"), [("NO", 340), ("DK", 4000)])
@pytest.mark.parametrize("born", [date(1936, 2, 29), date(1988, 4, 14), date(2012, 12, 31)])
def test_different_serials_give_different_numbers(country, room, born):
    assert len({national_id.make_synthetic(country, born, serial=serial) for serial in range(room)}) == room


def test_a_made_number_is_always_the_same():
    assert national_id.make_synthetic("NO", date(1988, 4, 14), serial=1) == "14848800288"


def test_a_birth_year_outside_the_numbers_can_not_be_made():
    for country in ("NO", "DK"):
        with pytest.raises(ValueError, match="birth years"):
            national_id.make_synthetic(country, date(1850, 1, 1), serial=0)


@given(NO_DATES, SERIALS, st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_in_a_norwegian_number_is_noticed(born, serial, place, off):
    made = national_id.make_synthetic("NO", born, serial=serial)
    digit = (int(made[place]) + off) % 10
    assert refusal(f"{made[:place]}{digit}{made[place + 1 :]}") in {
        Problem.CHECK_DIGITS,
        Problem.IMPOSSIBLE_DATE,
    }


@given(st.integers(1, 71), st.integers(1, 12), st.integers(0, 99), st.integers(0, 999))
def test_ordinary_and_d_numbers_are_read_as_stdnum_reads_them(day, month, year, individual):
    number = norwegian(day, month, year, individual)
    assume(number is not None)
    try:
        expected = fodselsnummer.get_birth_date(number)
    except ValidationError:
        assert refusal(number) is Problem.IMPOSSIBLE_DATE
        return
    if expected > TODAY + timedelta(days=1):
        assert refusal(number) is Problem.IMPOSSIBLE_DATE
        return
    read = parse(number)
    assert read.birth_date == expected
    assert read.kind is (Kind.D_NUMBER if day > 40 else Kind.ORDINARY)
    assert not read.is_synthetic


@given(st.text("0123456789", min_size=11, max_size=11))
@example("15108695088")
@example("00000000000")
def test_what_stdnum_refuses_we_refuse(number):
    try:
        read = parse(number)
    except BadNationalId:
        return
    if not read.is_synthetic:
        assert fodselsnummer.calc_check_digit1(number) == number[9]
        assert fodselsnummer.get_birth_date(number) == read.birth_date


@given(st.text("0123456789", min_size=10, max_size=10))
def test_cpr_numbers_are_read_as_stdnum_reads_them(number):
    assume(int(number[:2]) <= 60)
    try:
        expected = cpr.get_birth_date(number)
    except ValidationError:
        assert refusal(number, "DK") is Problem.IMPOSSIBLE_DATE
        return
    if expected > TODAY + timedelta(days=1):
        assert refusal(number, "DK") is Problem.IMPOSSIBLE_DATE
    else:
        assert parse(number, "DK").birth_date == expected


def test_a_cpr_number_needs_no_modulus_11():
    assert [cpr.checksum(number) for number in ("2110625629", "2110625620")] == [0, 2]
    assert {parse(number, "DK").kind for number in ("2110625629", "2110625620")} == {Kind.ORDINARY}


@pytest.mark.parametrize(
    ("added", "kind", "d_kind"),
    [
        (80, Kind.SYNTHETIC, Kind.SYNTHETIC_D_NUMBER),
        (65, Kind.SYNTHETIC_NHN, Kind.SYNTHETIC_NHN_D_NUMBER),
        (40, Kind.SYNTHETIC_NAV, Kind.SYNTHETIC_NAV_D_NUMBER),
    ],
)
def test_synthetic_series_and_their_d_numbers_keep_the_birth_date(added, kind, d_kind):
    plain = next(filter(None, (norwegian(14, 4 + added, 88, serial) for serial in range(500))))
    d_number = next(filter(None, (norwegian(54, 4 + added, 88, serial) for serial in range(500))))
    assert [(read.kind, read.birth_date) for read in map(parse, (plain, d_number))] == [
        (kind, date(1988, 4, 14)),
        (d_kind, date(1988, 4, 14)),
    ]


@pytest.mark.parametrize(
    "text", ["151086 95088", "151086-95088", " 15 10 86 950 88 ", "151086\u00a095088", "151086–95088"]
)
def test_spaces_and_hyphens_do_not_matter(text):
    assert parse(text).number == "15108695088"


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("", "NO", Problem.MISSING),
        (" - ", "NO", Problem.MISSING),
        ("1510869508", "NO", Problem.NOT_ELEVEN_DIGITS),
        ("151086950888", "NO", Problem.NOT_ELEVEN_DIGITS),
        ("15108695088", "DK", Problem.NOT_TEN_DIGITS),
        ("151086950A8", "NO", Problem.LETTERS),
        ("١٥١٠٨٦٩٥٠٨٨", "NO", Problem.LETTERS),
        ("15108695077", "NO", Problem.CHECK_DIGITS),
        ("32108695088", "NO", Problem.IMPOSSIBLE_DATE),
        ("81010100000", "NO", Problem.IMPOSSIBLE_DATE),
        ("3102801234", "DK", Problem.IMPOSSIBLE_DATE),
    ],
)
def test_each_mistake_has_its_own_sentence(text, country, reason):
    assert refusal(text, country) is reason
    assert not re.search(r"\d{6}", str(reason.label))


def test_nobody_is_born_tomorrow():
    born = TODAY + timedelta(days=2)
    assert refusal(national_id.make_synthetic("NO", born, serial=0)) is Problem.IMPOSSIBLE_DATE


@pytest.mark.parametrize("country", ["NO", "DK"])
def test_test_numbers_are_refused_where_they_are_not_allowed(country, settings):
    made = national_id.make_synthetic(country, date(1988, 4, 14), serial=3)
    settings.IS_DEVELOPMENT = False
    with pytest.raises(BadNationalId) as refused:
        national_id.parse(made, country)
    assert refused.value.reason is Problem.SYNTHETIC
    settings.IS_DEVELOPMENT = True
    assert national_id.parse(made, country).is_synthetic


@given(st.text(max_size=20), COUNTRIES)
def test_anything_else_is_refused_and_never_breaks(text, country):
    try:
        parse(text, country)
    except BadNationalId as refused:
        assert refused.reason in Problem  # noqa: PT017


def test_neither_refusals_nor_prints_show_the_number():
    with pytest.raises(BadNationalId) as refused:
        parse("15108695077")
    assert "15108695077" not in f"{refused.value!r} {refused.value} {refused.value.message}"
    assert "15108695088" not in f"{parse('15108695088')!r}"


def test_masking_shows_the_first_six_digits():
    assert national_id.masked(parse("151086 95088")) == "151086 •••••"
    assert national_id.masked(parse("2110625629", "DK")) == "211062-••••"


def test_the_index_depends_on_number_and_country_only():
    number = national_id.index(parse("151086 95088"))
    assert number == national_id.index(parse("15108695088"))
    assert number == crypto.blind_index("NO:15108695088", purpose="national-id")


@pytest.mark.django_db
def test_a_built_patient_is_found_by_the_index():
    patient = make_patient(make_clinic(country=Country.NORWAY), national_id="15108695088")
    assert patient.national_id_index == national_id.index(parse("15108695088"))


def test_the_people_of_the_demo_have_numbers_of_their_own():
    numbers = [(person.country, person.national_id) for person in PEOPLE]
    assert len(set(numbers)) == len(PEOPLE)
    for person in PEOPLE:
        assert parse(person.national_id, person.country).birth_date == person.birth_date
