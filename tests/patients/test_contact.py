"""New addresses and numbers: confirmed by link or code, told to the old one (F14; numbers: docs/security.md)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from identity.by_code import code_stops, codes
from identity.choices import Assurance, Method, StopReason
from identity.models import CodeStop, User
from notifications.models import OutboxMessage
from patients.contact import operations, policy, queries
from patients.contact.choices import ContactKind, ContactRefusal, ContactState
from patients.contact.models import ContactChange, ContactWord
from patients.contact.operations import ContactRefused
from patients.contact.policy import Word
from portal.models import AuditEvent
from portal.throttle import Limit
from tests.build import make_clinic, make_patient
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.patients.build_contact import confirmed, link_path, notices, page, save, sent_code
from tests.patients.build_sessions import sign_in

pytestmark = pytest.mark.django_db

NEW = "new@other.example"
NUMBER = "+4798765432"


@pytest.fixture
def clinic():
    return make_clinic(name="Sentrum legekontor", phone="+4722334455")


@pytest.fixture
def patient(clinic):
    return make_patient(clinic, email="line@x.example", language="en")


@pytest.fixture
def me(client, patient):
    sign_in(client, patient)
    client.cookies["django_language"] = "en"
    return client


def browser():
    """Return somebody's browser that reads English."""
    found = Client()
    found.cookies["django_language"] = "en"
    return found


def moved_on(client, patient, monkeypatch=None, **ahead):
    """Let the open change be older."""
    ContactChange.objects.update(
        sent_at=timezone.now() - timedelta(**ahead),
        expires_at=ContactChange.objects.get().expires_at - timedelta(**ahead),
    )


def code(client, clinic, text):
    return client.post(page(clinic, "waiting"), {"act": "code", "code": text})


def wait(client, clinic, act, kind):
    return client.post(page(clinic, "waiting"), {"act": act, "kind": kind})


# -- an e-mail address -------------------------------------------------------------------------------------
def test_a_new_address_waits_for_its_link_and_the_old_one_counts_until_then(me, clinic, patient):
    assert save(me, patient, email=NEW).status_code == 302
    patient.refresh_from_db()
    assert patient.email == "line@x.example"
    assert OutboxMessage.objects.get().recipient == NEW
    shown = me.get(page(clinic)).content.decode()
    assert "waits to be confirmed" in shown
    assert NEW in shown


def test_the_link_makes_the_address_count_and_tells_the_old_one_without_the_new_one(me, clinic, patient):
    save(me, patient, email=NEW)
    path, reader = link_path(), browser()
    opened = reader.get(path, follow=True)
    assert opened.status_code == 200
    assert NEW not in opened.content.decode()
    assert reader.post(opened.request["PATH_INFO"], {"act": "confirm"}).status_code == 200
    patient.refresh_from_db()
    assert patient.email == NEW
    [(channel, to, body)] = notices()
    assert (channel, to) == ("email", "line@x.example")
    assert NEW not in body
    assert "If it wasn't you" in body
    assert "Line" not in body
    assert queries.points(patient, now=timezone.now())[0].state is ContactState.CONFIRMED


def test_the_links_word_leaves_the_address_and_is_stored_as_a_hash(me, clinic, patient):
    save(me, patient, email=NEW)
    path = link_path()
    answer = browser().get(path)
    assert answer.url == page(clinic, "contact_confirm")
    assert answer["Referrer-Policy"] == "no-referrer"
    token = path.rstrip("/").rpartition("/")[2]
    row = ContactChange.objects.get()
    assert token not in (row.token_hash, row.value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM patients_contactchange")
        assert NEW not in cursor.fetchone()[0]


def test_looking_at_a_link_uses_nothing_up_and_it_works_once(me, clinic, patient):
    save(me, patient, email=NEW)
    path, reader = link_path(), browser()
    for _ in range(3):
        assert browser().get(path, follow=True).status_code == 200
    reader.get(path)
    assert reader.post(page(clinic, "contact_confirm"), {"act": "confirm"}).status_code == 200
    again = browser()
    assert again.get(path, follow=True).status_code == 410
    assert again.post(page(clinic, "contact_confirm"), {"act": "confirm"}).status_code == 410
    assert ContactChange.objects.get().confirmed_at is not None
    assert AuditEvent.objects.filter(action="contact.confirmed").count() == 1


def test_a_link_is_over_after_a_day(me, clinic, patient):
    save(me, patient, email=NEW)
    path = link_path()
    moved_on(me, patient, hours=24, seconds=1)
    assert browser().get(path, follow=True).status_code == 410
    patient.refresh_from_db()
    assert patient.email == "line@x.example"


def test_a_link_is_good_at_its_clinic_only(me, patient):
    save(me, patient, email=NEW)
    elsewhere = link_path().replace(
        f"/{patient.clinic.portal_identifier}/", f"/{make_clinic().portal_identifier}/"
    )
    assert browser().get(elsewhere, follow=True).status_code == 410


def test_a_newer_link_a_taken_back_change_and_a_replaced_one_end_it(me, clinic, patient):
    save(me, patient, email=NEW)
    first = link_path()
    moved_on(me, patient, seconds=61)
    wait(me, clinic, "again", "email")
    second = link_path()
    assert first != second
    assert browser().get(first, follow=True).status_code == 410
    assert browser().get(second, follow=True).status_code == 200
    save(me, patient, email="third@x.example")
    assert browser().get(second, follow=True).status_code == 410
    third = link_path()
    wait(me, clinic, "cancel", "email")
    assert browser().get(third, follow=True).status_code == 410
    assert not ContactChange.objects.filter(ended_at=None).exists()


def test_whoever_reads_the_mail_can_say_that_they_know_nothing_of_it(me, clinic, patient):
    save(me, patient, email=NEW)
    reader = browser()
    reader.get(link_path())
    assert reader.post(page(clinic, "contact_confirm"), {"act": "disown"}).status_code == 200
    patient.refresh_from_db()
    assert patient.email == "line@x.example"
    ended = AuditEvent.objects.get(action="contact.ended")
    assert ended.details["reason"] == "disowned"


def test_an_address_that_others_use_is_answered_like_any_other(me, clinic, patient):
    make_patient(clinic, given_name="Ola", email="taken@x.example", mobile="+4790000001")
    first = save(me, patient, email="taken@x.example")
    shown = me.get(page(clinic)).content.decode().replace("taken@x.example", "")
    wait(me, clinic, "cancel", "email")
    second = save(me, patient, email="nobody@x.example")
    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert me.get(page(clinic)).content.decode().count("waits to be confirmed") == shown.count(
        "waits to be confirmed"
    )
    assert len({len(mail.body) for mail in OutboxMessage.objects.all()}) == 1


def test_writing_the_old_address_again_takes_back_nothing_and_sends_nothing(me, clinic, patient):
    save(me, patient, email=NEW)
    save(me, patient, language="da")
    assert ContactChange.objects.get().ended_at is None
    assert OutboxMessage.objects.count() == 1
    patient.refresh_from_db()
    assert patient.language == "da"


def test_an_emptied_address_is_gone_at_once_and_the_old_one_is_told(me, clinic, patient):
    confirmed(patient)
    save(me, patient, email="")
    patient.refresh_from_db()
    assert patient.email == ""
    assert [(channel, to) for channel, to, _body in notices()] == [("email", "line@x.example")]
    assert not ContactWord.objects.filter(kind="email").exists()


def test_a_first_address_is_told_to_the_mobile(me, clinic, patient):
    save(me, patient, email="")
    save(me, patient, email=NEW)
    reader = browser()
    reader.get(link_path())
    reader.post(page(clinic, "contact_confirm"))
    assert [(channel, to) for channel, to, _body in notices()][-1] == ("sms", "+4791234567")


# -- a mobile number ---------------------------------------------------------------------------------------
def test_a_new_number_counts_when_its_code_is_written(me, clinic, patient):
    save(me, patient, mobile="987 65 432")
    patient.refresh_from_db()
    assert patient.mobile == "+4791234567"
    assert OutboxMessage.objects.get().recipient == NUMBER
    right = sent_code()
    assert code(me, clinic, f"{right[:3]} {right[3:]}").status_code == 302
    patient.refresh_from_db()
    assert patient.mobile == NUMBER
    [(channel, to, body)] = notices()
    assert (channel, to) == ("sms", "+4791234567")
    assert "32" in body
    assert "98765432" not in body.replace(" ", "")


def test_a_code_works_once_and_of_two_at_the_same_moment_one_counts(me, clinic, patient):
    save(me, patient, mobile=NUMBER)
    right = sent_code()
    assert code(me, clinic, right).status_code == 302
    assert code(me, clinic, right).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_two_parallel_codes_confirm_once(clinic, patient, client):
    user = sign_in(client, patient)
    patient.clinic = clinic
    now = timezone.now()
    operations.ask(patient=patient, kind=ContactKind.MOBILE, value=NUMBER, actor=user, now=now)
    right = sent_code()

    def use(_number):
        try:
            operations.use_code(patient=patient, code=right, actor=user, now=now)
        except ContactRefused:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(use, range(2))) == [False, True]
    assert AuditEvent.objects.filter(action="contact.confirmed").count() == 1


def test_a_code_is_over_after_five_minutes(me, clinic, patient):
    save(me, patient, mobile=NUMBER)
    right = sent_code()
    moved_on(me, patient, minutes=5, seconds=1)
    assert code(me, clinic, right).status_code == 422
    assert "is over" in me.get(page(clinic)).content.decode()


def test_after_five_wrong_codes_the_right_one_is_worth_nothing(me, clinic, patient):
    save(me, patient, mobile=NUMBER)
    right = sent_code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert code(me, clinic, wrong).status_code == 422
    assert code(me, clinic, right).status_code == 422
    patient.refresh_from_db()
    assert patient.mobile == "+4791234567"
    assert AuditEvent.objects.filter(action="contact.code_locked").count() == 1


def test_a_code_is_bound_to_the_login_that_asked_and_to_its_question(me, clinic, patient):
    save(me, patient, mobile=NUMBER)
    right, stranger = sent_code(), User.objects.create(kind="patient", name="Someone Else")
    with pytest.raises(ContactRefused):
        operations.use_code(patient=patient, code=right, actor=stranger, now=timezone.now())
    other = make_patient(clinic, given_name="Ola")
    with pytest.raises(ContactRefused):
        operations.use_code(
            patient=other, code=right, actor=User.objects.get(name="Line Danser"), now=timezone.now()
        )


def test_a_newer_code_ends_the_older_and_waits_a_minute(me, clinic, patient):
    save(me, patient, mobile=NUMBER)
    first = sent_code()
    wait(me, clinic, "again", "mobile")
    assert OutboxMessage.objects.count() == 1
    moved_on(me, patient, seconds=61)
    wait(me, clinic, "again", "mobile")
    assert OutboxMessage.objects.count() == 2
    if first != sent_code():
        assert code(me, clinic, first).status_code == 422
    assert code(me, clinic, sent_code()).status_code == 302


def test_the_code_rests_as_a_hash(me, clinic, patient):
    save(me, patient, mobile=NUMBER)
    right, row = sent_code(), ContactChange.objects.get()
    assert row.code_hash.startswith("argon2")
    assert right not in row.code_hash
    with connection.cursor() as cursor:
        cursor.execute("SELECT body, recipient FROM notifications_outboxmessage")
        assert all(right not in text and NUMBER not in text for text in cursor.fetchone())


@pytest.mark.parametrize(("typed", "sent"), [("+46701234567", False), ("+4520123456", True), (NUMBER, True)])
def test_codes_go_to_norwegian_and_danish_mobiles_only(me, clinic, patient, typed, sent):
    answer = save(me, patient, mobile=typed)
    assert answer.status_code == (302 if sent else 422)
    assert OutboxMessage.objects.exists() is sent
    assert ("mobiles of these countries only: Norway, Denmark." in answer.text) is not sent


def test_a_refused_foreign_number_names_the_countries_that_the_clinic_allows(client):
    patient = make_patient(make_clinic(code_countries=["SE", "DE"]), language="en")
    sign_in(client, patient)
    client.cookies["django_language"] = "en"
    answer = save(client, patient, mobile="+48512345678")
    assert answer.status_code == 422
    assert "Norway, Denmark, Sweden, Germany. For another number, phone the clinic." in answer.text
    assert "+48512345678" in answer.text


def test_a_clinic_that_has_sent_its_codes_of_the_day_says_so_and_what_to_do(me, clinic, patient, monkeypatch):
    monkeypatch.setattr(codes, "PER_CLINIC", Limit("code-clinic", 0, timedelta(days=1)))
    answer = save(me, patient, mobile=NUMBER)
    assert answer.status_code == 422
    assert "Save the new number again tomorrow, or phone the clinic." in answer.text
    assert "98 76 54 32" in answer.text or NUMBER in answer.text
    assert not ContactChange.objects.exists()
    assert save(me, patient, email=NEW).status_code == 302, "links by e-mail cost nothing"


def test_a_stop_for_the_days_budget_says_tomorrow_and_another_stop_some_hours(clinic, patient):
    now = timezone.now()
    for reason, refusal in (
        (StopReason.BUDGET, ContactRefusal.BUDGET),
        (StopReason.UNUSED, ContactRefusal.STOPPED),
    ):
        CodeStop.objects.all().delete()
        code_stops.stop(clinic, reason, ends_at=now + timedelta(hours=1), now=now)
        user = User.objects.create(kind="patient", name="X")
        with pytest.raises(ContactRefused) as refused:
            operations.ask(patient=patient, kind=ContactKind.MOBILE, value=NUMBER, actor=user, now=now)
        assert refused.value.reason == refusal


def test_the_fourth_message_in_a_quarter_is_refused_and_nothing_typed_is_lost(me, clinic, patient):
    for place in range(3):
        assert save(me, patient, email=f"new{place}@x.example").status_code == 302
    answer = save(me, patient, email="new3@x.example")
    assert answer.status_code == 422
    assert "new3@x.example" in answer.content.decode()
    assert OutboxMessage.objects.filter(recipient__isnull=False).count() == 3


def test_the_same_number_is_not_reached_more_often_through_other_patients(client, clinic):
    refused = []
    for place in range(4):
        patient = make_patient(clinic, given_name=f"P{place}", mobile="")
        user = User.objects.create(kind="patient", name="X")
        try:
            operations.ask(
                patient=patient, kind=ContactKind.MOBILE, value=NUMBER, actor=user, now=timezone.now()
            )
        except ContactRefused as why:
            refused.append(why.reason)
    assert refused == [ContactRefusal.TOO_OFTEN]


def test_a_changed_number_ends_codes_that_went_to_the_old_one(client):
    from tests.identity.build_codes import give_password, person

    danish = make_clinic(country="DK")
    found = person(danish)
    give_password(found)
    from identity.by_code import codes
    from identity.choices import CodePurpose
    from identity.models import ClinicMembership, OneTimeCode

    codes.ask(
        clinic=danish,
        membership=ClinicMembership.objects.get(),
        purpose=CodePurpose.SIGN_IN,
        recipient=found.email,
        language="da",
        now=timezone.now(),
    )
    found.clinic = danish
    operations.change_contact(
        patient=found, mobile=found.mobile, email=NEW, language="", actor=None, now=timezone.now()
    )
    assert OneTimeCode.objects.get().revoked_at is not None


# -- who may, and what staff see ---------------------------------------------------------------------------
def test_a_session_by_code_sees_parts_and_moves_nothing(client, clinic, patient):
    sign_in(
        client, patient, clinic_scope=clinic.pk, method=Method.ONE_TIME_CODE, assurance=Assurance.TWO_FACTORS
    )
    shown = client.get(page(clinic)).content.decode()
    assert "line@x.example" not in shown
    assert "l•••@x•••.example" in shown
    assert client.post(page(clinic), {"language": "da"}).status_code == 302
    assert save(client, patient, email=NEW).status_code == 422
    assert not ContactChange.objects.exists()
    patient.refresh_from_db()
    assert (patient.email, patient.language) == ("line@x.example", "da")


def test_what_staff_write_counts_at_once_is_from_the_clinic_and_told_to_the_old_address(
    client, clinic, patient
):
    from django.urls import reverse

    confirmed(patient)
    staff = browser()
    sign_in_staff(staff, clinic)
    address = reverse("patients_staff:contact", args=[clinic.portal_identifier, patient.pk])
    staff.post(address, {"mobile": "+4791234567", "email": NEW, "language": ""})
    patient.refresh_from_db()
    assert patient.email == NEW
    assert queries.points(patient, now=timezone.now())[0].state is ContactState.DIFFERS
    assert [to for _channel, to, _body in notices()] == ["line@x.example"]
    shown = staff.get(address).content.decode()
    assert "The patient has said otherwise" in shown
    assert "line@x.example" in shown
    assert "by Siv Sekretær" in shown


def test_staff_see_that_the_patient_changed_it(me, client, clinic, patient):
    from django.urls import reverse

    save(me, patient, mobile=NUMBER)
    staff = browser()
    sign_in_staff(staff, clinic)
    address = reverse("patients_staff:contact", args=[clinic.portal_identifier, patient.pk])
    shown = staff.get(address).content.decode()
    assert "waits for confirmation" in shown
    assert "98 76 54 32" not in shown
    code(me, clinic, sent_code())
    shown = staff.get(address).content.decode()
    assert "by Line Danser" in shown
    assert "confirmed by the patient" in shown


def test_the_staffs_page_takes_few_queries(client, clinic, patient, django_assert_max_num_queries):
    from django.urls import reverse

    sign_in_staff(client, clinic)
    address = reverse("patients_staff:contact", args=[clinic.portal_identifier, patient.pk])
    client.get(address)
    with django_assert_max_num_queries(20):
        client.get(address)


def test_another_patients_change_is_out_of_reach(me, client, clinic, patient):
    other = make_patient(clinic, given_name="Ola")
    user = User.objects.create(kind="patient", name="Ola")
    operations.ask(patient=other, kind=ContactKind.EMAIL, value=NEW, actor=user, now=timezone.now())
    wait(me, clinic, "cancel", "email")
    assert ContactChange.objects.get().ended_at is None


@pytest.mark.parametrize(
    "form", [{}, {"act": "again"}, {"act": "again", "kind": "pigeon"}, {"act": "x", "kind": "email"}]
)
def test_a_forged_form_is_not_found(me, clinic, form):
    assert me.post(page(clinic, "waiting"), form).status_code == 404


# -- rules and constraints ---------------------------------------------------------------------------------
NOW = timezone.now()


@pytest.mark.parametrize(
    ("value", "word", "since", "state"),
    [
        ("", Word(), None, ContactState.MISSING),
        ("a@x", Word(), None, ContactState.UNCONFIRMED),
        ("a@x", Word("b@x", NOW), None, ContactState.DIFFERS),
        ("", Word("b@x", NOW), None, ContactState.DIFFERS),
        ("a@x", Word("a@x", NOW), None, ContactState.CONFIRMED),
        ("a@x", Word("a@x", NOW - timedelta(days=365)), None, ContactState.OLD),
        ("a@x", Word("a@x", NOW - timedelta(days=364)), None, ContactState.CONFIRMED),
        ("a@x", Word("a@x", NOW - timedelta(days=2)), NOW - timedelta(days=1), ContactState.UNCONFIRMED),
        ("a@x", Word("a@x", NOW), NOW - timedelta(days=1), ContactState.CONFIRMED),
    ],
)
def test_what_is_known_of_a_value(value, word, since, state):
    assert policy.state(value, word, unconfirmed_since=since, now=NOW) is state


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (ContactKind.EMAIL, "line@example.no", "l•••@e•••.no"),
        (ContactKind.EMAIL, "", ""),
        (ContactKind.MOBILE, "+4791234567", "••• 67"),
    ],
)
def test_a_masked_value_tells_little(kind, value, shown):
    assert policy.masked(kind, value) == shown


def test_one_change_of_a_kind_is_open_and_has_a_link_or_a_code(patient):
    values = {
        "clinic": patient.clinic,
        "patient": patient,
        "value": "x",
        "created_at": NOW,
        "sent_at": NOW,
        "expires_at": NOW,
    }
    ContactChange.objects.create(kind="email", token_hash="a", **values)
    for bad in (
        {"kind": "email", "token_hash": "b"},
        {"kind": "mobile"},
        {"kind": "mobile", "token_hash": "c", "code_hash": "x"},
        {"kind": "mobile", "code_hash": "x", "confirmed_at": NOW, "ended_at": NOW},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ContactChange.objects.create(**values | bad)
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactChange.objects.create(kind="mobile", code_hash="x", **values | {"clinic": make_clinic()})
        connection.check_constraints()


def test_old_changes_are_deleted_and_young_ones_stay(me, patient):
    save(me, patient, email=NEW)
    operations.sweep(now=timezone.now())
    assert ContactChange.objects.exists()
    operations.sweep(now=timezone.now() + timedelta(days=32))
    assert not ContactChange.objects.exists()


def test_the_trail_holds_neither_addresses_nor_codes(me, clinic, patient):
    save(me, patient, email=NEW, mobile=NUMBER)
    right = sent_code()
    code(me, clinic, right)
    told = str(list(AuditEvent.objects.values_list("action", "details")))
    assert not any(word in told for word in (NEW, NUMBER, right))
