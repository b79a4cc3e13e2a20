"""The staff's list of patients and one patient's page."""

import logging
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Role
from portal import audit
from portal.models import AuditEvent
from services.access.choices import Approval, Column
from services.access.models import SpecialRights
from services.booking.choices import AppointmentStatus
from services.home.patient_history import history_of
from services.own.words import SENTENCES
from tests.build import make_clinic, make_patient, make_provider
from tests.delegation.build_delegation import sign_in
from tests.patients.build_patients import number
from tests.patients.build_sessions import sign_in as sign_in_patient
from tests.services.access.build_access import give, special, tick
from tests.services.booking.build_staff import make_request

pytestmark = pytest.mark.django_db
PAGES = ["patient", "contact", "guardians", "portal", "appointments", "history"]


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def koman(clinic):
    return make_provider(clinic, name="Magnard Koman", initials="MK")


@pytest.fixture
def danser(clinic, koman):
    return make_patient(
        clinic,
        gp=koman,
        given_name="Line",
        family_name="Danser",
        national_id=number(),
        birth_date=date(1988, 4, 14),
        email="line@x.example",
    )


@pytest.fixture
def staff(client, clinic):
    sign_in(client, clinic, Role.ASSISTANT)
    client.cookies["django_language"] = "en"
    return client


def address(clinic, name, *args):
    return reverse(f"patients_staff:{name}", args=[clinic.portal_identifier, *args])


def events(patient, action):
    return list(AuditEvent.objects.filter(patient_id=patient.pk, action=action))


# -- the list ----------------------------------------------------------------------------------------------
def test_a_name_comes_back_in_the_address_and_finds_the_patient(staff, clinic, danser):
    answer = staff.post(address(clinic, "list"), {"q": "dan lin"})
    assert (answer.status_code, answer.url) == (302, address(clinic, "list") + "?q=dan+lin")
    page = staff.get(answer.url)
    assert "Danser, Line" in page.text
    assert "MK" in page.text


def test_a_national_id_opens_the_page_and_stands_nowhere(staff, clinic, danser, caplog):
    digits = number()
    with caplog.at_level(logging.DEBUG):
        answer = staff.post(address(clinic, "list"), {"q": f"{digits[:6]} {digits[6:]}"})
        assert (answer.status_code, answer.url) == (302, address(clinic, "patient", danser.pk))
        page = staff.get(answer.url)
    assert digits[6:] not in page.text
    assert digits[6:] not in caplog.text
    assert digits not in str(list(AuditEvent.objects.values()))


def test_a_national_id_of_nobody_here_is_answered_without_being_repeated_in_the_address(staff, clinic):
    answer = staff.post(address(clinic, "list"), {"q": number(3)})
    assert answer.status_code == 200
    assert "Nobody found" in answer.text


def test_a_mobile_is_answered_at_once_and_its_pages_have_no_address(staff, clinic):
    for _ in range(30):
        make_patient(clinic, mobile="+4791234567")
    answer = staff.post(address(clinic, "list"), {"q": "912 34 567"})
    assert answer.status_code == 200
    assert len(answer.context["page"].rows) == 25
    assert 'rel="next"' not in answer.text


def test_a_number_in_an_address_is_not_looked_for(staff, clinic, danser):
    for text in (number(), "91234567"):
        page = staff.get(address(clinic, "list"), {"q": text})
        assert page.status_code == 200
        assert page.context["page"] is None
        assert text not in page.text.replace(f"q={text}", "").split("<main")[1]


def test_a_search_that_makes_no_sense_is_told_at_the_box(staff, clinic):
    page = staff.post(address(clinic, "list"), {"q": "123"})
    assert page.status_code == 422
    assert "neither a birth date" in page.text


def test_the_list_shows_what_stands_out(staff, clinic, koman):
    special(make_patient(clinic, email="a@x.example"), booking=True)
    make_patient(clinic, is_active=False, national_id=None, portal_withdrawn_at=timezone.now())
    page = staff.get(address(clinic, "list"))
    for word in ("Not active", "No national ID", "Portal withdrawn", "No e-mail", "Special rights"):
        assert word in page.text


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    staff, clinic, koman, django_assert_max_num_queries
):
    for _ in range(40):
        make_patient(clinic, gp=koman)
    first = staff.get(address(clinic, "list"))
    with django_assert_max_num_queries(14):
        page = staff.get(address(clinic, "list"), {"after": first.context["page"].following})
    assert len(page.context["page"].rows) == 15
    assert not AuditEvent.objects.filter(action="patient.viewed").exists()


def test_other_clinics_patients_are_not_on_the_list(staff, clinic, danser):
    make_patient(make_clinic(), given_name="Fremmed", family_name="Danser")
    assert "Fremmed" not in staff.get(address(clinic, "list"), {"q": "danser"}).text


# -- who comes in ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", PAGES)
def test_another_clinics_patient_and_made_up_ids_are_not_there(staff, clinic, page):
    stranger = make_patient(make_clinic())
    for patient_id in (stranger.pk, uuid.uuid4()):
        assert staff.get(address(clinic, page, patient_id)).status_code == 404
    assert not AuditEvent.objects.filter(action="patient.viewed").exists()


@pytest.mark.parametrize("name", ["national_id", "portal_access", "contact", "portal"])
def test_nothing_is_done_to_another_clinics_patient(staff, clinic, name):
    stranger = make_patient(make_clinic())
    sent = {"act": "withdraw", "sure": "yes", "mobile": "", "email": ""} | AS_SHOWN
    assert staff.post(address(clinic, name, stranger.pk), sent).status_code == 404
    stranger.refresh_from_db()
    assert stranger.portal_withdrawn_at is None
    assert stranger.mobile


@pytest.mark.parametrize("page", PAGES)
def test_patients_and_staff_of_other_clinics_do_not_come_in(client, clinic, danser, page):
    assert client.get(address(clinic, page, danser.pk)).status_code == 302
    sign_in_patient(client, danser)
    assert client.get(address(clinic, page, danser.pk)).status_code == 404
    client.logout()
    sign_in(client, make_clinic())
    assert client.get(address(clinic, page, danser.pk)).status_code == 404
    assert not events(danser, "patient.viewed")


@pytest.mark.parametrize("page", PAGES)
def test_every_tab_opens_is_recorded_and_takes_few_queries(
    staff, clinic, danser, page, django_assert_max_num_queries
):
    with django_assert_max_num_queries(19):
        answer = staff.get(address(clinic, page, danser.pk))
    assert answer.status_code == 200
    assert 'aria-keyshortcuts="Control+1"' in answer.text
    assert len(events(danser, "patient.viewed")) == 1


# -- general and contact -----------------------------------------------------------------------------------
def test_the_national_id_is_masked_until_it_is_asked_for_and_that_is_recorded(staff, clinic, danser):
    digits = number()
    page = staff.get(address(clinic, "patient", danser.pk))
    assert f"{digits[:6]} •••••" in page.text
    assert digits[6:] not in page.text
    assert not events(danser, "patient.national_id_shown")
    shown = staff.post(address(clinic, "national_id", danser.pk))
    assert f"{digits[:6]} {digits[6:]}" in shown.text
    assert len(events(danser, "patient.national_id_shown")) == 1
    assert staff.get(address(clinic, "national_id", danser.pk)).status_code == 302


def test_a_patient_without_a_national_id_has_nothing_to_show(staff, clinic):
    nobody = make_patient(clinic, national_id=None)
    assert "Missing" in staff.get(address(clinic, "patient", nobody.pk)).text
    assert staff.post(address(clinic, "national_id", nobody.pk)).status_code == 200
    assert not events(nobody, "patient.national_id_shown")


def test_staff_correct_the_contact_details_and_it_is_recorded_without_them(staff, clinic, danser):
    sent = {"mobile": "998 87 766", "email": "ny@x.example", "language": "en"}
    assert staff.post(address(clinic, "contact", danser.pk), sent).status_code == 302
    danser.refresh_from_db()
    assert (danser.mobile, danser.email, danser.language) == ("+4799887766", "ny@x.example", "en")
    assert events(danser, "patient.contact_changed")[0].details == {"fields": ["email", "language", "mobile"]}


def test_a_bad_mobile_keeps_what_was_typed(staff, clinic, danser):
    page = staff.post(address(clinic, "contact", danser.pk), {"mobile": "12", "email": "ny@x.example"})
    assert page.status_code == 422
    assert "ny@x.example" in page.text


def test_a_missing_e_mail_is_marked(staff, clinic, koman):
    assert "E-mail is missing" in staff.get(address(clinic, "contact", make_patient(clinic).pk)).text


# -- portal ------------------------------------------------------------------------------------------------
AS_SHOWN = {
    "seen": "-----",
    "booking": "standard",
    "approval": "standard",
    "cancelling": "standard",
    "consultation": "standard",
    "renewal": "standard",
}


def test_the_standard_stands_beside_each_right(staff, clinic, koman, danser):
    give(koman, booking=True, approval=Approval.AUTOMATIC)
    page = staff.get(address(clinic, "portal", danser.pk))
    assert "Standard: Yes, from Magnard Koman&#x27;s list." in page.text
    assert "As standard (approved automatically)" in page.text


def test_without_a_gp_the_standard_depends_on_whom_the_patient_chooses(staff, clinic, koman):
    give(koman, Column.WITHOUT_GP, booking=True)
    make_provider(clinic, name="Tuva Turnus")
    page = staff.get(address(clinic, "portal", make_patient(clinic).pk))
    assert "Yes with Magnard Koman; No with Tuva Turnus" in page.text


def test_the_effect_is_said_before_and_nothing_is_stored(staff, clinic, koman, danser):
    tick(koman, koman)
    page = staff.post(
        address(clinic, "portal", danser.pk),
        AS_SHOWN | {"booking": "yes", "consultation": "yes", "do": "look"},
    )
    assert page.status_code == 200
    assert "Booking with Magnard Koman" in page.text
    assert "the service matrix lets the patient use it with nobody today" in page.text
    assert not SpecialRights.objects.exists()


def test_a_look_through_the_form_gives_the_effect_alone_and_a_whole_page_is_recorded(staff, clinic, danser):
    sent = AS_SHOWN | {"renewal": "yes", "do": "look"}
    part = staff.post(address(clinic, "portal", danser.pk), sent, headers={"hx-request": "true"})
    assert 'id="effect"' in part.text
    assert "Danser" not in part.text
    assert not events(danser, "patient.viewed")
    staff.post(address(clinic, "portal", danser.pk), sent)
    assert len(events(danser, "patient.viewed")) == 1


def test_rights_are_saved_by_any_staff_member_and_recorded(staff, clinic, koman, danser):
    sent = AS_SHOWN | {"booking": "yes", "approval": "automatic", "renewal": "no"}
    assert staff.post(address(clinic, "portal", danser.pk), sent).status_code == 302
    stored = SpecialRights.objects.get(patient=danser)
    assert (stored.booking, stored.approval, stored.renewal, stored.cancelling) == (
        True,
        "automatic",
        False,
        None,
    )
    assert len(events(danser, "special_rights.changed")) == 1
    history = staff.get(address(clinic, "history", danser.pk)).text
    assert "Booking: from “as standard” to “yes”" in history


def test_a_save_that_leaves_the_patient_with_nothing_asks_once_more(staff, clinic, koman, danser):
    give(koman, booking=True)
    tick(koman, koman)
    sent = AS_SHOWN | {"booking": "no"}
    page = staff.post(address(clinic, "portal", danser.pk), sent)
    assert page.status_code == 422
    assert "This leaves the patient with nothing" in page.text
    assert not SpecialRights.objects.exists()
    assert staff.post(address(clinic, "portal", danser.pk), sent | {"sure": "yes"}).status_code == 302
    assert SpecialRights.objects.get().booking is False


def test_a_change_in_between_is_told_and_what_was_chosen_stays(staff, clinic, koman, danser):
    special(danser, renewal=True)
    page = staff.post(address(clinic, "portal", danser.pk), AS_SHOWN | {"consultation": "yes"})
    assert page.status_code == 422
    assert "Somebody else has changed" in page.text
    assert SpecialRights.objects.get().consultation is None
    form = page.context["editor"].form
    assert form["consultation"].value() == "yes"
    again = {name: form[name].value() for name in AS_SHOWN}
    assert again["seen"] == "----y"
    assert staff.post(address(clinic, "portal", danser.pk), again).status_code == 302
    assert SpecialRights.objects.get().consultation is True


@pytest.mark.parametrize(
    "forged", [{"booking": "maybe"}, {"approval": "yes"}, {"seen": "zzzzz"}, {"seen": ""}, {"booking": ""}]
)
def test_forged_values_change_nothing(staff, clinic, danser, forged):
    assert staff.post(address(clinic, "portal", danser.pk), AS_SHOWN | forged).status_code == 422
    assert not SpecialRights.objects.exists()


def test_the_portal_is_taken_away_after_asking_and_given_back(staff, clinic, danser):
    access = address(clinic, "portal_access", danser.pk)
    asked = staff.post(access, {"act": "withdraw"})
    assert "Take the portal from this patient?" in asked.text
    danser.refresh_from_db()
    assert danser.portal_withdrawn_at is None
    assert staff.post(access, {"act": "withdraw", "sure": "yes"}).status_code == 302
    assert "The record is not active" not in staff.get(address(clinic, "portal", danser.pk)).text
    danser.refresh_from_db()
    assert danser.portal_withdrawn_at
    again = staff.post(access, {"act": "withdraw", "sure": "yes"}, follow=True)
    assert "Somebody has already taken the portal" in again.text
    assert staff.post(access, {"act": "give-back"}).status_code == 302
    danser.refresh_from_db()
    assert danser.portal_withdrawn_at is None
    assert (
        len(events(danser, "patient.portal_withdrawn"))
        == len(events(danser, "patient.portal_given_back"))
        == 1
    )
    assert staff.post(access, {"act": "delete"}).status_code == 404


# -- appointments and history ------------------------------------------------------------------------------
def test_coming_and_earlier_appointments_lead_to_their_pages(staff, clinic, koman, danser):
    coming = make_request(koman, patient=danser)
    earlier = [
        make_request(koman, days=-day, patient=danser, status=AppointmentStatus.BOOKED)
        for day in range(1, 24)
    ]
    page = staff.get(address(clinic, "appointments", danser.pk))
    assert reverse("booking_staff:appointment", args=[clinic.portal_identifier, coming.pk]) in page.text
    found = page.context["found"]
    assert [one.pk for one in found.coming] == [coming.pk]
    assert [one.pk for one in found.earlier] == [one.pk for one in earlier[:20]]
    rest = staff.get(address(clinic, "appointments", danser.pk), {"after": found.following}).context["found"]
    assert [one.pk for one in rest.earlier] == [one.pk for one in earlier[20:]]


def test_the_history_has_a_sentence_for_everything_that_happens_around_a_patient(clinic, danser):
    for action in SENTENCES:
        audit.record(
            action=action, subject=danser, actor=audit.SYSTEM, now=timezone.now(), patient_id=danser.pk
        )
    first = history_of(patient=danser)
    lines = [*first.lines, *history_of(patient=danser, before=first.following).lines]
    assert {line.action for line in lines} == set(SENTENCES)
    assert "Something else was done" not in {line.what for line in lines}


def test_the_history_gathers_looks_and_turns_pages(staff, clinic, danser):
    for _ in range(3):
        staff.get(address(clinic, "patient", danser.pk))
    page = staff.get(address(clinic, "history", danser.pk))
    assert "(4 times)" in page.text
    assert "Siv Sekretær" in page.text
    at = datetime(2026, 1, 1, tzinfo=UTC)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=at + timedelta(minutes=place // 2),
            clinic_id=clinic.pk,
            actor_kind="system",
            patient_id=danser.pk,
            action="patient.updated",
            subject_type="patients.patient",
            subject_id=str(danser.pk),
            details={"fields": ["mobile"]},
        )
        for place in range(150)
    )
    total, before = 0, None
    while True:
        found = staff.get(
            address(clinic, "history", danser.pk), {"before": before} if before else {}
        ).context["found"]
        total += sum(line.action == "patient.updated" for line in found.lines)
        if not (before := found.following):
            break
    assert total == 150
    assert staff.get(address(clinic, "history", danser.pk), {"before": "9" * 30}).status_code == 200
