"""A guardian makes a child's sign-in, from the form through the eID to the password that works (F8, F10)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, Role, SelfRegistration
from clinic_admin.models import Clinic
from identity import national_id
from identity.by_code import passwords
from identity.choices import MembershipState, Method
from identity.demo_idp import setup
from identity.demo_idp.people import PEOPLE
from identity.models import Account, ClinicMembership
from notifications.models import OutboxMessage
from patients.contact import operations as contact
from patients.contact.choices import ContactKind
from patients.guardianship import operations as guardianship
from patients.guardianship.children import ChildRefusal, Outcome
from patients.guardianship.models import Guardian, RegisterEntry
from patients.models import Patient
from portal.models import AuditEvent
from services.inbox.models import InboxItem
from services.registration import child_operations, child_pending, typed
from services.registration.child_operations import ChildRefused
from services.registration.child_pending import Pending
from services.registration.models import LoginRequest
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_codes import sent_code, switch_on
from tests.identity.build_identity import connect
from tests.identity.test_demo_idp import Browser, levels
from tests.patients.build_guardians import adult, in_register, make_person, number_of, years_ago

FATHER = number_of(years_ago(41), country="DK")
CHILD = number_of(years_ago(10), country="DK", serial=2)
PASSWORD = "Blaa-elefant-7"


@pytest.fixture(autouse=True)
def _from_a_file(settings):
    settings.GUARDIANSHIP_SOURCE = "file"


@pytest.fixture
def clinic(db):
    return open_clinic()


def open_clinic(mode=SelfRegistration.AUTOMATIC, **values):
    """Store a Danish clinic where people register themselves, its own patients or not."""
    values = {"country": Country.DENMARK, "self_registration": mode, "requires_own_gp": False} | values
    return make_clinic(**values)


@pytest.fixture
def child(clinic):
    return make_person(clinic, years_ago(10), serial=2, given_name="Emil", family_name="Østergaard")


@pytest.fixture
def english(client):
    client.cookies["django_language"] = "en"
    return client


def filled(**changes):
    values = {
        "child": CHILD.number,
        "guardian": FATHER.number,
        "given_name": "Emil",
        "family_name": "Østergaard",
        "email": "soren@x.example",
        "email_again": "Soren@x.example",
        "mobile": "",
        "password": PASSWORD,
        "again": PASSWORD,
        "terms": "on",
        "provider": "mitid",
    }
    return values | changes


def pending(clinic, **changes):
    values = {
        "clinic_id": clinic.pk,
        "child": CHILD.number,
        "guardian": FATHER.number,
        "given_name": "Emil",
        "family_name": "Østergaard",
        "email": "soren@x.example",
        "password": passwords.hashed(PASSWORD),
        "terms": "1",
    }
    return Pending(**values | changes)


def finishes(clinic, *, proven=FATHER, **changes):
    return child_operations.finish(
        clinic=clinic, pending=pending(clinic, **changes), proven=adult(proven), now=timezone.now()
    )


# -- the form ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"child": "12"}, "A Danish CPR number has 10 digits."),
        ({"email_again": "other@x.example"}, "The two addresses differ."),
        ({"again": "Blaa-elefant-8"}, "The two passwords differ."),
        ({"password": "kort", "again": "kort"}, "8"),
        ({"terms": ""}, "Without the terms there is no sign-in."),
        ({"guardian": CHILD.number}, "The child and the guardian can&#x27;t be the same person."),
        (
            {"guardian": number_of(years_ago(17), country="DK").number},
            "You are not old enough to act for others.",
        ),
        ({"child": number_of(years_ago(15), country="DK").number}, "At this age one signs in with eID"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(english, clinic, changes, sentence):
    answer = english.post(reverse("child:make", args=[clinic.portal_identifier]), filled(**changes))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="Emil"' in answer.text
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("child", {"child": number_of(years_ago(15), country="DK").number}),
        ("guardian", {"guardian": CHILD.number}),
        ("guardian", {"guardian": number_of(years_ago(17), country="DK").number}),
    ],
)
def test_what_is_wrong_with_the_two_numbers_is_said_at_its_field(english, clinic, field, changes):
    form = english.post(reverse("child:make", args=[clinic.portal_identifier]), filled(**changes)).context[
        "form"
    ]
    assert list(form.errors) == [field]


def test_what_was_written_is_there_again_until_it_is_done_but_no_number_and_no_password(
    rf, client, clinic, settings
):
    request, now = rf.get("/"), timezone.now()
    request.session = client.session
    typed.keep(request, "child", filled(), clinic_id=clinic.pk, now=now)
    assert "soren" not in str(dict(request.session))
    written = typed.of(request, "child", clinic_id=clinic.pk, now=now)
    assert written["email"] == "soren@x.example"
    assert not {"child", "guardian", "password", "again", "terms"} & written.keys()
    assert typed.of(request, "registration", clinic_id=clinic.pk, now=now) == {}
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    finish, make = (reverse(f"child:{name}", args=[clinic.portal_identifier]) for name in ("finish", "make"))
    assert client.get(finish).url == make
    assert 'value="soren@x.example"' in client.get(make).text


def test_without_scripts_there_is_no_button_to_hide_the_numbers(english, clinic):
    page = english.get(reverse("child:make", args=[clinic.portal_identifier])).text
    assert re.findall(r'data-hides="id_(\w+)"[^>]* hidden>', page) == ["child", "guardian"]
    assert page.count("data-hides") == 2


def test_the_form_is_there_where_children_sign_in_only(english, clinic):
    assert english.get(reverse("child:make", args=[clinic.portal_identifier])).status_code == 200
    for other in (make_clinic(), make_clinic(country=Country.DENMARK, is_active=False)):
        for name in ("child:make", "child:confirm"):
            assert english.get(reverse(name, args=[other.portal_identifier])).status_code == 404


def test_the_end_of_the_way_without_its_beginning_leads_to_the_front_page(english, clinic):
    answer = english.get(reverse("child:finish", args=[clinic.portal_identifier]))
    assert (answer.status_code, answer.url) == (302, reverse("clinic_front", args=[clinic.portal_identifier]))


def test_the_form_waits_encrypted_once_and_for_a_quarter_of_an_hour(rf, client, clinic):
    request, now = rf.get("/"), timezone.now()
    request.session = client.session
    form = pending(clinic)
    child_pending.keep(request, form, now=now)
    assert CHILD.number not in str(dict(request.session))
    assert "soren" not in str(dict(request.session))
    assert child_pending.take(request, clinic_id=clinic.pk, now=now) == form
    assert child_pending.take(request, clinic_id=clinic.pk, now=now) is None
    child_pending.keep(request, pending(clinic), now=now)
    assert child_pending.take(request, clinic_id=clinic.pk, now=now + timedelta(minutes=15)) is None
    child_pending.keep(request, pending(clinic), now=now)
    assert child_pending.take(request, clinic_id=clinic.pk + 1, now=now) is None


# -- what becomes of it ------------------------------------------------------------------------------------
def test_a_proven_guardian_makes_a_confirmed_sign_in_and_an_e_mail_goes_out(clinic, child):
    in_register(child, FATHER)
    done = finishes(clinic)
    assert (done.outcome, done.proves_email) == (Outcome.OPEN, True)
    made = ClinicMembership.objects.get()
    assert made.child_confirmed_at is not None
    assert made.account.national_id_index == child.national_id_index
    assert passwords.is_right(PASSWORD, made.password)
    message = OutboxMessage.objects.get()
    assert message.recipient == "soren@x.example"
    assert "/confirm/" in message.body
    assert CHILD.number not in message.body
    assert AuditEvent.objects.get(action="membership.child_made").details["terms"] == "1"


def test_twice_is_one_sign_in_and_never_another_password(clinic, child):
    in_register(child, FATHER)
    finishes(clinic)
    before = ClinicMembership.objects.get().password
    finishes(clinic, password=passwords.hashed("Anden-elefant-8"))
    assert ClinicMembership.objects.get().password == before
    assert OutboxMessage.objects.count() == 1


def test_what_nobody_knows_makes_nothing_and_shows_on_the_childs_page(clinic, child):
    done = finishes(clinic)
    assert (done.outcome, done.needs_proof) == (Outcome.BY_HAND, True)
    assert not Account.objects.exists()
    assert Guardian.objects.get(patient=child).adult_name == "Kari Forelder"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"proven": number_of(years_ago(44), country="DK", serial=7)}, ChildRefusal.OTHER_PERSON),
        ({"guardian": CHILD.number}, ChildRefusal.OTHER_PERSON),
    ],
)
def test_g1_another_eid_than_the_typed_number_makes_nothing(clinic, child, changes, reason):
    in_register(child, FATHER)
    with pytest.raises(ChildRefused) as refused:
        finishes(clinic, **changes)
    assert refused.value.reason == reason
    assert not Account.objects.exists()


def test_confirming_needs_a_sign_in_and_leaves_the_password(clinic, child):
    in_register(child, FATHER)
    with pytest.raises(ChildRefused):
        finishes(clinic, password="")
    finishes(clinic)
    stored = ClinicMembership.objects.get()
    ClinicMembership.objects.update(child_confirmed_at=None)
    finishes(clinic, password="")
    found = ClinicMembership.objects.get()
    assert found.child_confirmed_at is not None
    assert found.password == stored.password


def test_g3_after_the_birthday_the_password_is_gone_and_twice_is_once(clinic, child):
    in_register(child, FATHER)
    finishes(clinic)
    child.birth_date = years_ago(15)
    child.save()
    assert guardianship.come_of_age(now=timezone.now()) == 1
    assert guardianship.come_of_age(now=timezone.now()) == 0
    ended = ClinicMembership.objects.get()
    assert (ended.state, ended.password, ended.child_confirmed_at) == (MembershipState.REMOVED, "", None)
    assert child.acting_rules.contact_unconfirmed_at is not None
    assert AuditEvent.objects.filter(action="membership.child_ended").count() == 1


# -- the clinic's switch, and what waits for staff (D3-D5, G2) ---------------------------------------------
def secretary(clinic):
    staff = Client()
    staff.cookies["django_language"] = "en"
    sign_in_staff(staff, clinic, Role.ASSISTANT)
    return staff


def decides(clinic, act, **more):
    path = reverse(
        "registration_staff:request", args=[clinic.portal_identifier, LoginRequest.objects.get().pk]
    )
    return secretary(clinic).post(path, {"act": act} | more)


def link_of(recipient="soren@x.example"):
    body = OutboxMessage.objects.filter(recipient__isnull=False, body__isnull=False).order_by("created_at")
    found = [mail for mail in body if mail.recipient == recipient and "/confirm/" in mail.body]
    return re.search(r"https?://[^/]+(/\S+/confirm/\S+)", found[-1].body)[1]


def test_where_nobody_registers_themselves_guardians_dont_either(english, db, idp):
    closed = open_clinic(SelfRegistration.OFF)
    connect(closed, idp, country=Country.DENMARK, method=Method.MITID)
    address = reverse("child:make", args=[closed.portal_identifier])
    assert "Phone the clinic, and it helps you" in english.get(address).text
    assert english.post(address, filled()).status_code == 200
    assert address not in english.get(reverse("clinic_front", args=[closed.portal_identifier])).text
    with pytest.raises(ChildRefused) as refused:
        finishes(closed)
    assert refused.value.reason == ChildRefusal.CLOSED
    assert english.get(reverse("child:confirm", args=[closed.portal_identifier])).status_code == 200


def test_where_registrations_are_approved_by_hand_a_proven_guardian_waits_too(child, clinic):
    Clinic.objects.update(self_registration=SelfRegistration.BY_HAND)
    clinic.refresh_from_db()
    in_register(child, FATHER)
    done = finishes(clinic)
    assert (done.outcome, done.needs_proof) == (Outcome.BY_HAND, False)
    assert LoginRequest.objects.get().needs_guardian_proof is False
    assert decides(clinic, "accept").status_code == 302
    assert ClinicMembership.objects.get().child_confirmed_at is not None


def test_where_the_clinic_must_be_the_own_gp_a_child_on_no_list_waits(child, clinic):
    Clinic.objects.update(requires_own_gp=True)
    clinic.refresh_from_db()
    in_register(child, FATHER)
    assert finishes(clinic).outcome is Outcome.BY_HAND


def test_what_nobody_knows_waits_once_in_the_inbox_and_is_accepted_with_a_proof(child, clinic):
    for _ in range(2):
        finishes(clinic)
    asked, item = LoginRequest.objects.get(), InboxItem.objects.get()
    assert (asked.kind, asked.needs_guardian_proof, asked.guardian_name) == ("child", True, "Kari Forelder")
    assert (item.who, item.closed_at) == ("Emil Østergaard", None)
    received = OutboxMessage.objects.get()
    assert (received.kind, received.recipient) == ("registration", "soren@x.example")
    page = secretary(clinic).get(
        reverse("registration_staff:request", args=[clinic.portal_identifier, asked.pk])
    )
    assert "Kari Forelder" in page.text
    assert decides(clinic, "accept").status_code == 422
    assert not ClinicMembership.objects.exists()
    assert decides(clinic, "accept", proof="Passport").status_code == 302
    guardian = Guardian.objects.get(patient=child)
    assert (guardian.proof, guardian.confirmed_at is None) == ("Passport", False)
    made = ClinicMembership.objects.get()
    assert passwords.is_right(PASSWORD, made.password)
    asked.refresh_from_db()
    assert (asked.state, asked.password) == ("accepted", "")
    assert link_of()


def test_two_guardians_may_ask_and_nobody_blocks_the_other(child, clinic):
    mother = number_of(years_ago(39), country="DK", serial=8)
    finishes(clinic)
    finishes(clinic, proven=mother, guardian=mother.number)
    assert LoginRequest.objects.count() == InboxItem.objects.count() == 2


def test_staff_refuse_and_an_e_mail_goes_out(child, clinic):
    finishes(clinic)
    assert decides(clinic, "refuse", reason="Come to the clinic first.").status_code == 302
    assert not Account.objects.exists()
    newest = OutboxMessage.objects.order_by("created_at").last()
    assert newest.recipient == "soren@x.example"
    assert "Come to the clinic first." not in newest.body, "nobody has proven that address"
    assert "barn" not in f"{newest.title} {newest.body}".lower()


def test_an_address_that_was_proven_hears_why(child, clinic):
    Patient.objects.filter(pk=child.pk).update(email="soren@x.example")
    contact.note_word_for_demo(
        patient=child, kind=ContactKind.EMAIL, value="soren@x.example", at=timezone.now()
    )
    finishes(clinic)
    decides(clinic, "refuse", reason="Come to the clinic first.")
    newest = OutboxMessage.objects.order_by("created_at").last()
    assert "Come to the clinic first." in newest.body


def test_put_aside_tells_nobody_and_can_be_put_back_whole(child, clinic):
    finishes(clinic)
    before = OutboxMessage.objects.count()
    assert decides(clinic, "set-aside").status_code == 302
    assert InboxItem.objects.get().closed_at is not None
    assert OutboxMessage.objects.count() == before
    assert decides(clinic, "put-back").status_code == 302
    assert InboxItem.objects.get().closed_at is None
    decides(clinic, "accept", proof="Passport")
    assert passwords.is_right(PASSWORD, ClinicMembership.objects.get().password)
    assert decides(clinic, "put-back").status_code == 302
    assert LoginRequest.objects.get().state == "accepted"


def test_a_child_that_came_of_age_meanwhile_is_not_accepted(child, clinic):
    finishes(clinic)
    child.birth_date = years_ago(15)
    child.save()
    assert decides(clinic, "accept", proof="Passport").status_code == 302
    assert LoginRequest.objects.get().state == "waiting"
    assert not ClinicMembership.objects.exclude(password="").exists()


def test_a_sign_in_to_confirm_waits_if_there_is_one_and_nothing_shows_if_not(child, clinic):
    unknown = finishes(clinic, password="", email="", given_name="", family_name="")
    assert not LoginRequest.objects.exists()
    in_register(child, FATHER)
    finishes(clinic)
    ClinicMembership.objects.update(child_confirmed_at=None)
    RegisterEntry.objects.all().delete()
    Guardian.objects.all().delete()
    known = finishes(clinic, password="", email="", given_name="", family_name="")
    assert known == unknown
    assert LoginRequest.objects.get().kind == "confirm"
    decides(clinic, "accept", proof="Passport")
    assert ClinicMembership.objects.get().child_confirmed_at is not None


# -- the child's address -----------------------------------------------------------------------------------
def test_codes_go_to_the_childs_address_only_after_its_link(client, child, clinic):
    in_register(child, FATHER)
    switch_on(clinic)
    finishes(clinic)
    child.refresh_from_db()
    assert child.email == ""
    assert ClinicMembership.objects.get().email == ""
    signs = {"number": CHILD.number, "password": PASSWORD}
    address = reverse("home:code_sign_in", args=[clinic.portal_identifier])
    first = client.post(address, signs)
    assert sent_code() is None
    reader = Client()
    reader.get(link_of())
    assert (
        reader.post(reverse("patients:contact_confirm", args=[clinic.portal_identifier])).status_code == 200
    )
    child.refresh_from_db()
    assert child.email == ClinicMembership.objects.get().email == "soren@x.example"
    again = Client().post(address, signs)
    assert sent_code() is not None
    assert (first.status_code, first.url) == (again.status_code, again.url)


def test_an_address_that_the_clinic_has_needs_no_link(child, clinic):
    in_register(child, FATHER)
    Patient.objects.filter(pk=child.pk).update(email="soren@x.example")
    assert finishes(clinic).proves_email is False
    message = OutboxMessage.objects.get()
    assert (message.kind, message.recipient) == ("activation", "soren@x.example")


def test_a_child_without_a_record_gets_one_where_registration_is_automatic(clinic):
    other = make_person(open_clinic(), years_ago(10), serial=2)
    in_register(other, FATHER)
    finishes(clinic)
    made = Patient.objects.get(clinic=clinic)
    assert (made.full_name, made.email, made.registered_at is None) == ("Emil Østergaard", "", False)


# -- the whole way -----------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_father_comes_back_from_his_eid_and_has_no_session(live_server, settings):
    settings.BASE_URL = live_server.url
    clinic = open_clinic()
    setup.connect(clinic, now=timezone.now())
    danes = [person for person in PEOPLE if person.country == clinic.country]
    father, child = (
        next(one for one in danes if one.full_name == name)
        for name in ("Søren Østergaard", "Emil Østergaard")
    )
    number = national_id.parse(father.national_id, "DK")
    record = make_person(clinic, child.birth_date, serial=child.serial, given_name="Emil")
    in_register(record, number)
    browser = Browser(live_server.url)
    browser.client.cookies["django_language"] = "en"
    form = browser.open(reverse("child:make", args=[clinic.portal_identifier]))
    slug = re.search(r'name="provider" value="([^"]+)"', form.text)[1]
    values = filled(child=child.national_id, guardian=father.national_id, provider=slug)
    page = browser.post(reverse("child:make", args=[clinic.portal_identifier]), form, **values)
    assert "/demo-idp/" in str(page.url)
    done = browser.post(str(page.url), page, person=str(danes.index(father)), acr=levels(page)[0])
    assert "The child can sign in now" in done.text
    assert ClinicMembership.objects.get().child_confirmed_at is not None
    start = browser.open(reverse("home:start", args=[clinic.portal_identifier]))
    assert start.url.path == reverse("clinic_front", args=[clinic.portal_identifier])
    browser.client.close()
