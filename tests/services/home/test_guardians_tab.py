"""The staff's tab about guardians and proxies."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from patients.guardianship import operations
from patients.guardianship.models import ActingRules, Guardian, Proxy
from portal.models import AuditEvent
from tests.build import make_clinic
from tests.delegation.build_delegation import sign_in
from tests.patients.build_guardians import adult, in_register, make_person, number_of, years_ago

pytestmark = pytest.mark.django_db

MOTHER = number_of(years_ago(39), serial=3)


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def child(clinic):
    return make_person(clinic, years_ago(13), given_name="Nora")


@pytest.fixture
def staff(client, clinic):
    sign_in(client, clinic, Role.ASSISTANT)
    client.cookies["django_language"] = "en"
    return client


def address(patient, name="guardians"):
    return reverse(f"patients_staff:{name}", args=[patient.clinic.portal_identifier, patient.pk])


def adds(staff, patient, **changes):
    values = {
        "name": "Kari Forelder",
        "number": MOTHER.number,
        "proof": "passport, birth certificate",
        "until": "",
    }
    return staff.post(address(patient, "guardian_add"), values | changes)


def presses(staff, patient, act, relation=None):
    return staff.post(
        address(patient, "guardian_change"), {"act": act, "relation": str(relation.pk if relation else "")}
    )


def test_a_guardian_is_added_with_proof_and_shows_with_basis_and_end(staff, child):
    assert adds(staff, child).status_code == 302
    row = Guardian.objects.get()
    assert (row.proof, row.adult_name) == ("passport, birth certificate", "Kari Forelder")
    page = staff.get(address(child)).text
    assert "the clinic has seen proof: passport, birth certificate" in page
    assert "ends by itself on" in page
    assert MOTHER.number[6:] not in page
    event = AuditEvent.objects.get(action="guardian.confirmed")
    assert (event.patient_id, event.actor_kind) == (child.pk, "staff")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"number": "123"}, "A Norwegian national ID has 11 digits."),
        ({"proof": ""}, "id_guardian_proof"),
        ({"number": number_of(years_ago(17)).number}, "This person is not old enough to act for others."),
        ({"until": "2020-01-01"}, "The last day must be to come."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(staff, child, changes, sentence):
    answer = adds(staff, child, **changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Kari Forelder" in answer.text
    assert not Guardian.objects.exists()


def test_a_guardian_of_a_grown_up_is_refused(staff, clinic):
    grown = make_person(clinic, years_ago(16))
    assert "Register a proxy instead" in adds(staff, grown).text


def test_block_let_in_and_end(staff, child):
    adds(staff, child)
    row = Guardian.objects.get()
    presses(staff, child, "block", row)
    row.refresh_from_db()
    assert row.blocked_at is not None
    assert "Can&#x27;t act" in staff.get(address(child)).text or "Can't act" in staff.get(address(child)).text
    presses(staff, child, "block", row)
    assert AuditEvent.objects.filter(action="guardian.blocked").count() == 1
    presses(staff, child, "unblock", row)
    presses(staff, child, "end", row)
    row.refresh_from_db()
    assert (row.blocked_at, row.confirmed_at, row.proof) == (None, None, "")


def test_letters_of_an_older_child_are_opened_and_closed(staff, child):
    presses(staff, child, "open-letters")
    assert ActingRules.objects.get().letters_open_at is not None
    presses(staff, child, "close-letters")
    assert ActingRules.objects.get().letters_open_at is None


def test_letters_of_a_small_child_need_no_opening(staff, clinic):
    small = make_person(clinic, years_ago(8))
    presses(staff, small, "open-letters")
    assert not ActingRules.objects.filter(letters_open_at__isnull=False).exists()


def test_a_protected_address_closes_for_everyone(staff, child):
    presses(staff, child, "close")
    assert "Nobody can act for this patient" in staff.get(address(child)).text
    presses(staff, child, "allow")
    assert ActingRules.objects.get().closed_at is None


def test_a_proxy_is_registered_and_ended(staff, clinic):
    giver = make_person(clinic, years_ago(70), serial=5)
    last_day = (timezone.localdate() + timedelta(days=30)).isoformat()
    values = {
        "name": "Siri Hjelper",
        "number": MOTHER.number,
        "areas": ["appointments"],
        "last_day": last_day,
        "proof": "in person",
    }
    assert staff.post(address(giver, "proxy_add"), values | {"areas": []}).status_code == 422
    assert staff.post(address(giver, "proxy_add"), values).status_code == 302
    assert staff.post(address(giver, "proxy_add"), values).status_code == 302
    assert Proxy.objects.filter(ended_at=None).count() == 1
    presses(staff, giver, "end-proxy", Proxy.objects.get(ended_at=None))
    assert not Proxy.objects.filter(ended_at=None).exists()
    assert "ended on" in staff.get(address(giver)).text


def test_another_patients_and_another_clinics_relation_is_not_there(staff, clinic, child):
    other = make_person(clinic, years_ago(5), serial=6)
    adds(staff, other)
    row = Guardian.objects.get()
    assert presses(staff, child, "block", row).status_code == 404
    foreign = make_person(make_clinic(), years_ago(5))
    assert staff.get(address(foreign)).status_code == 404
    assert adds(staff, foreign).status_code == 404
    assert presses(staff, child, "no-such-act").status_code == 404


def test_what_the_register_said_shows_with_its_source(staff, child, settings):
    settings.GUARDIANSHIP_SOURCE = "file"
    in_register(child, MOTHER)
    operations.check(patient=child, adult=adult(MOTHER), now=timezone.now())
    page = staff.get(address(child)).text
    assert "register extract: Guardian, custody, mother" in page


def test_the_tab_takes_few_queries(staff, child, django_assert_max_num_queries):
    adds(staff, child)
    staff.get(address(child))
    with django_assert_max_num_queries(16):
        staff.get(address(child))
