"""Danish patients without MitID: password and a code by e-mail (numbers: docs/security.md)."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, Role
from clinic_admin.countries import CodeChannel, rules_of
from identity import policy
from identity.by_code import codes, passwords
from identity.by_code import sign_in as code_sign_in
from identity.by_code.codes import CodeRefused
from identity.choices import Assurance, CodePurpose, CodeRefusal, EidProof, MembershipState, Method
from identity.models import ClinicMembership, OneTimeCode, User
from notifications.choices import Channel, MessageKind
from notifications.models import OutboxMessage
from patients import operations as patients
from patients import policy as patient_rules
from patients.models import Patient
from patients.operations import PatientRefused
from portal import audit
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_codes import (
    NEW_PASSWORD,
    PASSWORD,
    address,
    ask_for_link,
    first_step,
    give_password,
    is_signed_in,
    link_path,
    number,
    open_links,
    person,
    second_step,
    sent_code,
    switch_on,
)
from tests.identity.build_identity import begin as begin_with_eid
from tests.identity.build_identity import come_back, connect, enter

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return switch_on(make_clinic(country=Country.DENMARK))


@pytest.fixture
def patient(clinic):
    """Someone who can't use MitID, with a password."""
    found = person(clinic)
    give_password(found)
    mark(found)
    return found


def mark(patient, proof=EidProof.PAPERS):
    patients.set_no_eid(patient=patient, proof=proof, actor=audit.SYSTEM, now=timezone.now())


def secretary(clinic):
    browser = Client()
    sign_in_staff(browser, clinic, Role.ASSISTANT)
    return browser


def messages():
    return OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE)


def test_password_and_a_code_by_email_open_a_session_for_this_clinic_alone(client, clinic, patient):
    assert first_step(client, clinic).url == address("code_enter", clinic)
    assert second_step(client, clinic, sent_code()).url == address("start", clinic)
    assert client.get(address("start", clinic)).status_code == 200
    how = client.session["sign_in"]
    assert (how["assurance"], how["clinic_scope"]) == (2, clinic.pk)


def test_the_message_goes_to_the_registered_address_and_its_subject_holds_no_code(client, clinic, patient):
    first_step(client, clinic)
    code = sent_code()
    message = messages().get()
    assert (message.channel, message.recipient) == (Channel.EMAIL, patient.email)
    assert code in message.body
    assert code not in message.title
    assert clinic.name in message.title
    assert patient.given_name not in message.body


def test_c2_a_code_by_email_lives_for_ten_minutes(clinic, patient):
    now = timezone.now()
    membership = ClinicMembership.objects.get()
    question = codes.ask(
        clinic=clinic,
        membership=membership,
        purpose=CodePurpose.SIGN_IN,
        recipient=patient.email,
        language="da",
        now=now,
    )
    code = sent_code(now)
    with pytest.raises(CodeRefused) as refused:
        codes.use(
            question.pk, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=now + timedelta(minutes=10)
        )
    assert refused.value.reason == CodeRefusal.OVER
    almost = now + timedelta(minutes=9, seconds=59)
    assert codes.use(question.pk, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=almost)


def test_c10_without_a_registered_address_nothing_is_sent_and_the_page_is_the_same(client, clinic, patient):
    Patient.objects.update(email="")
    assert first_step(client, clinic).url == address("code_enter", clinic)
    assert sent_code() is None
    assert not messages().exists()


def test_c14_who_has_mitid_gets_no_code_for_the_right_password_but_is_told_by_email(client, clinic):
    found = person(clinic)
    give_password(found)
    assert first_step(client, clinic).url == address("code_enter", clinic)
    for question in codes.waiting(now=timezone.now()):
        codes.handle(question, now=timezone.now())
    message = messages().get()
    assert message.recipient == found.email
    assert "MitID" in message.body
    question = OneTimeCode.objects.get()
    assert (question.is_hint, question.code_hash) == (True, "")
    assert second_step(client, clinic, "123456").status_code == 422
    assert not is_signed_in(client)
    assert AuditEvent.objects.filter(action="auth.fail", details__reason="eid-required").count() == 1


def test_c14_a_wrong_password_brings_no_such_message(client, clinic):
    give_password(person(clinic))
    first_step(client, clinic, password="Noe-helt-annet-4")
    assert sent_code() is None
    assert not messages().exists()


def test_c14_a_code_sent_before_the_mark_was_taken_away_is_worth_nothing(client, clinic, patient):
    first_step(client, clinic)
    code = sent_code()
    mark(patient, None)
    assert second_step(client, clinic, code).status_code == 422
    assert not is_signed_in(client)


def test_c15_no_eid_at_one_clinic_opens_nothing_at_another(client, clinic, patient):
    other = switch_on(make_clinic(country=Country.DENMARK))
    give_password(person(other))
    first_step(client, other)
    for question in codes.waiting(now=timezone.now()):
        codes.handle(question, now=timezone.now())
    assert OneTimeCode.objects.get().is_hint
    first_step(client, clinic)
    assert second_step(client, clinic, sent_code()).status_code == 302
    assert client.get(address("start", other)).status_code == 302


def test_w5_taking_the_mark_away_ends_the_session_at_the_next_request(client, clinic, patient):
    first_step(client, clinic)
    second_step(client, clinic, sent_code())
    assert client.get(address("start", clinic)).status_code == 200
    mark(patient, None)
    assert client.get(address("start", clinic)).status_code == 302


def test_w5_the_mark_is_asked_for_at_each_request(client, clinic, patient):
    first_step(client, clinic)
    second_step(client, clinic, sent_code())
    Patient.objects.update(no_eid_at=None, no_eid_proof="")  # as if the sessions had not been ended
    assert client.get(address("start", clinic)).status_code == 302


@pytest.mark.parametrize(
    ("today", "holds"), [(date(2026, 11, 26), True), (date(2026, 11, 27), False), (date(2026, 11, 28), False)]
)
def test_g3_a_childs_code_session_ends_on_the_fifteenth_birthday(today, holds):
    rules, born = rules_of("DK"), date(2011, 11, 27)
    assert holds == patient_rules.session_holds(
        rules, assurance=Assurance.TWO_FACTORS, no_eid=False, birth_date=born, today=today
    )
    assert patient_rules.session_holds(
        rules, assurance=Assurance.SUBSTANTIAL, no_eid=False, birth_date=born, today=today
    )


@pytest.mark.parametrize(("confirmed", "hint"), [(True, False), (False, True)])
def test_a_child_signs_in_when_a_guardian_has_confirmed_it(client, clinic, confirmed, hint):
    born = timezone.localdate() - timedelta(days=365 * 10)
    found = person(clinic, birth_date=born)
    membership = give_password(found)
    if confirmed:
        ClinicMembership.objects.filter(pk=membership.pk).update(child_confirmed_at=timezone.now())
    answer = first_step(client, clinic, born=born)
    question = OneTimeCode.objects.get()
    assert (question.is_hint, question.is_for_guardian) == (hint, hint)
    stranger = first_step(Client(), clinic, serial=9)
    assert (answer.status_code, answer.url) == (stranger.status_code, stranger.url)


def test_the_guardian_of_a_child_that_nobody_confirmed_is_shown_the_way_and_not_to_mitid(client, clinic):
    born = timezone.localdate() - timedelta(days=365 * 10)
    give_password(person(clinic, birth_date=born, language="en"))
    first_step(client, clinic, born=born)
    for question in codes.waiting(now=timezone.now()):
        codes.handle(question, now=timezone.now())
    body = OutboxMessage.objects.get().body
    assert reverse("child:confirm", args=[clinic.portal_identifier]) in body
    assert "you sign in with MitID" not in body
    with pytest.raises(IntegrityError), transaction.atomic():
        OneTimeCode.objects.update(is_hint=False)


def test_everybody_sees_the_way_for_guardians_on_the_second_page(client, clinic):
    first_step(client, clinic, serial=9)
    page = client.get(address("code_enter", clinic)).content.decode()
    assert reverse("child:confirm", args=[clinic.portal_identifier]) in page


def test_l10_the_first_sign_in_after_the_clinic_made_the_account_is_with_mitid(client, clinic, idp):
    connect(clinic, idp, country=Country.DENMARK, method=Method.MITID)
    found = person(clinic)
    idp.claims = {"nnin_altsub": found.national_id, "birthdate": found.birth_date.isoformat()}
    staff = secretary(clinic)
    create(staff, clinic, found)
    membership = ClinicMembership.objects.get()
    assert choose_by_link(client, clinic).url == reverse("clinic_front", args=[clinic.portal_identifier])
    membership.refresh_from_db()
    assert (membership.state, bool(membership.password)) == (MembershipState.AWAITING, True)
    begin_with_eid(client, clinic)
    come_back(client, idp)
    assert enter(client, clinic).status_code == 302
    membership.refresh_from_db()
    assert membership.state == MembershipState.ACTIVE
    assert membership.identity_confirmed_at is not None


def test_l10_who_has_no_eid_needs_none_after_the_link(client, clinic):
    found = person(clinic)
    mark(found)
    create(secretary(clinic), clinic, found)
    assert choose_by_link(client, clinic).url == address("code_sign_in", clinic)
    assert not is_signed_in(client)
    first_step(client, clinic, password=NEW_PASSWORD)
    assert second_step(client, clinic, sent_code()).status_code == 302


def test_marking_later_activates_an_account_that_waits_for_mitid(client, clinic):
    found = person(clinic)
    create(secretary(clinic), clinic, found)
    choose_by_link(client, clinic)
    mark(found)
    assert ClinicMembership.objects.get().state == MembershipState.ACTIVE


def create(staff, clinic, patient):
    path = reverse("patients_staff:account", args=[clinic.portal_identifier, patient.pk])
    answer = staff.post(path, {"act": "create", "email": patient.email, "consent": "on"})
    assert answer.status_code == 302


def choose_by_link(client, clinic):
    client.get(link_path())
    return client.post(address("code_password", clinic), {"password": NEW_PASSWORD, "again": NEW_PASSWORD})


def test_l9_a_forgotten_password_is_replaced_by_a_link_that_opens_no_session(client, clinic, patient):
    ask_for_link(client, clinic)
    assert open_links().count() == 1
    assert choose_by_link(client, clinic).url == address("code_sign_in", clinic)
    assert not is_signed_in(client)
    assert OutboxMessage.objects.filter(kind=MessageKind.PASSWORD_CHANGED).exists()
    first_step(client, clinic, password=NEW_PASSWORD)
    assert second_step(client, clinic, sent_code()).status_code == 302


def test_who_has_mitid_is_told_so_instead_of_getting_a_link(client, clinic):
    found = person(clinic)
    give_password(found)
    answer = ask_for_link(client, clinic)
    assert answer.url == address("code_forgotten_sent", clinic)
    assert not open_links().exists()
    message = OutboxMessage.objects.get(kind=MessageKind.ACTIVATION)
    assert "MitID" in message.body
    assert "/sign-in/code/link/" not in message.body


def test_whoever_signed_in_with_a_code_cannot_move_where_codes_go(client, clinic, patient):
    first_step(client, clinic)
    second_step(client, clinic, sent_code())
    path = reverse("patients:details", args=[clinic.portal_identifier])
    form = {"email": "thief@x.example", "mobile": patient.mobile, "language": "da"}
    answer = client.post(path, form)
    assert answer.status_code == 422
    assert "thief@x.example" in answer.content.decode()  # what was typed is kept
    patient.refresh_from_db()
    assert patient.email == "line1@x.example"
    assert client.post(path, form | {"email": patient.email}).status_code == 302
    patient.refresh_from_db()
    assert patient.language == "da"


def test_the_mark_needs_a_proof_and_is_kept_with_who_and_when(clinic):
    found = person(clinic)
    staff = secretary(clinic)
    path = reverse("patients_staff:account", args=[clinic.portal_identifier, found.pk])
    assert staff.post(path, {"act": "no-eid"}).status_code == 422
    assert staff.post(path, {"act": "no-eid", "proof": "papers"}).status_code == 302
    found.refresh_from_db()
    assert found.no_eid_at is not None
    assert found.no_eid_by is not None
    event = AuditEvent.objects.get(action="patient.no_eid_set")
    assert (event.patient_id, event.details["proof"]) == (found.pk, "papers")
    staff.post(path, {"act": "no-eid", "proof": "papers"})
    assert AuditEvent.objects.filter(action="patient.no_eid_set").count() == 1  # pressed twice
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.filter(pk=found.pk).update(no_eid_proof="")


def test_another_clinics_patient_is_not_found(clinic):
    found = person(make_clinic(country=Country.DENMARK))
    staff = secretary(clinic)
    path = reverse("patients_staff:account", args=[clinic.portal_identifier, found.pk])
    assert staff.post(path, {"act": "no-eid", "proof": "papers"}).status_code == 404


def test_a_record_without_national_id_cannot_be_marked(clinic):
    from tests.build import make_patient

    with pytest.raises(PatientRefused):
        mark(make_patient(clinic, national_id=None, national_id_index=None))


def test_electronic_answers_are_noted_once(clinic):
    found = person(clinic)
    staff = secretary(clinic)
    path = reverse("patients_staff:account", args=[clinic.portal_identifier, found.pk])
    for _ in range(2):
        staff.post(path, {"act": "answers", "wants": "yes"})
    found.refresh_from_db()
    assert found.wants_electronic_answers
    assert AuditEvent.objects.filter(action="patient.electronic_answers").count() == 1


CASES = ("unknown", "wrong password", "has MitID", "no eID", "closed", "no account")


def prepare(clinic):
    """Store one person per case; return case -> serial number."""
    serials = {case: serial for serial, case in enumerate(CASES, start=1)}
    for case, serial in serials.items():
        if case == "unknown":
            continue
        found = person(clinic, serial)
        if case == "no account":
            continue
        membership = give_password(found, "Noe-helt-annet-4" if case == "wrong password" else PASSWORD)
        if case != "has MitID":
            mark(found)
        if case == "closed":
            User.objects.filter(account=membership.account).update(is_active=False)
    return serials


def test_c11_pages_headers_and_cookies_are_the_same_for_everyone(clinic):
    seen = set()
    for serial in prepare(clinic).values():
        client = Client()
        answer = first_step(client, clinic, serial)
        page = client.get(answer.url)
        cookies = tuple(sorted(answer.cookies))
        headers = tuple(sorted(name for name in answer.headers if name not in {"X-Request-Id"}))
        seen.add((answer.status_code, answer.url, cookies, headers, page.status_code, without_secrets(page)))
    assert len(seen) == 1


def without_secrets(page):
    import re

    return re.sub(r'(csrfmiddlewaretoken" value=")[^"]+|nonce-[^"\']+', "", page.content.decode())


def test_c11_everyone_costs_one_hash_and_as_many_queries(clinic, monkeypatch):
    checked = []
    real = passwords.check_password
    monkeypatch.setattr(passwords, "check_password", lambda *given: checked.append(1) or real(*given))
    counts = set()
    for serial in prepare(clinic).values():
        checked.clear()
        with CaptureQueriesContext(connection) as queries:
            begin(clinic, serial)
        counts.add((len(checked), len(queries)))
    assert len(counts) == 1
    assert counts.pop()[0] == 1


def begin(clinic, serial):
    from identity import national_id
    from patients import queries
    from services.home import code_queries

    index = national_id.index(national_id.parse(number(serial, "DK"), "DK"))
    found, now = queries.record_of(national_id_index=index, clinic=clinic), timezone.now()
    code_sign_in.begin(
        clinic=clinic,
        national_id_index=index,
        password=PASSWORD,
        recipient=code_queries.registered_recipient(found, clinic),
        no_eid=found is not None and found.no_eid_at is not None,
        is_child=code_queries.is_child(found, clinic, now),
        language="da",
        now=now,
    )


def test_email_reaches_whoever_has_an_address():
    assert policy.can_be_reached(CodeChannel.EMAIL, "a@x.example", ())
    assert not policy.can_be_reached(CodeChannel.EMAIL, "", ())
    assert not policy.can_be_reached(CodeChannel.SMS, "a@x.example", ())
