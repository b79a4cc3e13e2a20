"""How often passwords, codes and sign-ins may be tried, and what stops them (numbers: docs/security.md)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from identity import operations, policy
from identity.admin import traffic
from identity.by_code import code_stops, codes, password_tries
from identity.by_code import sign_in as code_sign_in
from identity.by_code.codes import CodeRefused
from identity.by_code.password_tries import MustWait
from identity.choices import CodePurpose, CodeRefusal, StopReason
from identity.models import ClinicHour, ClinicMembership, CodeStop, LoginTransaction, PasswordTries
from identity.providers import failed_answers, sign_in_starts
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.contact import operations as contact
from patients.contact.choices import ContactKind, ContactRefusal
from portal import network_address
from portal.models import AuditEvent, ThrottleCounter
from portal.throttle import Limit
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_codes import (
    address,
    ask_for_link,
    first_step,
    give_password,
    link_path,
    person,
    sent_code,
    switch_on,
)
from tests.identity.build_identity import begin, connect

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def clinic():
    return switch_on(make_clinic())


@pytest.fixture
def patient(clinic):
    found = person(clinic)
    give_password(found)
    return found


# -- the wait that grows ------------------------------------------------------------------------------------
def tries_at(*seconds):
    found = []
    for second in seconds:
        found = policy.tries_with(found, NOON + timedelta(seconds=second))
    return found


def test_c12_the_wait_grows_from_the_fifth_try_to_a_minute():
    quarters = [NOON + timedelta(minutes=20 * number) for number in range(14)]
    tries, waits = [], []
    for moment in quarters:
        tries = policy.tries_with(tries, moment)
        waits.append(int(policy.wait_after(tries).total_seconds()))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_c12_ten_tries_within_a_quarter_pause_the_password_for_one():
    assert policy.wait_after(tries_at(*range(0, 900, 100))) == timedelta(seconds=16)
    assert policy.wait_after(tries_at(*range(0, 900, 99)[:10])) == timedelta(minutes=15)
    assert policy.wait_after(tries_at(*range(0, 901, 100))) == timedelta(seconds=32)


def test_c12_an_hour_without_a_try_begins_anew():
    tries = tries_at(0, 1, 2, 3, 4)
    assert len(policy.tries_with(tries, tries[-1] + timedelta(minutes=59, seconds=59))) == 6
    assert len(policy.tries_with(tries, tries[-1] + timedelta(hours=1))) == 1


@given(st.lists(st.integers(0, 7200), min_size=1, max_size=60))
def test_c12_whoever_keeps_trying_waits_longer_and_never_gets_more_than_ten_in_a_quarter(pauses):
    now, tries, allowed, waits = NOON, [], [], []
    for pause in pauses:
        wait = policy.wait_after(tries) if tries else timedelta(0)
        now = max(now + timedelta(seconds=pause), (tries[-1] if tries else now) + wait)
        tries = policy.tries_with(tries, now)
        allowed.append(now)
        waits.append(policy.wait_after(tries))
    assert all(
        later - earlier >= wait for (earlier, later), wait in zip(pairwise(allowed), waits, strict=False)
    )
    assert all(timedelta(0) <= wait <= policy.PAUSE for wait in waits)
    assert len(tries) <= 12
    for first in allowed:
        assert sum(first <= moment < first + policy.PAUSE for moment in allowed) <= 10


def test_c12_a_try_before_its_time_is_refused_by_the_stored_instant_and_counts_for_nothing():
    for _ in range(5):
        password_tries.take("who", now=NOON)
    for _ in range(3):
        with pytest.raises(MustWait) as refused:
            password_tries.take("who", now=NOON)
        assert refused.value.seconds == 1
    password_tries.take("someone else", now=NOON)
    password_tries.take("who", now=NOON + A_SECOND)
    assert len(PasswordTries.objects.order_by("-not_before").first().times) == 6
    assert "who" not in PasswordTries.objects.order_by("-not_before").first().key


@pytest.mark.django_db(transaction=True)
def test_c12_tries_at_the_same_moment_are_all_counted():
    def attempt(_):
        try:
            password_tries.take("who", now=NOON)
        except MustWait:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 5


@pytest.mark.parametrize("is_known", [True, False])
def test_c12_known_or_not_the_sixth_try_is_told_how_long_to_wait(client, clinic, is_known, monkeypatch):
    if is_known:
        give_password(person(clinic))
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    client.cookies["django_language"] = "en"
    for _ in range(5):
        assert first_step(client, clinic, password="Feil-passord-1").status_code == 302
    answer = first_step(client, clinic)
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert "Wait 1 second." in answer.text
    monkeypatch.setattr(timezone, "now", lambda: NOON + A_SECOND)
    assert first_step(client, clinic).status_code == 302


def test_c12_the_password_of_another_clinic_is_the_same_persons(clinic):
    other = switch_on(make_clinic())
    for number in range(5):
        where = (clinic, other)[number % 2]
        code_sign_in.check_limits(clinic=where, national_id_index="1", address=f"10.0.0.{number}", now=NOON)
    for where in (clinic, other):
        with pytest.raises(MustWait):
            code_sign_in.check_limits(clinic=where, national_id_index="1", address="10.0.0.9", now=NOON)


def test_c12_what_a_blocked_address_tries_makes_nobody_wait(clinic):
    for _ in range(40):
        try:
            code_sign_in.check_limits(clinic=clinic, national_id_index="0", address="1.2.3.4", now=NOON)
        except CodeRefused:
            continue
    PasswordTries.objects.all().delete()
    with pytest.raises(CodeRefused):
        code_sign_in.check_limits(clinic=clinic, national_id_index="7", address="1.2.3.4", now=NOON)
    assert not PasswordTries.objects.exists()


def test_old_tries_and_hours_are_swept():
    password_tries.take("who", now=NOON)
    clinic = make_clinic()
    traffic.note(clinic.pk, now=NOON, tries=1)
    operations.sweep(now=NOON + timedelta(days=1))
    assert (PasswordTries.objects.count(), ClinicHour.objects.count()) == (1, 1)
    operations.sweep(now=NOON + timedelta(days=31))
    assert (PasswordTries.objects.count(), ClinicHour.objects.count()) == (0, 0)


# -- network addresses ---------------------------------------------------------------------------------------
def test_c12_one_household_has_one_ipv6_network():
    assert network_address.counted_as("2001:db8:1:2:3::4") == network_address.counted_as("2001:db8:1:2::9")
    assert network_address.counted_as("2001:db8:1:3::4") != network_address.counted_as("2001:db8:1:2::9")
    assert network_address.counted_as("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_address.counted_as("192.0.2.7") == "192.0.2.7"


def test_c12_a_network_that_many_share_may_do_ten_times_as_much(clinic, settings):
    settings.SHARED_NETWORKS = [network_address.ipaddress.ip_network("192.0.2.0/28")]
    for number in range(100):
        code_sign_in.check_limits(clinic=clinic, national_id_index=f"{number}", address="192.0.2.7", now=NOON)
    with pytest.raises(CodeRefused):
        code_sign_in.check_limits(clinic=clinic, national_id_index="new", address="192.0.2.7", now=NOON)
    for number in range(10):
        code_sign_in.check_limits(
            clinic=clinic, national_id_index=f"{number}", address="192.0.2.77", now=NOON
        )
    with pytest.raises(CodeRefused):
        code_sign_in.check_limits(clinic=clinic, national_id_index="new", address="192.0.2.77", now=NOON)


def test_c12_beginning_at_an_eid_is_limited_per_address_and_everywhere(client, clinic, idp, monkeypatch):
    connect(clinic, idp)
    monkeypatch.setattr(sign_in_starts, "PER_ADDRESS", Limit("sign-in-starts", 2, timedelta(days=1)))
    assert [begin(client, clinic).status_code for _ in range(3)] == [303, 303, 429]
    assert LoginTransaction.objects.count() == 2
    refused = begin(client, clinic)
    assert refused["Retry-After"] == "60"
    assert "<h1>" in refused.text
    elsewhere, third = Client(REMOTE_ADDR="192.0.2.9"), Client(REMOTE_ADDR="192.0.2.10")
    assert begin(elsewhere, clinic).status_code == 303
    with override_settings(SIGN_INS_PER_MINUTE=0):
        assert begin(third, clinic).status_code == 429
    assert LoginTransaction.objects.count() == 3


def test_c12_sixty_sign_ins_a_minute_may_begin_from_one_address():
    minute = [sign_in_starts.are_too_many("192.0.2.1", now=NOON) for _ in range(61)]
    assert minute == [False] * 60 + [True]
    assert failed_answers.FAILED.count == 60
    assert not sign_in_starts.are_too_many("192.0.2.1", now=NOON + timedelta(minutes=1))


# -- where codes go -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mobile", "more", "may"),
    [
        ("+46701740605", (), False),
        ("+46701740605", ("SE",), True),
        ("+46701740605", ("FI",), False),
        ("+4687654321", ("SE",), False),  # a fixed line in Stockholm
        ("+469001234567", ("SE",), False),  # premium
        ("+447400123456", ("GB",), True),
        ("+447400123456", ("SE", "FI"), False),
        ("+4741234567", ("SE",), True),
        ("+4722334455", ("SE",), False),
        ("+4582345678", ("SE",), True),
        ("+19005551234", ("SE", "GB"), False),
        ("+88213300655", ("SE",), False),
        ("46701740605", ("SE",), False),
        ("", ("SE",), False),
    ],
)
def test_c9_other_countries_are_the_clinics_choice_and_mobiles_only(mobile, more, may):
    assert policy.may_receive_code(mobile, more) is may


def test_c9_a_swedish_mobile_gets_codes_where_the_clinic_allows_it(client, clinic, patient):
    patient.mobile = "+46701740605"
    patient.save()
    first_step(client, clinic)
    assert sent_code() is None
    Clinic.objects.filter(pk=clinic.pk).update(code_countries=["SE"])
    first_step(client, clinic)
    assert sent_code() is not None


# -- codes that nobody uses -----------------------------------------------------------------------------------
def ask(clinic, now):
    membership = ClinicMembership.objects.first()
    return codes.ask(
        clinic=clinic,
        membership=membership,
        purpose=CodePurpose.SIGN_IN,
        recipient="+4791234001",
        language="nb",
        now=now,
    )


def sent():
    return OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE).count()


def test_c8_few_used_codes_are_told_from_twenty_on_and_stopped_from_fifty(clinic, patient):
    traffic.note(clinic.pk, now=NOON, sent=19, used=0)
    assert not code_stops.watched(clinic, now=NOON).is_told
    ask(clinic, NOON)
    sent_code(NOON)
    assert code_stops.watched(clinic, now=NOON).is_told
    traffic.note(clinic.pk, now=NOON, sent=29)
    assert code_stops.of_clinic(clinic.pk, now=NOON) is None
    ask(clinic, NOON + A_SECOND)
    sent_code(NOON + A_SECOND)
    assert sent() == 2
    found = code_stops.of_clinic(clinic.pk, now=NOON + 2 * A_SECOND)
    assert (found.reason, found.ends_at) == (StopReason.UNUSED, NOON + A_SECOND + timedelta(hours=2))
    event = AuditEvent.objects.get(action="codes.stopped")
    assert (event.clinic_id, event.details["sent"], event.details["used"]) == (clinic.pk, 50, 0)
    ask(clinic, NOON + 2 * A_SECOND)
    sent_code(NOON + 2 * A_SECOND)
    assert sent() == 2
    assert AuditEvent.objects.filter(action="code.not-sent", details__reason="stopped").exists()


def test_c8_a_clinic_whose_codes_are_used_is_never_stopped(clinic, patient):
    traffic.note(clinic.pk, now=NOON, sent=900, used=301)
    ask(clinic, NOON)
    sent_code(NOON)
    assert sent() == 1
    assert not CodeStop.objects.exists()


def test_c8_the_stop_ends_by_itself_and_what_led_to_it_is_forgotten(clinic, patient):
    late = NOON.replace(minute=59, second=59)
    traffic.note(clinic.pk, now=late, sent=60, used=0)
    ask(clinic, late)
    sent_code(late)
    after = late + timedelta(hours=2)
    assert code_stops.of_clinic(clinic.pk, now=after - A_SECOND) is not None
    assert code_stops.of_clinic(clinic.pk, now=after) is None
    ask(clinic, after)
    sent_code(after)
    assert sent() == 2
    assert code_stops.of_clinic(clinic.pk, now=after) is None


def test_c8_a_stop_says_so_to_everyone_alike_and_eid_stays(client, clinic, patient, idp):
    connect(clinic, idp)
    now = timezone.now()
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=1), now=now)
    client.cookies["django_language"] = "en"
    page = client.get(address("code_sign_in", clinic))
    assert page.status_code == 200
    assert "No codes can be sent at the moment" in page.text
    answers = [first_step(client, clinic, serial) for serial in (1, 2)]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert not PasswordTries.objects.exists()
    assert begin(client, clinic).status_code == 303


def test_c8_an_administrator_lets_codes_go_out_again(client, clinic, patient):
    now = timezone.now()
    traffic.note(clinic.pk, now=now, sent=80, used=1)
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=1), now=now, sent=80, used=1)
    admin = sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    page = reverse("identity_admin:sign_in", args=[clinic.portal_identifier])
    assert "Send codes again" in client.get(page).text
    press = reverse("identity_admin:resume_codes", args=[clinic.portal_identifier])
    assert client.post(press).url == page
    assert "Send codes again" not in client.get(page).text
    event = AuditEvent.objects.get(action="codes.resumed")
    assert (event.actor_id, event.clinic_id) == (admin.user_id, clinic.pk)
    assert code_stops.watched(clinic, now=timezone.now()).sent == 0
    client.post(press)
    assert AuditEvent.objects.filter(action="codes.resumed").count() == 1


def test_c8_forms_that_lead_to_a_code_say_beforehand_that_none_can_be_sent(client, clinic, patient):
    client.cookies["django_language"] = "en"
    Clinic.objects.filter(pk=clinic.pk).update(books_without_account=True)
    ask_for_link(client, clinic)
    client.get(link_path())
    pages = [address(name, clinic) for name in ("code_sign_in", "code_forgotten", "code_password")]
    pages.append(reverse("guests:find", args=[clinic.portal_identifier]))
    said = "sends no codes until"
    assert [page for page in pages if said in client.get(page).text] == []
    now = timezone.now()
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=1), now=now)
    assert [page for page in pages if said not in client.get(page).text] == []
    assert 'value="send"' not in client.get(pages[2]).text


def test_c8_staff_who_are_no_administrators_cannot_lift_a_stop(client, clinic):
    now = timezone.now()
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=1), now=now)
    sign_in_staff(client, clinic, Role.ASSISTANT)
    press = reverse("identity_admin:resume_codes", args=[clinic.portal_identifier])
    assert client.post(press).status_code in {403, 404}
    assert code_stops.of_clinic(clinic.pk, now=timezone.now()) is not None


def test_c8_the_days_budget_is_told_and_nobody_lifts_it(client, clinic, patient, monkeypatch):
    limit = Limit("code-clinic", 1, timedelta(days=1))
    monkeypatch.setattr(codes, "PER_CLINIC", limit)
    now = timezone.now()
    for _ in range(2):
        ask(clinic, now)
    sent_code(now)
    assert sent() == 1
    found = code_stops.of_clinic(clinic.pk, now=now)
    assert found.reason == StopReason.BUDGET
    assert found.ends_at == now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    page = client.get(reverse("identity_admin:sign_in", args=[clinic.portal_identifier])).text
    assert "2000 codes a day" in page
    assert "Send codes again" not in page
    assert not code_stops.resume(clinic, actor=None, now=now)


@pytest.mark.django_db(transaction=True)
def test_c8_two_workers_stop_a_clinic_once(clinic):
    def stop(_):
        try:
            code_stops.stop(clinic, StopReason.UNUSED, ends_at=NOON + timedelta(hours=2), now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(stop, range(4)))
    assert AuditEvent.objects.filter(action="codes.stopped").count() == 1


# -- what is not as usual -------------------------------------------------------------------------------------
def days_before(clinic, number, **counts):
    for day in range(1, number + 1):
        traffic.note(clinic.pk, now=NOON - timedelta(days=day), **counts)


def test_ten_times_the_usual_of_that_hour_is_told(clinic):
    days_before(clinic, 28, tries=20)
    traffic.note(clinic.pk, now=NOON - timedelta(hours=5), tries=150)
    traffic.note(clinic.pk, now=NOON, tries=199)
    assert traffic.unusual(now=NOON) == []
    traffic.note(clinic.pk, now=NOON, tries=1)
    [found] = traffic.unusual(now=NOON + timedelta(minutes=40))
    assert (found.clinic, found.tries, found.usual_tries) == (clinic.name, 200, 20)
    assert len(traffic.unusual(now=NOON + timedelta(minutes=100))) == 1
    assert traffic.unusual(now=NOON + timedelta(hours=2)) == []


def test_a_small_clinic_has_a_floor_and_a_new_one_its_few_days(clinic):
    traffic.note(clinic.pk, now=NOON, tries=49, failures=19)
    assert traffic.unusual(now=NOON) == []
    traffic.note(clinic.pk, now=NOON, failures=1)
    assert [found.failures for found in traffic.unusual(now=NOON)] == [20]
    other = make_clinic()
    days_before(other, 3, tries=30)
    traffic.note(other.pk, now=NOON, tries=290)
    assert [found.clinic_id for found in traffic.unusual(now=NOON)] == [clinic.pk]


def test_the_usual_goes_by_the_clinics_clock_over_its_change(clinic):
    sunday_before, monday_after = (
        datetime(2026, 10, 24, 14, 0, tzinfo=UTC),
        datetime(2026, 10, 26, 15, 0, tzinfo=UTC),
    )  # both 16:00 in Oslo
    traffic.note(clinic.pk, now=sunday_before, tries=100)
    traffic.note(clinic.pk, now=monday_after, tries=400)
    assert traffic.unusual(now=monday_after) == []
    traffic.note(clinic.pk, now=monday_after, tries=100)
    assert [found.usual_tries for found in traffic.unusual(now=monday_after)] == [50]


def test_tries_and_failures_are_counted_for_passwords_and_eid(client, clinic, patient, idp):
    connect(clinic, idp)
    begin(client, clinic)
    first_step(client, clinic)
    first_step(client, clinic, password="Feil-passord-1")
    first_step(client, clinic, 2)
    hour = ClinicHour.objects.get()
    assert (hour.tries, hour.failures) == (4, 2)


def test_counting_costs_one_query(clinic):
    with CaptureQueriesContext(connection) as found:
        traffic.note(clinic.pk, now=NOON, tries=1)
    assert len(found) == 1


def test_a_stop_refuses_before_anything_is_counted(clinic):
    now = timezone.now()
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=1), now=now)
    with pytest.raises(CodeRefused) as refused:
        code_sign_in.check_limits(clinic=clinic, national_id_index="1", address="1.2.3.4", now=now)
    assert refused.value.reason == CodeRefusal.STOPPED
    assert not ThrottleCounter.objects.exists()


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("korrekt hest batteri", True),
        ("Venterom-er-bra-7", False),
        ("korrekt Bergland 7", False),
        ("hos fjellkontoret nå", False),
        ("1q2w3e4r5t6y", False),
    ],
)
def test_p1_staff_choose_no_common_password_and_no_word_of_their_own(client, password, is_good):
    user = sign_in_staff(client, make_clinic(name="Fjellkontoret"), Role.ASSISTANT).user
    user.name = "Siv Bergland"
    if is_good:
        validate_password(password, user)
        return
    with pytest.raises(ValidationError):
        validate_password(password, user)


def test_c9_a_new_mobile_gets_no_code_while_they_are_stopped(clinic, patient):
    now = timezone.now()
    code_stops.stop(clinic, StopReason.UNUSED, ends_at=now + timedelta(hours=1), now=now)
    with pytest.raises(contact.ContactRefused) as refused:
        contact.ask(
            patient=patient,
            kind=ContactKind.MOBILE,
            value="+4791239999",
            actor=ClinicMembership.objects.get().account.user,
            now=now,
        )
    assert refused.value.reason == ContactRefusal.STOPPED
    assert sent() == 0
