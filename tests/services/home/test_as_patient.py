"""Staff see the portal as one patient sees it: the patient's own page with nothing to press; the patient sees who looked."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, Role
from identity.models import Account
from patients import operations
from portal import audit
from portal.models import AuditEvent
from services.own.words import SENTENCES
from tests.build import make_clinic, make_patient, make_provider
from tests.delegation.build_delegation import sign_in
from tests.identity.build_codes import switch_on
from tests.services.booking.build_booking import allow

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def gp(clinic):
    return make_provider(clinic, name="Magnard Koman", initials="MK")


@pytest.fixture
def patient(clinic, gp):
    return make_patient(clinic, gp=gp, given_name="Line", email="", mobile="+4791234567", language="nb")


@pytest.fixture
def staff(client, clinic):
    sign_in(client, clinic, Role.ASSISTANT)
    client.cookies["django_language"] = "en"
    return client


def opened(staff, clinic, patient, query=""):
    address = reverse("patients_staff:as_patient", args=[clinic.portal_identifier, patient.pk])
    return staff.get(address + query)


def shown(answer):
    return re.search(r'<section class="stack as-patient".*</section>', answer.content.decode(), re.DOTALL)[0]


def test_staff_see_what_is_open_to_the_patient_in_the_patients_language(staff, clinic, patient, gp):
    before = shown(opened(staff, clinic, patient))
    assert 'lang="nb"' in before
    assert "Du kan ikke bestille time på nett" in before
    assert "Online booking" not in before
    allow(gp)
    after = shown(opened(staff, clinic, patient))
    assert "Se ledige timer og bestill med en gang" in after
    assert "Vi har ikke e-postadressen din" in after


def test_nothing_in_it_can_be_pressed(staff, clinic, patient, gp):
    allow(gp)
    found = shown(opened(staff, clinic, patient))
    assert "<a " in found
    assert not re.search(r"<a\b[^>]* href=", found)
    assert not re.search(r"<(form|button|input)\b", found)
    assert opened(staff, clinic, patient).status_code == 200
    post = staff.post(reverse("patients_staff:as_patient", args=[clinic.portal_identifier, patient.pk]))
    assert post.status_code == 405


def test_where_a_code_opens_nothing_for_the_patient_it_is_no_choice(client):
    clinic = switch_on(make_clinic(country=Country.DENMARK))
    patient = make_patient(clinic)
    sign_in(client, clinic, Role.ASSISTANT)
    assert not opened(client, clinic, patient, "?by=code").context["by_code"]


def test_with_a_code_less_is_open_than_with_eid(staff, clinic, patient):
    assert "password and code" not in opened(staff, clinic, patient).content.decode()
    switch_on(clinic)
    assert opened(staff, clinic, patient, "?by=code").context["by_code"]
    assert not opened(staff, clinic, patient).context["by_code"]


def test_a_patient_without_the_portal_is_told_of_with_the_reason(staff, clinic, patient):
    operations.set_portal_withdrawn(patient=patient, withdrawn=True, actor=audit.SYSTEM, now=timezone.now())
    answer = opened(staff, clinic, patient)
    assert answer.context["shown"] is None
    assert all(sentence in answer.content.decode() for sentence in answer.context["hindrances"])
    assert answer.context["hindrances"]


def test_each_look_is_recorded_and_told_to_the_patient_and_opens_no_session(staff, clinic, patient):
    opened(staff, clinic, patient)
    event = AuditEvent.objects.get(action="patient.viewed")
    assert (event.patient_id, event.details) == (patient.pk, {"part": "as-patient"})
    assert event.action in SENTENCES
    assert not Account.objects.exists()
    assert staff.get(reverse("home:start", args=[clinic.portal_identifier])).status_code in {302, 403}


def test_another_clinics_patient_is_not_found(staff, clinic, patient):
    stranger = make_patient(make_clinic())
    assert opened(staff, clinic, stranger).status_code == 404


def test_the_page_costs_few_queries(staff, clinic, patient, gp, django_assert_max_num_queries):
    allow(gp)
    opened(staff, clinic, patient)
    with django_assert_max_num_queries(16):
        opened(staff, clinic, patient)
