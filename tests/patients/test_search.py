"""Finding patients."""

import contextlib
from datetime import date

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin import queries as clinics
from patients import search, staff_queries
from patients.models import Patient
from patients.search import BadSearch, Wanted, folded, parse
from tests.build import make_clinic, make_patient, make_provider
from tests.patients.build_patients import number

TODAY = date(2026, 11, 22)


@pytest.fixture
def clinic():
    return make_clinic()


def found(clinic, text):
    page = staff_queries.find(clinic=clinic, wanted=parse(text, country=clinic.country, today=TODAY))
    return [patient.full_name for patient in page.patients]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["åse", "ÅSE", "Aase", "berg", "be ås", "lise", "aase-lise", "sørbø", "SØRBØ åse"]
)
def test_names_are_found_by_the_beginnings_of_their_words(clinic, text):
    make_patient(clinic, given_name="Åse-Lise", family_name="Berg Sørbø")
    make_patient(clinic, given_name="Kåre", family_name="Moe")
    assert found(clinic, text) == ["Åse-Lise Berg Sørbø"]


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["erg", "åse x", "ase", "b%rg", "be_g", "b\\erg"])
def test_the_middle_of_a_word_and_wildcards_find_nobody(clinic, text):
    make_patient(clinic, given_name="Åse-Lise", family_name="Berg")
    assert found(clinic, text) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    ["14.04.1988", "14.4.88", "14/4-88", "14-04-1988", "140488", "14041988", "1988-04-14", "line 14.4.88"],
)
def test_birth_dates_are_understood_as_people_write_them(clinic, text):
    make_patient(clinic, given_name="Line", family_name="Danser", birth_date=date(1988, 4, 14))
    make_patient(clinic, given_name="Line", family_name="Annen", birth_date=date(1988, 4, 15))
    assert found(clinic, text) == ["Line Danser"]


def test_a_year_of_two_digits_can_stand_for_two_but_never_for_a_day_to_come():
    assert parse("14.4.19", country="NO", today=TODAY).born == (date(2019, 4, 14), date(1919, 4, 14))
    assert parse("14.4.88", country="NO", today=TODAY).born == (date(1988, 4, 14),)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["91234567", "912 34 567", "+47 912 34 567", "004791234567"])
def test_mobiles_are_found_however_they_are_written(clinic, text):
    make_patient(clinic, mobile="+4791234567")
    make_patient(clinic, mobile="+4791234568")
    assert len(found(clinic, text)) == 1


def test_eight_digits_that_can_be_a_day_and_a_danish_mobile_are_looked_for_as_both():
    wanted = parse("20121988", country="DK", today=TODAY)
    assert wanted.born == (date(1988, 12, 20),)
    assert wanted.mobile == "+4520121988"


@pytest.mark.django_db
@pytest.mark.parametrize("country", ["NO", "DK"])
def test_a_national_id_is_found_by_its_hash_and_never_travels_in_an_address(country):
    clinic = make_clinic(country=country)
    digits = number(country=country)
    wanted = parse(f"{digits[:6]}-{digits[6:]}", country=country, today=TODAY)
    make_patient(clinic, national_id=digits, national_id_index=wanted.national_id_index)
    assert not wanted.may_stand_in_an_address
    assert digits not in repr(wanted)
    assert len(found(clinic, digits)) == 1
    assert found(make_clinic(country=country), digits) == []


@pytest.mark.parametrize("text", ["12345678901", "123", "31.2.1988", "x" * 101, "line 91234567", "?!"])
def test_what_can_not_be_looked_for_is_said_without_repeating_it(text):
    with pytest.raises(BadSearch) as refused:
        parse(text, country="NO", today=TODAY)
    assert refused.value.sentence
    assert text not in refused.value.sentence


def test_an_empty_search_is_for_everyone():
    assert parse("   ", country="NO", today=TODAY) == Wanted()


@given(st.text(max_size=120))
def test_any_text_is_understood_or_refused_in_words(text):
    with contextlib.suppress(BadSearch):
        assert len(parse(text, country="NO", today=TODAY).words) <= search.MOST_WORDS


@pytest.mark.django_db
def test_the_database_folds_names_as_we_do():
    variants = "".join(search._LETTERS.values()) + search._REMOVED + "'abcxyzÆØÅ ABC"
    with connection.cursor() as cursor:
        cursor.execute("SELECT patients_search_name(%s, %s)", [variants, "Å-b'c"])
        assert cursor.fetchone()[0] == " " + folded(f"{variants} Å-b'c")


@pytest.mark.django_db
def test_pages_follow_one_another_by_name_and_hold_everyone_once(clinic, django_assert_max_num_queries):
    gp = make_provider(clinic)
    for place in range(60):
        make_patient(clinic, given_name="Ola", family_name=f"Moe{place % 7}", gp=gp)
    make_patient(make_clinic(), given_name="Ola", family_name="Moe1")
    seen, after = [], None
    while True:
        with django_assert_max_num_queries(3):
            page = staff_queries.find(clinic=clinic, wanted=Wanted(words=("moe",)), after=after)
            assert all(patient.gp.initials for patient in page.patients)
        seen += page.patients
        if not (after := page.following):
            break
    assert len(seen) == len({patient.pk for patient in seen}) == 60
    assert [p.family_name for p in seen] == sorted(p.family_name for p in seen)


@pytest.mark.django_db
def test_names_stand_in_the_order_of_the_alphabet_across_pages(clinic):
    names = ["Østby", "Zahl", "Åsen", "Ærlig", "Berg", "Aasen", "éger", "Aas", "Örn", "Ås"]
    for name in names:
        make_patient(clinic, given_name="Ola", family_name=name)
    ordered = ["Berg", "éger", "Zahl", "Ærlig", "Örn", "Østby", "Aas", "Ås", "Aasen", "Åsen"]
    found = staff_queries.find(clinic=clinic, wanted=Wanted()).patients
    assert [patient.family_name.replace("Aa", "Å") for patient in found] == [
        name.replace("Aa", "Å") for name in ordered
    ]


@pytest.mark.django_db
def test_short_lists_stand_in_the_order_of_the_alphabet():
    for name in ("Åse Berg", "Zoe Moe", "Aase Lie", "Ærlig Per", "Øystein Ås", "Bo Ek"):
        make_clinic(name=name, is_active=True)
    shown = [clinic.name for clinic in clinics.active_clinics()]
    assert shown == ["Bo Ek", "Zoe Moe", "Ærlig Per", "Øystein Ås", "Åse Berg", "Aase Lie"]


@pytest.mark.django_db
def test_an_id_of_another_clinic_begins_at_the_start(clinic):
    make_patient(clinic, family_name="Aas")
    other = make_patient(make_clinic(), family_name="Åsen")
    assert len(staff_queries.find(clinic=clinic, wanted=Wanted(), after=other.pk).patients) == 1


@pytest.mark.django_db
def test_the_index_alone_answers_who_has_the_name(clinic):
    people = [
        Patient(clinic=clinic, given_name=f"Ola{place}", family_name=f"Moe{place % 97}")
        for place in range(3000)
    ]
    Patient.objects.bulk_create(people)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE patients_patient")
    ordered = staff_queries.placed(Patient.objects.for_clinic(clinic), clinic, None)
    plan = staff_queries.named(ordered, ["ola"]).values_list("pk")[:26].explain()
    assert "Index Only Scan using patient_by_name" in plan
    assert "Sort" not in plan


def test_masked_ids_show_the_day_only():
    class Row:
        national_id = number()
        clinic = type("Clinic", (), {"country": "NO"})

    assert staff_queries.shown_id(Row) == "148488 •••••"
    assert staff_queries.shown_id(Row, in_full=True).replace(" ", "") == number()


@pytest.mark.parametrize(("day", "years"), [(date(2026, 4, 13), 37), (date(2026, 4, 14), 38)])
def test_age_turns_on_the_birthday(day, years):
    assert staff_queries.age(date(1988, 4, 14), day) == years
