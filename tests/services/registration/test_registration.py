"""Patients register: at once or by hand, for the first time or at a further clinic (D2-D5, 002, 003)."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, Role, SelfRegistration
from clinic_admin.models import Clinic
from identity import national_id
from identity.choices import MembershipState, Method
from identity.models import Account, ClinicMembership, User
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.models import Patient
from portal.models import AuditEvent
from services.inbox.models import InboxItem
from services.registration import operations, policy, typed
from services.registration.choices import Outcome, OwnGp, RegistrationRefusal, RequestState
from services.registration.models import LoginRequest
from services.registration.operations import RegistrationRefused
from services.registration.registrant import Registrant
from tests.build import make_clinic, make_provider
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_codes import BORN, PASSWORD, give_password, number, person, switch_on
from tests.identity.build_identity import begin, come_back, connect, enter

pytestmark = pytest.mark.django_db
MODE = SelfRegistration


@pytest.fixture
def clinic(idp):
    return danish(idp)


def danish(idp, mode=MODE.AUTOMATIC, own_gp=False, slug="bankid-test"):
    clinic = make_clinic(country=Country.DENMARK)
    connect(clinic, idp, country=Country.DENMARK, method=Method.MITID, slug=slug)
    Clinic.objects.filter(pk=clinic.pk).update(self_registration=mode, requires_own_gp=own_gp)
    clinic.refresh_from_db()
    return clinic


def address(name, clinic, *more):
    return reverse(f"registration:{name}", args=[clinic.portal_identifier, *more])


def form(serial=1, **changes):
    filled = {
        "number": number(serial, "DK"),
        "given_name": "Line",
        "family_name": "Danser",
        "email": "line@x.example",
        "email_again": "line@x.example",
        "mobile": "",
        "password": PASSWORD,
        "again": PASSWORD,
        "terms": "on",
        "provider": "bankid-test",
    }
    return filled | changes


def answers_as(idp, serial=1):
    idp.claims = {
        "nnin_altsub": number(serial, "DK"),
        "birthdate": BORN.isoformat(),
        "bankid_altsub": f"p-{serial}",
    }


def registers(client, clinic, idp, serial=1, proves=None, **changes):
    """Fill in the form, prove with eID, and follow to where it ends."""
    answers_as(idp, proves or serial)
    answer = client.post(address("register", clinic), form(serial, **changes))
    assert answer.status_code == 303, answer.content.decode()[:2000]
    come_back(client, idp, changes.get("provider", "bankid-test"))
    answer = enter(client, clinic)
    assert answer.url == address("finish", clinic)
    return client.get(answer.url)


def is_signed_in(client):
    return "_auth_user_id" in client.session


def mails():
    return OutboxMessage.objects.filter(kind=MessageKind.REGISTRATION).order_by("created_at", "pk")


def test_automatic_approval_makes_record_account_and_password_and_signs_in(client, clinic, idp):
    answer = registers(client, clinic, idp)
    assert answer.url == reverse("home:start", args=[clinic.portal_identifier])
    assert client.get(answer.url).status_code == 200
    record = Patient.objects.get(clinic=clinic)
    assert (record.given_name, record.email, record.gp) == ("Line", "line@x.example", None)
    assert record.registered_at is not None
    membership = ClinicMembership.objects.get()
    assert (membership.state, membership.identity_confirmed_at is None) == (MembershipState.ACTIVE, False)
    assert mails().get().recipient == "line@x.example"
    assert AuditEvent.objects.filter(action="register.approved", patient_id=record.pk).count() == 1


def test_s37_another_persons_eid_registers_nobody(client, clinic, idp):
    answer = registers(client, clinic, idp, serial=1, proves=2)
    assert answer.status_code == 403
    assert not Patient.objects.exists()
    assert not Account.objects.exists()
    assert not is_signed_in(client)
    assert AuditEvent.objects.filter(action="auth.fail").count() == 1


def test_what_was_written_is_there_again_after_cancelling_but_no_number_and_no_password(client, clinic, idp):
    client.post(address("register", clinic), form(mobile="20123456"))
    page = come_back(client, idp, error="access_denied", code=None)
    assert f'href="{address("finish", clinic)}"' in page.text
    assert client.get(address("finish", clinic)).url == address("register", clinic)
    page = client.get(address("register", clinic)).text
    for value in ("Line", "Danser", "line@x.example", "20123456"):
        assert f'value="{value}"' in page
    assert number(1, "DK") not in page.replace("-", "")
    assert PASSWORD not in page
    assert "line@x.example" not in Client().get(address("register", clinic)).text
    assert "line@x.example" not in client.get(address("register", danish(idp, slug="other"))).text


def test_what_was_written_is_there_again_after_another_persons_eid_and_gone_when_it_is_done(
    client, clinic, idp, monkeypatch
):
    registers(client, clinic, idp, serial=1, proves=2)
    assert 'value="line@x.example"' in client.get(address("register", clinic)).text
    registers(client, clinic, idp)
    assert 'value="line@x.example"' not in client.get(address("register", clinic)).text
    client.post(address("register", clinic), form(2))
    monkeypatch.setattr(typed, "LASTS", timedelta())
    assert 'value="line@x.example"' not in client.get(address("register", clinic)).text


def test_nothing_is_stored_before_the_eid_has_answered(client, clinic, idp, caplog):
    caplog.set_level(logging.DEBUG)
    client.post(address("register", clinic), form())
    assert not LoginRequest.objects.exists()
    assert not Account.objects.exists()
    stored = str(dict(client.session))
    assert number(1, "DK") not in stored
    assert PASSWORD not in stored
    assert number(1, "DK") not in " ".join(str(record.__dict__) for record in caplog.records)


def test_the_answer_to_the_form_is_the_same_for_known_and_unknown_people(clinic, idp):
    person(clinic, 1, registered_at=timezone.now())
    seen = set()
    for serial in (1, 2):
        browser = Client()
        answer = browser.post(address("register", clinic), form(serial))
        place = re.sub(r"request_uri=[^&]+", "", answer.url)
        seen.add((answer.status_code, place, tuple(sorted(answer.cookies))))
    assert len(seen) == 1


def test_the_own_gp_rule_lets_listed_patients_in_and_leaves_others_to_the_clinic(client, idp):
    clinic = danish(idp, own_gp=True)
    record = person(clinic, 1, gp=make_provider(clinic, has_patient_list=True))
    registers(client, clinic, idp, 1)
    record.refresh_from_db()
    assert record.registered_at is not None
    stranger = Client()
    assert registers(stranger, clinic, idp, 2).url == address("sent", clinic)
    assert not is_signed_in(stranger)
    assert LoginRequest.objects.get().state == RequestState.WAITING


def test_by_hand_the_request_waits_and_the_person_is_told(client, idp):
    clinic = danish(idp, MODE.BY_HAND)
    assert registers(client, clinic, idp).url == address("sent", clinic)
    assert client.get(address("sent", clinic)).status_code == 200
    asked = LoginRequest.objects.get()
    assert (asked.is_proven, asked.state) == (True, RequestState.WAITING)
    assert InboxItem.objects.get().subject_id == asked.pk
    assert mails().count() == 1
    assert not is_signed_in(client)
    assert not Patient.objects.exists()


def test_twice_is_once(client, idp):
    clinic = danish(idp, MODE.BY_HAND)
    for _ in range(2):
        registers(Client(), clinic, idp)
    assert LoginRequest.objects.count() == 1
    assert InboxItem.objects.count() == 1
    assert mails().count() == 1


def decide(clinic, act, role=Role.ASSISTANT, **more):
    staff = Client()
    sign_in_staff(staff, clinic, role)
    asked = LoginRequest.objects.get(clinic=clinic)
    path = reverse("registration_staff:request", args=[clinic.portal_identifier, asked.pk])
    return staff, path, staff.post(path, {"act": act} | more)


def test_accepting_lets_the_person_in_and_tells_them_with_a_plain_address(client, idp):
    clinic = danish(idp, MODE.BY_HAND)
    registers(client, clinic, idp)
    _staff, _path, answer = decide(clinic, "accept")
    assert answer.url == reverse("inbox:inbox", args=[clinic.portal_identifier])
    asked = LoginRequest.objects.get()
    assert (asked.state, asked.password, asked.decided_by is None) == (RequestState.ACCEPTED, "", False)
    assert InboxItem.objects.get().closed_at is not None
    newest = mails().last()
    assert reverse("clinic_front", args=[clinic.portal_identifier]) in newest.body
    assert "token" not in newest.body
    answers_as(idp)
    begin(client, clinic)
    come_back(client, idp)
    assert "/sent" not in (after := enter(client, clinic).url)
    assert after in {
        reverse(name, args=[clinic.portal_identifier]) for name in ("home:start", "patients:check")
    }
    assert client.get(reverse("home:start", args=[clinic.portal_identifier])).status_code == 200


def test_refusing_tells_why_and_lets_nobody_in(client, idp):
    clinic = danish(idp, MODE.BY_HAND)
    registers(client, clinic, idp)
    decide(clinic, "refuse", reason="Du har en anden læge.")
    assert LoginRequest.objects.get().state == RequestState.REFUSED
    assert "Du har en anden læge." in mails().last().body
    assert not Patient.objects.exists()
    assert registers(Client(), clinic, idp).url == address("sent", clinic)  # they may ask again
    assert LoginRequest.objects.filter(state=RequestState.WAITING).count() == 1


def test_the_second_of_two_secretaries_hears_that_it_is_decided(client, idp):
    clinic = danish(idp, MODE.BY_HAND)
    registers(client, clinic, idp)
    staff, path, _answer = decide(clinic, "accept")
    again = staff.post(path, {"act": "refuse"}, follow=True)
    assert LoginRequest.objects.get().state == RequestState.ACCEPTED
    assert mails().count() == 2
    assert again.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_one_counts(idp):
    clinic = danish(idp, MODE.BY_HAND)
    registers(Client(), clinic, idp)
    sign_in_staff(Client(), clinic, Role.ASSISTANT)
    actor, asked = User.objects.get(kind="staff"), LoginRequest.objects.get()

    def attempt(act):
        try:
            given = {"clinic": clinic, "request_id": asked.pk, "actor": actor, "now": timezone.now()}
            operations.accept(**given) if act else operations.refuse(reason="", **given)
        except RegistrationRefused as refused:
            return refused.reason
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(attempt, (True, False)))
    assert sorted(map(str, answers)) == ["None", RegistrationRefusal.DECIDED]
    assert mails().count() == 2


def test_another_clinics_request_is_not_found(client, idp):
    clinic = danish(idp, MODE.BY_HAND)
    registers(client, clinic, idp)
    other = make_clinic()
    staff = Client()
    sign_in_staff(staff, other, Role.ASSISTANT)
    path = reverse(
        "registration_staff:request", args=[other.portal_identifier, LoginRequest.objects.get().pk]
    )
    assert staff.get(path).status_code == 404
    assert staff.post(path, {"act": "accept"}).status_code == 404


def test_at_a_further_clinic_one_press_is_enough_and_the_password_goes_along(client, clinic, idp):
    registers(client, clinic, idp)
    other = make_clinic(country=Country.DENMARK)
    Clinic.objects.filter(pk=other.pk).update(self_registration=MODE.AUTOMATIC, requires_own_gp=False)
    path = address("here", other)
    assert client.get(reverse("home:start", args=[other.portal_identifier])).status_code in {302, 403}
    page = client.get(path).content.decode()
    assert "Line Danser" in page
    assert page.count('value="line@x.example"') == 2  # what they use at the other clinic
    sent = {"email": "line@x.example", "email_again": "line@x.example", "terms": "on"}
    answer = client.post(path, sent)
    assert answer.url == reverse("home:start", args=[other.portal_identifier])
    assert client.get(answer.url).status_code == 200
    passwords = set(ClinicMembership.objects.values_list("password", flat=True))
    assert len(passwords) == 1
    assert ClinicMembership.objects.count() == 2
    assert client.post(path, sent).url == answer.url  # pressed twice
    assert mails().count() == 2


def test_at_a_further_clinic_only_ones_own_address_of_a_clinic_one_uses_is_filled_in(client, clinic, idp):
    registers(client, clinic, idp)
    other = danish(idp, slug="bankid-other")
    person(clinic, 2, email="somebody-else@x.example")
    Patient.objects.filter(clinic=clinic, email="line@x.example").update(left_at=timezone.now())
    page = client.get(address("here", other)).content.decode()
    assert "@x.example" not in page


def test_someone_with_a_record_who_never_registered_is_led_to_the_one_press(client, clinic, idp):
    person(clinic, 1)
    answers_as(idp)
    begin(client, clinic)
    come_back(client, idp)
    assert enter(client, clinic).url == address("here", clinic)
    assert not is_signed_in(client)
    sent = {"email": "line@x.example", "email_again": "line@x.example", "terms": "on"}
    assert client.post(address("here", clinic), sent | {"terms": ""}).status_code == 422
    assert client.post(address("here", clinic), sent).status_code == 302
    assert is_signed_in(client)


def test_whoever_signed_in_with_a_code_can_not_register_with_one_press(client, clinic, idp):
    from identity.choices import EidProof
    from patients import operations as patients
    from portal import audit
    from tests.identity.build_codes import first_step, second_step, sent_code

    found = person(clinic, 1, registered_at=timezone.now())
    give_password(found)
    patients.set_no_eid(patient=found, proof=EidProof.PAPERS, actor=audit.SYSTEM, now=timezone.now())
    first_step(client, clinic)
    second_step(client, clinic, sent_code())
    assert is_signed_in(client)
    other = make_clinic(country=Country.DENMARK)
    Clinic.objects.filter(pk=other.pk).update(self_registration=MODE.AUTOMATIC)
    front = reverse("clinic_front", args=[other.portal_identifier])
    assert client.get(address("here", other)).url == front
    assert client.post(address("here", other), {}).url == front


def test_a_password_that_is_there_stays(client, clinic, idp):
    found = person(clinic, 1)
    give_password(found, "Noe-helt-annet-4")
    before = ClinicMembership.objects.get().password
    registers(client, clinic, idp)
    assert ClinicMembership.objects.get().password == before


def test_where_the_clinic_registers_its_patients_there_is_no_form(client, idp):
    clinic = danish(idp, MODE.OFF)
    page = client.get(address("register", clinic))
    assert "form-field" not in page.content.decode()
    assert client.post(address("register", clinic), form()).status_code == 200
    assert not LoginRequest.objects.exists()
    front = client.get(reverse("clinic_front", args=[clinic.portal_identifier])).content.decode()
    assert address("register", clinic) not in front


def test_the_switch_works_at_the_next_request(client, clinic, idp):
    answers_as(idp)
    client.post(address("register", clinic), form())
    Clinic.objects.filter(pk=clinic.pk).update(self_registration=MODE.OFF)
    come_back(client, idp)
    enter(client, clinic)
    assert client.get(address("finish", clinic)).status_code == 403
    assert not Patient.objects.exists()


def test_without_eid_every_registration_waits_and_says_that_nobody_is_proven(client):
    clinic = switch_on(make_clinic(country=Country.DENMARK))
    Clinic.objects.filter(pk=clinic.pk).update(self_registration=MODE.AUTOMATIC, requires_own_gp=False)
    clinic.refresh_from_db()
    assert client.post(address("register", clinic), form()).url == address("sent", clinic)
    asked = LoginRequest.objects.get()
    assert not asked.is_proven
    decide(clinic, "accept")
    membership = ClinicMembership.objects.get()
    assert (membership.state, membership.password) == (MembershipState.AWAITING, "")
    assert OutboxMessage.objects.filter(kind=MessageKind.ACTIVATION).count() == 1
    assert mails().count() == 1  # received; the link is the news of the acceptance


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email_again": "other@x.example"}, "email_again"),
        ({"again": "Fjell-og-hav-8"}, "again"),
        ({"password": "kort1A", "again": "kort1A"}, "password"),
        ({"password": "Danser-1988", "again": "Danser-1988"}, "password"),
        ({"terms": ""}, "terms"),
        ({"number": "1404881234x"}, "number"),
        ({"mobile": "12"}, "mobile"),
        ({"given_name": "x" * 81}, "given_name"),
    ],
)
def test_p1_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(client, clinic, changes, field):
    answer = client.post(address("register", clinic), form(**changes))
    assert answer.status_code == 422
    assert answer.context["form"].errors.get(field)
    page = answer.content.decode()
    assert 'value="line@x.example"' in page
    assert PASSWORD not in page


def test_five_tries_an_hour_from_one_address(client, clinic, idp):
    for serial in range(1, 6):
        assert Client().post(address("register", clinic), form(serial)).status_code == 303
    assert client.post(address("register", clinic), form(6)).status_code == 429


def test_removing_from_the_portal_ends_access_and_allows_to_register_again(client, clinic, idp):
    registers(client, clinic, idp)
    record = Patient.objects.get(clinic=clinic)
    staff = Client()
    sign_in_staff(staff, clinic, Role.ASSISTANT)
    path = reverse("patients_staff:account", args=[clinic.portal_identifier, record.pk])
    assert staff.post(path, {"act": "leave"}).status_code == 200  # asks once more
    record.refresh_from_db()
    assert record.registered_at is not None
    staff.post(path, {"act": "leave", "sure": "yes"})
    record.refresh_from_db()
    assert (record.registered_at, record.is_active) == (None, True)
    assert ClinicMembership.objects.get().state == MembershipState.REMOVED
    start = reverse("home:start", args=[clinic.portal_identifier])
    Patient.objects.update(mobile="+4520123456")
    assert client.get(start).url == address("here", clinic)
    assert 'value="20 12 34 56"' in client.get(address("here", clinic)).text
    sent = {"email": "line@x.example", "email_again": "line@x.example", "terms": "on"}
    assert client.post(address("here", clinic), sent).url == start


def test_a_norwegian_record_is_enough(client, idp):
    clinic = make_clinic()
    connect(clinic, idp)
    Clinic.objects.filter(pk=clinic.pk).update(self_registration=MODE.AUTOMATIC)
    person(clinic, 1)
    idp.claims = {"nnin_altsub": number(1), "birthdate": BORN.isoformat()}
    begin(client, clinic)
    come_back(client, idp)
    assert enter(client, clinic).url == reverse("home:start", args=[clinic.portal_identifier])


def test_an_open_request_has_no_decision_and_a_decided_one_no_password():
    clinic = make_clinic(country=Country.DENMARK)
    operations_ask(clinic)
    for values in ({"decided_at": timezone.now()}, {"state": RequestState.REFUSED}):
        with pytest.raises(IntegrityError), transaction.atomic():
            LoginRequest.objects.update(**values)


def operations_ask(clinic):
    Clinic.objects.filter(pk=clinic.pk).update(self_registration=MODE.BY_HAND)
    clinic.refresh_from_db()
    who = Registrant(
        number=national_id.parse(number(1, "DK"), "DK"),
        given_name="Line",
        family_name="Danser",
        email="line@x.example",
        mobile="",
        language="da",
        terms="2026-11",
        password="hash",
    )
    return operations.register(clinic=clinic, who=who, is_proven=True, now=timezone.now())


def test_a_proven_person_takes_the_place_of_whoever_wrote_in_their_name():
    clinic = make_clinic(country=Country.DENMARK)
    Clinic.objects.filter(pk=clinic.pk).update(self_registration=MODE.BY_HAND)
    clinic.refresh_from_db()
    common = {
        "number": national_id.parse(number(1, "DK"), "DK"),
        "mobile": "",
        "language": "da",
        "terms": "1",
    }
    stranger = Registrant(given_name="X", family_name="Y", email="stranger@x.example", **common)
    operations.register(clinic=clinic, who=stranger, is_proven=False, now=timezone.now())
    operations_ask(clinic)
    asked = LoginRequest.objects.get()
    assert (asked.email, asked.is_proven) == ("line@x.example", True)
    operations.register(clinic=clinic, who=stranger, is_proven=False, now=timezone.now())
    asked.refresh_from_db()
    assert asked.email == "line@x.example"


@pytest.mark.parametrize(
    ("mode", "needs", "own_gp", "proven", "inactive", "expected"),
    [
        (MODE.OFF, False, OwnGp.YES, True, False, Outcome.CLOSED),
        (MODE.BY_HAND, False, OwnGp.YES, True, False, Outcome.BY_HAND),
        (MODE.AUTOMATIC, True, OwnGp.YES, True, False, Outcome.AT_ONCE),
        (MODE.AUTOMATIC, True, OwnGp.UNKNOWN, True, False, Outcome.BY_HAND),
        (MODE.AUTOMATIC, True, OwnGp.NO, True, False, Outcome.BY_HAND),
        (MODE.AUTOMATIC, False, OwnGp.UNKNOWN, True, False, Outcome.AT_ONCE),
        (MODE.AUTOMATIC, False, OwnGp.YES, False, False, Outcome.BY_HAND),
        (MODE.AUTOMATIC, False, OwnGp.YES, True, True, Outcome.BY_HAND),
    ],
)
def test_what_a_registration_leads_to(mode, needs, own_gp, proven, inactive, expected):
    got = policy.outcome(mode, needs_own_gp=needs, own_gp=own_gp, proven=proven, has_inactive_record=inactive)
    assert got == expected
