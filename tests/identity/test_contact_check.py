"""At sign-in the patient is asked whether the contact details are still right, and may always say "later" (D11)."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.models import OutboxMessage
from patients.contact import operations, queries
from patients.contact.choices import ContactKind, ContactState
from patients.contact.models import ContactChange, ContactWord
from patients.models import ActingRules, Patient
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.identity.build_codes import address, give_password, person, signs_in
from tests.identity.build_identity import begin, come_back, connect, enter, record_for
from tests.patients.build_contact import link_path, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic(phone="+4722334455")


@pytest.fixture
def patient(clinic, idp):
    connect(clinic, idp)
    found = record_for(clinic)
    found.clinic = clinic
    return found


@pytest.fixture
def comes(client, idp, clinic, patient):
    client.cookies["django_language"] = "en"

    def sign_in(**form):
        begin(client, clinic, **form)
        come_back(client, idp)
        return enter(client, clinic)

    return sign_in


def start(clinic):
    return reverse("home:start", args=[clinic.portal_identifier])


def says(client, clinic, act="yes", **more):
    seen = queries.seen_mark(Patient.objects.get(clinic=clinic))
    return client.post(page(clinic, "check"), {"act": act, "seen": seen} | more)


def states(patient):
    patient.refresh_from_db()
    return [point.state for point in queries.points(patient, now=timezone.now())]


def unconfirmed(patient, **when):
    ContactWord.objects.filter(patient=patient, **when).delete()


def test_whoever_has_confirmed_everything_is_asked_nothing(comes, clinic):
    assert comes().url == start(clinic)


def test_what_nobody_confirmed_is_asked_once_and_confirmed_with_one_press(client, comes, clinic, patient):
    unconfirmed(patient)
    assert comes().url == page(clinic, "check")
    shown = client.get(page(clinic, "check")).content.decode()
    assert "line@x.example" in shown
    assert "91 23 45 67" in shown
    assert says(client, clinic).url == start(clinic)
    assert states(patient) == [ContactState.CONFIRMED] * 2
    assert AuditEvent.objects.get(action="contact.kept").details == {"fields": ["email", "mobile"]}
    client.logout()
    assert comes().url == start(clinic)


def test_later_never_blocks_is_not_asked_on_other_pages_and_comes_again(client, comes, clinic, patient):
    unconfirmed(patient)
    comes()
    assert says(client, clinic, "later").url == start(clinic)
    assert client.get(start(clinic)).status_code == 200
    assert states(patient) == [ContactState.UNCONFIRMED] * 2
    client.logout()
    assert comes().url == page(clinic, "check")
    assert client.get(start(clinic)).status_code == 200  # walking past is possible, too


def test_after_the_question_one_comes_to_the_page_one_wanted(client, comes, clinic, patient):
    unconfirmed(patient)
    wanted = reverse("booking:find", args=[clinic.portal_identifier])
    assert comes(next=wanted).url == page(clinic, "check")
    assert says(client, clinic).url == wanted


@pytest.mark.parametrize("missing", ["email", "mobile"])
def test_what_is_missing_is_pointed_out_at_each_sign_in(client, comes, clinic, patient, missing):
    Patient.objects.filter(pk=patient.pk).update(**{missing: ""})
    unconfirmed(patient, kind=missing)
    for _ in range(2):
        assert comes().url == page(clinic, "check")
        says(client, clinic)
        client.logout()


def test_after_a_year_it_is_asked_again(comes, clinic, patient):
    ContactWord.objects.update(said_at=timezone.now() - timedelta(days=365))
    assert comes().url == page(clinic, "check")


def test_words_from_before_the_birthday_dont_count(comes, clinic, patient):
    ActingRules.objects.create(patient=patient, contact_unconfirmed_at=timezone.now() + timedelta(seconds=1))
    assert comes().url == page(clinic, "check")


def test_an_import_that_says_otherwise_is_asked_and_the_clinics_word_can_be_right(
    client, comes, clinic, patient
):
    Patient.objects.filter(pk=patient.pk).update(email="journal@x.example")
    assert comes().url == page(clinic, "check")
    shown = client.get(page(clinic, "check")).content.decode()
    assert "journal@x.example (the clinic has this)" in shown
    assert "line@x.example (you told us this earlier)" in shown
    assert says(client, clinic).status_code == 422
    assert says(client, clinic, email="record").url == start(clinic)
    assert states(patient)[0] is ContactState.CONFIRMED
    assert not OutboxMessage.objects.exists()


def test_the_patients_own_word_can_be_right_and_gets_its_link(client, comes, clinic, patient):
    Patient.objects.filter(pk=patient.pk).update(email="journal@x.example")
    comes()
    assert says(client, clinic, email="word").url == page(clinic)
    patient.refresh_from_db()
    assert patient.email == "journal@x.example"
    assert OutboxMessage.objects.get().recipient == "line@x.example"
    client.get(link_path())
    client.post(page(clinic, "contact_confirm"))
    patient.refresh_from_db()
    assert patient.email == "line@x.example"


def test_a_page_from_before_a_change_confirms_nothing(client, comes, clinic, patient):
    unconfirmed(patient)
    comes()
    seen = queries.seen_mark(patient)
    Patient.objects.filter(pk=patient.pk).update(email="journal@x.example")
    answer = client.post(page(clinic, "check"), {"act": "yes", "seen": seen})
    assert answer.url == page(clinic, "check")
    assert not ContactWord.objects.exists()


def test_a_step_up_asks_nothing(client, comes, idp, clinic, patient):
    comes()
    unconfirmed(patient)
    client.post(
        reverse("identity:step_up", args=[clinic.portal_identifier, "bankid-test"]), {"next": start(clinic)}
    )
    come_back(client, idp)
    assert enter(client, clinic).url == start(clinic)


def test_a_session_by_code_sees_parts_and_can_confirm_but_not_choose(client, clinic):
    client.cookies["django_language"] = "en"
    patient = person(clinic)
    give_password(patient)
    operations.note_word_for_demo(
        patient=patient, kind=ContactKind.EMAIL, value="mine@x.example", at=timezone.now()
    )
    assert signs_in(client, clinic).url == page(clinic, "check")
    shown = client.get(page(clinic, "check")).content.decode()
    assert not any(word in shown for word in ("line1@x.example", "mine@x.example", "234 00"))
    assert "l•••@x•••.example" in shown
    assert says(client, clinic, email="word").url == address("start", clinic)
    assert not ContactChange.objects.exists()
    assert states(patient)[0] is ContactState.CONFIRMED


def test_a_session_by_code_is_not_asked_for_what_it_cant_fill_in(client, clinic):
    patient = person(clinic, email="")
    give_password(patient)
    assert signs_in(client, clinic).url == address("start", clinic)


def test_the_question_takes_few_queries(client, comes, clinic, patient, django_assert_max_num_queries):
    unconfirmed(patient)
    comes()
    client.get(page(clinic, "check"))
    with django_assert_max_num_queries(10):
        client.get(page(clinic, "check"))


def test_whoever_is_not_signed_in_is_led_to_the_front(client, clinic):
    assert client.get(page(clinic, "check")).status_code == 302
    assert client.post(page(clinic, "check"), {"act": "later"}).status_code == 302
