"""Signing in with password and a code by SMS (numbers: docs/security.md)."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import serializers
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role, Service
from identity import policy
from identity.by_code import code_sender, codes, memberships
from identity.by_code import sign_in as code_sign_in
from identity.by_code.codes import CodeRefused
from identity.choices import Assurance, CodePurpose, CodeRefusal, MembershipState
from identity.models import ClinicCodeSignIn, ClinicMembership, OneTimeCode, PasswordTries, User
from notifications.choices import MessageKind
from notifications.demo_models import DemoSms
from notifications.models import OutboxMessage
from portal import crypto
from portal.models import AuditEvent, ThrottleCounter
from services.access import queries as access
from tests.build import make_clinic, make_provider
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_codes import (
    PASSWORD,
    address,
    code_in,
    first_step,
    give_password,
    is_signed_in,
    newest_question,
    number,
    other_than,
    person,
    second_step,
    sent_code,
    signs_in,
    switch_on,
)
from tests.identity.build_identity import begin, come_back, connect, enter
from tests.services.access.build_access import give, tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return switch_on(make_clinic())


@pytest.fixture
def patient(clinic):
    found = person(clinic)
    give_password(found)
    return found


def wait_for_threads():
    """Wait until what the web process sends after its answer is sent."""
    code_sender._threads.shutdown(wait=True)
    code_sender._threads = ThreadPoolExecutor(4)


def messages():
    return OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE)


def test_password_and_code_open_a_session_for_this_clinic_alone(client, clinic, patient):
    answer = first_step(client, clinic)
    assert answer.url == address("code_enter", clinic)
    answer = second_step(client, clinic, sent_code())
    assert answer.url == address("start", clinic)
    assert client.get(answer.url).status_code == 200
    how = client.session["sign_in"]
    assert (how["assurance"], how["method"], how["clinic_scope"]) == (2, "one-time-code", clinic.pk)


def test_the_message_says_whose_code_it_is_and_nothing_else(client, clinic, patient):
    first_step(client, clinic)
    code = sent_code()
    message = messages().get()
    assert message.body.startswith(code)
    assert clinic.name in message.body
    assert message.body.endswith(f"\n\n@localhost #{code}")
    assert "http" not in message.body
    assert patient.given_name not in message.body
    assert message.not_after == newest_question().expires_at


def test_c1_a_code_works_once(client, clinic, patient):
    first_step(client, clinic)
    code, before = sent_code(), client.session["code_question"]
    assert second_step(client, clinic, code).status_code == 302
    other = Client()
    session = other.session
    session["code_question"] = before
    session.save()
    assert second_step(other, clinic, code).status_code == 422
    assert not is_signed_in(other)


@pytest.mark.django_db(transaction=True)
def test_c1_of_two_posts_at_once_one_gets_the_session(clinic, patient):
    client = Client()
    first_step(client, clinic)
    wait_for_threads()
    code, question = code_in(messages().get().body), client.session["code_question"]

    def post(_):
        try:
            browser = Client()
            session = browser.session
            session["code_question"] = question
            session.save()
            second_step(browser, clinic, code)
            return is_signed_in(browser)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(post, range(2))) == [False, True]


def test_c2_a_code_lives_for_five_minutes(clinic, patient):
    now = timezone.now()
    question = ask(clinic, patient, now)
    code = sent_code(now)
    with pytest.raises(CodeRefused) as refused:
        use(question, code, clinic, now + timedelta(seconds=300))
    assert refused.value.reason == CodeRefusal.OVER
    assert use(question, code, clinic, now + timedelta(seconds=299)) == question


def use(question, code, clinic, now):
    return codes.use(question.pk, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=now)


def ask(clinic, patient, now, purpose=CodePurpose.SIGN_IN, **values):
    values.setdefault("membership", ClinicMembership.objects.order_by("created_at").first())
    values.setdefault("recipient", patient.mobile)
    return codes.ask(clinic=clinic, purpose=purpose, language="nb", now=now, **values)


def test_c3_after_five_wrong_tries_the_right_code_is_dead(client, clinic, patient):
    first_step(client, clinic)
    code = sent_code()
    for _ in range(5):
        assert second_step(client, clinic, other_than(code)).status_code == 422
    assert second_step(client, clinic, code).status_code == 422
    assert not is_signed_in(client)
    assert AuditEvent.objects.filter(action="code.locked").count() == 1


def test_c4_a_code_is_worth_nothing_in_another_browser_or_for_another_question(client, clinic, patient):
    first_step(client, clinic)
    code = sent_code()
    stranger = Client()
    assert second_step(stranger, clinic, code).url == address("code_sign_in", clinic)
    first_step(stranger, clinic, 2)
    assert second_step(stranger, clinic, code).status_code == 422
    assert not is_signed_in(stranger)
    other = switch_on(make_clinic())
    assert second_step(client, other, code).status_code == 422
    assert second_step(client, clinic, code).status_code == 302


def test_c5_a_code_of_one_purpose_is_worth_nothing_for_another(clinic, patient):
    now = timezone.now()
    question = ask(clinic, patient, now, CodePurpose.PASSWORD)
    code = sent_code(now)
    with pytest.raises(CodeRefused):
        codes.use(question.pk, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=now)
    OneTimeCode.objects.update(purpose=CodePurpose.SIGN_IN)
    with pytest.raises(CodeRefused):
        codes.use(question.pk, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=now)


def test_c6_a_new_code_ends_the_older(client, clinic, patient):
    first_step(client, clinic)
    older = sent_code()
    OneTimeCode.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    client.post(address("code_again", clinic))
    newer = sent_code()
    assert messages().count() == 2
    if older != newer:
        assert second_step(client, clinic, older).status_code == 422
    assert second_step(client, clinic, newer).status_code == 302


def test_c6_another_code_is_not_sent_within_a_minute(client, clinic, patient):
    first_step(client, clinic)
    sent_code()
    assert client.post(address("code_again", clinic)).url == address("code_enter", clinic)
    sent_code()
    assert messages().count() == 1


def test_c7_no_table_and_no_log_holds_the_code(client, clinic, patient, caplog):
    caplog.set_level(logging.DEBUG)
    first_step(client, clinic)
    code = sent_code()
    second_step(client, clinic, other_than(code))
    rows = serializers.serialize("json", [*OneTimeCode.objects.all(), *AuditEvent.objects.all()])
    with connection.cursor() as cursor:
        cursor.execute("SELECT body, recipient, title FROM notifications_outboxmessage")
        rows += str(cursor.fetchall())
        cursor.execute("SELECT recipient FROM identity_onetimecode")
        rows += str(cursor.fetchall())
    assert not re.search(rf"(?<!\d){code}(?!\d)", rows)
    assert patient.mobile not in rows
    for record in caplog.records:
        assert code not in f"{record.getMessage()} {record.__dict__}"
        assert number() not in str(record.__dict__)


@pytest.mark.django_db(transaction=True)
def test_c7_the_text_is_erased_when_the_provider_has_taken_it(live_server, settings, clinic, patient):
    settings.TWILIO_BASE_URL = f"{live_server.url}/demo-sms"
    question = ask(clinic, patient, timezone.now())
    code_sender.send_code(question.pk)
    message = messages().get()
    assert (message.body, message.recipient, message.state) == ("", "", "accepted")
    code = code_in(DemoSms.objects.get().body)
    assert codes.use(question.pk, code, clinic=clinic, purpose=CodePurpose.SIGN_IN, now=timezone.now())


def test_c8_three_codes_in_a_quarter_and_eight_a_day(clinic, patient):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    for minute in range(4):
        ask(clinic, patient, noon + timedelta(minutes=minute))
        sent_code(noon + timedelta(minutes=minute))
    assert messages().count() == 3
    for quarter in range(1, 8):
        moment = noon + timedelta(minutes=15 * quarter)
        ask(clinic, patient, moment)
        sent_code(moment)
    assert messages().count() == 8


def test_c8_two_accounts_with_one_number_share_its_limit(clinic, patient):
    other = person(clinic, 2, mobile=patient.mobile)
    membership = give_password(other)
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    mine = ClinicMembership.objects.exclude(pk=membership.pk).get()
    for owner in (mine, membership, mine, membership):
        ask(clinic, patient, noon, membership=owner)
    sent_code(noon)
    assert messages().count() == 3


@pytest.mark.parametrize("mobile", ["+19005551234", "+88213300655", "+4722334455", "+4780012345", ""])
def test_c9_codes_go_to_mobiles_of_our_countries_only(client, clinic, patient, mobile):
    patient.mobile = mobile
    patient.save()
    assert first_step(client, clinic).status_code == 302
    assert sent_code() is None
    assert not messages().exists()


@pytest.mark.parametrize("mobile", ["+4741234567", "+4791234567", "+4522221234"])
def test_c9_mobiles_of_our_countries_get_codes(mobile):
    assert policy.may_receive_code(mobile, ())


def prepare(case, clinic):
    """Make the person that the case is about; all of them post the same."""
    if case == "unknown":
        return
    found = person(
        clinic, is_active=case != "record not active", mobile="" if case == "no mobile" else "+4791234001"
    )
    if case == "no account":
        return
    membership = give_password(found, "Noe-helt-annet-4" if case == "wrong password" else PASSWORD)
    if case == "login closed":
        User.objects.filter(account=membership.account).update(is_active=False)
    if case == "removed":
        ClinicMembership.objects.update(state=MembershipState.REMOVED, password="")


CASES = [
    "known",
    "unknown",
    "no account",
    "wrong password",
    "no mobile",
    "record not active",
    "login closed",
    "removed",
]


def answers(client, clinic, case, queries):
    """Return what a visitor sees: the answers to both steps, without what is random in every answer."""
    client.cookies["django_language"] = "en"
    with queries() as first:
        one = first_step(client, clinic)
    sent_code()
    with queries() as second:
        two = client.get(one.url)
    three = second_step(client, clinic, "000000" if sent_code() != "000000" else "000001")
    seen = [
        (
            answer.status_code,
            re.sub(r'value="[A-Za-z0-9]{64}"', "", answer.content.decode()),
            sorted(set(answer.headers) - {"X-Request-ID"}),
            sorted(answer.cookies),
        )
        for answer in (one, two, three)
    ]
    return seen, len(first), len(second)


@pytest.mark.parametrize("case", CASES[1:])
def test_c11_whoever_it_is_the_answers_and_the_work_are_the_same(case, settings):
    seen = []
    for each in ("known", case):
        clinic = switch_on(
            make_clinic(name="Legekontoret", portal_identifier=f"c11-{each.replace(' ', '-')}")
        )
        prepare(each, clinic)
        ThrottleCounter.objects.all().delete()
        OutboxMessage.objects.all().delete()
        found = answers(Client(), clinic, each, lambda: Queries())
        pages = [
            (status, body.replace(clinic.portal_identifier, ""), headers, cookies)
            for status, body, headers, cookies in found[0]
        ]
        seen.append((pages, found[1], found[2]))
        OneTimeCode.objects.all().delete()
        ClinicMembership.objects.all().delete()
    assert seen[0] == seen[1]


class Queries:
    """The queries of a block."""

    def __enter__(self):
        self.context = CaptureQueriesContext(connection)
        return self.context.__enter__()

    def __exit__(self, *error):
        return self.context.__exit__(*error)


def test_c10_without_a_registered_mobile_nothing_is_sent(client, clinic, patient):
    patient.mobile = ""
    patient.save()
    page = client.get(first_step(client, clinic).url)
    assert page.status_code == 200
    assert sent_code() is None
    assert AuditEvent.objects.get(action="auth.fail").details["reason"] == "no-mobile"


def test_c12_after_ten_tries_the_password_is_paused_and_eid_still_works(client, clinic, patient, idp):
    now = timezone.now()
    PasswordTries.objects.create(
        key=crypto.blind_index(patient.national_id_index, purpose="password-tries"),
        times=[now - timedelta(seconds=60 * ago) for ago in range(14, 5, -1)],
        not_before=now,
    )
    assert first_step(client, clinic, password="Feil-passord-1").status_code == 302
    refused = first_step(client, clinic)
    assert refused.status_code == 429
    assert 890 < int(refused["Retry-After"]) <= 900
    connect(clinic, idp)
    idp.claims = {"nnin_altsub": number(), "birthdate": "1988-04-14"}
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    assert is_signed_in(client)


def test_c12_one_address_may_try_thirty_times(client, clinic):
    moment = timezone.now().replace(minute=0, second=0)
    for serial in range(30):
        code_sign_in.check_limits(
            clinic=clinic, national_id_index=str(serial % 10), address="1.2.3.4", now=moment
        )
    with pytest.raises(CodeRefused):
        code_sign_in.check_limits(clinic=clinic, national_id_index="0", address="1.2.3.4", now=moment)
    code_sign_in.check_limits(clinic=clinic, national_id_index="9", address="1.2.3.5", now=moment)


def test_c12_one_address_may_try_ten_people(clinic):
    moment = timezone.now().replace(minute=0, second=0)
    for serial in range(10):
        code_sign_in.check_limits(clinic=clinic, national_id_index=str(serial), address="1.2.3.4", now=moment)
    code_sign_in.check_limits(clinic=clinic, national_id_index="3", address="1.2.3.4", now=moment)
    for _ in range(2):
        with pytest.raises(CodeRefused):
            code_sign_in.check_limits(clinic=clinic, national_id_index="11", address="1.2.3.4", now=moment)


def test_c13_a_made_up_forwarded_address_changes_nothing(client, clinic):
    for serial in range(10):
        first_step(client, clinic, serial, HTTP_X_FORWARDED_FOR=f"10.0.0.{serial}")
    assert first_step(client, clinic, 99, HTTP_X_FORWARDED_FOR="10.0.0.99").status_code == 429


def test_c14_where_the_clinic_has_no_codes_there_is_no_such_page(client, clinic, patient):
    elsewhere = make_clinic()
    for name in ("code_sign_in", "code_enter", "code_forgotten", "code_password"):
        assert client.get(address(name, elsewhere)).status_code == 404
    first_step(client, clinic)
    code = sent_code()
    clinic_switch_off(clinic)
    assert second_step(client, clinic, code).status_code == 404
    assert not is_signed_in(client)


def clinic_switch_off(clinic):
    ClinicCodeSignIn.objects.filter(clinic=clinic).delete()


def test_c15_a_password_of_one_clinic_is_worth_nothing_at_another(client, clinic, patient):
    other = switch_on(make_clinic())
    person(other)
    first_step(client, other)
    assert sent_code() is None
    signs_in(client, clinic)
    assert client.get(address("start", clinic)).status_code == 200
    assert client.get(address("start", other)).status_code == 302


@pytest.mark.parametrize(("assurance", "allowed"), [(Assurance.TWO_FACTORS, False), (Assurance.HIGH, True)])
def test_c16_a_code_is_not_enough_for_an_e_consultation(clinic, patient, assurance, allowed):
    gp = make_provider(clinic)
    patient.gp = gp
    patient.save()
    give(gp, consultation=True)
    tick(gp, gp, services=(Service.CONSULTATION,))
    today = timezone.localdate()
    open_to = access.windows(
        patient=patient,
        services=(Service.CONSULTATION,),
        assurance=assurance,
        first_day=today,
        last_day=today,
    )
    assert bool(open_to) is allowed


@pytest.mark.django_db(transaction=True)
def test_c17_without_the_broker_a_code_arrives_and_nothing_is_bypassed(
    live_server, settings, clinic, patient
):
    settings.CELERY_BROKER_URL = "redis://localhost:1/0"
    settings.TWILIO_BASE_URL = f"{live_server.url}/demo-sms"
    client = Client()
    first_step(client, clinic)
    wait_for_threads()
    code = code_in(DemoSms.objects.get(recipient=patient.mobile).body)
    assert second_step(client, clinic, other_than(code)).status_code == 422
    assert second_step(client, clinic, code).status_code == 302
    assert is_signed_in(client)


def test_what_an_ended_process_left_lying_the_clock_sends(client, clinic, patient):
    first_step(client, clinic)
    assert codes.waiting(now=timezone.now()) == [newest_question().pk]
    assert codes.handle(newest_question().pk, now=timezone.now()) is not None
    assert codes.handle(newest_question().pk, now=timezone.now()) is None
    assert messages().count() == 1


def test_a_code_that_waited_too_long_is_not_sent(clinic, patient):
    now = timezone.now()
    ask(clinic, patient, now)
    assert sent_code(now + timedelta(minutes=6)) is None


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1234567", "¹²³⁴⁵⁶"])
def test_what_cannot_be_a_code_costs_no_try(client, clinic, patient, code):
    first_step(client, clinic)
    assert second_step(client, clinic, code).status_code == 422
    assert newest_question().attempts_left == 5


def test_a_national_id_of_the_wrong_shape_is_explained(client, clinic):
    answer = client.post(address("code_sign_in", clinic), {"number": "123", "password": "x"})
    assert answer.status_code == 422
    assert not OneTimeCode.objects.exists()


def test_after_signing_in_one_comes_to_the_page_one_wanted(client, clinic, patient):
    wanted = address("help", clinic)
    client.get(address("code_sign_in", clinic), {"next": wanted})
    assert signs_in(client, clinic).url == wanted
    other = Client()
    other.get(address("code_sign_in", clinic), {"next": "//evil.example"})
    ThrottleCounter.objects.all().delete()
    assert signs_in(other, clinic).url == address("start", clinic)


def test_the_front_page_offers_it_where_it_is_switched_on(client, clinic):
    front = client.get(reverse("clinic_front", args=[clinic.portal_identifier])).text
    assert address("code_sign_in", clinic) in front
    assert "1\N{NO-BREAK SPACE}kr" in front
    elsewhere = make_clinic()
    assert "sign-in/code" not in client.get(reverse("clinic_front", args=[elsewhere.portal_identifier])).text


def test_no_code_page_breaks_without_a_session(client, clinic):
    assert client.get(address("code_enter", clinic)).status_code == 302
    assert client.post(address("code_again", clinic)).status_code == 302
    assert client.get(address("code_password", clinic)).status_code == 410


def test_administrators_switch_it_on_as_the_only_way(client):
    clinic = make_clinic()
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    page = reverse("identity_admin:sign_in", args=[clinic.portal_identifier])
    assert client.post(page, {"providers": ["code"], "seen": ""}).status_code == 302
    assert memberships.offers_codes(clinic)
    assert client.post(page, {"providers": [], "seen": "code"}).status_code == 422
    assert memberships.offers_codes(clinic)
    assert AuditEvent.objects.get(action="sign_in.changed").details == {"before": [], "after": ["code"]}
