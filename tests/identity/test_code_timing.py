"""C11 by the clock: how long an answer takes tells nobody who has an account."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country
from identity.by_code import codes, passwords
from identity.choices import EidProof, MembershipState
from identity.models import User
from patients import operations as patients
from portal import audit
from tests.build import make_clinic, make_user
from tests.even_answers import differences, forget_tries, is_even, seen, statements
from tests.identity.build_codes import (
    BORN,
    PASSWORD,
    address,
    first_step,
    give_password,
    number,
    person,
    switch_on,
)

pytestmark = pytest.mark.django_db

CHILDS = date(2017, 5, 9)
CASES = {
    Country.NORWAY: (
        "known",
        "unknown",
        "no account",
        "wrong password",
        "nowhere to send to",
        "record not active",
        "login closed",
        "removed",
    ),
    Country.DENMARK: (
        "known",
        "unknown",
        "no account",
        "wrong password",
        "nowhere to send to",
        "login closed",
        "has eID",
        "child",
        "confirmed child",
    ),
}


@pytest.fixture(params=[Country.NORWAY, Country.DENMARK], ids=["NO", "DK"])
def clinic(request):
    return switch_on(make_clinic(country=request.param))


@pytest.fixture
def quick_hashes(settings):
    """Let a password cost next to nothing, so that everything else can be seen."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    passwords.nobodys.cache_clear()
    yield
    passwords.nobodys.cache_clear()


def people(clinic):
    """Store one person per case; return case -> serial number and birth date."""
    found = {
        case: (serial, CHILDS if "child" in case else BORN)
        for serial, case in enumerate(CASES[clinic.country], start=1)
    }
    for case, (serial, born) in found.items():
        if case != "unknown":
            store(clinic, case, serial, born)
    return found


def store(clinic, case, serial, born):
    nowhere = {"mobile": "", "email": ""} if case == "nowhere to send to" else {}
    who = person(clinic, serial, birth_date=born, is_active=case != "record not active", **nowhere)
    if case == "no account":
        return
    membership = give_password(who, "Noe-helt-annet-4" if case == "wrong password" else PASSWORD)
    if clinic.country == Country.DENMARK and case != "has eID" and "child" not in case:
        patients.set_no_eid(patient=who, proof=EidProof.PAPERS, actor=audit.SYSTEM, now=timezone.now())
    if case == "confirmed child":
        membership.child_confirmed_at = timezone.now()
    if case == "removed":
        membership.state, membership.password = MembershipState.REMOVED, ""
    membership.save()
    if case == "login closed":
        User.objects.filter(account=membership.account).update(is_active=False)


def posts_password(clinic):
    """Return the first step, as a function of the case."""
    who = people(clinic)

    def act(case):
        serial, born = who[case]
        answer = first_step(Client(), clinic, serial, born=born)
        assert (answer.status_code, answer.url) == (302, address("code_enter", clinic))

    return act


def test_c11_the_first_step_takes_everyone_the_same_time(clinic, quick_hashes):
    found = differences(posts_password(clinic), list(CASES[clinic.country]), least=12, most=60)
    assert is_even(found), found


def test_c11_with_the_hash_of_the_product_it_takes_everyone_the_same_time():
    clinic = switch_on(make_clinic(country=Country.DENMARK))
    cases = ["known", "unknown", "wrong password", "has eID", "login closed"]
    found = differences(posts_password(clinic), cases, least=3, most=20)
    assert is_even(found), found


def test_c11_the_measure_sees_a_hash_that_is_left_out(monkeypatch):
    real = passwords.is_right
    monkeypatch.setattr(
        passwords, "is_right", lambda password, stored: bool(stored) and real(password, stored)
    )
    clinic = switch_on(make_clinic())
    found = differences(posts_password(clinic), ["known", "unknown", "wrong password"], least=3, most=5)
    assert not is_even(found)


def asks_for_a_password(clinic):
    """Return what asking for a new password shows, the page after it along, as a function of the case."""
    who = people(clinic)

    def act(case, **changes):
        serial, born = who[case]
        form = {
            "number": number(serial, clinic.country, born),
            "email": f"line{serial}@x.example",
            "mobile": f"+4791234{serial:03d}",
        }
        browser = Client()
        answer = browser.post(address("code_forgotten", clinic), form | changes)
        assert (answer.status_code, answer.url) == (302, address("code_forgotten_sent", clinic))
        return seen(answer), seen(browser.get(answer.url))

    return act


def test_c11_asking_for_a_new_password_takes_everyone_the_same_time(clinic, quick_hashes):
    found = differences(asks_for_a_password(clinic), list(CASES[clinic.country]), least=12, most=60)
    assert is_even(found), found


def test_c11_asking_for_a_new_password_shows_and_does_the_same_for_everyone(clinic, quick_hashes):
    act, cases = asks_for_a_password(clinic), CASES[clinic.country]
    shown = set()
    for case in cases:
        forget_tries()
        shown.add(act(case))
    assert len(shown) == 1
    done = {case: statements(act, case) for case in cases}
    assert len(set(done.values())) == 1, {case: len(found) for case, found in done.items()}


def test_c11_what_does_not_fit_the_record_is_answered_and_costs_the_same(clinic, quick_hashes):
    act = asks_for_a_password(clinic)
    fits = act("known")  # what is made once only is made before
    wrong = {"email": "someone@else.example"}, {"mobile": "+4799999999"}
    assert {act("known", **one) for one in wrong} == {fits}
    cost = {statements(lambda case, one=one: act(case, **one), "known") for one in ({}, *wrong)}
    assert len(cost) == 1


def test_c11_after_the_answer_a_code_is_hashed_for_everyone(clinic, quick_hashes, monkeypatch):
    """The thread that sends runs while the browser loads the next page: what it costs can be felt there."""
    hashed = []
    real = codes.make_password
    act = posts_password(clinic)
    monkeypatch.setattr(codes, "make_password", lambda *given: hashed.append(1) or real(*given))
    for case in CASES[clinic.country]:
        act(case)
    waiting = codes.waiting(now=timezone.now())
    sent = [codes.handle(question, now=timezone.now()) for question in waiting]
    assert len(waiting) == len(hashed) == len(CASES[clinic.country])
    assert 0 < len([one for one in sent if one]) < len(sent)


@pytest.mark.parametrize("page", ["account_login", "identity_staff:forgotten"])
def test_c11_staffs_own_forms_take_known_and_unknown_addresses_the_same_time(page, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    settings.ACCOUNT_RATE_LIMITS = {}
    for case in ("known", "closed"):
        user = make_user(email=f"{case}@clinic.example", is_active=case != "closed")
        user.set_password(PASSWORD)
        user.save()
    answers = set()

    def act(case):
        form = {
            "login": f"{case}@clinic.example",
            "email": f"{case}@clinic.example",
            "password": "Not-that-1",
        }
        answer = Client().post(reverse(page), form)
        answers.add((answer.status_code, answer.headers.get("Location", "")))

    found = differences(act, ["known", "unknown", "closed"], least=6, most=40)
    assert is_even(found), found
    assert len(answers) == 1, answers
