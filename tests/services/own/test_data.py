"""Download my data: everything, for machines and for people, and nothing of anybody else."""

import json
import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape

from identity.choices import Assurance
from identity.models import KeptForm
from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from patients.contact import operations as contact
from patients.guardianship import operations as guardianship
from patients.guardianship.choices import Area
from portal.models import AuditEvent
from services.booking.earlier.choices import PassedReason
from services.booking.models import PassedOver
from services.own import data_file, data_queries
from services.own.data_queries import Reader, parts_of
from tests.identity.build_codes import give_password, person
from tests.patients.build_guardians import adult, number_of, years_ago
from tests.services.booking.build_earlier import make_offer
from tests.services.booking.build_staff import make_request
from tests.services.own.build_own import make_place, page, patient_in
from tests.services.reports.build_reports import make_event

pytestmark = pytest.mark.django_db
SCHEMA = settings.ROOT / "docs" / "patients" / "patient-data-1.schema.json"


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def browser(place):
    client = Client()
    place.user = patient_in(client, place.patient)
    return client


def takes(browser, clinic, kind="json"):
    return browser.post(reverse("own:file", args=[clinic.portal_identifier]), {"kind": kind})


def content(answer):
    assert answer.status_code == 200, answer.status_code
    return b"".join(answer.streaming_content).decode()


def fill(place):
    """Let everything happen that leaves something behind."""
    now = timezone.now()
    request = make_request(place.gp, patient=place.patient, reason="Vondt i <kneet> & ryggen")
    place.opens("booking_staff:appointment", request.pk)
    make_event(
        place.clinic,
        "appointment.requested",
        at=now,
        actor=place.user,
        patient=place.patient,
        subject=request,
    )
    contact.change_contact(
        patient=place.patient,
        mobile="+4798765432",
        email="ny@x.example",
        language="nb",
        actor=place.user,
        now=now,
    )
    guardianship.add_proxy(
        patient=place.patient,
        adult=adult(number_of(years_ago(50), serial=8), "Hjelper Hjelpesen"),
        areas=[Area.APPOINTMENTS],
        last_day=timezone.localdate() + timedelta(days=30),
        proof="ID",
        actor=place.secretary.user,
        now=now,
    )
    wish, offer = make_offer(place.gp, place.patient)
    PassedOver.objects.create(
        clinic=place.clinic, wish=wish, starts_at=offer.starts_at, reason=PassedReason.HAS_OFFER, at=now
    )
    for kind, body in (
        (MessageKind.BOOKING_REQUESTED, "Forespurt time"),
        (MessageKind.SIGN_IN_CODE, "123456"),
    ):
        OutboxMessage.objects.create(
            clinic=place.clinic,
            kind=kind,
            channel="sms",
            dedupe_key=f"{kind}:{request.pk}",
            subject_type="booking.appointment",
            subject_id=str(request.pk),
            version=1,
            recipient="+4791234001",
            title="Time",
            body=body,
            state=State.DELIVERED,
            due_at=now,
            not_after=now,
            created_at=now,
            closed_at=now,
        )
    return request


# -- for machines ------------------------------------------------------------------------------------------
def test_the_file_holds_everything_that_the_portal_holds(place, browser):
    give_password(place.patient)
    request = fill(place)
    told = json.loads(content(takes(browser, place.clinic)))
    assert (told["format"], told["version"]) == ("venterom-patient-data", 1)
    assert told["clinic"]["name"] == place.clinic.name
    assert told["record"]["national_id"] == place.patient.national_id
    assert told["record"]["mobile"] == "+4798765432"
    assert told["record"]["gp"] == "Magnard Koman"
    assert told["login"]["name"] == "Line Danser"
    assert told["clinics"][0]["portal_identifier"] == place.clinic.portal_identifier
    (account,) = told["password_accounts"]
    assert account["has_password"] is True
    assert [one["with"] for one in told["rights"]["services"] if one["service"] == "booking"] == [
        ["Magnard Koman"]
    ]
    assert told["proxies"][0]["receiver"] == "Hjelper Hjelpesen"
    (appointment,) = told["appointments"]
    assert (appointment["id"], appointment["reason"]) == (str(request.pk), "Vondt i <kneet> & ryggen")
    assert [one["what"] for one in appointment["history"]] == ["Asked for an appointment"]
    (waits,) = told["earlier_times"]
    assert (waits["reason"], waits["offers"][0]["with"]) == ("Sore throat", "Magnard Koman")
    (passed,) = waits["passed_over"]
    assert passed["reason"] == "has another offer that is not answered yet"
    looks = [one for one in told["log"] if one["who"] == "Siv Sekretær"]
    assert looks
    assert any(one["changes"] for one in told["log"])


def test_it_has_the_texts_of_messages_but_no_codes(place, browser):
    fill(place)
    text = content(takes(browser, place.clinic))
    told = {one["kind"]: one["text"] for one in json.loads(text)["messages"]}
    assert "Forespurt time" in told.values()
    assert "123456" not in text


def test_it_has_where_one_is_signed_in_and_what_was_kept_of_a_form(place, browser):
    now = timezone.now()
    UserSession.objects.create(
        user=place.user, ip="192.0.2.7", session_key="k" * 32, user_agent="Firefox/140.0 Windows"
    )
    KeptForm.objects.create(
        user=place.user,
        clinic=place.clinic,
        page="/x/",
        action="/x/",
        fields=json.dumps([["reason", "Halvskrevet grunn"]]),
        kept_at=now,
        expires_at=now + timedelta(hours=1),
    )
    told = json.loads(content(takes(browser, place.clinic)))
    assert told["kept_forms"][0]["typed"] == [{"name": "reason", "value": "Halvskrevet grunn"}]
    here = [one for one in told["open_sessions"] if one["network_address"] == "192.0.2.7"]
    assert [one["device"] for one in here] == ["Firefox on Windows"]
    assert "kkkk" not in json.dumps(told), "what opens a session is never shown"
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert not list(_faults(told, schema, schema, "file"))


def test_it_has_no_password_hash_and_nothing_of_anybody_else(place, browser):
    membership = give_password(place.patient)
    other = person(place.clinic, 2, given_name="Fremmed", email="fremmed@x.example")
    make_request(place.gp, days=5, patient=other, reason="Andres grunn")
    make_event(place.clinic, "patient.viewed", at=timezone.now(), patient=other, actor=place.doctor.user)
    fill(place)
    for kind in ("json", "html"):
        text = content(takes(browser, place.clinic, kind))
        assert membership.password not in text
        for word in ("Fremmed", "fremmed@x.example", "Andres grunn", "argon2"):
            assert word not in text


def test_the_file_is_as_its_schema_says(place, browser):
    give_password(place.patient)
    fill(place)
    told = json.loads(content(takes(browser, place.clinic)))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert not list(_faults(told, schema, schema, "file"))
    assert schema["properties"]["version"]["const"] == data_queries.FORMAT_VERSION
    parts = {part.name for part in parts_of(_reader(place))}
    assert parts <= set(schema["required"])


def test_the_schema_refuses_what_it_does_not_name(place, browser):
    told = json.loads(content(takes(browser, place.clinic)))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    told["record"]["surprise"] = 1
    del told["record"]["mobile"]
    told["login"]["name"] = 7
    assert len(list(_faults(told, schema, schema, "file"))) == 3


TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}


def _faults(value, schema, root, where):
    """Check the words of JSON Schema that ours uses: type, required, properties, items, const, $ref."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    allowed = schema.get("type", list(TYPES))
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if not any(isinstance(value, TYPES[one]) for one in allowed):
        yield f"{where}: {type(value).__name__}"
    elif value != schema.get("const", value):
        yield f"{where}: not {schema['const']}"
    elif isinstance(value, dict):
        yield from _faults_in_object(value, schema, root, where)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _faults(inner, schema["items"], root, f"{where}[{place}]")


def _faults_in_object(value, schema, root, where):
    yield from (f"{where}.{name} is missing" for name in schema["required"] if name not in value)
    for name, inner in value.items():
        if name not in schema["properties"]:
            yield f"{where}.{name} is not in the schema"
        else:
            yield from _faults(inner, schema["properties"][name], root, f"{where}.{name}")


# -- for people --------------------------------------------------------------------------------------------
def test_the_page_for_people_has_every_part_and_every_field_has_words(place, browser):
    give_password(place.patient)
    fill(place)
    text = content(takes(browser, place.clinic, "html"))
    for title in data_file.TITLES.values():
        assert escape(str(title)) in text
    assert "Vondt i &lt;kneet&gt; &amp; ryggen" in text, "what people wrote is never taken for mark-up"
    assert "Siv Sekretær" in text
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=\"(?!#)", text), "the file asks nobody for anything"


def test_every_field_of_the_schema_has_words_for_people():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    names = {name for part in schema["$defs"].values() for name in part.get("properties", {})}
    assert not names - set(data_file.LABELS) - data_file._FOR_MACHINES


def test_it_speaks_the_readers_language_also_while_it_is_sent(place, browser):
    browser.cookies["django_language"] = "da"
    answer = takes(browser, place.clinic, "html")
    with translation.override("en"):
        text = content(answer)
    assert 'lang="da"' in text


# -- taking it ---------------------------------------------------------------------------------------------
def test_its_name_says_nothing_about_the_person_and_nobody_stores_it(place, browser):
    for kind in ("json", "html"):
        answer = takes(browser, place.clinic, kind)
        name = re.fullmatch(
            r'attachment; filename="my-data-\d{4}-\d\d-\d\d\.(json|html)"', answer["Content-Disposition"]
        )
        assert name, answer["Content-Disposition"]
        assert answer["Cache-Control"] == "no-store"
        content(answer)


def test_taking_it_is_recorded_and_shown(place, browser):
    content(takes(browser, place.clinic))
    event = AuditEvent.objects.get(action="patient.data_taken")
    assert (event.patient_id, event.details) == (place.patient.pk, {"kind": "json"})
    told = json.loads(content(takes(browser, place.clinic)))
    assert "Took out a file with all the data" in {one["what"] for one in told["log"]}


@pytest.mark.parametrize("kind", ["", "xml", "../etc/passwd"])
def test_an_unknown_kind_is_no_page(place, browser, kind):
    assert takes(browser, place.clinic, kind).status_code == 404
    assert not AuditEvent.objects.filter(action="patient.data_taken").exists()


def test_a_link_takes_nothing_out(place, browser):
    answer = page(browser, place.clinic, "file")
    assert answer["Location"] == reverse("own:data", args=[place.clinic.portal_identifier])
    assert not AuditEvent.objects.filter(action="patient.data_taken").exists()


def test_it_asks_for_a_recent_sign_in(place, browser):
    session = browser.session
    session["sign_in"] = session["sign_in"] | {"at": (timezone.now() - timedelta(minutes=11)).isoformat()}
    session.save()
    answer = takes(browser, place.clinic)
    assert "/prove-again/" in answer["Location"]
    assert not AuditEvent.objects.filter(action="patient.data_taken").exists()


def test_another_site_cannot_make_it(place, browser):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies.copy()
    assert takes(strict, place.clinic).status_code == 403


# -- bounded -----------------------------------------------------------------------------------------------
def _reader(place):
    return Reader(
        patient=place.patient,
        account=place.user.account,
        assurance=Assurance.HIGH,
        clinic_scope=None,
        now=timezone.now(),
    )


def test_a_long_trail_is_read_piece_by_piece(place, browser, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(data_queries, "PER_CHUNK", 50)
    at = timezone.now()
    for minutes in range(220):
        make_event(
            place.clinic,
            "patient.viewed",
            at=at - timedelta(minutes=minutes // 3),
            patient=place.patient,
            actor=place.doctor.user,
        )
    part = next(part for part in parts_of(_reader(place)) if part.name == "log")
    with django_assert_max_num_queries(5 * 4):
        rows = list(part.rows())
    assert len(rows) == 220
    assert rows == sorted(rows, key=lambda row: row["at"], reverse=True)


def test_nothing_is_read_before_it_is_sent(place, browser, django_assert_num_queries):
    with django_assert_num_queries(0):
        data_file.json_lines(_reader(place))
