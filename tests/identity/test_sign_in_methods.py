"""Which ways of signing in a clinic offers."""

import pytest
from django.urls import reverse

from clinic_admin.choices import Country, Role
from identity import queries
from identity.admin import sign_in_methods
from identity.models import ClinicIdentityProvider
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.identity.build_identity import provider_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    clinic = make_clinic()
    for slug in ("bankid-one", "bankid-two"):
        row = provider_row(slug=slug, issuer=f"https://{slug}.example")
        row.save()
    provider_row(slug="mitid-dk", issuer="https://dk.example", country=Country.DENMARK).save()
    ClinicIdentityProvider.objects.create(clinic=clinic, provider=sign_in_methods.available(clinic)[0])
    return clinic


def address(clinic):
    return reverse("identity_admin:sign_in", args=[clinic.portal_identifier])


def on(clinic):
    return {choice.slug for choice in queries.sign_in_choices(clinic)}


def test_a_change_meets_the_next_visitor_and_is_recorded(client, clinic):
    admin = sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    response = client.post(address(clinic), {"providers": ["bankid-two"], "seen": "bankid-one"})
    assert response.status_code == 302
    assert on(clinic) == {"bankid-two"}
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.clinic_id) == ("sign_in.changed", admin.user_id, clinic.pk)
    assert event.details == {"before": ["bankid-one"], "after": ["bankid-two"]}
    front = client.get(reverse("clinic_front", args=[clinic.portal_identifier])).content.decode()
    assert "bankid-two" in front
    assert "bankid-one" not in front
    old = reverse("identity:sign_in", args=[clinic.portal_identifier, "bankid-one"])
    assert client.post(old).status_code == 404


@pytest.mark.parametrize("chosen", [[], ["mitid-dk"], ["nothing"], ["bankid-one", "mitid-dk"]])
def test_at_least_one_stays_on_and_only_what_the_country_has(client, clinic, chosen):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    response = client.post(address(clinic), {"providers": chosen, "seen": "bankid-one"})
    assert response.status_code == 422
    assert on(clinic) == {"bankid-one"}


def test_an_old_page_does_not_save_over_news(client, clinic):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    client.post(address(clinic), {"providers": ["bankid-one", "bankid-two"], "seen": "bankid-one"})
    response = client.post(address(clinic), {"providers": ["bankid-two"], "seen": "bankid-one"})
    assert response.status_code == 409
    assert on(clinic) == {"bankid-one", "bankid-two"}


def test_others_look_and_change_nothing(client, clinic):
    sign_in_staff(client, clinic)
    page = client.get(address(clinic)).content.decode()
    assert 'type="submit"' not in page.split("<main")[1].split("</main")[0]
    assert (
        client.post(address(clinic), {"providers": ["bankid-two"], "seen": "bankid-one"}).status_code == 403
    )
    assert on(clinic) == {"bankid-one"}


def test_the_page_takes_few_queries(client, clinic, django_assert_max_num_queries):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    client.get(address(clinic))
    with django_assert_max_num_queries(12):
        client.get(address(clinic))


def test_undo_shows_the_ways_of_before_and_two_at_once_lose_nothing(client, clinic):
    sign_in_staff(client, clinic, Role.CLINIC_ADMINISTRATOR)
    client.cookies["django_language"] = "en"
    client.post(address(clinic), {"providers": ["bankid-two"], "seen": "bankid-one"})
    event = AuditEvent.objects.get(action="sign_in.changed").pk
    page = client.get(address(clinic), {"undo": event})
    assert "Nothing is saved yet" in page.text
    assert page.context["form"]["providers"].value() == ["bankid-one"]
    stale = client.post(address(clinic), {"providers": ["bankid-one"], "seen": "bankid-one"})
    assert stale.status_code == 409
    assert stale.context["form"]["providers"].value() == ["bankid-one"]
    assert "saved this page while you had it open" in stale.text
    again = stale.context["form"]
    sent = {"providers": again["providers"].value(), "seen": again["seen"].value()}
    assert client.post(address(clinic), sent).status_code == 302
    assert on(clinic) == {"bankid-one"}
