"""Accounts that clinics make, and links with which patients choose a password (numbers: docs/security.md)."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core import serializers
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Role
from identity import policy
from identity.by_code import memberships, passwords
from identity.by_code.memberships import LinkRefused
from identity.choices import LinkPurpose, MembershipState, PasswordProblem
from identity.models import Account, ActionLink, ClinicMembership, OneTimeCode
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.contact import operations as contact
from patients.models import Patient
from portal.models import AuditEvent
from services.home.code_forms import AccountForm
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_codes import (
    NEW_PASSWORD,
    PASSWORD,
    address,
    ask_for_link,
    choose,
    code_for_link,
    first_step,
    give_password,
    handle_links,
    is_signed_in,
    link_path,
    number,
    open_links,
    other_than,
    person,
    sent_code,
    signs_in,
    switch_on,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return switch_on(make_clinic())


@pytest.fixture
def patient(clinic):
    return person(clinic)


@pytest.fixture
def staff(clinic):
    client = Client()
    client.post_of = sign_in_staff(client, clinic, Role.ASSISTANT)
    client.cookies["django_language"] = "en"
    return client


def account_page(patient):
    return reverse("patients_staff:account", args=[patient.clinic.portal_identifier, patient.pk])


def portal_page(patient):
    return reverse("patients_staff:portal", args=[patient.clinic.portal_identifier, patient.pk])


def creates(staff, patient, **changes):
    """Staff make the account; return the link's path."""
    form = {"act": "create", "email": "line@new.example", "consent": "on"} | changes
    assert staff.post(account_page(patient), form).status_code == 302
    return link_path()


def test_a_clinic_makes_an_account_and_the_patient_starts_it(client, staff, patient, clinic):
    path = creates(staff, patient)
    membership = ClinicMembership.objects.get()
    assert (membership.state, membership.password, membership.email) == ("awaiting", "", "line@new.example")
    assert membership.consent_by_id == staff.post_of.user_id
    patient.refresh_from_db()
    assert patient.email == "line@new.example"
    assert "Awaiting activation" in staff.get(portal_page(patient)).text
    code = code_for_link(client, clinic, path)
    assert choose(client, clinic, code).url == address("code_sign_in", clinic)
    assert not is_signed_in(client)
    membership.refresh_from_db()
    assert membership.state == MembershipState.ACTIVE
    assert membership.password.startswith("argon2")
    assert "Send a reset link" in staff.get(portal_page(patient)).text
    notice = OutboxMessage.objects.get(kind=MessageKind.PASSWORD_CHANGED)
    assert notice.recipient == "line@new.example"
    # What staff wrote is from the clinic until the patient confirms it.
    asked = reverse("patients:check", args=[clinic.portal_identifier])
    assert signs_in(client, clinic, password=NEW_PASSWORD).url == asked
    actions = set(AuditEvent.objects.filter(patient_id=patient.pk).values_list("action", flat=True))
    assert {"membership.created", "membership.activated"} <= actions
    assert number() not in serializers.serialize("json", AuditEvent.objects.all())


def test_without_consent_there_is_no_account(staff, patient):
    answer = staff.post(account_page(patient), {"act": "create", "email": "line@new.example"})
    assert answer.status_code == 422
    assert "line@new.example" in answer.text
    assert not ClinicMembership.objects.exists()
    assert not Account.objects.exists()


def test_without_a_mobile_the_page_says_that_bankid_works(staff, patient):
    patient.mobile = ""
    patient.save()
    assert "The patient can use BankID" in staff.get(portal_page(patient)).text
    staff.post(account_page(patient), {"act": "create", "email": "a@x.example", "consent": "on"})
    assert not ClinicMembership.objects.exists()


def test_somebody_whose_record_is_not_active_gets_no_account_and_no_link_that_would_not_work(staff, patient):
    creates(staff, patient)
    OutboxMessage.objects.all().delete()
    patient.is_active = False
    patient.save()
    answer = staff.post(account_page(patient), {"act": "link"}, follow=True)
    assert "Without an active record nobody can sign in." in answer.text
    assert 'value="link"' not in answer.text
    ClinicMembership.objects.all().delete()
    assert "Without an active record nobody can sign in." in staff.get(portal_page(patient)).text
    staff.post(account_page(patient), {"act": "create", "email": "a@x.example", "consent": "on"})
    assert not ClinicMembership.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_where_codes_are_off_the_page_says_so(patient):
    elsewhere = person(make_clinic(), 2)
    client = Client()
    sign_in_staff(client, elsewhere.clinic)
    client.cookies["django_language"] = "en"
    assert "does not offer this way" in client.get(portal_page(elsewhere)).text
    client.post(account_page(elsewhere), {"act": "create", "email": "a@x.example", "consent": "on"})
    assert not ClinicMembership.objects.exists()


def test_another_clinics_patient_does_not_exist(staff):
    elsewhere = person(switch_on(make_clinic()), 2)
    mine = reverse("patients_staff:account", args=[staff.post_of.clinic.portal_identifier, elsewhere.pk])
    assert staff.post(mine, {"act": "link"}).status_code == 404


def test_removing_asks_once_more_then_ends_password_and_sessions_here(client, staff, patient, clinic):
    give_password(patient)
    signs_in(client, clinic)
    assert staff.post(account_page(patient), {"act": "remove"}).status_code == 200
    assert ClinicMembership.objects.get().state == MembershipState.ACTIVE
    assert staff.post(account_page(patient), {"act": "remove", "sure": "yes"}).status_code == 302
    assert client.get(address("start", clinic)).status_code == 302
    first_step(client, clinic)
    assert sent_code() is None or OneTimeCode.objects.filter(membership=None).exists()
    creates(staff, patient)
    assert ClinicMembership.objects.get().state == MembershipState.AWAITING


def test_l1_a_link_works_once(client, staff, patient, clinic):
    path = creates(staff, patient)
    choose(client, clinic, code_for_link(client, clinic, path))
    answer = client.get(path, follow=True)
    assert answer.status_code == 410
    assert choose(client, clinic, "123456").status_code == 410


@pytest.mark.parametrize(
    ("purpose", "lasts"), [("activate", timedelta(hours=72)), ("reset", timedelta(minutes=30))]
)
def test_l2_a_link_is_over_after_its_time(client, staff, patient, clinic, purpose, lasts):
    if purpose == "reset":
        give_password(patient)
        staff.post(account_page(patient), {"act": "link"})
        path = link_path()
    else:
        path = creates(staff, patient)
    link = ActionLink.objects.get()
    assert (link.purpose, link.expires_at - link.created_at) == (purpose, lasts)
    token_hash = link.token_hash
    almost = link.expires_at - timedelta(seconds=1)
    assert memberships.open_link(token_hash, clinic=clinic, now=almost) == link
    with pytest.raises(LinkRefused):
        memberships.open_link(token_hash, clinic=clinic, now=link.expires_at)
    ActionLink.objects.update(expires_at=timezone.now())
    assert client.get(path, follow=True).status_code == 410


def test_l3_looking_uses_nothing_up_and_the_word_leaves_the_address(client, staff, patient, clinic):
    path = creates(staff, patient)
    scanner = Client()
    for _ in range(3):
        scanner.head(path)
        page = scanner.get(path, follow=True)
        assert page.status_code == 200
        assert path not in page.redirect_chain[-1][0]
    assert ActionLink.objects.get().used_at is None
    assert not OneTimeCode.objects.exists()
    assert choose(client, clinic, code_for_link(client, clinic, path)).status_code == 302


def test_l4_only_the_hash_of_a_link_is_stored(client, staff, patient, clinic):
    token = creates(staff, patient).rstrip("/").rsplit("/", 1)[1]
    link = ActionLink.objects.get()
    assert link.token_hash == memberships.hash_of(token)
    assert client.get(address("code_link", clinic, link.token_hash), follow=True).status_code == 410
    stored = serializers.serialize("json", [*ActionLink.objects.all(), *AuditEvent.objects.all()])
    assert token not in stored


def test_l5_a_link_is_good_for_its_person_at_its_clinic(client, staff, patient, clinic):
    path = creates(staff, patient)
    other = switch_on(make_clinic())
    foreign = path.replace(clinic.portal_identifier, other.portal_identifier)
    assert client.get(foreign, follow=True).status_code == 410
    stranger = person(clinic, 2)
    give_password(stranger)
    ask_for_link(Client(), clinic, 2)
    code_of_stranger = code_for_link(stranger_browser := Client(), clinic, link_path())
    client.get(path)
    session = client.session
    session["link_question"] = stranger_browser.session["link_question"]
    session.save()
    assert choose(client, clinic, code_of_stranger).status_code == 410
    assert ClinicMembership.objects.get(account__national_id_index=patient.national_id_index).password == ""
    code_for_sign_in = (first_step(client, clinic, 2), sent_code())[1]
    session = client.session
    session["link_question"] = client.session["code_question"]
    session.save()
    client.get(path)
    session = client.session
    session["link_question"] = session["code_question"]
    session.save()
    assert choose(client, clinic, code_for_sign_in).status_code == 422


def test_l6_a_newer_link_a_new_password_and_a_new_address_end_older_links(client, staff, patient, clinic):
    first = creates(staff, patient)
    staff.post(account_page(patient), {"act": "link"})
    second = link_path()
    assert first != second
    assert client.get(first, follow=True).status_code == 410
    assert open_links().count() == 1
    contact.change_contact(
        patient=patient,
        mobile=patient.mobile,
        email="other@x.example",
        language="",
        actor=staff.post_of.user,
        now=timezone.now(),
    )
    assert client.get(second, follow=True).status_code == 410
    staff.post(account_page(patient), {"act": "link"})
    third = link_path()
    assert ActionLink.objects.latest("created_at").membership.email == "other@x.example"
    choose(client, clinic, code_for_link(client, clinic, third))
    assert not open_links().exists()


def test_l7_a_made_up_host_does_not_come_into_the_link(client, staff, patient, clinic, settings):
    settings.ALLOWED_HOSTS = ["*"]
    give_password(patient)
    form = {"number": number(), "email": "line1@x.example", "mobile": "+4791234001"}
    client.post(address("code_forgotten", clinic), form, headers={"host": "evil.example"})
    handle_links()
    body = OutboxMessage.objects.get(kind=MessageKind.ACTIVATION).body
    assert f"{settings.BASE_URL}/{clinic.portal_identifier}/" in body
    assert "evil" not in body


def test_l8_the_word_of_a_link_reaches_neither_referrers_nor_logs(client, staff, patient, caplog):
    caplog.set_level(logging.DEBUG)
    path = creates(staff, patient)
    token = path.rstrip("/").rsplit("/", 1)[1]
    answer = client.get(path)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    page = client.get(answer.url)
    assert page["Referrer-Policy"] == "same-origin"
    assert token not in page.text
    for record in caplog.records:
        assert token not in f"{record.getMessage()} {record.__dict__.get('route', '')}"


def test_l9_a_reset_opens_nothing_ends_all_sessions_and_tells_the_person(client, patient, clinic):
    Patient.objects.filter(pk=patient.pk).update(language="da")
    give_password(patient)
    signs_in(client, clinic)
    before = client.session.session_key
    browser = Client()
    ask_for_link(browser, clinic)
    answer = choose(browser, clinic, code_for_link(browser, clinic, link_path()))
    assert answer.url == address("code_sign_in", clinic)
    assert not is_signed_in(browser)
    assert client.get(address("start", clinic)).status_code == 302
    assert not Session.objects.filter(session_key=before).exists()
    notice = OutboxMessage.objects.get(kind=MessageKind.PASSWORD_CHANGED)
    assert (notice.title or "").startswith("Din adgangskode"), "in the patient's language, not the clinic's"
    first_step(browser, clinic, password=PASSWORD)
    assert OneTimeCode.objects.filter(membership=None).count() == 1
    page = client.get(first_step(browser, clinic, password=NEW_PASSWORD).url)
    assert page.status_code in {200, 302}
    assert not is_signed_in(browser)


def test_l10_a_link_alone_is_not_enough(client, staff, patient, clinic):
    path = creates(staff, patient)
    client.get(path)
    assert choose(client, clinic, "123456").status_code == 200
    code = code_for_link(client, clinic, path)
    assert choose(client, clinic, other_than(code)).status_code == 422
    assert ClinicMembership.objects.get().password == ""
    first_step(client, clinic, password="")
    assert OutboxMessage.objects.filter(kind=MessageKind.SIGN_IN_CODE).count() == 1


def test_l11_no_page_of_staff_takes_a_password(staff, patient):
    assert set(AccountForm.base_fields) == {"email", "consent"}
    give_password(patient)
    before = ClinicMembership.objects.get().password
    for act in ("create", "link", "remove"):
        staff.post(
            account_page(patient), {"act": act, "password": "Staff-knows-1", "password1": "Staff-knows-1"}
        )
    assert ClinicMembership.objects.get().password == before
    assert 'type="password"' not in staff.get(portal_page(patient)).text
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert not {name for name in names if "set_password" in name}


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("Kort1", PasswordProblem.SHORT),
        ("bareSmåbokstaver"[:10], PasswordProblem.PLAIN),
        ("bare små ord", PasswordProblem.PLAIN),
        ("Password123", PasswordProblem.COMMON),
        ("Smokey24", PasswordProblem.COMMON),
        ("Danser2026", PasswordProblem.PERSONAL),
        ("xx14041988Yy", PasswordProblem.PERSONAL),
        ("VenteRom-1", PasswordProblem.PERSONAL),
        ("æ" * 129, PasswordProblem.LONG),
        ("Fjell-og-7", None),
        ("bare en lang setning", None),
        ("Ærlig-Øl-9", None),
        ("q7 " + "lang " * 20, None),
    ],
)
def test_p1_weak_common_and_personal_passwords_are_refused(password, problem):
    assert passwords.problem(password, ["Line Danser", "14041988"]) == problem


def test_p1_a_hundred_thousand_common_passwords_are_known():
    own, djangos = passwords._common()
    assert len(own.passwords) == 100_000
    assert min(map(len, own.passwords)) == 8
    assert "smokey24" not in djangos.passwords
    assert passwords.is_common("SMOKEY24")


def test_p1_every_character_counts():
    stored = passwords.hashed("Ærlig-Øl-9 ")
    assert passwords.is_right("Ærlig-Øl-9 ", stored)
    for other in ("Ærlig-Øl-9", "ærlig-øl-9 ", "Ærlig-Øl-9  "):
        assert not passwords.is_right(other, stored)
    assert not passwords.is_right("anything", "")


@given(st.text(max_size=200), st.lists(st.text(max_size=12), max_size=3))
def test_p1_what_is_taken_is_never_short_nor_holds_a_word_of_the_context(password, context):
    if policy.password_problem(password, context) is None:
        assert 8 <= len(password) <= 128
        assert len(password) >= 15 or re.search(r"\d", password) or any(sign.isdigit() for sign in password)
        words = {word.casefold() for text in context for word in re.split(r"[^\w]+", text) if len(word) >= 4}
        assert not any(word in password.casefold() for word in words)


def test_p1_a_bad_password_uses_neither_link_nor_code_up(client, staff, patient, clinic):
    path = creates(staff, patient)
    code = code_for_link(client, clinic, path)
    for bad in ("kort", "Password123", "Danser-2026"):
        assert choose(client, clinic, code, bad).status_code == 422
    assert choose(client, clinic, code, NEW_PASSWORD, "noe annet").status_code == 422
    assert OneTimeCode.objects.latest("created_at").attempts_left == 5
    assert choose(client, clinic, code).status_code == 302


def test_a_bankid_patient_gets_a_password_with_the_registered_address_and_number(client, patient, clinic):
    ask_for_link(client, clinic)
    membership = ClinicMembership.objects.get()
    assert (membership.state, membership.consent_by) == (MembershipState.AWAITING, None)
    choose(client, clinic, code_for_link(client, clinic, link_path()))
    assert signs_in(client, clinic, password=NEW_PASSWORD).url == address("start", clinic)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": number(2)},
        {"email": "someone@else.example"},
        {"mobile": "+4799999999"},
    ],
)
def test_whoever_does_not_fit_sees_the_same_and_gets_nothing(client, patient, clinic, changes):
    fits = ask_for_link(client, clinic)
    OutboxMessage.objects.all().delete()
    answer = ask_for_link(Client(), clinic, **changes)
    assert (answer.status_code, answer.url) == (fits.status_code, fits.url)
    assert not OutboxMessage.objects.exists()
    assert client.get(answer.url).status_code == 200


def test_without_address_and_number_only_bankid_works(client, patient, clinic):
    patient.email = ""
    patient.save()
    ask_for_link(client, clinic)
    assert not OutboxMessage.objects.exists()


def test_asking_for_a_link_is_limited(client, patient, clinic):
    for _ in range(3):
        assert ask_for_link(client, clinic).status_code == 302
    assert ask_for_link(client, clinic).status_code == 429
    assert ask_for_link(client, clinic, 2).status_code == 302
    assert ask_for_link(client, clinic, 3).status_code == 429


def test_staff_can_send_five_links_a_day(staff, patient):
    creates(staff, patient)
    for _ in range(7):
        staff.post(account_page(patient), {"act": "link"})
    assert ActionLink.objects.filter(purpose=LinkPurpose.ACTIVATE).count() == 6


def test_the_list_of_special_rights_leads_to_the_account(staff, patient, clinic):
    page = reverse("access_admin:special_patient", args=[clinic.portal_identifier, patient.pk])
    assert f"{portal_page(patient)}#account" in staff.get(page).text


def test_the_history_tells_of_the_account(staff, patient, clinic):
    creates(staff, patient)
    page = staff.get(reverse("patients_staff:history", args=[clinic.portal_identifier, patient.pk])).text
    assert "Made an account with password" in page


def test_the_portal_tab_takes_few_queries(staff, patient, django_assert_max_num_queries):
    give_password(patient)
    staff.get(portal_page(patient))
    with django_assert_max_num_queries(25):
        staff.get(portal_page(patient))
