"""Acting for a child or by proxy: who may, for how long, and what shows (identity research, G1-G10)."""

import re
import uuid
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic_admin.choices import Country, Service
from delegation.models import MatrixTick
from identity import national_id
from identity.choices import Assurance, Method
from patients.guardianship import operations, queries
from patients.guardianship.choices import GuardianRefusal, Source, Status
from patients.guardianship.models import ActingRules, Guardian, Proxy, RegisterEntry
from patients.guardianship.operations import GuardianRefused
from patients.guardianship.port import GuardianResult
from patients.guards import patient_page
from patients.models import ContactChange, Patient
from portal.models import AuditEvent
from services.access import queries as access
from services.access.models import ProviderRights, SpecialRights
from services.access.special_choices import OwnReason
from services.booking.choices import AppointmentStatus, BookingRefusal
from services.booking.models import Appointment
from services.booking.release.choices import DrawRefusal
from tests.build import make_clinic, make_provider, make_staff_member
from tests.clinic_admin.build_clinic_admin import sign_in_staff
from tests.patients.build_guardians import (
    adult,
    begins,
    in_register,
    make_account,
    make_person,
    number_of,
    sign_in_account,
    years_ago,
)
from tests.services.booking.build_booking import allow, make_slot
from tests.services.booking.build_staff import ahead, make_appointment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _from_a_file(settings):
    settings.GUARDIANSHIP_SOURCE = "file"


def in_english(**values):
    """Return a browser that reads English."""
    browser = Client(**values)
    browser.cookies["django_language"] = "en"
    return browser


@pytest.fixture
def client():
    return in_english()


@pytest.fixture
def clinic():
    return make_clinic()


@pytest.fixture
def gp(clinic):
    gp = make_provider(clinic)
    allow(gp)
    return gp


@pytest.fixture
def child(clinic, gp):
    return make_person(clinic, years_ago(8), given_name="Ola", family_name="Barn", gp=gp)


@pytest.fixture
def mother(clinic):
    """A patient of the clinic, too."""
    born = years_ago(38)
    make_person(clinic, born, given_name="Kari", family_name="Forelder")
    return make_account(number_of(born))


@pytest.fixture
def family(child, mother):
    in_register(child, number_of(mother.birth_date))
    return operations.check(patient=child, adult=operations.adult_of(mother), now=timezone.now())


def start(clinic):
    return reverse("home:start", args=[clinic.portal_identifier])


def details(clinic):
    return reverse("patients:details", args=[clinic.portal_identifier])


def people(clinic):
    return reverse("acting:people", args=[clinic.portal_identifier])


def acts(client, clinic, account, relation, kind="guardian", **how):
    sign_in_account(client, account, **how)
    answer = begins(client, clinic, relation, kind)
    assert answer.status_code == 302
    return answer


def stopped(client, clinic):
    """Whether the next page is no longer the child's."""
    answer = client.get(start(clinic))
    return answer.status_code == 302 and answer.url == people(clinic)


# -- the way there and back --------------------------------------------------------------------------------
def test_children_show_on_the_start_page_after_sign_in_and_one_press_acts_for_them(
    client, clinic, child, mother
):
    in_register(child, number_of(mother.birth_date))
    sign_in_account(client, mother)
    page = client.get(start(clinic))
    assert "Ola Barn" in page.text
    relation = Guardian.objects.get(patient=child)
    begins(client, clinic, relation)
    page = client.get(start(clinic))
    assert 'class="acting"' in page.text
    assert "You are acting for <strong>Ola Barn</strong>" in page.text
    assert "Back to me" in page.text


def test_the_banner_stands_on_every_page_until_one_is_oneself_again(client, clinic, mother, family):
    acts(client, clinic, mother, family)
    for name in ("home:start", "patients:details", "booking:find", "booking:appointments", "acting:people"):
        page = client.get(reverse(name, args=[clinic.portal_identifier]))
        assert "You are acting for <strong>Ola Barn</strong>" in page.text, name
    client.post(reverse("acting:end", args=[clinic.portal_identifier]))
    assert "Hello, Kari" in client.get(start(clinic)).text


def test_a_guardian_without_a_record_here_comes_to_the_children_at_once(client, clinic, child):
    account = make_account(number_of(years_ago(40), serial=4))
    in_register(child, number_of(account.birth_date, serial=4))
    operations.check(patient=child, adult=operations.adult_of(account), now=timezone.now())
    sign_in_account(client, account)
    answer = client.get(start(clinic))
    assert (answer.status_code, answer.url) == (302, people(clinic))
    assert "Ola Barn" in client.get(people(clinic)).text


def test_a_stranger_without_a_record_gets_no_page_of_people(client, clinic, child):
    sign_in_account(client, make_account(number_of(years_ago(40), serial=4)))
    answer = client.get(people(clinic))
    assert answer.status_code == 403
    assert "Ola" not in answer.text


def test_starting_and_stopping_are_recorded_with_actor_and_subject(client, clinic, mother, family):
    acts(client, clinic, mother, family)
    client.post(reverse("acting:end", args=[clinic.portal_identifier]))
    for action in ("acting.started", "acting.stopped"):
        event = AuditEvent.objects.get(action=action)
        assert (event.actor_id, event.patient_id) == (mother.user_id, family.patient_id)


def test_a_form_that_was_opened_for_oneself_can_not_be_sent_for_the_child(clinic, mother, family):
    client = in_english(enforce_csrf_checks=True)
    sign_in_account(client, mother)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get(details(clinic)).text)[1]
    values = {"csrfmiddlewaretoken": token, "kind": "guardian", "relation": str(family.pk)}
    client.post(reverse("acting:begin", args=[clinic.portal_identifier]), values)
    assert 'class="acting"' in client.get(start(clinic)).text
    late = {"csrfmiddlewaretoken": token, "mobile": "", "email": "mine@x.example", "language": ""}
    assert client.post(details(clinic), late).status_code == 403
    assert Patient.objects.get(pk=family.patient_id).email == ""


def test_acting_costs_at_most_two_queries_more(client, clinic, mother, family, django_assert_max_num_queries):

    sign_in_account(client, mother)
    client.get(details(clinic))
    with CaptureQueriesContext(connection) as alone:
        client.get(details(clinic))
    count = len(alone)
    begins(client, clinic, family)
    client.get(details(clinic))
    with django_assert_max_num_queries(count + 2):
        client.get(details(clinic))


# -- every write knows who acts and for whom ---------------------------------------------------------------
def test_what_a_guardian_books_is_the_childs_and_names_the_guardian(client, clinic, gp, mother, family):
    slot = make_slot(gp, ahead(clinic, 3))
    acts(client, clinic, mother, family)
    page = reverse("booking:book", args=[clinic.portal_identifier, slot.pk])
    sent = client.post(page, {"reason": "Feber", "form_key": str(uuid.uuid4())})
    assert sent.status_code == 302
    made = Appointment.objects.get()
    assert (made.patient_id, made.requested_by_id) == (family.patient_id, mother.user_id)
    event = AuditEvent.objects.get(action="appointment.booked")
    assert (event.actor_id, event.patient_id) == (mother.user_id, family.patient_id)
    own = reverse("booking:appointment", args=[clinic.portal_identifier, made.pk])
    assert "Kari Forelder (guardian)" in client.get(own).text
    client.post(reverse("booking:cancel", args=[clinic.portal_identifier, made.pk]))
    made.refresh_from_db()
    assert made.cancelled_by_id == mother.user_id
    event = AuditEvent.objects.get(action="appointment.cancelled")
    assert (event.actor_id, event.patient_id) == (mother.user_id, family.patient_id)


def test_a_move_names_the_guardian_who_made_it_to_the_family_and_to_staff(client, clinic, gp, mother, family):
    made = make_appointment(
        make_slot(gp, ahead(clinic, 3)),
        family.patient,
        requested_by=mother.user,
        status=AppointmentStatus.BOOKED,
    )
    to = make_slot(gp, ahead(clinic, 4))
    acts(client, clinic, mother, family)
    page = reverse("booking:move_to", args=[clinic.portal_identifier, made.pk, to.pk])
    sent = client.post(page, {"form_key": str(uuid.uuid4()), "version": made.version})
    assert sent.status_code == 302
    own = client.get(reverse("booking:appointment", args=[clinic.portal_identifier, made.pk])).text
    receipts = own.split('id="receipts"')[1]
    assert receipts.count("Kari Forelder (guardian)") == 1
    staff = in_english()
    sign_in_staff(staff, clinic)
    told = staff.get(reverse("booking_staff:appointment", args=[clinic.portal_identifier, made.pk]))
    assert (told.context["history"][-1].sign, told.context["history"][-1].who) == (
        "move",
        "Kari Forelder (guardian)",
    )


def test_staff_see_who_booked(clinic, gp, mother, family):

    made = make_appointment(make_slot(gp, ahead(clinic, 3)), family.patient, requested_by=mother.user)
    staff = in_english()
    sign_in_staff(staff, clinic)
    for address in (
        reverse("booking_staff:appointment", args=[clinic.portal_identifier, made.pk]),
        reverse("booking_staff:waiting", args=[clinic.portal_identifier]),
    ):
        assert "Kari Forelder (guardian)" in staff.get(address).text


def test_contact_details_are_the_childs(client, clinic, mother, family):
    acts(client, clinic, mother, family)
    shown = client.get(details(clinic)).text
    assert "My details" not in shown
    assert "comes from your record" not in shown
    client.post(details(clinic), {"mobile": "", "email": "ola@x.example", "language": ""})
    change = ContactChange.objects.get()
    assert (change.patient_id, change.value, change.asked_by_id) == (
        family.patient_id,
        "ola@x.example",
        mother.user_id,
    )
    event = AuditEvent.objects.get(action="contact.asked")
    assert (event.actor_id, event.patient_id) == (mother.user_id, family.patient_id)


# -- G2: what a source says --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "opens"),
    [
        (Status.VALID, True),
        (Status.NOT_VALID, False),
        (Status.UNKNOWN, False),
        (Status.ERROR, False),
        (Status.BLOCKED, False),
    ],
)
def test_g2_only_a_yes_opens(client, clinic, child, mother, monkeypatch, status, opens):
    class Answers:
        def check(self, child, adult, on, *, now):
            return GuardianResult(status, Source.NSP_CPR, now)

        def children_of(self, adult, on):
            return ()

    monkeypatch.setattr("patients.guardianship.sources.source", Answers)
    row = operations.check(patient=child, adult=operations.adult_of(mother), now=timezone.now())
    sign_in_account(client, mother)
    begins(client, clinic, row)
    assert ('class="acting"' in client.get(start(clinic)).text) == opens
    event = AuditEvent.objects.filter(action="guardian.checked").latest("pk")
    assert (event.details["status"], event.details["source"]) == (status, Source.NSP_CPR)


def test_g2_what_is_unknown_is_for_the_clinic_which_ticks_after_proof(client, clinic, child, mother):
    row = operations.check(patient=child, adult=operations.adult_of(mother), now=timezone.now())
    assert row.status == Status.UNKNOWN
    staff = make_staff_member(clinic)
    operations.confirm_guardian(
        patient=child,
        adult=operations.adult_of(mother),
        proof="passport, birth certificate",
        until=None,
        actor=staff.user,
        now=timezone.now(),
    )
    acts(client, clinic, mother, row)
    assert 'class="acting"' in client.get(start(clinic)).text


def test_g2_whose_guardian_one_may_be_is_not_told(client, clinic, child, mother):
    """Whoever asks about a child that no source knows learns neither its name nor that it is a patient here."""
    operations.check(patient=child, adult=operations.adult_of(mother), now=timezone.now())
    sign_in_account(client, mother)
    for page in (start(clinic), people(clinic)):
        assert "Ola" not in client.get(page).text


# -- G3: birthdays -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("country", "age"), [(Country.NORWAY, 16), (Country.DENMARK, 15)])
def test_g3_the_right_ends_at_local_midnight_on_the_birthday(client, country, age):
    zone = ZoneInfo(country.time_zone)
    birthday = date(2026, 3, 29)  # the night in which the clocks change
    midnight = datetime(2026, 3, 29, tzinfo=zone)
    with time_machine.travel(midnight - timedelta(minutes=1), tick=False):
        clinic = make_clinic(country=country)
        child = make_person(clinic, birthday.replace(year=2026 - age), given_name="Ola")
        account = make_account(number_of(date(1980, 5, 5), country=country))
        in_register(child, number_of(date(1980, 5, 5), country=country))
        relation = operations.check(patient=child, adult=operations.adult_of(account), now=timezone.now())
        acts(client, clinic, account, relation)
        assert 'class="acting"' in client.get(start(clinic)).text
    with time_machine.travel(midnight, tick=False):
        assert stopped(client, clinic)
        assert not queries.people(clinic=clinic, adult=account, now=timezone.now())


def test_g3_a_danish_childs_session_ends_at_midnight_of_the_birthday(client):
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo("Europe/Copenhagen"))
    with time_machine.travel(midnight - timedelta(minutes=2), tick=False):
        clinic = make_clinic(country=Country.DENMARK)
        born = date(2011, 11, 20)
        make_person(clinic, born, given_name="Emil")
        account = make_account(number_of(born, country="DK"), name="Emil")
        sign_in_account(
            client,
            account,
            method=Method.ONE_TIME_CODE,
            assurance=Assurance.TWO_FACTORS,
            clinic_scope=clinic.pk,
        )
        assert client.get(start(clinic)).status_code == 200
    with time_machine.travel(midnight, tick=False):
        answer = client.get(start(clinic))
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("clinic_front", args=[clinic.portal_identifier]))
        assert client.get(start(clinic)).status_code == 302


def test_g3_the_clock_only_tidies_and_twice_is_once(clinic):
    child = make_person(clinic, years_ago(16, days=1), given_name="Ola")
    guardian = adult(number_of(years_ago(40)))
    operations.check(patient=child, adult=guardian, now=timezone.now())
    assert operations.come_of_age(now=timezone.now()) == 1
    assert operations.come_of_age(now=timezone.now()) == 0
    assert ActingRules.objects.get(patient=child).contact_unconfirmed_at is not None
    assert AuditEvent.objects.filter(action="patient.came_of_age", patient_id=child.pk).count() == 1


# -- G4: withdrawal ----------------------------------------------------------------------------------------
def test_g4_custody_that_the_register_takes_away_is_over_within_a_day(client, clinic, child, mother, family):
    acts(client, clinic, mother, family)

    entry = RegisterEntry.objects.get()
    entry.adult_index = national_id.index(number_of(years_ago(50), serial=5))
    entry.save()
    assert client.get(start(clinic)).status_code == 200  # the answer of this hour still holds
    Guardian.objects.update(fetched_at=timezone.now() - timedelta(hours=24))
    assert stopped(client, clinic)
    assert Guardian.objects.get().status == Status.NOT_VALID


def test_g4_what_the_clinic_takes_back_is_over_at_the_next_request(client, clinic, child, mother):
    staff = make_staff_member(clinic)
    relation = operations.confirm_guardian(
        patient=child,
        adult=operations.adult_of(mother),
        proof="passport",
        until=None,
        actor=staff.user,
        now=timezone.now(),
    )
    acts(client, clinic, mother, relation)
    operations.end_guardian(clinic=clinic, relation_id=relation.pk, actor=staff.user, now=timezone.now())
    assert stopped(client, clinic)
    event = AuditEvent.objects.get(action="acting.stopped")
    assert event.patient_id == child.pk


def test_g4_a_new_session_asks_the_register_anew(client, clinic, child, mother, family):

    RegisterEntry.objects.update(adult_index=national_id.index(number_of(years_ago(50), serial=5)))
    sign_in_account(client, mother)
    assert "Ola Barn" not in client.get(start(clinic)).text


# -- G5: who can't be whose guardian -----------------------------------------------------------------------
def test_g5_nobody_is_guardian_under_eighteen_or_of_themselves(clinic, child):
    staff, now = make_staff_member(clinic), timezone.now()
    young, own = adult(number_of(years_ago(17))), adult(number_of(child.birth_date))
    for who, why in ((young, GuardianRefusal.ADULT_TOO_YOUNG), (own, GuardianRefusal.SAME_PERSON)):
        with pytest.raises(GuardianRefused) as refused:
            operations.confirm_guardian(
                patient=child, adult=who, proof="passport", until=None, actor=staff.user, now=now
            )
        assert refused.value.reason == why


def test_g5_a_register_that_names_a_minor_opens_nothing(client, clinic, child):
    account = make_account(number_of(years_ago(17)))
    make_person(clinic, years_ago(17), given_name="Ung")
    in_register(child, number_of(years_ago(17)))
    relation = operations.check(patient=child, adult=operations.adult_of(account), now=timezone.now())
    acts(client, clinic, account, relation)
    assert 'class="acting"' not in client.get(start(clinic)).text


def test_g5_one_child_is_not_the_other(client, clinic, gp, mother, family):
    sibling = make_person(clinic, years_ago(6), given_name="Per", serial=7, gp=gp)
    slot = make_slot(gp, ahead(clinic, 3))

    foreign = make_appointment(slot, sibling)
    acts(client, clinic, mother, family)
    assert (
        client.get(reverse("booking:appointment", args=[clinic.portal_identifier, foreign.pk])).status_code
        == 404
    )


# -- G7: closed --------------------------------------------------------------------------------------------
def test_g7_a_block_of_the_clinic_goes_before_every_register(client, clinic, mother, family):
    acts(client, clinic, mother, family)
    staff = make_staff_member(clinic)
    operations.set_blocked(
        clinic=clinic, relation_id=family.pk, blocked=True, actor=staff.user, now=timezone.now()
    )
    assert stopped(client, clinic)
    acts(client, clinic, mother, family)
    assert 'class="acting"' not in client.get(start(clinic)).text
    assert "Ola" not in client.get(people(clinic)).text


def test_g7_with_a_protected_address_nobody_acts(client, clinic, mother, family):
    acts(client, clinic, mother, family)
    child = Patient.objects.get(pk=family.patient_id)
    operations.set_closed(
        patient=child, closed=True, actor=make_staff_member(clinic).user, now=timezone.now()
    )
    assert stopped(client, clinic)


# -- G8: tampering -----------------------------------------------------------------------------------------
def test_g8_someone_elses_relation_is_not_there(client, clinic, mother, family):
    other = make_account(number_of(years_ago(41), serial=3))
    make_person(clinic, years_ago(41), serial=3, given_name="Annen")
    sign_in_account(client, other)
    assert begins(client, clinic, family).status_code == 404
    session = client.session
    session["acting_for"] = {"clinic": clinic.pk, "kind": "guardian", "relation": str(family.pk)}
    session.save()
    assert stopped(client, clinic)


def test_g8_acting_at_one_clinic_is_not_acting_at_another(client, clinic, mother, family):
    other = make_clinic()
    make_person(other, mother.birth_date, given_name="Kari")
    acts(client, clinic, mother, family)
    assert "Hello, Kari" in client.get(start(other)).text
    assert begins(client, other, family).status_code == 404


def test_g8_pages_about_oneself_stay_shut_while_acting(rf, client, clinic, mother, family):

    acts(client, clinic, mother, family)
    request = rf.get("/")
    request.session, request.user, request.clinic = client.session, mother.user, clinic
    assert patient_page(lambda request: pytest.fail("shown"))(request).status_code == 403


# -- G9, G10: never more than the child --------------------------------------------------------------------
def test_g9_a_code_session_acts_for_nobody(client, clinic, mother, family):
    acts(
        client,
        clinic,
        mother,
        family,
        method=Method.ONE_TIME_CODE,
        assurance=Assurance.TWO_FACTORS,
        clinic_scope=clinic.pk,
    )
    assert 'class="acting"' not in client.get(start(clinic)).text


def test_g9_an_e_consultation_asks_for_the_eid_of_who_acts(clinic, gp, child):

    ProviderRights.objects.update(consultation=True)
    MatrixTick.objects.create(clinic=clinic, service=Service.CONSULTATION, row=gp, provider=gp)
    clinic.requires_eid_for_consultation = True
    clinic.save()
    for level, allowed in ((Assurance.TWO_FACTORS, False), (Assurance.HIGH, True)):
        decision = access.decision(
            patient=child,
            service=Service.CONSULTATION,
            provider_id=gp.pk,
            assurance=level,
            day=timezone.localdate(),
        )
        assert decision.allowed == allowed


def test_g10_what_is_shut_for_the_child_is_shut_for_the_guardian(client, clinic, gp, mother, family):

    SpecialRights.objects.create(patient=family.patient, booking=False)
    slot = make_slot(gp, ahead(clinic, 3))
    acts(client, clinic, mother, family)
    page = reverse("booking:book", args=[clinic.portal_identifier, slot.pk])
    client.post(page, {"reason": "Feber", "form_key": "6b3f5b0e-8f0e-4a0a-9d4e-0d8f6f3f5b0e"})
    assert not Appointment.objects.exists()


def test_g10_between_twelve_and_sixteen_appointments_but_no_letters_unless_opened(client, clinic, gp, mother):

    youth = make_person(clinic, years_ago(13), given_name="Nora", gp=gp, serial=2)
    in_register(youth, number_of(mother.birth_date))
    relation = operations.check(patient=youth, adult=operations.adult_of(mother), now=timezone.now())
    secret = make_appointment(make_slot(gp, ahead(clinic, 3)), youth, reason="Prevensjon")
    acts(client, clinic, mother, relation)
    page = reverse("booking:appointment", args=[clinic.portal_identifier, secret.pk])
    assert client.get(page).status_code == 200
    assert "Prevensjon" not in client.get(page).text
    assert client.get(details(clinic)).status_code == 403
    operations.set_letters_open(
        patient=youth, is_open=True, actor=make_staff_member(clinic).user, now=timezone.now()
    )
    assert "Prevensjon" in client.get(page).text


def test_a_child_sees_who_can_act_for_it(client, clinic, gp, mother):
    youth = make_person(clinic, years_ago(13), given_name="Nora", gp=gp, serial=2)
    in_register(youth, number_of(mother.birth_date))
    operations.check(patient=youth, adult=operations.adult_of(mother), now=timezone.now())
    sign_in_account(client, make_account(number_of(youth.birth_date, serial=2), name="Nora"))
    assert "Kari Forelder" in client.get(people(clinic)).text


# -- proxies -----------------------------------------------------------------------------------------------
@pytest.fixture
def given(clinic, gp):
    """A proxy of Finn's for appointments, and the account that has it."""
    finn = make_person(clinic, years_ago(70), given_name="Finn", family_name="Giver", gp=gp, serial=8)
    account = make_account(number_of(years_ago(45), serial=9), name="Siri Hjelper")
    proxy = operations.add_proxy(
        patient=finn,
        adult=operations.adult_of(account),
        areas=["appointments"],
        last_day=timezone.localdate() + timedelta(days=30),
        proof="in person",
        actor=make_staff_member(clinic).user,
        now=timezone.now(),
    )
    return proxy, account


def test_a_proxy_opens_the_named_services_only(client, clinic, given):
    proxy, account = given
    acts(client, clinic, account, proxy, "proxy")
    assert "You are acting for <strong>Finn Giver</strong>" in client.get(start(clinic)).text
    assert client.get(reverse("booking:appointments", args=[clinic.portal_identifier])).status_code == 200
    assert client.get(details(clinic)).status_code == 403


def test_a_proxy_without_appointments_books_nothing(client, clinic, given):
    proxy, account = given
    Proxy.objects.update(areas=["renewals"])
    acts(client, clinic, account, proxy, "proxy")
    assert client.get(reverse("booking:find", args=[clinic.portal_identifier])).status_code == 403


@pytest.mark.parametrize("who", ["giver", "receiver"])
def test_either_side_ends_a_proxy(client, clinic, given, who):
    proxy, account = given
    receiver = in_english()
    acts(receiver, clinic, account, proxy, "proxy")
    ender = account if who == "receiver" else make_account(number_of(years_ago(70), serial=8), name="Finn")
    sign_in_account(client, ender)
    client.post(reverse("acting:end_proxy", args=[clinic.portal_identifier]), {"relation": str(proxy.pk)})
    assert stopped(receiver, clinic) or receiver.get(start(clinic)).status_code == 403
    assert AuditEvent.objects.get(action="proxy.ended").details == {"why": f"by-{who}"}


def test_nobody_else_ends_a_proxy(client, clinic, given, mother):
    sign_in_account(client, mother)
    answer = client.post(
        reverse("acting:end_proxy", args=[clinic.portal_identifier]), {"relation": str(given[0].pk)}
    )
    assert answer.status_code == 404
    assert Proxy.objects.get().ended_at is None


def test_a_proxy_is_over_after_its_last_day(client, clinic, given):
    proxy, account = given
    acts(client, clinic, account, proxy, "proxy")
    day = timezone.localdate()
    Proxy.objects.update(first_day=day - timedelta(days=9), last_day=day - timedelta(days=1))
    assert client.get(start(clinic)).status_code in {302, 403}
    assert 'class="acting"' not in client.get(start(clinic), follow=True).text


def test_the_giver_sees_who_may_act(client, clinic, given):
    sign_in_account(client, make_account(number_of(years_ago(70), serial=8), name="Finn"))
    page = client.get(people(clinic)).text
    assert "Siri Hjelper" in page
    assert "End the proxy" in page


@pytest.mark.parametrize(
    ("giver", "receiver", "why"),
    [
        (15, 40, GuardianRefusal.GIVER_TOO_YOUNG),
        (16, 17, GuardianRefusal.ADULT_TOO_YOUNG),
    ],
)
def test_proxies_have_ages(clinic, giver, receiver, why):
    patient = make_person(clinic, years_ago(giver), serial=8)
    with pytest.raises(GuardianRefused) as refused:
        operations.add_proxy(
            patient=patient,
            adult=adult(number_of(years_ago(receiver), serial=9)),
            areas=["appointments"],
            last_day=timezone.localdate(),
            proof="in person",
            actor=make_staff_member(clinic).user,
            now=timezone.now(),
        )
    assert refused.value.reason == why


def test_it_is_the_child_who_is_busy_then_and_not_who_acts_for_it(client, clinic, gp, child, mother, family):
    other = make_provider(clinic, name="Anna Berg")
    allow(other, row=gp)
    at = ahead(clinic, 2, 9)
    had = make_appointment(make_slot(gp, at), child)
    beside = make_slot(other, at)
    acts(client, clinic, mother, family)
    page = client.get(reverse("booking:find", args=[clinic.portal_identifier])).text
    assert "<small" in page
    assert ">busy</small>" in page
    assert "Where it says “busy” Ola has another appointment." in page
    assert "ou are busy" not in page
    page = client.get(reverse("booking:book", args=[clinic.portal_identifier, beside.pk])).text
    assert "Ola has another appointment at that time." in page
    assert re.search(r"Ola has \w+ .+ with ", page)
    assert reverse("booking:appointment", args=[clinic.portal_identifier, had.pk]) in page


@pytest.mark.parametrize(
    ("setting", "kind", "said"),
    [
        ({"most_upcoming": 1}, "portal", "Ola has as many coming appointments as the clinic allows online."),
        ({"most_urgent": 1}, "urgent", "Ola has as many urgent appointments as the clinic allows online."),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_limits_are_those_of_the_child(
    client, clinic, gp, child, mother, family, setting, kind, said, headers
):
    make_appointment(make_slot(gp, ahead(clinic, 1, 14), kind=kind), child, requested_by=mother.user)
    wanted = make_slot(gp, ahead(clinic, 1, 15), kind=kind)
    type(clinic).objects.update(**setting)
    page = reverse("booking:book", args=[clinic.portal_identifier, wanted.pk])
    sent = {"reason": "A cough", "form_key": str(uuid.uuid4())}
    with time_machine.travel(ahead(clinic, 1, 12), tick=False):
        acts(client, clinic, mother, family)
        answer = client.post(page, sent, headers=headers)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text
    assert "You have as many" not in answer.text


def test_what_the_child_may_not_is_said_of_the_child(client, clinic, gp, child, mother, family):
    slot = make_slot(gp, ahead(clinic, 2, 9))
    had = make_appointment(make_slot(gp, ahead(clinic, 3, 9)), child)
    type(clinic).objects.update(cancel_notice_hours=168, phone="+4721560000")
    acts(client, clinic, mother, family)
    for name in ("appointment", "cancel", "move"):
        page = client.get(reverse(f"booking:{name}", args=[clinic.portal_identifier, had.pk])).text
        assert "If Ola can't come, phone the clinic at" in page
        assert "If you can" not in page
    ProviderRights.objects.update(booking=False)
    page = client.get(reverse("booking:book", args=[clinic.portal_identifier, slot.pk])).text
    assert "You can&#x27;t book with this provider for Ola any more." in page
    page = client.get(reverse("booking:find", args=[clinic.portal_identifier])).text
    assert "Online booking is not open to Ola here" in page
    assert "Nobody at the clinic offers this online to Ola." in page or "not opened this to Ola." in page


@pytest.mark.parametrize("refusal", [*BookingRefusal, *DrawRefusal, *OwnReason], ids=str)
def test_each_refusal_that_says_you_to_a_patient_has_words_for_who_acts_for_them(refusal):
    speaks_to_the_patient = re.search(r"\b[Yy]ou(r)?\b", str(refusal.label))
    is_about_the_reader = refusal in {BookingRefusal.CHANGED_MEANWHILE, OwnReason.EID}
    sentence = refusal.sentence("Ola %s")
    assert ("Ola %s" in sentence) == bool(speaks_to_the_patient and not is_about_the_reader)
    assert refusal.sentence() == str(refusal.label)
