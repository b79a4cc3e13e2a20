"""The patient's own details, and who may come in at all."""

from urllib.parse import quote

import pytest
from django.urls import reverse
from django.utils import timezone

from patients.models import Patient
from portal.models import AuditEvent
from tests.build import make_clinic, make_patient, make_provider
from tests.patients.build_sessions import sign_in

pytestmark = pytest.mark.django_db


def address(clinic):
    return reverse("patients:details", args=[clinic.portal_identifier])


@pytest.fixture
def clinic():
    return make_clinic(name="Sentrum legekontor", phone="+4722334455")


@pytest.fixture
def patient(clinic):
    gp = make_provider(clinic, name="Magnard Koman")
    return make_patient(clinic, gp=gp, email="line@x.example")


def post(client, clinic, **values):
    return client.post(address(clinic), {"mobile": "", "email": "", "language": ""} | values)


def test_the_page_shows_the_record_and_the_number_as_people_write_it(client, clinic, patient):
    sign_in(client, patient)
    page = client.get(address(clinic)).content.decode()
    assert all(word in page for word in ("Line Danser", "Magnard Koman", "91 23 45 67", "line@x.example"))


def test_the_page_takes_few_queries(client, clinic, patient, django_assert_max_num_queries):
    sign_in(client, patient)
    client.get(address(clinic))
    with django_assert_max_num_queries(8):
        client.get(address(clinic))


def test_changes_are_stored_and_recorded_without_saying_what(client, clinic, patient):
    user = sign_in(client, patient)
    response = post(client, clinic, mobile="", email="line@x.example", language="da")
    assert response.status_code == 302
    patient.refresh_from_db()
    assert (patient.mobile, patient.email, patient.language) == ("", "line@x.example", "da")
    events = AuditEvent.objects.filter(action="patient.contact_changed").order_by("id")
    assert {(event.actor_id, event.patient_id, event.clinic_id) for event in events} == {
        (user.pk, patient.pk, clinic.pk)
    }
    assert [event.details for event in events] == [{"fields": ["mobile"]}, {"fields": ["language"]}]


def test_saving_twice_is_one_change(client, clinic, patient):
    sign_in(client, patient)
    for _ in range(2):
        post(client, clinic, mobile="98765432")
    assert AuditEvent.objects.filter(action="patient.contact_changed").count() == 1


def test_contact_data_may_be_empty_and_is_pointed_out(client, clinic, patient):
    sign_in(client, patient)
    assert client.get(address(clinic)).content.decode().count('data-color="warning"') == 0
    assert post(client, clinic).status_code == 302
    assert client.get(address(clinic)).content.decode().count('data-color="warning"') == 2


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("mobile", "22 33 44 55"),
        ("mobile", "nine one two"),
        ("mobile", "9" * 41),
        ("email", "line at home"),
        ("email", f"{'a' * 300}@x.example"),
        ("language", "tlh"),
    ],
)
def test_bad_input_is_told_by_the_field_and_nothing_typed_is_lost(client, clinic, patient, field, typed):
    sign_in(client, patient)
    good = {"mobile": "98765432", "email": "new@x.example"}
    response = post(client, clinic, **(good | {field: typed}))
    assert response.status_code == 422
    assert f"id_{field}_error" in response.content.decode()
    kept = {name: value for name, value in (good | {field: typed}).items() if name != "language"}
    assert all(value in response.content.decode() for value in kept.values())
    patient.refresh_from_db()
    assert patient.mobile == "+4791234567"


def test_only_the_record_of_the_clinic_in_the_address_changes(client, clinic, patient):
    other = make_patient(make_clinic(), national_id=patient.national_id)
    Patient.objects.filter(pk=other.pk).update(national_id_index=patient.national_id_index)
    sign_in(client, patient)
    post(client, clinic, mobile="98765432")
    other.refresh_from_db()
    assert other.mobile == "+4791234567"


def test_whoever_is_not_signed_in_is_led_to_the_clinics_front(client, clinic):
    response = client.get(address(clinic))
    assert (response.status_code, response.url) == (
        302,
        f"{reverse('clinic_front', args=[clinic.portal_identifier])}?next={quote(address(clinic), safe='')}",
    )


def test_a_session_of_one_clinic_is_not_good_for_another(client, clinic, patient):
    sign_in(client, patient, clinic_scope=make_clinic().pk)
    assert client.get(address(clinic)).status_code == 302


@pytest.mark.parametrize("values", [{"is_active": False}, {"national_id_index": "0" * 64}])
def test_without_an_active_record_there_is_a_page_with_a_way_on(client, clinic, patient, values):
    sign_in(client, patient)
    Patient.objects.filter(pk=patient.pk).update(**values)
    response = client.get(address(clinic))
    assert response.status_code == 403
    page = response.content.decode()
    assert "tel:+4722334455" in page
    assert "Line Danser" not in page


def test_a_clinic_whose_portal_is_off_says_so_with_its_phone(client, clinic, patient):
    sign_in(client, patient)
    clinic.is_active = False
    clinic.save()
    response = client.get(address(clinic))
    assert response.status_code == 403
    assert "tel:+4722334455" in response.content.decode()
    clinic.phone = ""
    clinic.save()
    assert "tel:" not in client.get(address(clinic)).content.decode()


def test_whoever_lost_the_portal_may_still_read(client, clinic, patient):
    sign_in(client, patient)
    Patient.objects.filter(pk=patient.pk).update(portal_withdrawn_at=timezone.now())
    assert client.get(address(clinic)).status_code == 200
