"""The patient log: pages, search, file, chart."""

import csv
import io
import uuid
from datetime import date, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation

from clinic_admin.choices import Country, Role
from identity import national_id
from patients import search
from patients.models import Patient
from portal.models import AuditEvent
from services.access.choices import Approval
from services.access.facts_queries import with_facts
from services.reports import patient_file, patient_queries
from services.reports.patient_queries import Search
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.delegation.build_delegation import sign_in
from tests.services.access.build_access import give, special
from tests.services.booking.build_booking import NOW
from tests.services.reports.build_reports import make_bookings

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    koman = make_provider(clinic, name="Magnard Koman", initials="MK")
    give(koman, booking=True, cancelling=True, approval=Approval.AUTOMATIC)
    return koman


@pytest.fixture
def admin(client, clinic):
    sign_in(client, clinic)
    client.cookies["django_language"] = "en"
    return client


def page_of(clinic, name="patients", *args):
    return reverse(f"reports_admin:{name}", args=[clinic.portal_identifier, *args])


def listed(answer):
    return [row.family_name for row in answer.context["log"].rows]


def asking(clinic, text):
    return Search(clinic, search.parse(text, country=clinic.country, today=NOW.date()))


def names(clinic, text):
    return {patient.full_name for patient in asking(clinic, text).found}


def person(clinic, serial=0, birth_date=date(1988, 4, 14)):
    """Return a national ID of nobody and what a record needs of it."""
    number = national_id.make_synthetic(clinic.country, birth_date, serial=serial)
    index = national_id.index(national_id.parse(number, clinic.country))
    return number, {"national_id": number, "national_id_index": index, "birth_date": birth_date}


# -- what stands there -------------------------------------------------------------------------------------
def test_each_patient_has_the_services_of_standard_and_special_and_a_number_of_bookings(admin, clinic, koman):
    danser = make_patient(clinic, gp=koman, family_name="Danser")
    bobo = make_patient(clinic, gp=koman, family_name="Bobo", given_name="Biba")
    special(bobo, renewal=True, approval=Approval.BY_HAND)
    make_bookings(danser, koman, 3)
    make_bookings(danser, koman, 2, by=make_user(), first=NOW + timedelta(days=60))
    page = admin.get(page_of(clinic))
    first, second = page.context["log"].rows
    assert (first.given_name, first.active.renewal, first.active.by_hand, first.uses) == (
        "Biba",
        True,
        True,
        (0,),
    )
    assert (second.active.booking, second.active.renewal, second.active.by_hand) == (True, False, False)
    assert second.uses == (3,), "what staff booked for the patient was not done through the portal"
    assert second.gp_initials == "MK"
    assert "must be approved" in page.text


def test_the_totals_are_those_of_everything_found(admin, clinic, koman):
    for number in range(3):
        make_bookings(
            make_patient(clinic, gp=koman), koman, number, first=NOW + timedelta(days=90 * (number + 1))
        )
    make_bookings(other := make_patient(clinic, gp=koman, family_name="Åsen"), koman, 5)
    make_patient(clinic, gp=None, is_active=False)
    special(other, booking=False)
    totals = admin.get(page_of(clinic)).context["log"].totals
    assert (totals.patients, totals.booking, totals.cancelling, totals.renewal) == (5, 3, 4, 0)
    assert totals.uses == (8,)
    narrowed = admin.get(page_of(clinic), {"q": "åsen"}).context["log"].totals
    assert (narrowed.patients, narrowed.booking, narrowed.uses) == (1, 0, (5,))


def test_another_clinics_patients_and_bookings_never_appear(admin, clinic, koman):
    elsewhere = make_provider(make_clinic())
    stranger = make_patient(elsewhere.clinic, gp=elsewhere, family_name="Fremmed")
    make_bookings(stranger, elsewhere, 4)
    make_patient(clinic, gp=koman)
    page = admin.get(page_of(clinic))
    assert listed(page) == ["Danser"]
    assert page.context["log"].totals.uses == (0,)
    assert sum(bar.number for bar in page.context["bars"]) == 0
    assert listed(admin.get(page_of(clinic), {"patient": stranger.pk})) == []
    assert admin.post(page_of(clinic, "national_id", stranger.pk)).status_code == 404
    assert "Fremmed" not in read(admin.post(page_of(clinic, "file")))


# -- sorting and pages -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", ["Alm", "Berg", "Moe"]),
        ("family-name", ["Alm", "Berg", "Moe"]),
        ("-family-name", ["Moe", "Berg", "Alm"]),
        ("given-name", ["Moe", "Berg", "Alm"]),
        ("birth-date", ["Berg", "Alm", "Moe"]),
        ("-birth-date", ["Alm", "Berg", "Moe"]),
        ("gp", ["Moe", "Alm", "Berg"]),
        ("-bookings", ["Berg", "Moe", "Alm"]),
        ("bookings", ["Alm", "Moe", "Berg"]),
        ("nonsense", ["Alm", "Berg", "Moe"]),
    ],
)
def test_every_column_sorts_both_ways_and_what_is_empty_comes_last(admin, clinic, koman, order, expected):
    zwart = make_provider(clinic, initials="ZZ")
    make_patient(clinic, family_name="Alm", given_name="Siri", birth_date=date(1990, 1, 1), gp=zwart)
    berg = make_patient(clinic, family_name="Berg", given_name="Kari", birth_date=date(1950, 1, 1))
    moe = make_patient(clinic, family_name="Moe", given_name="Anna", gp=koman)
    make_bookings(berg, koman, 2)
    make_bookings(moe, koman, 1, first=NOW + timedelta(days=60))
    assert listed(admin.get(page_of(clinic), {"order": order})) == expected


def test_a_column_says_how_it_is_sorted_and_pressing_it_again_turns_it(admin, clinic):
    make_patient(clinic)
    page = admin.get(page_of(clinic), {"order": "birth-date", "q": "Danser", "page": "3"})
    assert 'aria-sort="ascending"' in page.text
    assert page.context["heads"]["birth_date"]["address"] == "?order=-birth-date&q=Danser"


def test_pages_hold_fifty_and_a_page_that_is_not_there_is_the_nearest(admin, clinic):
    Patient.objects.bulk_create(
        Patient(clinic=clinic, family_name=f"Nr {number:03}", given_name="Test") for number in range(101)
    )
    assert len(listed(admin.get(page_of(clinic)))) == 50
    assert listed(admin.get(page_of(clinic), {"page": "3"})) == ["Nr 100"]
    assert listed(admin.get(page_of(clinic), {"page": "99"})) == ["Nr 100"]
    assert listed(admin.get(page_of(clinic), {"page": "x"}))[0] == "Nr 000"


def test_the_page_takes_as_many_queries_for_many_as_for_one(
    admin, clinic, koman, django_assert_max_num_queries
):
    for _ in range(30):
        make_bookings(make_patient(clinic, gp=make_provider(clinic)), koman, 0)
    admin.get(page_of(clinic))
    with django_assert_max_num_queries(16):
        admin.get(page_of(clinic))


# -- searching ---------------------------------------------------------------------------------------------
def test_search_finds_parts_of_names_in_any_case_with_nordic_letters(clinic):
    make_patient(clinic, given_name="Åse", family_name="Ærø-Østby")
    make_patient(clinic, given_name="Jørgen", family_name="Sæther")
    assert names(clinic, "åse") == {"Åse Ærø-Østby"}
    assert names(clinic, "ÆRØ") == {"Åse Ærø-Østby"}
    assert names(clinic, "østby Å") == {"Åse Ærø-Østby"}
    assert names(clinic, "SÆTHER jør") == {"Jørgen Sæther"}
    assert names(clinic, "sæther åse") == set()


def test_signs_that_mean_something_to_the_database_find_nobody_by_chance(admin, clinic):
    make_patient(clinic, family_name="O'Hara")
    assert names(clinic, "o'h") == {"Line O'Hara"}
    assert names(clinic, "%hara") == names(clinic, "h_ra") == set()
    assert admin.get(page_of(clinic), {"q": "%"}).status_code == 422


def test_search_finds_a_birth_date(clinic):
    make_patient(clinic, birth_date=date(1988, 4, 14))
    make_patient(clinic, given_name="Biba", birth_date=date(1990, 4, 14))
    assert names(clinic, "140488") == names(clinic, "14.04.1988 line") == {"Line Danser"}


def test_a_name_goes_into_the_address_and_a_national_id_never_does(admin, clinic):
    number, values = person(clinic)
    found = make_patient(clinic, **values)
    answer = admin.post(page_of(clinic, "search"), {"q": "Dan"})
    assert (answer.status_code, answer.url) == (302, f"{page_of(clinic)}?q=Dan")
    answer = admin.post(page_of(clinic, "search"), {"q": f"{number[:6]} {number[6:]}"})
    assert (answer.status_code, answer.url) == (302, f"{page_of(clinic)}?patient={found.pk}")
    assert listed(admin.get(answer.url)) == ["Danser"]
    answer = admin.get(page_of(clinic), {"q": number})
    assert (answer.status_code, answer.url) == (302, page_of(clinic))


def test_a_mobile_number_finds_everybody_who_has_it_and_stays_out_of_the_address(admin, clinic):
    found = {str(make_patient(clinic, mobile="+4798765432").pk) for _ in range(2)}
    make_patient(clinic, mobile="+4791111111")
    answer = admin.post(page_of(clinic, "search"), {"q": "987 65 432"})
    assert "98765432" not in answer.url
    assert {str(row.patient_id) for row in admin.get(answer.url).context["log"].rows} == found


def test_a_danish_number_finds_a_danish_patient(client):
    clinic = make_clinic(country=Country.DENMARK)
    sign_in(client, clinic)
    number, values = person(clinic)
    found = make_patient(clinic, **values)
    answer = client.post(page_of(clinic, "search"), {"q": f"{number[:6]}-{number[6:]}"})
    assert answer.url.endswith(f"?patient={found.pk}")


def test_a_wrong_national_id_or_a_strangers_is_said_by_the_field_with_what_was_typed(admin, clinic):
    stranger, values = person(clinic, serial=7)
    make_patient(make_clinic(), **values)
    for typed, words in ((stranger, "No patient of the clinic"), (stranger[:9], "")):
        answer = admin.post(page_of(clinic, "search"), {"q": typed})
        assert answer.status_code == 422
        assert words in answer.text
        assert f'value="{typed}"' in answer.text


def test_all_staff_may_search(client, clinic):
    sign_in(client, clinic, Role.ASSISTANT)
    make_patient(clinic)
    assert client.post(page_of(clinic, "search"), {"q": "Dan"}).status_code == 302
    assert listed(client.get(page_of(clinic))) == ["Danser"]


def test_odd_addresses_are_answered_without_a_fault(admin, clinic):
    assert admin.get(page_of(clinic), {"q": "x", "page": "-1", "order": "--gp"}).status_code == 200
    assert admin.get(page_of(clinic), {"patient": "x"}).status_code == 404
    assert admin.get(page_of(clinic), {"q": "\0"}).status_code == 400
    assert admin.get(page_of(clinic), {"patient": str(uuid.uuid4())}).status_code == 200
    assert admin.post(page_of(clinic, "search"), {"q": "x" * 101}).status_code == 422


# -- national ID -------------------------------------------------------------------------------------------
def test_a_national_id_shows_when_asked_for_and_it_is_recorded_who_asked(client, clinic):
    post = sign_in(client, clinic, Role.ASSISTANT)
    number, values = person(clinic)
    patient = make_patient(clinic, **values)
    shown = f"{number[:6]} {number[6:]}"
    assert number[6:] not in client.get(page_of(clinic)).text
    answer = client.post(page_of(clinic, "national_id", patient.pk))
    assert shown in answer.text
    assert "no-store" in answer["Cache-Control"]
    event = AuditEvent.objects.get(action="patient.national_id_shown")
    assert (event.actor_id, event.patient_id, event.clinic_id) == (post.user_id, patient.pk, clinic.pk)
    assert number not in str(event.details)
    fragment = client.post(page_of(clinic, "national_id", patient.pk), headers={"HX-Request": "true"})
    assert shown in fragment.text
    assert "<html" not in fragment.text


# -- the file ----------------------------------------------------------------------------------------------
def read(answer):
    return b"".join(answer.streaming_content).decode("utf-8")


def rows_of(answer):
    return list(csv.reader(io.StringIO(read(answer).removeprefix("\ufeff")), delimiter=";"))


def test_the_file_opens_in_nordic_excel_and_holds_what_the_page_shows(admin, clinic, koman):
    patient = make_patient(clinic, gp=koman, family_name="Ærø", birth_date=date(1988, 4, 14))
    make_bookings(patient, koman, 2)
    answer = admin.post(page_of(clinic, "file"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    text = read(answer)
    assert text.startswith("\ufeffFamily name;Given name;Born;GP;Booking;Approval;")
    assert "Ærø;Line;1988-04-14;MK;yes;Approved automatically;no;no;yes;2;\r\n" in text
    event = AuditEvent.objects.get(action="patient_log.exported")
    assert event.details == {"is_everyone": True}


def test_the_file_speaks_the_language_of_the_page_though_it_is_written_later():
    with translation.override("en"):
        lines = patient_file.lines([])
    with translation.override("nb"):
        assert translation.gettext("GP") != "GP", "the test needs a word that is translated"
        assert ";GP;" in next(lines)


@pytest.mark.parametrize(
    "payload", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1", "＝1+1"]
)
def test_a_name_that_is_a_formula_is_only_text_in_the_file(admin, clinic, payload):
    make_patient(clinic, family_name=payload, given_name='a";=2')
    row = rows_of(admin.post(page_of(clinic, "file")))[1]
    assert row[0] == f"'{payload}"
    assert row[1] == 'a";=2', "a quote ends no cell"


def test_the_file_holds_what_was_searched_for(admin, clinic):
    make_patient(clinic, family_name="Alm")
    make_patient(clinic, family_name="Berg")
    rows = rows_of(admin.post(page_of(clinic, "file") + "?q=alm"))
    assert [row[0] for row in rows[1:]] == ["Alm"]
    assert AuditEvent.objects.get(action="patient_log.exported").details == {"is_everyone": False}


def test_a_long_file_is_read_in_pieces(clinic, koman, django_assert_max_num_queries):
    Patient.objects.bulk_create(
        Patient(clinic=clinic, family_name=f"Nr {number:04}", given_name="Test") for number in range(2500)
    )
    with django_assert_max_num_queries(13):
        lines = list(patient_queries.every_line(Search(clinic)))
    assert [line.family_name for line in lines] == [f"Nr {number:04}" for number in range(2500)]


def test_only_administrators_take_the_file_out_and_others_read_why(client, clinic):
    sign_in(client, clinic, Role.ASSISTANT)
    client.cookies["django_language"] = "en"
    make_patient(clinic)
    assert "Only an administrator" in client.get(page_of(clinic)).text
    assert client.post(page_of(clinic, "file")).status_code == 403
    assert not AuditEvent.objects.filter(action="patient_log.exported").exists()


# -- the chart ---------------------------------------------------------------------------------------------
def test_the_chart_counts_weeks_by_the_clinics_clock(clinic, koman):
    patient = make_patient(clinic, gp=koman)
    make_bookings(patient, koman, 2, requested_at=NOW)
    sunday_evening_utc = NOW.replace(day=22, hour=23, minute=30)
    make_bookings(patient, koman, 1, requested_at=sunday_evening_utc, first=NOW + timedelta(days=60))
    long_ago = NOW - timedelta(weeks=30)
    make_bookings(patient, koman, 1, requested_at=long_ago, first=long_ago + timedelta(days=1))
    bars = patient_queries.bookings_per_week(clinic, NOW.date())
    assert [(bar.monday, bar.number) for bar in bars if bar.number] == [(date(2026, 11, 23), 3)]
    assert len(bars) == 26


def test_the_chart_is_a_drawing_without_style_and_a_table(admin, clinic, koman):
    now = timezone.now()
    make_bookings(make_patient(clinic), koman, 4, requested_at=now, first=now + timedelta(days=1))
    page = admin.get(page_of(clinic))
    assert page.text.split('class="bars"')[1].split("</svg>")[0].count("<rect") == 1
    assert "style=" not in page.text
    assert "4 bookings in the last 26 weeks" in page.text
    assert "The same as a table" in page.text


# -- how rows are found ------------------------------------------------------------------------------------
def plan(queryset):
    return queryset.explain()


@pytest.fixture
def many(koman):
    """Many patients at this clinic and many more beside, so that a scan of the table is no choice."""
    clinic, other = koman.clinic, make_clinic()
    Patient.objects.bulk_create(
        (
            Patient(
                clinic=clinic if number % 25 == 0 else other,
                family_name=f"Navn {number % 977:03}",
                given_name=f"Nr {number}",
            )
            for number in range(50_000)
        ),
        batch_size=5000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE patients_patient")
    return clinic


def test_a_page_by_name_is_read_along_the_index_of_names(many):
    read_by = plan(patient_queries._sorted(Search(many).found, "family-name")[100:150])
    assert "patient_by_name" in read_by
    assert "Sort" not in read_by
    assert "Seq Scan" not in read_by


def test_search_and_totals_stay_within_the_clinic(many):
    found = asking(many, "navn nr").found
    assert "Seq Scan on patients_patient" not in plan(patient_queries._sorted(found, "birth-date")[:50])
    assert "Seq Scan on patients_patient" not in plan(with_facts(Search(many).found))


def test_bookings_are_counted_along_indexes(many, koman):
    by = make_user(kind="patient")
    patients = list(Patient.objects.filter(clinic=many)[:2])
    for place, patient in enumerate(patients):
        make_bookings(patient, koman, 10_000, by=by, first=NOW + timedelta(days=1000 * place))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE booking_appointment")
    ids = [patient.pk for patient in Patient.objects.filter(clinic=many)[2:52]]
    counted = patient_queries._per_patient(patient_queries.USES[0], many, ids)
    assert "Seq Scan on booking_appointment" not in plan(counted)
