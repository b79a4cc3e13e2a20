"""My page and my clinics: who comes in, and what is shown."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country
from patients.models import Patient
from tests.build import make_clinic, make_patient
from tests.patients.build_guardians import (
    begins,
    in_register,
    make_account,
    make_person,
    number_of,
    sign_in_account,
    years_ago,
)
from tests.services.own.build_own import make_place, page, patient_in, staff_in

pytestmark = pytest.mark.django_db
PAGES = ["page", "log", "sign_ins", "ways_in", "clinics", "data", "file", "leave"]
FOR_ONESELF = ["page", "sign_ins", "ways_in", "clinics", "data", "file", "leave"]


@pytest.fixture
def place():
    return make_place()


@pytest.mark.parametrize("name", PAGES)
def test_nobody_signed_in_is_led_to_the_clinics_front_page(client, place, name):
    answer = page(client, place.clinic, name)
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"/{place.clinic.portal_identifier}/?next=")


@pytest.mark.parametrize("name", PAGES)
def test_staff_and_patients_of_other_clinics_do_not_come_in(client, place, name):
    staff_in(client, place.secretary)
    assert page(client, place.clinic, name).status_code in {302, 403}
    stranger = Client()
    patient_in(stranger, make_patient(make_clinic()))
    assert page(stranger, place.clinic, name).status_code == 403


def test_the_hub_leads_to_every_page_and_is_in_the_menu(client, place):
    patient_in(client, place.patient)
    text = page(client, place.clinic, "page").content.decode()
    for name in ("log", "sign_ins", "ways_in", "clinics", "data", "leave"):
        assert reverse(f"own:{name}", args=[place.clinic.portal_identifier]) in text
    start = client.get(reverse("home:start", args=[place.clinic.portal_identifier])).content.decode()
    assert reverse("own:page", args=[place.clinic.portal_identifier]) in start


@pytest.mark.parametrize("name", ["own:log", "patients:details", "acting:people", "my_sessions:list"])
def test_every_page_below_the_hub_leads_back_to_it_and_is_marked_in_the_menu(client, place, name):
    patient_in(client, place.patient)
    hub = reverse("own:page", args=[place.clinic.portal_identifier])
    shown = client.get(reverse(name, args=[place.clinic.portal_identifier])).content.decode()
    assert f'<a href="{hub}" aria-current="true">' in shown
    assert f'<p class="crumb"><a href="{hub}">' in shown


@pytest.mark.parametrize("name", FOR_ONESELF)
def test_who_acts_for_a_child_finds_these_pages_closed(place, name):
    child = make_person(place.clinic, years_ago(8), serial=3)
    mother = number_of(years_ago(40), serial=4)
    make_person(place.clinic, years_ago(40), serial=4)
    in_register(child, mother)
    browser = Client()
    sign_in_account(browser, make_account(mother))
    browser.get(reverse("acting:people", args=[place.clinic.portal_identifier]))
    begins(browser, place.clinic, child.guardians.get())
    assert page(browser, place.clinic, name).status_code == 403
    answer = browser.post(reverse("own:leave", args=[place.clinic.portal_identifier]), {"sure": "on"})
    assert answer.status_code == 403
    child.refresh_from_db()
    assert child.left_at is None


def test_whom_the_portal_was_taken_from_still_has_insight(client, place):
    Patient.objects.filter(pk=place.patient.pk).update(portal_withdrawn_at=timezone.now())
    patient_in(client, place.patient)
    for name in ("page", "log", "data", "leave"):
        assert page(client, place.clinic, name).status_code == 200


# -- clinics -----------------------------------------------------------------------------------------------
def test_my_clinics_are_those_with_my_record_and_others_can_be_registered_at(client, place):
    here = place.patient
    second = make_clinic(name="Skogen legesenter")
    make_patient(second, national_id=here.national_id, national_id_index=here.national_id_index)
    off = make_clinic(name="Stengt legesenter", is_active=False)
    make_patient(off, national_id=here.national_id, national_id_index=here.national_id_index)
    make_clinic(name="Ny i byen", self_registration="by-hand", city="Moss")
    make_clinic(name="Tar ingen", self_registration="off")
    make_clinic(name="Dansk", country=Country.DENMARK, self_registration="by-hand")
    patient_in(client, here)
    found = page(client, place.clinic, "clinics").context["found"]
    assert {one.clinic.name for one in found.own} == {place.clinic.name, "Skogen legesenter"}
    assert "Ny i byen" in {one.name for one in found.others}
    assert not {"Tar ingen", "Dansk", "Stengt legesenter"} & {one.name for one in found.others}


def test_a_session_by_code_tells_of_no_other_clinic(client, place):
    here = place.patient
    second = make_clinic(name="Skogen legesenter")
    make_patient(second, national_id=here.national_id, national_id_index=here.national_id_index)
    patient_in(client, here, clinic_scope=place.clinic.pk)
    answer = page(client, place.clinic, "clinics")
    assert "Skogen" not in answer.content.decode()
    assert answer.context["found"].others == ()


def test_a_clinic_that_one_has_left_says_so(client, place):
    here = place.patient
    second = make_clinic(name="Skogen legesenter")
    make_patient(
        second, national_id=here.national_id, national_id_index=here.national_id_index, left_at=timezone.now()
    )
    patient_in(client, here)
    assert "You have left this portal" in page(client, place.clinic, "clinics").content.decode()
