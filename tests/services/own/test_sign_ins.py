"""My sign-ins: what happened with the login, where, how and on what, also what failed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from identity import devices, sessions
from identity.choices import Assurance, EndReason, Method, SignInFault, UserKind
from identity.models import ClinicIdentityProvider
from identity.session import open_sessions
from portal import audit, network_address
from portal.models import AuditEvent
from services.own import sign_in_queries
from services.own.sign_in_queries import PER_PAGE
from tests.build import make_clinic, make_user
from tests.identity.build_codes import first_step, give_password, person, second_step, sent_code, signs_in
from tests.identity.build_identity import begin, come_back, connect, enter, record_for
from tests.patients.build_sessions import sign_in
from tests.services.own.build_own import make_place, page, patient_in

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def english():
    with translation.override("en"):
        yield


def lines(user, scope=None):
    with translation.override("en"):  # requests leave their own language behind
        return sign_in_queries.sign_ins_of(user.pk, scope=scope).lines


def happened(user, scope=None):
    """Return what and why, latest first."""
    return [f"{line.what}: {line.why}" if line.why else line.what for line in lines(user, scope)]


# -- eID ---------------------------------------------------------------------------------------------------
def test_a_sign_in_with_eid_is_shown_with_clinic_method_and_device(client, idp):
    clinic = make_clinic(name="Bakken legesenter")
    connect(clinic, idp)
    record_for(clinic)
    client.defaults["HTTP_USER_AGENT"] = FIREFOX
    client.cookies["django_language"] = "en"
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    (line,) = page(client, clinic, "sign_ins").context["found"].lines
    assert (line.what, line.clinic, line.device) == ("Signed in", "Bakken legesenter", "Firefox on Windows")
    assert "BankID" in line.method
    assert not line.is_worrying


def test_a_known_person_without_a_record_here_sees_the_try_elsewhere(client, idp):
    clinic, other = make_clinic(), make_clinic(self_registration="off")
    row = connect(clinic, idp)
    ClinicIdentityProvider.objects.create(clinic=other, provider=row)
    record_for(clinic)
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    begin(client, other)
    come_back(client, idp)
    assert enter(client, other).status_code == 403
    event = AuditEvent.objects.get(action="auth.fail")
    success = AuditEvent.objects.get(action="auth.success")
    assert event.login_id == success.actor_id == success.login_id
    user = make_user(kind=UserKind.PATIENT)
    user.pk = success.actor_id
    assert happened(user)[0] == "The sign-in failed: no active record at this clinic"


def test_a_try_that_tells_nobody_who_it_was_is_nobodys(client, idp):
    clinic = make_clinic()
    connect(clinic, idp)
    begin(client, clinic)
    come_back(client, idp, error="access_denied", code=None)
    assert AuditEvent.objects.get(action="auth.cancel").login_id is None


# -- password and code -------------------------------------------------------------------------------------
@pytest.fixture
def line(client):
    clinic = make_clinic()
    patient = person(clinic, 1)
    return clinic, patient, give_password(patient).account.user


def test_w16_a_sign_in_and_a_sign_out_tell_where_they_came_from(client, idp):
    clinic = make_clinic()
    connect(clinic, idp)
    record_for(clinic)
    client.cookies["django_language"] = "en"
    client.defaults["REMOTE_ADDR"] = "192.0.2.77"
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    shown = page(client, clinic, "sign_ins")
    assert "from 192.0.2.77" in shown.content.decode()
    client.post(reverse("identity:sign_out", args=[clinic.portal_identifier]))
    events = AuditEvent.objects.filter(action__in=["auth.start", "auth.success", "session.end"])
    assert set(events.values_list("action", "network_address")) == {
        ("auth.start", "192.0.2.77"),
        ("auth.success", "192.0.2.77"),
        ("session.end", "192.0.2.77"),
    }
    assert not any("192.0.2" in str(one.details) for one in AuditEvent.objects.all())


def test_of_a_try_that_failed_only_the_network_is_shown(client, line):
    clinic, _patient, user = line
    client.defaults["REMOTE_ADDR"] = "192.0.2.77"
    first_step(client, clinic, password="Not-that-1")
    first_step(client, clinic)
    sent_code()
    second_step(client, clinic, "000000")
    assert {one.network_address for one in lines(user)} == {"192.0.2.0/24"}
    assert set(AuditEvent.objects.filter(login_id=user.pk).values_list("network_address", flat=True)) == {
        "192.0.2.77"
    }


def test_where_staff_were_when_they_ended_a_session_is_not_told(rf, line):
    _clinic, _patient, user = line
    Client().force_login(user)
    key = Session.objects.get().session_key
    with network_address.remembered(rf.get("/", REMOTE_ADDR="198.51.100.1")):
        open_sessions.end(user, [key], why=EndReason.BY_STAFF, actor=make_user(), now=timezone.now())
    assert [one.network_address for one in lines(user)] == [""]


def test_a_wrong_password_and_a_wrong_code_are_shown_as_failed(client, line):
    clinic, _patient, user = line
    first_step(client, clinic, password="Not-that-1")
    first_step(client, clinic)
    sent_code()
    second_step(client, clinic, "000000")
    assert happened(user)[:3] == [
        "Wrong code",
        "Right password. A code was sent, and not used",
        "The sign-in failed: wrong password",
    ]
    assert all(one.is_worrying for one in lines(user)[:3])


def test_a_sign_in_with_password_and_code_is_one_line(client, line):
    clinic, _patient, user = line
    client.defaults["HTTP_USER_AGENT"] = PHONE
    signs_in(client, clinic)
    assert happened(user) == ["Signed in"]
    assert (lines(user)[0].method, lines(user)[0].device) == ("Password and code", "Safari on iPhone")


def test_a_strangers_number_leaves_nothing_with_anybody(client, line):
    clinic, _patient, user = line
    first_step(client, clinic, serial=9)
    assert AuditEvent.objects.get(action="auth.fail").login_id is None
    assert happened(user) == []


def test_signing_out_is_shown(client, line):
    clinic, _patient, user = line
    signs_in(client, clinic)
    client.post(f"/{clinic.portal_identifier}/sign-out/")
    assert happened(user) == ["Signed out", "Signed in"]


def test_a_session_by_code_sees_its_own_clinic_only(line):
    clinic, _patient, user = line
    now = timezone.now()
    for place in (clinic, make_clinic()):
        identity_event(user, place, now)
    browser = Client()
    browser.force_login(user, backend="identity.backends.PatientBackend")
    session = browser.session
    request = type("Request", (), {"session": session})()
    sessions.store(
        request,
        sessions.SignIn(Method.ONE_TIME_CODE, Assurance.TWO_FACTORS, now, clinic_scope=clinic.pk),
    )
    session.save()
    assert len(page(browser, clinic, "sign_ins").context["found"].lines) == 1
    assert len(lines(user)) == 2


def identity_event(user, clinic, at, action="auth.success"):
    return AuditEvent.objects.create(
        at=at,
        clinic_id=clinic.pk,
        actor_kind=audit.AuditEvent.ActorKind.PATIENT,
        actor_id=user.pk,
        login_id=user.pk,
        action=action,
        subject_type="identity.logintransaction",
        subject_id="1",
        details={"method": "bankid"},
    )


# -- the page ----------------------------------------------------------------------------------------------
def test_the_page_tells_what_to_do_when_it_was_somebody_else(client):
    place = make_place()
    patient_in(client, place.patient)
    text = page(client, place.clinic, "sign_ins").content.decode()
    assert "This was not me" in text
    assert reverse("my_sessions:list", args=[place.clinic.portal_identifier]) in text


def test_pages_follow_each_other(line):
    clinic, _patient, user = line
    now = timezone.now()
    for minutes in range(PER_PAGE + 2):
        identity_event(user, clinic, now - timedelta(minutes=minutes), action="code.wrong")
    first = sign_in_queries.sign_ins_of(user.pk, scope=None)
    assert (len(first.lines), first.following is not None) == (PER_PAGE, True)
    second = sign_in_queries.sign_ins_of(user.pk, scope=None, before=first.following)
    assert (len(second.lines), second.following) == (2, None)


def test_another_logins_sign_ins_are_not_shown(line):
    clinic, _patient, user = line
    other = sign_in(Client(), person(clinic, 2))
    identity_event(other, clinic, timezone.now())
    assert lines(user) == ()


def test_a_login_is_read_along_its_index(line):
    _clinic, _patient, user = line
    others = [
        AuditEvent(
            at=timezone.now() - timedelta(minutes=number),
            actor_kind=AuditEvent.ActorKind.SYSTEM,
            login_id=uuid4(),
            action="auth.patient",
            subject_type="identity.user",
            subject_id=str(number),
        )
        for number in range(3000)
    ]
    AuditEvent.objects.bulk_create(others)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE portal_auditevent")  # the plan depends on how many there are
    assert "audit_by_login" in sign_in_queries.events_of(user.pk, scope=None)[:31].explain()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (PHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("curl/8.0", ""),
        ("", ""),
        ("x" * 100_000, ""),
    ],
)
def test_a_device_is_told_in_words_and_nothing_finer_is_kept(rf, told, words, english):
    kept = devices.of(rf.get("/", HTTP_USER_AGENT=told))
    assert devices.in_words(kept) == words
    assert not any(character.isdigit() for character in "".join(kept.values()))


@pytest.mark.parametrize("kept", [None, "", [], {}, {"browser": None}])
def test_an_event_without_a_device_has_no_words_for_one(kept):
    assert devices.in_words(kept) == ""


@pytest.mark.parametrize("reason", [*EndReason.values, *SignInFault.values])
def test_every_reason_has_words(line, reason):
    clinic, _patient, user = line
    event = identity_event(user, clinic, timezone.now(), action="session.end")
    event.details["reason"] = reason
    with translation.override("en"):
        (told,) = sign_in_queries.lines_of([event])
    assert told.why
    assert (told.why == "wrong password") is False, "that is why a sign-in fails, not why a session ends"


# -- ways in -----------------------------------------------------------------------------------------------
def test_the_ways_in_say_which_eid_was_used_and_whether_there_is_a_password(client, idp):
    clinic = make_clinic()
    connect(clinic, idp)
    patient = record_for(clinic)
    client.cookies["django_language"] = "en"
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    text = page(client, clinic, "ways_in").content.decode()
    assert "You have signed in with it." in text
    assert "This clinic offers no sign-in with password and code." in text
    give_password(patient)
    text = page(client, clinic, "ways_in").content.decode()
    assert "You have chosen a password" in text
    assert "Change the password" in text


def test_without_a_password_none_is_pretended(client, line):
    clinic, _patient, _user = line
    other = person(clinic, 2)
    patient_in(client, other)
    text = page(client, clinic, "ways_in").content.decode()
    assert "No password set" in text
    assert "••" not in text
