"""Who has seen or changed my data: every look of staff, every change with before and after, in plain words."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clinic_admin.choices import Role
from identity.choices import UserKind
from patients import operations as patients
from patients.choices import SeenIn
from patients.contact import operations as contact
from patients.models import DataChange
from portal import audit
from portal.models import AuditEvent
from services.access.operations import set_special_rights
from services.access.policy import SpecialRights
from services.booking.choices import AppointmentStatus
from services.own import log_queries, words
from services.own.log_queries import PER_PAGE, Asked
from services.reports.choices import ChangeKind
from services.reports.words import CHANGES, NOT_CHANGES
from tests.build import make_clinic, make_patient, make_staff_member, make_user
from tests.identity.build_codes import person
from tests.patients.build_guardians import (
    begins,
    in_register,
    make_account,
    make_person,
    number_of,
    sign_in_account,
    years_ago,
)
from tests.services.booking.build_staff import make_request
from tests.services.own.build_own import make_place, page, patient_in, staff_in
from tests.services.reports.build_reports import make_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_place()


@pytest.fixture
def browser(place):
    """A browser in which the patient is signed in."""
    client = Client()
    place.user = patient_in(client, place.patient)
    return client


def log(place, **asked):
    with translation.override("en"):  # requests leave their own language behind
        return log_queries.log_of(place.patient, Asked(**asked), viewer=None).entries


def told(place, **asked):
    """Return what, who and role of each entry."""
    return [(entry.what, entry.who.name, entry.who.role) for entry in log(place, **asked)]


# -- looks -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("tab", ["patient", "contact", "guardians", "portal", "appointments", "history"])
def test_each_page_about_the_patient_that_staff_open_is_seen_with_name_and_role(place, browser, tab):
    place.opens(f"patients_staff:{tab}", place.patient.pk)
    (entry,) = log(place)
    assert (entry.what, entry.who.name, entry.who.role) == (
        "Opened the patient page",
        "Siv Sekretær",
        "Assistant",
    )
    assert entry.more, "which part was opened"
    text = page(browser, place.clinic, "log").content.decode()
    assert "Siv Sekretær" in text
    assert "Assistant" in text


def test_a_doctor_is_called_what_the_doctor_is(place):
    place.opens("patients_staff:patient", place.patient.pk, by=place.doctor)
    assert told(place) == [("Opened the patient page", "Magnard Koman", "GP")]


def test_an_appointment_that_staff_open_is_seen_with_its_time_and_never_its_reason(place, browser):
    request = make_request(place.gp, patient=place.patient, reason="Vondt i hemmeligheten")
    place.opens("booking_staff:appointment", request.pk)
    (entry,) = log(place)
    assert entry.what == "Opened an appointment"
    assert "Magnard Koman" in entry.more[0]
    assert "hemmeligheten" not in page(browser, place.clinic, "log").content.decode()


@pytest.mark.parametrize(
    ("address", "words_of_list"),
    [
        ("patients_staff:list", "the list of patients"),
        ("booking_staff:calendar", "the day in the calendar"),
        ("reports_admin:patients", "the log of what patients use"),
        ("access_admin:special", "the list of special rights"),
    ],
)
def test_lists_that_name_the_patient_are_seen(place, address, words_of_list):
    request = make_request(place.gp, patient=place.patient)
    set_special_rights(
        patient=place.patient, special=SpecialRights(booking=False), actor=audit.SYSTEM, now=timezone.now()
    )
    day = request.starts_at.astimezone(place.clinic.zone).date().isoformat()
    place.opens(address, day=day)
    looks = [entry for entry in log(place) if entry.is_look]
    assert [(look.what, look.who.name, look.more) for look in looks] == [
        ("Saw the name on a list", "Siv Sekretær", (words_of_list,))
    ]


def test_an_export_of_the_patient_log_is_seen_by_each_patient_in_it(place):
    admin = make_staff_member(place.clinic, Role.CLINIC_ADMINISTRATOR, name="Ada Admin")
    browser = Client()
    staff_in(browser, admin)
    other = make_patient(place.clinic)
    browser.post(reverse("reports_admin:file", args=[place.clinic.portal_identifier]))
    assert told(place) == [("Saw the name on a list", "Ada Admin", "Clinic administrator")]
    assert AuditEvent.objects.filter(patient_id=other.pk, action="patient.listed").count() == 1


def test_the_page_that_says_why_is_seen(place):
    place.opens("access_admin:explain", patient=str(place.patient.pk))
    assert log(place)[0].more == ("why something is open or closed",)


def test_a_list_is_noted_once_in_a_quarter_of_an_hour_for_each_staff_member(place):
    at = datetime(2026, 11, 23, 9, 2, tzinfo=UTC)
    for minutes in (0, 5, 12):
        _lists(place, place.secretary.user, at + timedelta(minutes=minutes))
    _lists(place, place.doctor.user, at)
    assert AuditEvent.objects.filter(action="patient.listed").count() == 2
    _lists(place, place.secretary.user, at + timedelta(minutes=13))
    assert AuditEvent.objects.filter(action="patient.listed").count() == 3


def _lists(place, user, at):
    patients.note_listed(
        clinic=place.clinic, patient_ids=[place.patient.pk] * 2, page=SeenIn.LIST, actor=user, now=at
    )


def test_noting_a_list_is_one_statement_however_many_patients(place, django_assert_num_queries):
    ids = [make_patient(place.clinic).pk for _ in range(50)]
    with django_assert_num_queries(3):  # begin, insert, end
        patients.note_listed(
            clinic=place.clinic,
            patient_ids=ids,
            page=SeenIn.LIST,
            actor=place.secretary.user,
            now=timezone.now(),
        )
    assert AuditEvent.objects.filter(action="patient.listed").count() == 50


def test_looks_by_the_same_person_on_a_day_are_one_line_with_every_page(place):
    for tab in ("patient", "portal", "patient"):
        place.opens(f"patients_staff:{tab}", place.patient.pk)
    (entry,) = log(place)
    assert (entry.times, set(entry.more)) == (3, {"who the patient is", "rights in the portal"})


# -- changes -----------------------------------------------------------------------------------------------
def test_contact_details_are_shown_with_what_they_were_and_became(place, browser):
    contact.change_contact(
        patient=place.patient,
        mobile="+4798765432",
        email="",
        language="en",
        actor=place.secretary.user,
        now=timezone.now(),
    )
    (entry,) = log(place)
    assert (entry.what, entry.who.name) == ("Changed contact details", "Siv Sekretær")
    assert [tuple(line) for line in entry.lines] == [
        ("E-mail", "line1@x.example", ""),
        ("Language", "The clinic's language", "English"),
        ("Mobile", "91 23 40 01", "98 76 54 32"),
    ]
    text = page(browser, place.clinic, "log").content.decode()
    assert "98 76 54 32" in text


def test_the_trail_itself_holds_neither_number_nor_address_and_they_rest_encrypted(place):
    contact.change_contact(
        patient=place.patient,
        mobile="+4798765432",
        email="new@x.example",
        language="",
        actor=place.secretary.user,
        now=timezone.now(),
    )
    event = AuditEvent.objects.get(action="patient.contact_changed")
    assert event.details == {"fields": ["email", "mobile"]}
    assert {row.field: (row.before, row.after) for row in DataChange.objects.all()} == {
        "email": ("line1@x.example", "new@x.example"),
        "mobile": ("+4791234001", "+4798765432"),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT before || after FROM patients_datachange")
        stored = " ".join(str(row[0]) for row in cursor.fetchall())
    assert "98765432" not in stored
    assert "x.example" not in stored


def test_special_rights_a_new_gp_and_a_moved_time_say_before_and_after(place):
    other = place.gp.__class__.objects.create(
        clinic=place.clinic, name="Vikar Lent", initials="VL", kind="locum"
    )
    at = timezone.now()
    make_event(
        place.clinic,
        "special_rights.changed",
        at=at,
        patient=place.patient,
        before={"booking": None, "approval": None},
        after={"booking": False, "approval": "by-hand"},
    )
    make_event(
        place.clinic,
        "patient.gp_changed",
        at=at - timedelta(hours=1),
        patient=place.patient,
        before={"gp": place.gp.pk},
        after={"gp": None},
    )
    make_event(
        place.clinic,
        "appointment.moved",
        at=at - timedelta(hours=2),
        patient=place.patient,
        before={"provider": place.gp.pk, "starts_at": "2026-11-24T09:00:00+00:00"},
        after={"provider": other.pk, "starts_at": "2026-11-24T10:00:00+00:00"},
    )
    lines = [[tuple(line) for line in entry.lines] for entry in log(place)]
    assert lines[0][0] == ("Booking", "as standard", "no")
    assert lines[1] == [("GP", "Magnard Koman", "none")]
    assert lines[2] == [
        ("Time", "Tuesday 24 November at 10:00", "Tuesday 24 November at 11:00"),
        ("With", "Magnard Koman", "Vikar Lent"),
    ]


def test_what_the_portal_did_by_itself_is_said_so(place):
    make_event(place.clinic, "patient.came_of_age", patient=place.patient, at=timezone.now())
    assert told(place)[0][1] == "The portal, by itself"


def test_the_patients_own_acts_are_theirs(place, browser):
    contact.change_contact(
        patient=place.patient, mobile="", email="", language="", actor=place.user, now=timezone.now()
    )
    assert "You" in page(browser, place.clinic, "log").content.decode()


# -- finding -----------------------------------------------------------------------------------------------
def test_the_list_is_narrowed_by_person_and_by_the_clinics_months(place, browser):
    make_event(
        place.clinic,
        "patient.viewed",
        at=datetime(2026, 10, 31, 22, 59, tzinfo=UTC),  # a minute before midnight in Oslo
        actor=place.secretary.user,
        patient=place.patient,
    )
    make_event(
        place.clinic,
        "patient.national_id_shown",
        at=datetime(2026, 10, 31, 23, 0, tzinfo=UTC),
        actor=place.doctor.user,
        patient=place.patient,
    )
    make_event(
        place.clinic, "appointment.approved", at=datetime(2026, 11, 2, tzinfo=UTC), patient=place.patient
    )

    def shown(**asked):
        answer = page(browser, place.clinic, "log", **asked)
        assert answer.status_code == 200
        return {entry.action for entry in answer.context["found"].entries}

    assert shown(month="2026-10") == {"patient.viewed"}
    assert shown(month="2026-11") == {"patient.national_id_shown", "appointment.approved"}
    assert shown(person=str(place.doctor.user.pk)) == {"patient.national_id_shown"}
    assert shown(person="portal") == {"appointment.approved"}
    assert shown(person=str(place.doctor.user.pk), month="2026-10") == set()


@pytest.mark.parametrize("asked", [{"person": "nobody"}, {"month": "2026-13"}, {"month": "\u0661"}])
def test_a_wrong_choice_is_said_by_the_field(place, browser, asked):
    answer = page(browser, place.clinic, "log", **asked)
    assert answer.status_code == 422
    assert answer.context["form"].errors


def test_only_people_of_the_own_trail_can_be_chosen(place, browser):
    stranger = make_staff_member(make_clinic(), name="Fremmed Person")
    unseen = make_staff_member(place.clinic, name="Ser Aldri")
    place.opens("patients_staff:patient", place.patient.pk)
    text = page(browser, place.clinic, "log").content.decode()
    assert "Siv Sekretær (Assistant)" in text
    assert stranger.name not in text
    assert unseen.name not in text


def test_pages_follow_each_other_without_gap_or_repetition(place, browser):
    at = timezone.now()
    for minutes in range(PER_PAGE * 2 + 5):
        make_event(
            place.clinic,
            "appointment.approved",
            at=at - timedelta(minutes=minutes // 2),  # two at the same moment
            patient=place.patient,
        )
    seen, before = 0, None
    for length in (PER_PAGE, PER_PAGE, 5):
        found = log_queries.log_of(place.patient, Asked(before=before), viewer=None)
        assert len(found.entries) == length
        seen, before = seen + length, found.following
    assert (seen, before) == (PER_PAGE * 2 + 5, None)


def test_another_patients_events_are_not_shown_and_their_page_is_no_page_of_ours(place, browser):
    other = person(place.clinic, 2)
    event = make_event(
        place.clinic, "patient.viewed", at=timezone.now(), patient=other, actor=place.doctor.user
    )
    assert log(place) == ()
    answer = page(browser, place.clinic, "log", before=str(event.pk))
    assert answer.status_code == 200
    assert answer.context["found"].entries == ()


def test_the_page_takes_as_many_queries_for_much_as_for_little(place, browser, django_assert_max_num_queries):
    place.opens("patients_staff:patient", place.patient.pk)
    page(browser, place.clinic, "log")
    for _ in range(40):
        member = make_staff_member(place.clinic)
        make_event(
            place.clinic, "patient.viewed", at=timezone.now(), actor=member.user, patient=place.patient
        )
        make_request(place.gp, patient=place.patient, minute=0, days=3 + _)
        make_event(
            place.clinic,
            "patient.contact_changed",
            at=timezone.now(),
            actor=member.user,
            patient=place.patient,
            fields=["mobile"],
        )
    with django_assert_max_num_queries(18):
        page(browser, place.clinic, "log")


# -- a million rows ----------------------------------------------------------------------------------------
def test_a_long_trail_is_read_along_its_indexes(place):
    """Every question of the page on a table that is mostly other patients': no scan of the table, no sort of it all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portal_auditevent (at, clinic_id, actor_kind, actor_id, patient_id, action, subject_type, "
            "subject_id, details, request_id) SELECT now() - n * interval '1 minute', %s, 'staff', "
            "CASE WHEN n %% 10 = 0 THEN NULL ELSE md5((n %% 40)::text)::uuid END, "
            "CASE WHEN n %% 20 = 0 THEN %s ELSE md5((n %% 2000)::text)::uuid END, "
            "'patient.viewed', 'patients.patient', n::text, '{}', '' FROM generate_series(1, 60000) n",
            [place.clinic.pk, place.patient.pk],
        )
        cursor.execute("ANALYZE portal_auditevent")
    person_id = AuditEvent.objects.exclude(actor_id=None).filter(patient_id=place.patient.pk).first()
    month = timezone.localdate().replace(day=1)
    for asked in (
        Asked(),
        Asked(by_itself=True),
        Asked(month=month),
        Asked(person=person_id.actor_id if person_id else place.doctor.user.pk),
    ):
        rows = log_queries._narrowed(place.patient, asked)[: PER_PAGE + 1]
        plan = rows.explain(analyze=True, buffers=True)
        assert "Seq Scan" not in plan, plan
        assert "audit_by_patient" in plan, plan
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + log_queries._WALK, {"patient": place.patient.pk, "most": 500})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
    assert "audit_by_patient_and_actor" in plan, plan


# -- words -------------------------------------------------------------------------------------------------
ELSEWHERE = {
    *(
        "patients.imported",
        "patient_log.exported",
        "paid_reminders.exported",
        "register.refused",
        "inbox.assigned",
        "guardians.loaded",
    ),
    *("membership.child_confirmed", "membership.child_ended", "membership.child_made", "calendar.extended"),
    *("register.set_aside", "register.put_back"),
    *("guest.requested", "guest.refused", "guest.withdrawn", "guest.viewed"),
}
"""Recorded about the clinic, the register or a login, never about one patient."""
ABOUT_PATIENTS = {"told on the patient's own page", "daily work", "reading, not changing"}


def test_everything_that_is_recorded_about_a_patient_has_a_sentence():
    kinds = {ChangeKind.PATIENTS, ChangeKind.SPECIAL}
    about = {action for action, (kind, _words) in CHANGES.items() if kind in kinds}
    about |= {action for action, why in NOT_CHANGES.items() if why in ABOUT_PATIENTS}
    missing = about - set(words.SENTENCES) - ELSEWHERE
    assert not missing, f"give these a sentence in services/own/words.py: {missing}"
    unknown = set(words.SENTENCES) - set(CHANGES) - set(NOT_CHANGES)
    assert not unknown


@pytest.mark.parametrize("action", [*words.SENTENCES, "nobody.knows"])
@pytest.mark.parametrize(
    "details", [{}, {"before": None, "after": None, "fields": None, "part": 7, "areas": None, "page": []}]
)
def test_an_event_that_lacks_details_is_told_all_the_same(place, action, details):
    make_event(place.clinic, action, at=timezone.now(), patient=place.patient, **details)
    assert log(place)[0].what


# -- children ----------------------------------------------------------------------------------------------
@pytest.fixture
def family(place):
    """A mother, signed in with eID, and her child."""
    child = make_person(place.clinic, years_ago(8), serial=3, given_name="Ola")
    mother = number_of(years_ago(40), serial=4)
    make_person(place.clinic, years_ago(40), serial=4)
    account = make_account(mother, name="Kari Forelder")
    in_register(child, mother)
    browser = Client()
    browser.cookies["django_language"] = "en"
    sign_in_account(browser, account)
    browser.get(reverse("acting:people", args=[place.clinic.portal_identifier]))
    return child, account, browser


def test_a_guardian_sees_who_has_seen_the_childs_data(place, family):
    child, _account, browser = family
    place.opens("patients_staff:patient", child.pk)
    begins(browser, place.clinic, child.guardians.get())
    text = page(browser, place.clinic, "log").content.decode()
    assert "Siv Sekretær" in text
    assert "Kari Forelder (guardian)" in text, "what the guardian did for the child"
    assert "data of Ola" in text


def test_a_guardian_of_a_child_with_letters_of_its_own_does_not(place):
    child = make_person(place.clinic, years_ago(13), serial=5, given_name="Nora")
    mother = number_of(years_ago(40), serial=6)
    make_person(place.clinic, years_ago(40), serial=6)
    in_register(child, mother)
    browser = Client()
    sign_in_account(browser, make_account(mother))
    browser.get(reverse("acting:people", args=[place.clinic.portal_identifier]))
    begins(browser, place.clinic, child.guardians.get())
    assert page(browser, place.clinic, "log").status_code == 403


def test_looks_that_were_recorded_before_lists_were_are_shown_as_well(place):
    user = make_user(kind=UserKind.STAFF, name="Var Her")
    make_event(place.clinic, "patient.viewed", at=timezone.now(), actor=user, patient=place.patient)
    assert told(place) == [("Opened the patient page", "Var Her", "outside the clinic")]


def test_a_live_appointment_that_is_approved_is_told_with_its_time(place):
    request = make_request(place.gp, patient=place.patient)
    make_event(
        place.clinic,
        "appointment.approved",
        at=timezone.now(),
        actor=place.doctor.user,
        patient=place.patient,
        subject=request,
    )
    assert "with Magnard Koman" in log(place)[0].more[0]
    assert request.status == AppointmentStatus.REQUESTED
