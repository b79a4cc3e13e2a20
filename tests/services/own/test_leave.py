"""Leaving the portal: what ends, what stays, coming appointments, coming back; staff's removal is the same act."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, SelfRegistration
from clinic_admin.models import Clinic
from identity import national_id
from identity.choices import Method
from identity.models import ClinicMembership, KeptForm
from notifications.choices import MessageKind, State
from notifications.models import OutboxMessage
from patients import operations
from patients.guardianship import operations as guardianship
from patients.guardianship.choices import Area
from patients.models import Patient
from portal.models import AuditEvent
from services.access.models import ProviderRights
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from tests.build import make_clinic, make_user
from tests.identity.build_codes import PASSWORD, first_step, give_password, is_signed_in, person, signs_in
from tests.identity.build_identity import begin, come_back, connect, enter, record_for
from tests.patients.build_guardians import adult, number_of, years_ago
from tests.services.booking.build_staff import make_request
from tests.services.own.build_own import make_place, page, patient_in, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def browser(place):
    client = Client()
    place.user = patient_in(client, place.patient)
    return client


def leaves(browser, clinic, **form):
    return browser.post(reverse("own:leave", args=[clinic.portal_identifier]), {"sure": "on"} | form)


def actions(patient):
    return list(
        AuditEvent.objects.filter(patient_id=patient.pk).order_by("pk").values_list("action", flat=True)
    )


def test_the_page_says_what_ends_what_stays_and_which_appointments_come(place, browser):
    make_request(place.gp, patient=place.patient)
    text = page(browser, place.clinic, "leave").content.decode()
    for words in ("What ends", "the law says", "Magnard Koman", "line1@x.example", "Keep my appointments"):
        assert words in text


def test_leaving_ends_the_session_keeps_the_record_and_tells_by_email(place, browser):
    answer = leaves(browser, place.clinic)
    assert answer.status_code == 303
    assert answer["Location"] == reverse("own:left", args=[place.clinic.portal_identifier])
    assert not is_signed_in(browser)
    assert browser.get(answer["Location"]).status_code == 200
    place.patient.refresh_from_db()
    assert place.patient.left_at is not None
    assert place.patient.is_active, "the clinic's record stays"
    assert actions(place.patient) == ["patient.left_portal"]
    message = OutboxMessage.objects.get(kind=MessageKind.REGISTRATION)
    assert message.recipient == "line1@x.example"
    assert place.clinic.name in message.title


def test_without_an_address_nothing_is_sent_and_it_works_all_the_same(place, browser):
    Patient.objects.filter(pk=place.patient.pk).update(email="")
    assert leaves(browser, place.clinic).status_code == 303
    assert not OutboxMessage.objects.exists()


def test_it_asks_for_the_tick_and_for_what_happens_to_appointments(place, browser):
    make_request(place.gp, patient=place.patient)
    answer = browser.post(reverse("own:leave", args=[place.clinic.portal_identifier]), {})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"coming", "sure"}
    answer = leaves(browser, place.clinic, coming="burn")
    assert set(answer.context["form"].errors) == {"coming"}
    place.patient.refresh_from_db()
    assert place.patient.left_at is None


def test_appointments_can_be_kept(place, browser):
    request = make_request(place.gp, patient=place.patient)
    leaves(browser, place.clinic, coming="keep")
    request.refresh_from_db()
    assert request.status == AppointmentStatus.REQUESTED


def test_appointments_that_may_be_cancelled_are_and_others_stay(place, browser):
    mine = make_request(place.gp, patient=place.patient, status=AppointmentStatus.BOOKED)
    leaves(browser, place.clinic, coming="cancel")
    mine.refresh_from_db()
    assert mine.status == AppointmentStatus.CANCELLED
    assert actions(place.patient) == ["appointment.cancelled", "patient.left_portal"]


def test_where_cancelling_is_not_allowed_the_appointment_stays(place, browser):
    ProviderRights.objects.update(cancelling=False)
    mine = make_request(place.gp, patient=place.patient, status=AppointmentStatus.BOOKED)
    assert leaves(browser, place.clinic, coming="cancel").status_code == 303
    mine.refresh_from_db()
    assert mine.status == AppointmentStatus.BOOKED


def test_chosen_reminders_and_electronic_answers_end(place, browser):
    mine = make_request(place.gp, patient=place.patient, status="booked", wants_reminder=True)
    other = make_request(place.gp, days=4, wants_reminder=True)
    Patient.objects.filter(pk=place.patient.pk).update(wants_electronic_answers=True)
    for one in (mine, other):
        _reminder(one)
    leaves(browser, place.clinic, coming="keep")
    place.patient.refresh_from_db()
    assert not place.patient.wants_electronic_answers
    assert Appointment.objects.get(pk=mine.pk).wants_reminder is False
    assert Appointment.objects.get(pk=other.pk).wants_reminder is True
    states = dict(OutboxMessage.objects.filter(kind=MessageKind.REMINDER).values_list("subject_id", "state"))
    assert states == {str(mine.pk): State.CANCELLED, str(other.pk): State.QUEUED}


def test_reminders_that_the_clinic_sends_everyone_stay(place, browser):
    Clinic.objects.filter(pk=place.clinic.pk).update(reminds_everyone=True)
    mine = make_request(place.gp, patient=place.patient, status="booked", wants_reminder=True)
    _reminder(mine)
    leaves(browser, place.clinic, coming="keep")
    assert OutboxMessage.objects.get(kind=MessageKind.REMINDER).state == State.QUEUED


def _reminder(appointment):
    due = appointment.starts_at - timedelta(days=1)
    return OutboxMessage.objects.create(
        clinic=appointment.clinic,
        kind=MessageKind.REMINDER,
        channel="sms",
        dedupe_key=f"reminder:{appointment.pk}",
        subject_type="booking.appointment",
        subject_id=str(appointment.pk),
        version=1,
        recipient="+4791234567",
        due_at=due,
        not_after=appointment.starts_at,
        next_try_at=due,
        created_at=timezone.now(),
    )


def test_proxies_that_the_patient_gave_end(place, browser):
    helper = adult(number_of(years_ago(50), serial=8, country="NO"), "Hjelper")
    proxy = guardianship.add_proxy(
        patient=place.patient,
        adult=helper,
        areas=[Area.APPOINTMENTS],
        last_day=timezone.localdate() + timedelta(days=30),
        proof="ID",
        actor=place.secretary.user,
        now=timezone.now(),
    )
    leaves(browser, place.clinic)
    proxy.refresh_from_db()
    assert proxy.ended_at is not None


def test_the_password_here_and_its_sessions_end_and_it_opens_nothing_any_more(place):
    give_password(place.patient)
    phone, desk = Client(), Client()
    signs_in(phone, place.clinic)
    signs_in(desk, place.clinic)
    assert leaves(desk, place.clinic).status_code == 303
    assert not is_signed_in(phone), "sessions on other devices are over"
    assert ClinicMembership.objects.get().password == ""
    first_step(Client(), place.clinic, password=PASSWORD)
    assert AuditEvent.objects.filter(action="auth.fail").exists()


def test_a_session_by_eid_on_another_device_meets_the_registration_page(place, browser):
    phone = Client()
    phone.cookies = browser.cookies.copy()
    other = Client()
    other.force_login(place.user, backend="identity.backends.PatientBackend")
    session = other.session
    session["sign_in"] = browser.session["sign_in"]
    session.save()
    leaves(browser, place.clinic)
    for name in ("page", "log", "data"):
        answer = page(other, place.clinic, name)
        assert answer.status_code == 302
        assert answer["Location"].endswith("/register/here/")


def test_other_clinics_are_not_touched(place, browser):
    other = make_clinic()
    row = Patient.objects.create(
        clinic=other,
        given_name="Line",
        family_name="Danser",
        national_id=place.patient.national_id,
        national_id_index=place.patient.national_id_index,
    )
    leaves(browser, place.clinic)
    row.refresh_from_db()
    assert row.left_at is None


def test_someone_below_the_age_of_own_decisions_is_told_to_phone(place):
    child = person(place.clinic, 2, birth_date=years_ago(14))
    browser = Client()
    patient_in(browser, child)
    assert "too young" in page(browser, place.clinic, "leave").content.decode()
    assert leaves(browser, place.clinic).status_code == 403
    child.refresh_from_db()
    assert child.left_at is None


def test_leaving_asks_for_a_recent_sign_in(place, browser):
    session = browser.session
    session["sign_in"] = session["sign_in"] | {"at": (timezone.now() - timedelta(minutes=11)).isoformat()}
    session.save()
    answer = leaves(browser, place.clinic)
    assert "/prove-again/" in answer["Location"]
    place.patient.refresh_from_db()
    assert place.patient.left_at is None


def test_twice_is_once(place):
    first, second = Client(), Client()
    user = patient_in(first, place.patient)
    second.force_login(user, backend="identity.backends.PatientBackend")
    session = second.session
    session["sign_in"] = first.session["sign_in"]
    session.save()
    leaves(first, place.clinic)
    assert leaves(second, place.clinic)["Location"].endswith("/register/here/")
    assert actions(place.patient) == ["patient.left_portal"]


# -- coming back -------------------------------------------------------------------------------------------
def _here(clinic):
    return reverse("registration:here", args=[clinic.portal_identifier])


CONTACT = {"email": "line@x.example", "email_again": "line@x.example", "mobile": "", "terms": "on"}


@pytest.mark.parametrize("mode", [SelfRegistration.OFF, SelfRegistration.BY_HAND, SelfRegistration.AUTOMATIC])
def test_in_norway_one_comes_back_with_one_press_whatever_registration_needs(client, idp, mode):
    clinic = make_clinic(self_registration=mode)
    connect(clinic, idp)
    patient = record_for(clinic)
    Patient.objects.filter(pk=patient.pk).update(left_at=timezone.now())
    begin(client, clinic)
    come_back(client, idp)
    assert enter(client, clinic)["Location"] == _here(clinic)
    assert client.get(_here(clinic)).status_code == 200
    assert client.post(_here(clinic), CONTACT)["Location"].endswith("/start/")
    patient.refresh_from_db()
    assert patient.left_at is None
    assert client.get(reverse("home:start", args=[clinic.portal_identifier])).status_code == 200


def test_in_denmark_one_registers_as_the_clinic_has_it(client, idp):
    clinic = make_clinic(country=Country.DENMARK, self_registration=SelfRegistration.BY_HAND)
    connect(clinic, idp, country=Country.DENMARK, method=Method.MITID)
    patient = person(clinic, 1, registered_at=timezone.now())
    browser = Client()
    patient_in(browser, patient)
    leaves(browser, clinic)
    idp.claims = {
        "nnin_altsub": national_id.make_synthetic("DK", patient.birth_date, serial=1),
        "birthdate": patient.birth_date.isoformat(),
        "bankid_altsub": "p-1",
    }
    begin(client, clinic)
    come_back(client, idp)
    enter(client, clinic)
    answer = client.post(_here(clinic), CONTACT)
    assert answer["Location"].endswith("/sent/")
    patient.refresh_from_db()
    assert (patient.left_at is None, patient.registered_at) == (False, None), "the clinic decides"


# -- staff -------------------------------------------------------------------------------------------------
def test_staff_see_on_the_portal_tab_that_the_patient_has_left(place, browser):
    leaves(browser, place.clinic)
    text = place.opens("patients_staff:portal", place.patient.pk).content.decode()
    assert 'id="registration"' in text
    assert "left_at" not in text
    assert "Pasienten har forlatt portalen" in text


def test_the_list_of_patients_marks_who_has_left(place, browser):
    leaves(browser, place.clinic)
    assert "Har forlatt portalen" in place.opens("patients_staff:list").content.decode()


def test_staff_take_a_patient_out_by_the_same_act(place):
    browser = Client()
    staff_in(browser, place.secretary)
    address = reverse("patients_staff:account", args=[place.clinic.portal_identifier, place.patient.pk])
    browser.post(address, {"act": "leave", "sure": "yes"})
    place.patient.refresh_from_db()
    assert place.patient.left_at is not None
    assert actions(place.patient)[-1] == "patient.removed_from_portal"


def keeps(user, clinic, relation=None):
    now = timezone.now()
    return KeptForm.objects.create(
        user=user,
        clinic=clinic,
        acted_by=relation,
        page="/a/",
        action="/a/",
        fields="[]",
        kept_at=now,
        expires_at=now + timedelta(hours=24),
    )


@pytest.mark.parametrize("who", ["patient", "staff"])
def test_what_was_typed_and_kept_is_deleted_at_once_here_and_nowhere_else(place, browser, who):
    other = make_clinic()
    stranger = make_user()
    relation = guardianship.add_proxy(
        patient=place.patient,
        adult=adult(number_of(years_ago(50), serial=8, country="NO"), "Hjelper"),
        areas=[Area.APPOINTMENTS],
        last_day=timezone.localdate() + timedelta(days=30),
        proof="ID",
        actor=place.secretary.user,
        now=timezone.now(),
    )
    keeps(place.user, place.clinic)
    keeps(stranger, place.clinic, relation=relation.pk)
    stays = {keeps(place.user, other).pk, keeps(stranger, place.clinic).pk}
    if who == "patient":
        leaves(browser, place.clinic)
    else:
        operations.remove_from_portal(patient=place.patient, actor=place.secretary.user, now=timezone.now())
    assert set(KeptForm.objects.values_list("pk", flat=True)) == stays
