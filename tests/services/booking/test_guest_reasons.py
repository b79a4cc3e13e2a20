"""Why a request without an account was refused (F8): one of a few sentences that say nothing about anyone, or none."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import escape, unescape

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clinic_admin.models import Clinic
from identity import national_id
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from patients.models import Patient
from portal import audit
from portal.models import AuditEvent
from services.booking.guests import operations, policy, queries
from services.booking.guests.choices import GuestRefusal, GuestStatus, RefusedBecause
from services.booking.guests.operations import GuestRefused
from services.booking.models import GuestRequest, Slot
from services.home.demo import guests as demo
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, make_slot
from tests.services.booking.build_guests import make_guest, open_to_guests, wish
from tests.services.booking.build_staff import ahead, sign_in_staff

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "nb", "da")
FULL, SIGN_IN = RefusedBecause.FULL, RefusedBecause.SIGN_IN


@pytest.fixture
def clinic():
    return make_clinic(name="Fjordgata legesenter", phone="+4721560000")


@pytest.fixture
def provider(clinic):
    provider = make_provider(clinic, name="Lege Berg")
    open_to_guests(provider)
    return provider


@pytest.fixture
def guest(provider):
    return make_guest(provider, make_slot(provider, ahead(provider.clinic, 9)), now=timezone.now())


def refuse(guest, because=None, actor=None, now=NOW):
    return operations.refuse(
        clinic=guest.clinic, request_id=guest.pk, actor=actor or make_user(), now=now, because=because
    )


def sent(guest):
    return OutboxMessage.objects.get(kind=MessageKind.BOOKING_REFUSED, subject_id=str(guest.pk)).body


def staff_page(guest):
    return reverse("guests_staff:request", args=[guest.clinic.portal_identifier, guest.pk])


def own_page(guest, language="en"):
    """Return the main part of the person's page, in a browser that has opened the link."""
    client = Client()
    client.cookies["django_language"] = language
    session = client.session
    session["guest_request"] = str(guest.pk)
    session.save()
    client.cookies["sessionid"] = session.session_key
    shown = client.get(reverse("guests:request", args=[guest.clinic.portal_identifier])).content.decode()
    return shown.split("<main")[1].split("</main>")[0].replace("&#x27;", "'")


# -- what the sentences may say ----------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_speaks_of_a_record_of_lists_or_of_health(language):
    forbidden = re.compile(
        r"record|journal|patient|pasient|\blist|\bill|\bsick|\bsyk|\bsyg|diagnos|treat|behandl|symptom"
        r"|urgent|akutt|akut|registered|registrert|registreret|known here",
        re.IGNORECASE,
    )
    with translation.override(language):
        sentences = [str(one.label) for one in RefusedBecause]
    assert not [sentence for sentence in sentences if forbidden.search(sentence)]
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    ("language", "condition"), [("en", "If "), ("nb", "Er det her,"), ("da", "Er det her,")]
)
def test_where_patients_and_others_go_different_ways_the_sentence_says_if(language, condition):
    with translation.override(language):
        assert condition in str(RefusedBecause.GP_PRACTICE.label)


@pytest.mark.parametrize("because", [None, *RefusedBecause])
def test_the_page_is_the_same_whether_there_is_a_record_or_not(guest, because):
    refuse(guest, because)
    unknown = own_page(guest)
    patient = make_patient(guest.clinic)
    Patient.objects.filter(pk=patient.pk).update(national_id_index=national_id.index(wish().number))
    assert own_page(guest) == unknown


# -- what is kept ------------------------------------------------------------------------------------------
def test_the_reason_is_kept_with_the_refusal_and_in_the_trail_as_a_code(guest):
    refuse(guest, FULL)
    guest.refresh_from_db()
    assert (guest.status, guest.refused_because) == (GuestStatus.REFUSED, "full")
    event = AuditEvent.objects.get(action="guest.refused")
    assert event.details == {"because": "full"}
    assert Slot.objects.get(pk=guest.slot_id).state == "free"


def test_without_a_reason_nothing_says_why(guest):
    refuse(guest)
    guest.refresh_from_db()
    assert guest.refused_because == ""
    shown = own_page(guest)
    assert "Do you want to know why, or do you need another time?" in shown
    assert not [one for one in RefusedBecause if str(one.label) in shown]
    assert "the link we sent" not in sent(guest)


@pytest.mark.parametrize(
    "values",
    [
        {"status": "waiting", "refused_because": "full"},
        {"status": "withdrawn", "refused_because": "full", "decided_at": NOW},
        {"status": "refused", "refused_because": "known-here", "decided_at": NOW},
    ],
)
def test_the_database_keeps_known_reasons_of_refused_requests_only(guest, values):
    with pytest.raises(IntegrityError, match="guest_request_because_known"), transaction.atomic():
        GuestRequest.objects.filter(pk=guest.pk).update(**values)


def test_the_reason_is_deleted_with_the_request(provider):
    guest = make_guest(provider)
    refuse(guest, FULL)
    assert operations.forget(now=NOW + policy.KEPT_DECIDED) == 0
    assert operations.forget(now=NOW + policy.KEPT_DECIDED + timedelta(seconds=1)) == 1
    assert not GuestRequest.objects.exists()


def test_a_refusal_that_breaks_off_leaves_no_reason_no_message_and_the_time_held(guest, monkeypatch):
    def break_off(**_values):
        raise RuntimeError

    monkeypatch.setattr(audit, "record", break_off)
    with pytest.raises(RuntimeError):
        refuse(guest, FULL)
    guest.refresh_from_db()
    assert (guest.status, guest.refused_because) == (GuestStatus.WAITING, "")
    assert Slot.objects.get(pk=guest.slot_id).state == "taken"
    assert not OutboxMessage.objects.exists()


def test_of_two_who_refuse_at_the_same_moment_the_firsts_reason_stands_and_one_message_goes(transactional_db):
    provider = make_provider(make_clinic())
    open_to_guests(provider)
    guest, gate = make_guest(provider), threading.Barrier(2)
    tries = [(make_user(), FULL), (make_user(), SIGN_IN)]

    def press(one):
        actor, because = one
        try:
            gate.wait()
            return refuse(guest, because, actor).refused_because
        except GuestRefused as refused:
            return refused.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(press, tries))
    guest.refresh_from_db()
    assert sorted(answers) == sorted([guest.refused_because, GuestRefusal.DECIDED])
    assert (guest.decided_by, guest.refused_because) in [(actor, because.value) for actor, because in tries]
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_REFUSED).count() == 1


# -- what the person reads ---------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_the_sentence_and_how_to_reach_the_clinic(guest, language):
    refuse(guest, RefusedBecause.GP_PRACTICE)
    shown = own_page(guest, language)
    with translation.override(language):
        assert str(RefusedBecause.GP_PRACTICE.label) in shown
    assert 'href="tel:+4721560000">21 56 00 00<' in shown
    Clinic.objects.update(phone="")
    assert "tel:" not in own_page(guest, language)


@pytest.mark.parametrize(
    ("because", "to_times", "to_sign_in"),
    [
        (RefusedBecause.CONTACT, False, False),
        (RefusedBecause.TIME_GONE, True, False),
        (RefusedBecause.FULL, False, False),
        (RefusedBecause.SIGN_IN, False, True),
        (RefusedBecause.GP_PRACTICE, False, True),
        (None, True, False),
    ],
)
def test_the_page_leads_where_its_sentence_says(guest, because, to_times, to_sign_in):
    refuse(guest, because)
    shown = own_page(guest)
    assert ("See all free times" in shown) is to_times
    assert ("Sign in</" in shown) is to_sign_in


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sms_holds_no_reason_leads_to_the_page_and_is_the_same_whichever_it_was(provider, language):
    bodies, slot = set(), make_slot(provider, NOW + timedelta(days=3))
    for serial, because in enumerate(RefusedBecause):
        guest = make_guest(provider, slot, serial=serial, language=language)
        refuse(guest, because)
        bodies.add(sent(guest))
        with translation.override(language):
            assert str(because.label) not in sent(guest)
    (body,) = bodies
    assert {"en": "See the link we sent", "nb": "Se lenken vi sendte", "da": "Se linket, vi sendte"}[
        language
    ] in body
    assert "21 56 00 00" in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sms_of_a_refusal_with_a_reason_is_one_sms_on_the_longest_day(provider, language):
    longest = NOW.replace(month=9, day=23, hour=12, minute=30)
    guest = make_guest(provider, make_slot(provider, longest), language=language)
    refuse(guest, FULL)
    assert len(sent(guest)) <= 160, sent(guest)


def test_the_sms_of_a_clinic_without_a_phone_leads_to_the_page_only(guest):
    guest.clinic.phone, guest.language = "", "en"
    guest.clinic.save()
    guest.save()
    refuse(GuestRequest.objects.get(), FULL)
    assert sent(guest).endswith("See the link we sent.")


# -- what staff do and see ---------------------------------------------------------------------------------
@pytest.fixture
def secretary(client, clinic):
    client.cookies["django_language"] = "en"
    sign_in_staff(client, clinic)
    return client


def shown_to(secretary, guest):
    return secretary.get(staff_page(guest)).content.decode().replace("&#x27;", "'")


def test_staff_read_each_sentence_as_it_will_stand_and_none_is_chosen_beforehand(secretary, guest):
    shown = shown_to(secretary, guest)
    assert [one for one in RefusedBecause if str(one.label) not in shown] == []
    assert re.findall(r'<input type="radio"[^>]*value="([^"]*)"[^>]*checked', shown) == [""]
    assert (
        "Neither says why: nobody has proven who they are. If you choose a reason, the page shows it" in shown
    )
    assert "No reason tells whether somebody is a patient here." in shown


def test_what_staff_chose_stands_on_their_page_and_in_its_history(secretary, guest):
    answer = secretary.post(staff_page(guest), {"act": "refuse", "because": "sign-in"}, follow=True)
    assert "Refused. Gry Gjest is notified" in answer.content.decode()
    shown = shown_to(secretary, guest)
    assert f"The page of the request says: “{SIGN_IN.label}”" in shown
    story = shown.split("What has happened")[1]
    assert "Asked without an account" in story
    assert f"On the page of the request: {SIGN_IN.label}" in story
    assert 'name="because"' not in shown


@pytest.mark.parametrize("code", ["known-here", "FULL", "full ", "\x00", "x" * 5000, "<script>"])
def test_an_unknown_reason_is_told_by_the_field_and_nothing_is_written(secretary, guest, code):
    answer = secretary.post(staff_page(guest), {"act": "refuse", "because": code})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"because": ["Choose one of these."]}
    assert '<details class="unfold refusal" open>' in shown
    assert code not in shown or code.strip() == "full"
    guest.refresh_from_db()
    assert (guest.status, guest.refused_because) == (GuestStatus.WAITING, "")
    assert Slot.objects.get(pk=guest.slot_id).state == "taken"
    assert not OutboxMessage.objects.exists()
    assert not AuditEvent.objects.filter(action="guest.refused").exists()


def test_told_twice_is_once_and_told_otherwise_the_first_stands(secretary, guest):
    for _number in range(2):
        answer = secretary.post(staff_page(guest), {"act": "refuse", "because": "full"}, follow=True)
        assert "Refused. Gry Gjest is notified" in answer.content.decode()
    answer = secretary.post(staff_page(guest), {"act": "refuse", "because": "contact"}, follow=True)
    shown = answer.content.decode()
    assert "Someone has already decided this request." in shown
    assert f"The page of the request says: “{FULL.label}”" in shown
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_REFUSED).count() == 1
    assert AuditEvent.objects.filter(action="guest.refused").count() == 1


def test_an_approval_takes_no_reason_along(secretary, guest):
    secretary.post(staff_page(guest), {"act": "approve", "because": "full"})
    guest.refresh_from_db()
    assert (guest.status, guest.refused_because) == (GuestStatus.APPROVED, "")


@pytest.mark.parametrize("act", ["approve", "refuse"])
def test_who_decides_about_one_of_the_week_lands_in_the_same_week_and_who_comes_from_the_list_in_the_list(
    secretary, provider, guest, act
):
    clinic, day = provider.clinic, guest.starts_at.astimezone(provider.clinic.zone).date()
    week = reverse("desk:week", args=[clinic.portal_identifier])
    shown = f"{week}?day={day}&provider={provider.pk}&days=7"
    entry = re.search(rf'href="({staff_page(guest)}[^"]*)"', secretary.get(shown).content.decode())
    page = unescape(entry[1])
    assert f'href="{escape(shown)}' in secretary.get(page).content.decode(), "back without deciding"
    landed = secretary.post(page, {"act": act}).url
    guest.refresh_from_db()
    goal = f"#entry-{guest.appointment_id}" if act == "approve" else ""
    assert landed == shown + goal
    assert secretary.post(page, {"act": act}).url == landed, "pressed twice"
    other = make_guest(provider, make_slot(provider, ahead(clinic, 10)), now=timezone.now(), serial=6)
    listed = reverse("guests_staff:waiting", args=[clinic.portal_identifier])
    assert secretary.post(staff_page(other), {"act": act}).url == listed


def test_another_clinics_staff_can_refuse_nothing_with_any_reason(client, guest):
    other = make_clinic()
    sign_in_staff(client, other)
    address = reverse("guests_staff:request", args=[other.portal_identifier, guest.pk])
    for because in ("full", "known-here"):
        assert client.post(address, {"act": "refuse", "because": because}).status_code == 404
    guest.refresh_from_db()
    assert guest.status == GuestStatus.WAITING


def test_of_a_time_that_has_passed_staff_read_that_no_sms_goes_and_the_page_says_it(secretary, provider):
    now = timezone.now()
    slot = make_slot(provider, now - timedelta(hours=2))
    guest = make_guest(provider, slot, now=now - timedelta(days=2))
    shown = shown_to(secretary, guest)
    assert "The time has passed: the patient is not notified." in shown
    assert "It doesn't say why, unless you choose a reason" in shown
    assert "the SMS only says to look there" not in shown


def test_staff_find_what_was_answered_newest_first_and_at_another_clinic_nothing(
    secretary, provider, django_assert_num_queries
):
    now, address = timezone.now(), reverse("guests_staff:waiting", args=[provider.clinic.portal_identifier])
    slot = make_slot(provider, ahead(provider.clinic, 9))
    for serial, name in enumerate(["Aud", "Bo", "Cato"]):
        guest = make_guest(provider, slot, serial=serial, now=now, given_name=name)
        refuse(guest, FULL, now=now + timedelta(seconds=serial))
    elsewhere = make_provider(make_clinic())
    refuse(make_guest(elsewhere, given_name="Dina"), FULL)
    with django_assert_num_queries(1):
        found = queries.answered(clinic=provider.clinic)
        assert [(one.given_name, one.provider.name) for one in found] == [
            ("Cato", "Lege Berg"),
            ("Bo", "Lege Berg"),
            ("Aud", "Lege Berg"),
        ]
    shown = secretary.get(address).content.decode()
    assert "Answered or withdrawn in the last 30 days" in shown
    assert all(
        reverse("guests_staff:request", args=[provider.clinic.portal_identifier, one.pk]) in shown
        for one in found
    )
    assert "Dina" not in shown


@pytest.mark.parametrize("country", ["NO", "DK"])
def test_the_demo_shows_one_who_waits_and_one_who_was_refused_with_a_reason(country):
    clinic = make_clinic(country=country)
    provider = make_provider(clinic)
    open_to_guests(provider)
    clinic.refresh_from_db()
    make_slot(provider, ahead(clinic, 9))
    demo.load(clinic, make_user(), timezone.now())
    shown = GuestRequest.objects.filter(clinic=clinic).order_by("created_at", "status")
    assert sorted((one.status, one.refused_because) for one in shown) == [
        ("refused", "gp-practice"),
        ("waiting", ""),
    ]


def test_an_unknown_reason_for_what_a_colleague_has_decided_shows_what_was_decided(secretary, guest):
    colleague = make_user()
    refuse(guest, FULL, colleague)
    answer = secretary.post(staff_page(guest), {"act": "refuse", "because": "known-here"})
    assert answer.status_code == 422
    assert f"The page of the request says: “{FULL.label}”" in answer.content.decode()
    guest.refresh_from_db()
    assert (guest.decided_by, guest.refused_because) == (colleague, "full")
