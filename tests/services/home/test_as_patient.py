"""Staff see the portal as one patient sees it: the patient's own page with nothing to press; the patient sees who looked."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, Role
from identity.models import Account
from patients import operations
from portal import audit
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus, SlotState
from services.own.words import SENTENCES
from tests.build import make_clinic, make_patient, make_provider
from tests.delegation.build_delegation import sign_in
from tests.identity.build_codes import switch_on
from tests.services.booking.build_booking import allow, make_slot
from tests.services.booking.build_staff import make_appointment

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


def opened(staff, clinic, patient, query="", part=None):
    name = "patients_staff:as_patient_part" if part else "patients_staff:as_patient"
    address = reverse(name, args=[clinic.portal_identifier, patient.pk, *([part] if part else [])])
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


def links(html):
    return re.findall(r'<a\b[^>]* href="([^"]*)"', html)


def test_the_free_times_are_those_that_the_patient_sees_and_only_people_and_weeks_lead_on(
    staff, clinic, patient, gp
):
    allow(gp)
    colleague = make_provider(clinic, name="Anne Berg")
    allow(colleague)
    free = make_slot(gp, timezone.now() + timedelta(days=2))
    make_slot(gp, timezone.now() + timedelta(days=3), state=SlotState.TAKEN)
    found = shown(opened(staff, clinic, patient, part="times"))
    assert "Bestill time" in found
    assert found.count('class="time"') == 1
    here = reverse("patients_staff:as_patient_part", args=[clinic.portal_identifier, patient.pk, "times"])
    assert links(found)
    assert all(link.partition("?")[0] == here for link in links(found)), links(found)
    assert "hx-" not in found
    assert "data-times" not in found
    assert not re.search(r"<(form|input)\b", found)
    alone = next(unescape(link) for link in links(found) if f"provider={gp.pk}" in link)
    assert f"{colleague.name}</h2>" not in shown(staff.get(alone))
    assert gp.name in shown(staff.get(alone))
    later = shown(opened(staff, clinic, patient, f"?from={free.day + timedelta(days=14)}", part="times"))
    assert 'class="time"' not in later


def test_what_the_patient_cannot_book_is_explained_as_to_the_patient(staff, clinic, patient, gp):
    found = shown(opened(staff, clinic, patient, part="times"))
    assert "Du kan ikke bestille time på nett her" in found


def test_the_choice_of_a_code_stays_from_week_to_week(staff, clinic, patient, gp):
    allow(gp)
    switch_on(clinic)
    make_slot(gp, timezone.now() + timedelta(days=2))
    found = shown(opened(staff, clinic, patient, "?by=code", part="times"))
    assert links(found)
    assert all("by=code" in link for link in links(found))
    week_later = staff.get(unescape(next(link for link in links(found) if "from=" in link)))
    assert week_later.context["by_code"]


def test_the_patients_appointments_are_shown_and_lead_nowhere(staff, clinic, patient, gp):
    make_appointment(
        make_slot(gp, timezone.now() + timedelta(days=2)), patient, status=AppointmentStatus.BOOKED
    )
    found = shown(opened(staff, clinic, patient, part="appointments"))
    assert gp.name in found
    assert "Kommende" in found
    assert not links(found)


def test_a_part_that_does_not_exist_is_not_found(staff, clinic, patient):
    assert opened(staff, clinic, patient, part="letters").status_code == 404


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
    for part in (None, "times", "appointments"):
        with django_assert_max_num_queries(16):
            opened(staff, clinic, patient, part=part)
