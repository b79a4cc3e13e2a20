import threading
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from identity.choices import UserKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus, SlotState
from services.booking.models import Appointment, RefusalWords
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.patients.build_sessions import sign_in
from tests.services.booking.build_staff import BACKEND, make_request, sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def provider(clinic):
    return make_provider(clinic, name="Lege Berg")


@pytest.fixture
def staff(client, clinic):
    client.cookies["django_language"] = "en"
    return sign_in_staff(client, clinic)


def address(name, clinic, *args):
    return reverse(f"booking_staff:{name}", args=[clinic.portal_identifier, *args])


def decide(client, appointment, decision, **values):
    return client.post(
        address("decide", appointment.clinic, appointment.pk), {"decision": decision, **values}, follow=True
    )


def test_what_waits_is_listed_oldest_first_with_the_reason(client, clinic, provider, staff):
    now = timezone.now()
    make_request(provider, hour=9, requested_at=now, reason="Newer", patient=make_patient(clinic))
    make_request(provider, hour=10, requested_at=now - timezone.timedelta(days=2), reason="Older")
    text = client.get(address("waiting", clinic)).content.decode()
    assert text.index("Older") < text.index("Newer")
    assert "Lege Berg" in text


def test_a_long_list_is_read_page_by_page_and_nothing_is_missed(client, clinic, provider, staff):
    now = timezone.now()
    made = [
        make_request(provider, days=3 + number, requested_at=now - timezone.timedelta(hours=number // 3))
        for number in range(45)
    ]
    seen, url = [], address("waiting", clinic)
    while url:
        page = client.get(url).context["page"]
        seen += [row.pk for row in page.requests]
        url = (
            page.following and f"{address('waiting', clinic)}?after={str(page.following).replace('+', '%2B')}"
        )
    assert len(seen) == 45
    assert set(seen) == {one.pk for one in made}


def test_the_link_to_the_next_page_works_as_it_stands(client, clinic, provider, staff):
    for number in range(21):
        make_request(provider, days=3 + number)
    text = client.get(address("waiting", clinic)).content.decode()
    link = text.split('rel="next" href="')[1].split('"')[0]
    assert len(client.get(address("waiting", clinic) + link).context["page"].requests) == 1


@pytest.mark.parametrize("after", ["x", "2026-01-01_x", "_", "2026-01-01T00:00:00_" + "0" * 32])
def test_a_broken_link_shows_the_list_from_its_beginning(client, clinic, provider, staff, after):
    make_request(provider)
    response = client.get(address("waiting", clinic), {"after": after})
    assert response.status_code == 200
    assert len(response.context["page"].requests) == 1


def test_the_list_needs_few_queries_however_long(
    client, clinic, provider, staff, django_assert_max_num_queries
):
    for number in range(25):
        make_request(provider, days=3 + number)
    client.get(address("waiting", clinic))  # the session's first page may write to it
    with django_assert_max_num_queries(11):
        assert client.get(address("waiting", clinic)).status_code == 200


def test_a_time_that_has_passed_is_marked_and_can_only_be_refused(client, clinic, provider, staff):
    make_request(provider, days=-1)
    text = client.get(address("waiting", clinic)).content.decode()
    assert "This time has passed" in text
    assert 'value="approve"' not in text
    assert 'value="refuse"' in text


def test_approving_books_the_time_tells_the_patient_and_returns(client, clinic, provider, staff):
    request = make_request(provider)
    response = decide(client, request, "approve")
    request.refresh_from_db()
    assert request.status == AppointmentStatus.BOOKED
    assert request.decided_by_id == staff.user_id
    assert response.redirect_chain == [(address("waiting", clinic), 302)]
    assert "Approved. Line Danser is notified." in response.content.decode()
    assert OutboxMessage.objects.filter(kind="booking-confirmed").count() == 1


@pytest.mark.parametrize(("act", "words"), [("approve", "Approved. "), ("refuse", "the time is free again")])
def test_who_has_neither_number_nor_address_is_not_said_to_be_told(
    client, clinic, provider, staff, act, words
):
    request = make_request(provider, patient=make_patient(clinic, mobile="", email=""))
    text = decide(client, request, act).content.decode()
    assert words in text
    assert "can&#x27;t be notified" in text
    assert "is notified" not in text


@pytest.mark.parametrize("mobile", ["+4791234567", ""])
def test_staff_read_before_they_refuse_whether_the_patient_is_told(client, clinic, provider, staff, mobile):
    request = make_request(provider, patient=make_patient(clinic, mobile=mobile, email=""))
    day = request.starts_at.astimezone(clinic.zone).date().isoformat()
    week = reverse("desk:week", args=[clinic.portal_identifier])
    pages = [
        address("waiting", clinic),
        address("appointment", clinic, request.pk),
        f"{address('calendar', clinic)}?day={day}",
        f"{week}?day={day}&days=7&provider={provider.pk}",
    ]
    for page in pages:
        text = client.get(page).content.decode()
        assert ("The patient is notified that it could not be approved" in text) == bool(mobile), page
        assert ("nobody is notified, so phone or write to the patient" in text) != bool(mobile), page


def test_refusing_frees_the_slot_at_once(client, clinic, provider, staff):
    request = make_request(provider)
    response = decide(client, request, "refuse")
    request.refresh_from_db()
    assert request.status == AppointmentStatus.REFUSED
    assert request.slot.state == SlotState.FREE
    assert "the time is free again" in response.content.decode()


@pytest.mark.parametrize(
    ("first", "status", "words"),
    [
        ("approve", AppointmentStatus.BOOKED, "Approved. Line Danser is notified."),
        (
            "refuse",
            AppointmentStatus.REFUSED,
            "Refused. Line Danser is notified, and the time is free again.",
        ),
    ],
)
def test_a_decision_sent_twice_is_one_and_says_so(client, clinic, provider, staff, first, status, words):
    request = make_request(provider)
    decide(client, request, first)
    text = decide(client, request, first).content.decode()
    assert words in text
    assert "already decided" not in text
    assert OutboxMessage.objects.filter(kind__in=["booking-confirmed", "booking-refused"]).count() == 1
    request.refresh_from_db()
    assert request.status == status


def test_who_comes_second_reads_who_decided_how_and_when(client, clinic, provider, staff):
    request = make_request(provider)
    decide(client, request, "approve")
    text = decide(client, request, "refuse").content.decode()
    request.refresh_from_db()
    assert request.status == AppointmentStatus.BOOKED
    assert f"Someone has already decided this request. Approved by {staff.user.name}, " in text
    assert "Load the page again" not in text
    later = Client()
    later.cookies["django_language"] = "en"
    sign_in_staff(later, clinic)
    assert f"Approved by {staff.user.name}, " in decide(later, request, "approve").content.decode()


def test_who_decides_what_the_patient_has_cancelled_reads_so(client, clinic, provider, staff):
    request = make_request(provider)
    Appointment.objects.filter(pk=request.pk).update(
        status=AppointmentStatus.CANCELLED, cancelled_at=timezone.now(), cancelled_by=request.requested_by
    )
    text = decide(client, request, "approve").content.decode()
    assert "Cancelled by Line Danser, " in text


def test_what_staff_write_when_they_refuse_the_patient_reads_after_signing_in_and_nowhere_else(
    client, clinic, provider, staff
):
    request = make_request(provider)
    words = "Ring oss i morgen,\r\nså finner vi en <b>lengre</b> time."
    decide(client, request, "refuse", words=words)
    assert RefusalWords.objects.get().words == words.replace("\r\n", "\n")
    assert "lengre" in client.get(address("appointment", clinic, request.pk)).text
    assert not any("lengre" in message.body for message in OutboxMessage.objects.all())
    assert "lengre" not in str(AuditEvent.objects.get(action="appointment.refused").details)
    patient = Client()
    patient.cookies["django_language"] = "en"
    sign_in(patient, request.patient)
    page = patient.get(reverse("booking:appointment", args=[clinic.portal_identifier, request.pk])).text
    assert "The clinic could not approve this time" in page
    assert "så finner vi en &lt;b&gt;lengre&lt;/b&gt; time." in page


def test_words_beside_an_approval_are_not_kept(client, clinic, provider, staff):
    decide(client, make_request(provider), "approve", words="Never mind")
    assert not RefusalWords.objects.exists()


def test_words_that_are_too_long_stand_there_with_the_fault_and_the_way_back(client, clinic, provider, staff):
    request = make_request(provider)
    day = request.starts_at.date().isoformat()
    sent = {"words": "x" * 301, "back": "calendar", "day": day, "provider": provider.pk}
    answer = decide(client, request, "refuse", **sent)
    assert answer.status_code == 422
    assert "x" * 301 in answer.text
    assert "Shorten the text to at most 300 characters. Now it has 301." in answer.text
    carried = dict(answer.context["carried"]) | {"words": "Shorter"}
    done = client.post(address("decide", clinic, request.pk), carried)
    assert done.url == f"{address('calendar', clinic)}?day={day}&provider={provider.pk}"
    request.refresh_from_db()
    assert (request.status, request.refusal_words.words) == (AppointmentStatus.REFUSED, "Shorter")
    strange = make_request(make_provider(make_clinic()))
    url = address("decide", clinic, strange.pk)
    assert client.post(url, {"decision": "refuse", "words": "x" * 301}).status_code == 404


def test_a_request_whose_time_has_passed_is_refused_without_saying_that_the_time_is_free(
    client, clinic, provider, staff
):
    text = decide(client, make_request(provider, days=-1), "refuse").content.decode()
    assert "Refused. The time has passed, so Line Danser is not notified." in text


def test_one_returns_to_the_day_and_the_providers_one_came_from(client, clinic, provider, staff):
    request = make_request(provider)
    day = request.starts_at.date().isoformat()
    response = decide(client, request, "approve", back="calendar", day=day, provider=provider.pk)
    assert response.redirect_chain == [
        (f"{address('calendar', clinic)}?day={day}&provider={provider.pk}", 302)
    ]


def test_the_page_of_an_appointment_tells_its_story_and_is_recorded(client, clinic, provider, staff):
    request = make_request(provider, reason="Sore knee")
    decide(client, request, "approve")
    text = client.get(address("appointment", clinic, request.pk)).content.decode()
    for word in ["Sore knee", "Asked for online", "Approved", staff.name, "Appointment confirmed"]:
        assert word in text
    seen = AuditEvent.objects.filter(action="appointment.viewed", subject_id=str(request.pk))
    assert {event.actor_id for event in seen} == {staff.user_id}
    assert {event.patient_id for event in seen} == {request.patient_id}


def test_reading_reasons_on_the_list_is_recorded_for_each_patient(client, clinic, provider, staff):
    requests = [make_request(provider, hour=hour) for hour in (9, 10)]
    client.get(address("waiting", clinic))
    seen = AuditEvent.objects.filter(action="appointment.viewed").values_list("patient_id", "clinic_id")
    assert set(seen) == {(one.patient_id, clinic.pk) for one in requests}


@pytest.mark.parametrize("decision", ["", "maybe", "approve "])
def test_a_decision_that_is_none_changes_nothing(client, clinic, provider, staff, decision):
    request = make_request(provider)
    assert decide(client, request, decision).status_code in {200, 404}
    request.refresh_from_db()
    if decision != "approve ":
        assert request.status == AppointmentStatus.REQUESTED


def test_another_clinics_appointment_does_not_exist(client, clinic, provider, staff):
    strange = make_request(make_provider(make_clinic()))
    for url in (address("appointment", clinic, strange.pk), address("appointment", clinic, uuid.uuid4())):
        assert client.get(url).status_code == 404
    for decision in ("approve", "refuse"):
        response = client.post(address("decide", clinic, strange.pk), {"decision": decision})
        assert response.status_code == 404
    strange.refresh_from_db()
    assert strange.status == AppointmentStatus.REQUESTED


def test_patients_and_strangers_neither_see_nor_decide(client, clinic, provider):
    request = make_request(provider)
    urls = [address("waiting", clinic), address("appointment", clinic, request.pk)]
    for url in urls:
        assert client.get(url).url.startswith("/staff/sign-in/")
    client.force_login(make_user(kind=UserKind.PATIENT), backend=BACKEND)
    for url in urls:
        assert client.get(url).status_code == 404
    assert decide(client, request, "approve").status_code == 404
    request.refresh_from_db()
    assert request.status == AppointmentStatus.REQUESTED


def test_a_decision_is_never_a_link(client, clinic, provider, staff):
    assert client.get(address("decide", clinic, make_request(provider).pk)).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_of_two_secretaries_at_once_one_decides(clinic, provider):
    request = make_request(provider)
    clients = [Client(), Client()]
    for client, role in zip(clients, (Role.ASSISTANT, Role.PROVIDER), strict=True):
        client.cookies["django_language"] = "en"
        sign_in_staff(client, clinic, role)
    start, answers = threading.Barrier(2), []

    def act(client, decision):
        start.wait()
        try:
            answers.append(decide(client, request, decision).content.decode())
        finally:
            connection.close()

    threads = [
        threading.Thread(target=act, args=pair) for pair in zip(clients, ("approve", "refuse"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2
    assert sum("Someone has already decided" in text for text in answers) == 1
    decided = Appointment.objects.get(pk=request.pk)
    assert decided.status in {AppointmentStatus.BOOKED, AppointmentStatus.REFUSED}
    assert AuditEvent.objects.filter(action__in=["appointment.approved", "appointment.refused"]).count() == 1
