"""Where links to e-consultations and renewals lead (A5): with whom, or why with nobody, and the way on."""

import pytest
from django.urls import reverse

from clinic_admin.choices import Service
from delegation.models import MatrixTick
from identity import sessions
from identity.choices import Assurance, Method
from services.access.choices import Column
from services.access.models import ProviderRights
from tests.build import make_clinic, make_patient, make_provider
from tests.patients.build_patients import number
from tests.patients.build_sessions import sign_in

pytestmark = pytest.mark.django_db
PAGES = {"consultation": Service.CONSULTATION, "renewal": Service.RENEWAL}


@pytest.fixture
def clinic():
    return make_clinic(phone="+4721560000")


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman")


@pytest.fixture
def patient(client, clinic, koman):
    client.cookies["django_language"] = "en"
    patient = make_patient(clinic, gp=koman, national_id=number())
    sign_in(client, patient)
    return patient


def address(clinic, name):
    return reverse(f"home:{name}", args=[clinic.portal_identifier])


def open_to_list(provider, service):
    ProviderRights.objects.update_or_create(
        provider=provider, column=Column.WITH_GP, defaults={"consultation": True, "renewal": True}
    )
    MatrixTick.objects.create(clinic=provider.clinic, service=service, row=provider, provider=provider)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_names_who_is_open_to_the_patient(client, clinic, koman, patient, name):
    open_to_list(koman, PAGES[name])
    page = client.get(address(clinic, name)).content.decode()
    assert "Open to you with" in page
    assert "Magnard Koman" in page
    assert "21 56 00 00" in page


@pytest.mark.parametrize("name", PAGES)
def test_a_closed_service_says_why_and_the_way_on(client, clinic, patient, name):
    page = client.get(address(clinic, name)).content.decode()
    assert "The clinic has not opened this to you." in page
    assert "Phone the clinic" in page
    assert "Magnard Koman" not in page


def signed_in_as(client, clinic, assurance):
    """Turn the session into one of this assurance."""
    session = client.session
    request = type("Request", (), {"session": session})()
    stored = sessions.of(request)
    how = sessions.SignIn(Method.ONE_TIME_CODE, assurance, stored.at, clinic_scope=clinic.pk)
    sessions.store(request, how)
    session.save()


def test_c16_a_code_session_is_told_why_and_leads_to_eid_and_back_here(client, clinic, koman, patient):
    open_to_list(koman, Service.CONSULTATION)
    here = address(clinic, "consultation")
    signed_in_as(client, clinic, Assurance.TWO_FACTORS)
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get(here, headers=headers)
        way = answer.headers.get("HX-Redirect") or answer.url
        assert way.startswith(reverse("identity:prove_again", args=[clinic.portal_identifier]))
        assert b"Magnard Koman" not in answer.content
    page = client.get(way).content.decode()
    assert "They open with eID only." in page
    assert "You signed in with password and code." in page
    signed_in_as(client, clinic, Assurance.SUBSTANTIAL)
    assert client.get(here).status_code == 302
    signed_in_as(client, clinic, Assurance.HIGH)
    assert "Magnard Koman" in client.get(here).content.decode()


def test_c16_what_is_closed_for_another_reason_says_that_reason(client, clinic, koman, patient):
    signed_in_as(client, clinic, Assurance.TWO_FACTORS)
    page = client.get(address(clinic, "consultation")).content.decode()
    assert "The clinic has not opened this to you." in page


@pytest.mark.parametrize("name", PAGES)
def test_the_link_waits_for_the_sign_in_and_costs_few_queries(
    client, clinic, koman, patient, name, django_assert_max_num_queries
):
    open_to_list(koman, PAGES[name])
    here = address(clinic, name)
    with django_assert_max_num_queries(9):
        client.get(here)
    client.logout()
    assert client.get(here).url.endswith(f"?next={here.replace('/', '%2F')}")


def test_the_start_page_shows_each_service_open_or_shut(client, clinic, koman, patient):
    open_to_list(koman, Service.RENEWAL)
    page = client.get(reverse("home:start", args=[clinic.portal_identifier])).content.decode()
    assert "Who renews for you" in page
    assert page.count("Not open to you. See why") == 1
