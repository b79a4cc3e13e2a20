"""Where somebody is signed in: the list, ending, and never too many (numbers: docs/security.md)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from identity import devices, operations
from identity.choices import EndReason, UserKind
from identity.models import EndedSession, IdentityProvider, User
from identity.session import clock as session_clock
from identity.session import open_sessions
from portal.models import AuditEvent
from tests.build import make_user
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import OTHER_NUMBER, FakeIdp, begin, come_back, enter, record_for

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Linux; Android 14; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36"
)


def address(name: str, clinic: Clinic) -> str:
    return reverse(name, args=[clinic.portal_identifier])


def browser(clinic: Clinic, idp: FakeIdp, user_agent: str = FIREFOX) -> Client:
    """Sign in from one more place."""
    client = Client(headers={"user-agent": user_agent})
    client.cookies["django_language"] = "en"
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    return client


def age(client: Client, **ago: Any) -> None:
    session = client.session
    session["opened_at"] = (timezone.now() - timedelta(**ago)).isoformat()
    session.save()


def is_signed_in(client: Client) -> bool:
    """Ask the server, not the cookie."""
    return bool(client.get(reverse("session:left")).json()["left"])


def person() -> User:
    return User.objects.get(kind="patient")


# -- never too many ----------------------------------------------------------------------------------------
def test_a_fourth_sign_in_of_a_patient_ends_the_oldest_which_is_told_why(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    places = [browser(clinic, idp) for _ in range(3)]
    for hours, place in zip((1, 3, 2), places, strict=True):
        age(place, hours=hours)
    fourth = browser(clinic, idp)
    start = address("home:start", clinic)
    told = places[1].get(start, follow=True)
    assert "You were signed out here because you signed in at another place" in told.content.decode()
    assert [is_signed_in(one) for one in (*places, fourth)] == [True, False, True, True]
    event = AuditEvent.objects.get(action="session.end")
    assert len(event.details.pop("sessions")) == 1
    assert (event.details, event.actor_id) == ({"reason": "too-many", "count": 1}, None)
    assert EndedSession.objects.count() == 0


def test_sessions_that_are_over_do_not_count(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    places = [browser(clinic, idp) for _ in range(3)]
    age(places[2], hours=5)
    browser(clinic, idp)
    assert [is_signed_in(one) for one in places] == [True, True, False]
    assert not AuditEvent.objects.filter(action="session.end", details__reason="too-many")


def test_staff_may_be_signed_in_at_five_places(clinic: Clinic, rf: Any) -> None:
    post = sign_in_staff(Client(), clinic)
    keys = []
    for _ in range(6):
        client = Client()
        client.force_login(post.user, backend=settings.AUTHENTICATION_BACKENDS[0])
        request = rf.get("/")
        request.session, request.user = client.session, post.user
        session_clock.start(request, timezone.now() - timedelta(minutes=10 - len(keys)))
        UserSession.objects.create_from_request(request)
        open_sessions.note_new(request, post.user, now=timezone.now())
        keys.append(request.session.session_key)
    assert not Session.objects.filter(session_key=keys[0]).exists()
    assert Session.objects.filter(session_key__in=keys).count() == 5


@pytest.mark.django_db(transaction=True)
def test_of_six_sign_ins_at_the_same_moment_three_stay(rf: Any) -> None:
    user = make_user(kind=UserKind.PATIENT)
    barrier = threading.Barrier(6)

    def signs_in(number: int) -> None:
        request = rf.get("/", headers={"user-agent": FIREFOX})
        request.session, request.user, now = SessionStore(), user, timezone.now()
        try:
            login(request, user, backend=operations.PATIENT_BACKEND)
            session_clock.start(request, now - timedelta(seconds=number))
            UserSession.objects.create_from_request(request)
            barrier.wait(20)
            open_sessions.note_new(request, user, now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(signs_in, range(6)))
    assert Session.objects.count() == 3
    assert len(open_sessions.of(user, current_key=None, now=timezone.now())) == 3


# -- the list ----------------------------------------------------------------------------------------------
def test_the_list_says_in_plain_words_where_and_how_and_which_one_this_is(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    phone, computer = browser(clinic, idp, IPHONE), browser(clinic, idp, FIREFOX)
    page = phone.get(address("my_sessions:list", clinic)).content.decode()
    assert page.index("Safari on iPhone") < page.index("Firefox on Windows")
    assert page.count("BankID · signed in") == 2
    assert page.count('name="end"') == 1
    assert computer.session.session_key not in page
    assert "Mozilla" not in page


def test_only_ones_own_sessions_are_listed_and_ended(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    mine = browser(clinic, idp)
    record_for(clinic, OTHER_NUMBER)
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02", "bankid_altsub": "another"}
    theirs = browser(clinic, idp, IPHONE)
    page = mine.get(address("my_sessions:list", clinic)).content.decode()
    assert "iPhone" not in page
    other = User.objects.exclude(pk=mine.session["_auth_user_id"]).get(kind="patient")
    number = open_sessions.of(other, current_key=None, now=timezone.now())[0].number
    answer = mine.post(address("my_sessions:list", clinic), {"end": number}, follow=True)
    assert "had ended already" in answer.content.decode()
    mine.post(address("my_sessions:list", clinic), {"do": "others"})
    assert is_signed_in(theirs)


def test_one_other_session_is_ended_and_told_so(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    here, there, third = browser(clinic, idp), browser(clinic, idp, IPHONE), browser(clinic, idp, CHROME)
    listed = open_sessions.of(person(), current_key=here.session.session_key, now=timezone.now())
    number = next(one.number for one in listed if one.device == "Safari on iPhone")
    answer = here.post(address("my_sessions:list", clinic), {"end": number}, follow=True)
    assert "That session is ended." in answer.content.decode()
    assert "iPhone" not in answer.content.decode()
    told = there.get(address("home:start", clinic), follow=True).content.decode()
    assert "you ended this session from another device" in told
    assert [is_signed_in(one) for one in (here, there, third)] == [True, False, True]
    event = AuditEvent.objects.get(action="session.end")
    assert len(event.details.pop("sessions")) == 1
    assert event.details == {"reason": "by-oneself", "count": 1}


@pytest.mark.parametrize("number", ["", "0", "-1", "x", "²", "9" * 30, "1;2"])
def test_nonsense_ends_nothing(clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, number: str) -> None:
    here, there = browser(clinic, idp), browser(clinic, idp)
    assert here.post(address("my_sessions:list", clinic), {"end": number}).status_code == 302
    assert is_signed_in(here)
    assert is_signed_in(there)


def test_this_session_is_not_ended_as_one_of_the_others(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    here = browser(clinic, idp)
    number = open_sessions.of(person(), current_key=None, now=timezone.now())[0].number
    here.post(address("my_sessions:list", clinic), {"end": number})
    assert is_signed_in(here)


def test_everywhere_else_and_everywhere(clinic: Clinic, provider: IdentityProvider, idp: FakeIdp) -> None:
    places = [browser(clinic, idp) for _ in range(3)]
    answer = places[0].post(address("my_sessions:list", clinic), {"do": "others"}, follow=True)
    assert "Signed out at 2 other places." in answer.content.decode()
    assert [is_signed_in(one) for one in places] == [True, False, False]
    again = browser(clinic, idp)
    answer = places[0].post(address("my_sessions:list", clinic), {"do": "everywhere"})
    assert answer["Location"] == address("identity:signed_out", clinic)
    assert [is_signed_in(one) for one in (places[0], again)] == [False, False]


def test_w8_neither_a_link_nor_another_site_ends_sessions(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    here, there = browser(clinic, idp), browser(clinic, idp)
    here.get(address("my_sessions:list", clinic), {"do": "everywhere"})
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = here.cookies
    assert strict.post(address("my_sessions:list", clinic), {"do": "everywhere"}).status_code == 403
    assert is_signed_in(here)
    assert is_signed_in(there)


def test_the_list_takes_two_queries_however_many_there_are(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        browser(clinic, idp)
    user = person()
    with django_assert_num_queries(2):
        assert len(open_sessions.of(user, current_key=None, now=timezone.now())) == 3


def test_staff_have_the_same_under_their_login(clinic: Clinic) -> None:
    here = Client(headers={"user-agent": CHROME})
    here.cookies["django_language"] = "en"
    sign_in_staff(here, clinic, Role.CLINIC_ADMINISTRATOR)
    page = here.get(reverse("usersessions_list"))
    assert page.status_code == 200
    assert (
        f'href="{reverse("mfa_index")}"'
        in here.get(address("booking_staff:calendar", clinic)).content.decode()
    )
    assert here.post(reverse("usersessions_list"), {"do": "others"}).status_code == 302
    assert here.post(reverse("usersessions_list"), {"do": "everywhere"})["Location"] == reverse(
        "identity_staff:signed_out"
    )
    assert not is_signed_in(here)
    assert not AuditEvent.objects.filter(action="session.end", details__reason="by-oneself").exists()


# -- who ends what -----------------------------------------------------------------------------------------
def test_why_a_session_ended_is_forgotten_after_a_day(
    clinic: Clinic, provider: IdentityProvider, idp: FakeIdp
) -> None:
    here = browser(clinic, idp)
    open_sessions.end(
        person(),
        [here.session.session_key or ""],
        why=EndReason.BY_STAFF,
        actor=None,
        now=timezone.now() - timedelta(days=1, seconds=1),
    )
    operations.sweep(now=timezone.now())
    assert EndedSession.objects.count() == 0


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (CHROME, "Chrome on Android"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Mac",
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
            "Chrome on ChromeOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0 Safari/537.36",
            "Samsung Internet on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 OPR/112.0",
            "Opera on Windows",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit CriOS/126.0 Mobile Safari/604.1",
            "Chrome on iPad",
        ),
        ("curl/8.5.0", "A browser that doesn't say what it is"),
        ("<script>alert(1)</script>", "A browser that doesn't say what it is"),
        ("", "A browser that doesn't say what it is"),
    ],
)
def test_browsers_are_named_in_plain_words(agent: str, words: str) -> None:
    with translation.override("en"):
        assert devices.words_for(agent) == words
