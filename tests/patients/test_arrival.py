"""What a signed-in patient's pages ask first is read by one statement, and believed only where it was asked for."""

import io
import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.queries import CLINIC, clinic_by_identifier
from identity.backends import PATIENT, PatientBackend
from identity.choices import UserKind
from identity.models import Account
from identity.session.store import LIVE, SessionStore
from patients import arrival
from patients.models import Patient
from patients.queries import RECORD, record_of
from portal.ready import answered
from services.booking.operations.appointments import OPEN_SLOT
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import make_slot

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def patient(clinic):
    return make_patient(clinic)


@pytest.fixture
def user(clinic, patient):
    user = make_user(kind=UserKind.PATIENT)
    Account.objects.create(
        user=user, country=clinic.country, national_id="x", national_id_index=patient.national_id_index
    )
    return user


@pytest.fixture
def key(user):
    session = SessionStore()
    session["of"] = str(user.pk)
    session.create()
    UserSession.objects.create(user=user, session_key=session.session_key, ip="127.0.0.1")
    return session.session_key


def read(key, clinic):
    return list(arrival._read(key, clinic.portal_identifier, timezone.now()))


def test_everything_that_is_asked_first_is_answered_by_one_query(key, clinic, user, patient):
    with CaptureQueriesContext(connection) as asked, answered(read(key, clinic)):
        assert SessionStore(key)["of"] == str(user.pk)
        assert clinic_by_identifier(clinic.portal_identifier) == clinic
        found = PatientBackend().get_user(user.pk)
        assert found == user
        assert found.account.national_id_index == patient.national_id_index
        assert record_of(national_id_index=patient.national_id_index, clinic=clinic) == patient
    assert len(asked) == 1


def test_the_rows_are_those_that_the_questions_themselves_would_find(key, clinic, user, patient):
    by_itself = [
        LIVE.first(key=key, now=timezone.now()),
        CLINIC.first(identifier=clinic.portal_identifier),
        PATIENT.first(id=user.pk),
        RECORD.first(clinic=clinic.pk, index=patient.national_id_index),
    ]
    for (_query, _values, row), other in zip(read(key, clinic), by_itself, strict=True):
        ours, theirs = ({**vars(one), "_state": None} for one in (row, other))
        assert ours == theirs


def test_who_asks_again_asks_the_database(key, clinic, patient):
    with answered(read(key, clinic)):
        record_of(national_id_index=patient.national_id_index, clinic=clinic)
        Patient.objects.update(given_name="Changed")
        assert record_of(national_id_index=patient.national_id_index, clinic=clinic).given_name == "Changed"


def test_another_question_is_not_answered_by_what_was_read(key, clinic):
    elsewhere, stranger = make_clinic(), make_patient(clinic)
    other = make_user(kind=UserKind.PATIENT)
    with answered(read(key, clinic)):
        assert clinic_by_identifier(elsewhere.portal_identifier) == elsewhere
        assert record_of(national_id_index=stranger.national_id_index, clinic=clinic) == stranger
        assert PatientBackend().get_user(other.pk) == other


def test_nothing_is_answered_after_the_request(key, clinic):
    with answered(read(key, clinic)):
        pass
    with CaptureQueriesContext(connection) as asked:
        clinic_by_identifier(clinic.portal_identifier)
    assert len(asked) == 1


def test_a_session_that_is_over_and_a_clinic_that_is_not_there_are_known_too(key, clinic):
    Session.objects.update(expire_date=datetime(2020, 1, 1, tzinfo=UTC))
    found = {query: row for query, _values, row in read(key, clinic)}
    assert found[LIVE] is None
    nowhere = list(arrival._read(key, "nowhere", timezone.now()))
    assert {query: row for query, _values, row in nowhere}[CLINIC] is None


def test_staff_and_closed_logins_are_not_read_ahead(key, clinic, user):
    user.is_active = False
    user.save()
    assert [query for query, _values, _row in read(key, clinic)] == [LIVE, CLINIC]


def test_each_row_is_found_by_its_index(key, clinic):
    with CaptureQueriesContext(connection) as asked:
        read(key, clinic)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + asked[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
    assert len(re.findall("Index (?:Only )?Scan", plan)) >= 6


def test_what_a_page_asks_next_is_read_with_who_comes_and_is_the_same(key, clinic, patient):
    form_key, slot = uuid4(), make_slot(make_provider(clinic))
    request = posted("book", clinic, slot, form_key)
    question = {"clinic": clinic.pk, "patient": patient.pk, "id": slot.pk, "form_key": form_key}
    by_itself = OPEN_SLOT.first(**question, now=timezone.now())
    rest = request.path_info.removeprefix(f"/{clinic.portal_identifier}/")
    with CaptureQueriesContext(connection) as asked:
        ahead = list(
            arrival._read(key, clinic.portal_identifier, timezone.now(), *arrival._next(request, rest))
        )
    assert len(asked) == 1
    query, values, row = ahead[-1]
    assert (query, values) == (OPEN_SLOT, question)
    assert {**vars(row), "_state": None} == {**vars(by_itself), "_state": None}


def test_pages_that_are_only_looked_at_and_other_pages_ask_nothing_more(clinic):
    for rest in ("book/7/", "book/first-urgent/", "book/", "appointments/", "book/7/nearest/"):
        assert arrival._next(RequestFactory().get(f"/x/{rest}"), rest) == ()
    for rest in ("book/", "book/7", "book/x/", "book/7/nearest/", f"book/{10**20}/"):
        assert arrival._next(RequestFactory().post(f"/x/{rest}"), rest) == ()


def test_who_has_no_record_here_reads_no_page_ahead(key, clinic, user):
    Patient.objects.all().delete()
    slot = make_slot(make_provider(clinic))
    request = posted("book", clinic, slot, uuid4())
    found = arrival._read(
        key, clinic.portal_identifier, timezone.now(), *arrival._next(request, f"book/{slot.pk}/")
    )
    assert [query for query, _values, _row in found] == [LIVE, CLINIC, PATIENT, RECORD]


@pytest.mark.parametrize("page", ["book/7/", "book/first-urgent/"])
def test_who_hangs_up_while_sending_is_no_error(client, key, clinic, caplog, page):
    class Broken(io.BytesIO):
        def read(self, *_sizes):
            raise ConnectionResetError

    client.cookies[settings.SESSION_COOKIE_NAME] = key
    address = f"/{clinic.portal_identifier}/{page}"
    sent = {"wsgi.input": Broken(), "CONTENT_LENGTH": 9, "CONTENT_TYPE": "application/x-www-form-urlencoded"}
    assert client.generic("POST", address, **sent, HTTP_HX_REQUEST="true").status_code == 400
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def posted(page, clinic, slot, form_key):
    return RequestFactory().post(
        reverse(f"booking:{page}", args=[clinic.portal_identifier, slot.pk]), {"form_key": str(form_key)}
    )
