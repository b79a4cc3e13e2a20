"""Rows of the table of checks that go across ways of signing in (numbers: docs/security.md)."""

import json
from datetime import timedelta

import pytest
from django.core import serializers
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.models import Clinic
from identity.by_code import memberships
from identity.models import User
from identity.session import open_sessions
from patients.contact import operations as contact
from patients.models import Patient
from portal.models import AuditEvent
from tests.architecture.test_house_rules import every_pattern
from tests.build import make_clinic, make_staff_member
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
    is_signed_in,
    link_path,
    number,
    other_than,
    person,
    second_step,
    sent_code,
    signs_in,
    switch_on,
)
from tests.identity.build_identity import (
    NUMBER,
    OTHER_NUMBER,
    begin,
    come_back,
    connect,
    enter,
    record_for,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return switch_on(make_clinic())


@pytest.fixture
def patient(clinic):
    found = person(clinic)
    give_password(found)
    return found


def is_inside(client, clinic):
    return client.get(address("start", clinic)).status_code == 200


# -- W5, W6: what ends sessions ----------------------------------------------------------------------------
def test_w5_without_the_account_the_session_is_over_at_the_next_request(client, clinic, patient):
    signs_in(client, clinic)
    assert is_inside(client, clinic)
    member = make_staff_member(clinic)
    memberships.remove(
        clinic=clinic,
        national_id_index=patient.national_id_index,
        patient_id=patient.pk,
        actor=member.user,
        now=timezone.now(),
    )
    assert not is_inside(client, clinic)


def test_w6_a_new_password_ends_the_sessions_everywhere_and_they_are_told_why(client, clinic, patient):
    client.cookies["django_language"] = "en"
    signs_in(client, clinic)
    browser = Client()
    ask_for_link(browser, clinic)
    choose(browser, clinic, code_for_link(browser, clinic, link_path()))
    told = client.get(address("start", clinic), follow=True)
    assert "You were signed out because there is a new password." in told.content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("changes", [{"mobile": "+4798765432"}, {"email": "new@x.example"}])
def test_w6_a_new_address_or_number_ends_the_sessions_that_rest_on_it(client, clinic, patient, changes, idp):
    connect(clinic, idp)
    idp.claims = {"nnin_altsub": number(), "bankid_altsub": "mine"}
    eid = Client()
    begin(eid, clinic)
    come_back(eid, idp)
    enter(eid, clinic)
    client.cookies["django_language"] = "en"
    signs_in(client, clinic)
    wanted = {"mobile": patient.mobile, "email": patient.email, "language": ""} | changes
    contact.change_contact(patient=patient, actor=None, now=timezone.now(), **wanted)
    assert (
        "your mobile or e-mail was changed"
        in client.get(address("start", clinic), follow=True).content.decode()
    )
    assert not is_signed_in(client)
    assert is_inside(eid, clinic)


def test_w6_another_language_of_messages_ends_nothing(client, clinic, patient):
    signs_in(client, clinic)
    contact.change_contact(
        patient=patient,
        mobile=patient.mobile,
        email=patient.email,
        language="da",
        actor=None,
        now=timezone.now(),
    )
    assert is_inside(client, clinic)


# -- W10: frames -------------------------------------------------------------------------------------------
def test_w10_no_page_can_be_put_into_a_frame_errors_included(client, clinic, patient):
    front = reverse("clinic_front", args=[clinic.portal_identifier])
    staff = Client()
    sign_in_staff(staff, clinic)
    signs_in(client, clinic)
    broken = Client(raise_request_exception=False)
    answers = [
        client.get(front),
        client.get(address("start", clinic)),
        staff.get(reverse("booking_staff:calendar", args=[clinic.portal_identifier])),
        client.get("/no/such/page/"),
        client.get("/%00/"),
        client.get(reverse("session:stay")),
        Client(enforce_csrf_checks=True).post(front),
        Client().get(address("start", clinic)),
        broken.get(front, headers={"host": "evil.example"}),
        client.get(reverse("session:left")),
    ]
    assert {one.status_code for one in answers} >= {200, 302, 400, 403, 404, 405}
    for one in answers:
        assert "frame-ancestors 'none'" in one["Content-Security-Policy"]
        assert one.get("X-Frame-Options", "DENY") == "DENY"


# -- W12: one clinic ---------------------------------------------------------------------------------------
def test_w12_a_session_by_code_opens_nothing_of_another_clinic(client, clinic, patient):
    other = switch_on(make_clinic())
    there = person(other)
    give_password(there)
    signs_in(client, clinic)
    names = {"clinic": other.portal_identifier, "patient_id": there.pk}
    tried = 0
    for path, pattern in every_pattern():
        if getattr(pattern.callback, "audience", None) != "patient" or path.count("<") > 1:
            continue
        there_path = f"/{path.replace('<portal:clinic>', other.portal_identifier)}"
        for headers in ({}, {"HX-Request": "true"}):
            for answer in (
                client.get(there_path, headers=headers),
                client.post(
                    there_path, names | {"mobile": "98765432", "email": "x@x.example"}, headers=headers
                ),
            ):
                assert answer.status_code in {302, 405}, there_path
                if answer.status_code == 302:
                    assert answer["Location"].partition("?")[0] == f"/{other.portal_identifier}/"
        here_path = there_path.replace(other.portal_identifier, clinic.portal_identifier)
        assert client.get(here_path, names).status_code != 500
        tried += 1
    assert tried >= 4
    assert Patient.objects.get(pk=there.pk).mobile == there.mobile
    assert is_inside(client, clinic)


# -- W16: the trail ----------------------------------------------------------------------------------------
class Trail:
    """What was written since the last look."""

    def __init__(self) -> None:
        self.seen = AuditEvent.objects.count()

    def one(self, action, **details):
        """Fail unless exactly one event was written, this one, and nothing secret stands in it."""
        events = list(AuditEvent.objects.order_by("pk"))
        new, self.seen = events[self.seen :], len(events)
        assert [event.action for event in new] == [action]
        assert {name: new[0].details.get(name) for name in details} == details
        assert new[0].subject_id
        return new[0]


def test_w16_each_step_with_a_code_leaves_one_event(client, clinic, patient):
    trail = Trail()
    first_step(client, clinic, password="feil")
    trail.one("auth.fail", method="one-time-code", reason="password")
    first_step(client, clinic, serial=9)
    trail.one("auth.fail", method="one-time-code", reason="unknown")
    first_step(client, clinic)
    trail.one("auth.start", method="one-time-code")
    code = sent_code()
    trail = Trail()
    second_step(client, clinic, other_than(code))
    trail.one("code.wrong")
    second_step(client, clinic, code)
    trail.one("auth.success", method="one-time-code", assurance=2)
    key = client.session.session_key
    client.post(reverse("identity:sign_out", args=[clinic.portal_identifier]))
    trail.one("session.end", reason="signed-out")
    nothing_secret(number(), PASSWORD, NEW_PASSWORD, code, key, patient.mobile, patient.email)


def test_w16_each_step_with_eid_and_each_end_leaves_one_event(client, clinic, idp):
    connect(clinic, idp)
    record_for(clinic)
    record_for(clinic, OTHER_NUMBER)
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    trail, other, keys = Trail(), Client(), [client.session.session_key]
    begin(other, clinic)
    trail.one("auth.start", provider="bankid-test")
    assert come_back(other, idp, state="wrong").status_code == 400
    trail.one("auth.fail", reason="state")
    assert come_back(other, idp, error="access_denied", code=None).status_code == 200
    trail.one("auth.cancel", reason="access_denied")
    begin(other, clinic)
    come_back(other, idp)
    trail = Trail()
    enter(other, clinic)
    trail.one("auth.success", method="bankid", assurance=4, step_up=False)
    keys.append(other.session.session_key)
    user = User.objects.get(kind="patient")
    open_sessions.end_others(
        user, current_key=keys[0], why=open_sessions.EndReason.BY_ONESELF, now=timezone.now()
    )
    trail.one("session.end", reason="by-oneself", count=1)
    client.post(reverse("identity:step_up", args=[clinic.portal_identifier, "bankid-test"]))
    trail.one("auth.start")
    idp.claims = {"nnin_altsub": OTHER_NUMBER, "birthdate": "1970-01-02", "bankid_altsub": "another"}
    come_back(client, idp)
    enter(client, clinic)
    trail.one("auth.fail", reason="another-person")
    idp.claims = {}
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    session = client.session
    session["seen_at"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    keys.append(session.session_key)
    trail = Trail()
    client.get(address("start", clinic))
    trail.one("session.end", reason="unused")
    nothing_secret(NUMBER, OTHER_NUMBER, "code-1", idp.question["state"], *keys)


def nothing_secret(*secrets):
    """Fail if the trail holds a national ID, a code, a password, an address or the key of a session."""
    text = json.dumps(json.loads(serializers.serialize("json", AuditEvent.objects.all())), ensure_ascii=False)
    assert not [one for one in secrets if one and one in text]
