"""C11 for whoever registers, themselves or a child, and for guests: the forms answer everyone alike.

Answer, headers, cookies, statements and time are the same whether the person is unknown, known, blocked, a child, or
waits already. What was posted is put back between two times, so that each time is somebody's first.
"""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, SelfRegistration
from identity.by_code import code_sender, passwords
from identity.choices import Method
from identity.models import User
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.models import Patient
from portal.models import ThrottleCounter
from services.booking.models import GuestRequest
from services.inbox.models import InboxItem
from services.registration import operations
from services.registration.choices import RequestState
from services.registration.models import LoginRequest
from tests.build import make_clinic, make_provider
from tests.even_answers import differences, is_even, nothing, seen, statements
from tests.identity.build_codes import BORN, PASSWORD, give_password, number, person
from tests.identity.build_identity import connect
from tests.patients.build_guardians import years_ago
from tests.services.booking.build_booking import make_slot
from tests.services.booking.build_guests import open_to_guests
from tests.services.booking.build_staff import ahead

pytestmark = pytest.mark.django_db
CHILD_BORN, OLDER = years_ago(9), years_ago(15)
CASES = ("unknown", "known", "has password", "login closed", "not active", "left", "child", "waiting")
CHILDREN = ("unknown", "known", "has sign-in", "not active", "login closed", "older in the record")


@pytest.fixture(autouse=True)
def _quick_and_alone(settings, monkeypatch):
    """Let a password cost next to nothing, so that everything else can be seen; nothing runs beside it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    passwords.nobodys.cache_clear()
    monkeypatch.setattr(code_sender, "_start", lambda *_args: None)
    yield
    passwords.nobodys.cache_clear()


@pytest.fixture(params=[Country.NORWAY, Country.DENMARK], ids=["NO", "DK"])
def country(request):
    return request.param


def store(clinic, case, serial, birth_date):
    """Store who the case says."""
    if case in {"unknown", "waiting"}:
        return
    who = person(clinic, serial, birth_date=birth_date, is_active=case != "not active")
    who.registered_at = timezone.now()
    who.left_at = timezone.now() if case == "left" else None
    who.save()
    if case in {"has password", "login closed", "has sign-in"}:
        membership = give_password(who, PASSWORD)
        if case == "login closed":
            User.objects.filter(account=membership.account).update(is_active=False)
    if case == "older in the record":
        Patient.objects.filter(pk=who.pk).update(birth_date=OLDER)


def judge(act, before, cases, *, is_timed=True):
    """Fail unless everyone is answered alike, with the same statements, in the same time.

    One country is timed where the other one runs the same code.
    """
    answers = {}
    for case in cases:
        ThrottleCounter.objects.all().delete()
        before(case)
        answers[case] = seen(act(case))
    assert len(set(answers.values())) == 1, answers
    asked = {case: statements(act, case, before) for case in cases}
    assert len(set(asked.values())) == 1, {case: len(one) for case, one in asked.items()}
    if not is_timed:
        return
    found = differences(act, list(cases), least=6, most=60, before=before)
    assert is_even(found), found


def registering(country, idp=None):
    """Return the clinic's form as a function of the case, and what puts things back."""
    clinic = make_clinic(country=country, self_registration=SelfRegistration.BY_HAND)
    if idp is not None:
        connect(clinic, idp, country=country, method=Method.MITID)
    people = {
        case: (serial, CHILD_BORN if case == "child" else BORN) for serial, case in enumerate(CASES, start=1)
    }
    for case, (serial, birth_date) in people.items():
        store(clinic, case, serial, birth_date)

    def form(case, **changes):
        serial, birth_date = people[case]
        filled = {
            "number": number(serial, clinic.country, birth_date),
            "given_name": "Line",
            "family_name": "Danser",
            "email": "line@x.example",
            "email_again": "line@x.example",
            "password": "Fjell-og-hav-9",
            "again": "Fjell-og-hav-9",
            "terms": "on",
            "provider": "bankid-test",
        }
        return filled | changes

    def act(case, **changes):
        return Client().post(
            reverse("registration:register", args=[clinic.portal_identifier]), form(case, **changes)
        )

    def before(case):
        for model in (InboxItem, LoginRequest, OutboxMessage):
            model.objects.all().delete()
        if case == "waiting":
            other = {"email": "other@x.example", "email_again": "other@x.example"}
            act(case, **other)

    return act, before


def test_c11_registering_without_eid_answers_everyone_alike(country):
    act, before = registering(country)
    before("unknown")
    assert act("unknown").status_code == 302
    assert LoginRequest.objects.count() == 1
    judge(act, before, CASES)


def test_c11_registering_with_eid_answers_everyone_alike(country, idp):
    act, _before = registering(country, idp)
    assert act("unknown").status_code == 303
    judge(act, nothing, CASES[:-1], is_timed=country == Country.DENMARK)


def test_c11_whoever_writes_a_name_that_waits_gets_the_same_letter_and_changes_nothing():
    act, before = registering(Country.DENMARK)
    before("waiting")
    for _twice in range(2):
        act("waiting")
    assert InboxItem.objects.count() == 1
    assert LoginRequest.objects.get().email == "other@x.example"
    told = OutboxMessage.objects.filter(kind=MessageKind.REGISTRATION).order_by("created_at")
    assert [one.recipient for one in told] == ["other@x.example", "line@x.example"]


def test_c11_the_measure_sees_a_request_that_is_not_put_into_the_inbox(monkeypatch):
    real = operations.inbox.open_item
    act, before = registering(Country.DENMARK)

    def only_new(**values):
        if LoginRequest.objects.filter(state=RequestState.WAITING, email="line@x.example").exists():
            real(**values)

    monkeypatch.setattr(operations.inbox, "open_item", only_new)
    with pytest.raises(AssertionError):
        judge(act, before, ("unknown", "waiting"))


@pytest.mark.parametrize("page", ["make", "confirm"])
def test_c11_a_guardians_form_answers_about_every_child_alike(page, idp):
    clinic = make_clinic(country=Country.DENMARK, self_registration=SelfRegistration.AUTOMATIC)
    connect(clinic, idp, country=Country.DENMARK, method=Method.MITID)
    serials = {case: serial for serial, case in enumerate(CHILDREN, start=1)}
    for case, serial in serials.items():
        store(clinic, case, serial, CHILD_BORN)

    def act(case):
        form = {
            "child": number(serials[case], clinic.country, CHILD_BORN),
            "guardian": number(40, clinic.country, BORN),
            "given_name": "Emil",
            "family_name": "Danser",
            "email": "line@x.example",
            "email_again": "line@x.example",
            "password": "Fjell-og-hav-9",
            "again": "Fjell-og-hav-9",
            "terms": "on",
            "provider": "bankid-test",
        }
        return Client().post(reverse(f"child:{page}", args=[clinic.portal_identifier]), form)

    assert act("unknown").status_code == 303
    judge(act, nothing, CHILDREN, is_timed=page == "make")


def test_c11_asking_for_a_time_without_an_account_answers_everyone_alike(country):
    clinic = make_clinic(country=country)
    provider = make_provider(clinic)
    open_to_guests(provider)
    slot = make_slot(provider, ahead(clinic, 3))
    cases = CASES[:-1]
    people = {
        case: (serial, CHILD_BORN if case == "child" else BORN) for serial, case in enumerate(cases, start=1)
    }
    for case, (serial, birth_date) in people.items():
        store(clinic, case, serial, birth_date)

    def act(case):
        serial, birth_date = people[case]
        form = {
            "number": number(serial, clinic.country, birth_date),
            "given_name": "Line",
            "family_name": "Danser",
            "mobile": "+4791234999",
            "reason": "Feber",
        }
        return Client().post(reverse("guests:ask", args=[clinic.portal_identifier, slot.pk]), form)

    def before(_case):
        GuestRequest.objects.all().delete()
        OutboxMessage.objects.all().delete()

    assert act("unknown").status_code == 302
    judge(act, before, cases, is_timed=country == Country.NORWAY)
