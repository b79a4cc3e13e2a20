"""Reminders: who gets one, when and how, what is told about it, and which did not arrive."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from clinic_admin.sms_price import sms_price
from notifications import queries as outbox
from notifications.choices import Channel, MessageKind, State
from notifications.models import OutboxMessage
from patients.models import Patient
from portal.models import AuditEvent
from services.booking import operations, policy, tasks
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.reminders import operations as reminders
from services.booking.reminders import queries, views, words
from services.booking.reminders.choices import Stage, WhyNone
from services.booking.reminders.operations import ReminderRefused
from services.booking.reminders.policy import Wish, outlook
from tests.build import make_clinic
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.build_staff import sign_in_staff
from tests.services.booking.test_pages import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_a_monday_at_nine():
    with time_machine.travel(NOW, tick=False):
        yield


LATER = NOW + timedelta(days=3)


def rows(**values):
    return list(OutboxMessage.objects.filter(kind=MessageKind.REMINDER, **values).order_by("version"))


def settle(clinic, **values):
    """Change the clinic's settings, and let the clock come by."""
    Clinic.objects.filter(pk=clinic.pk).update(**values)
    return reminders.keep_up(Clinic.objects.get(pk=clinic.pk), LATER - timedelta(days=2))


def turn(world, appointment, on, **values):
    given = {
        "patient": world.patient,
        "appointment_id": appointment.pk,
        "on": on,
        "actor": world.user,
        "now": NOW,
    }
    return reminders.turn(**(given | values))


# -- when ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("zone", ["Europe/Oslo", "Europe/Copenhagen"])
@pytest.mark.parametrize(
    "day", [date(2027, 3, 28), date(2027, 3, 29), date(2026, 10, 25), date(2026, 10, 26)]
)
@pytest.mark.parametrize(
    ("clock", "hours", "due"),
    [
        ((10, 20), 24, (-1, 10, 20)),
        ((8, 0), 1, (0, 7, 0)),
        ((7, 30), 1, (-1, 20, 30)),
        ((22, 0), 24, (-1, 20, 30)),
        ((6, 0), 24, (-2, 20, 30)),
        ((21, 0), 168, (-7, 20, 30)),
        ((20, 59), 24, (-1, 20, 59)),
    ],
)
def test_the_hours_are_the_clinics_clock_and_the_night_moves_it_earlier(zone, day, clock, hours, due):
    home = ZoneInfo(zone)
    starts = datetime(day.year, day.month, day.day, *clock, tzinfo=home)
    back, *expected = due
    found = policy.reminder_time(
        starts.astimezone(UTC), hours_ahead=hours, zone=home, now=starts.astimezone(UTC) - timedelta(days=20)
    )
    local = found.astimezone(home)
    assert (local.date() - day, [local.hour, local.minute]) == (timedelta(days=back), expected)


# -- who and how -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mobile", "email", "channel", "state"),
    [
        ("+4791234567", "kari@example.test", Channel.SMS, State.QUEUED),
        ("", "kari@example.test", Channel.EMAIL, State.QUEUED),
        ("", "", Channel.SMS, State.NO_RECIPIENT),
    ],
)
def test_who_has_no_mobile_is_reminded_by_e_mail_and_who_has_neither_is_seen_by_staff(
    mobile, email, channel, state
):
    world = make_world()
    world.patient.mobile, world.patient.email = mobile, email
    world.patient.save()
    world.book(make_slot(world.gp, LATER))
    (row,) = rows()
    assert (row.channel, row.state) == (channel, state)


@pytest.mark.parametrize(
    ("language", "country", "price"),
    [
        ("nb", Country.NORWAY, "1\N{NO-BREAK SPACE}kr"),
        ("da", Country.DENMARK, "1\N{NO-BREAK SPACE}kr."),
        ("da", Country.NORWAY, "1\N{NO-BREAK SPACE}NOK"),
        ("nb", Country.DENMARK, "1\N{NO-BREAK SPACE}DKK"),
        ("en", Country.NORWAY, "1\N{NO-BREAK SPACE}NOK"),
    ],
)
def test_the_price_is_in_the_currency_of_the_clinics_country(language, country, price):
    with translation.override(language):
        assert sms_price(Clinic(country=country)) == price
        choice = words.choice_for(Patient(mobile="+4791234567"), Clinic(country=country), now=NOW)
        assert price in choice.label


@pytest.mark.parametrize(
    ("ore", "price"),
    [
        (None, "1\N{NO-BREAK SPACE}kr"),
        (0, ""),
        (50, "0,50\N{NO-BREAK SPACE}kr"),
        (250, "2,50\N{NO-BREAK SPACE}kr"),
        (200, "2\N{NO-BREAK SPACE}kr"),
    ],
)
def test_a_clinic_sets_its_own_price(ore, price):
    clinic = Clinic(country=Country.NORWAY, sms_ore=ore)
    with translation.override("nb"):
        assert sms_price(clinic) == price
        label = words.choice_for(Patient(mobile="+4791234567"), clinic, now=NOW).label
        assert label.endswith(price or "gratis")


@pytest.mark.parametrize(
    ("patient", "clinic", "says"),
    [
        ({"mobile": "+4791234567"}, {"reminds_everyone": True}, "by SMS. It costs nothing"),
        ({"email": "kari@example.test"}, {"reminds_everyone": True}, "by e-mail. It costs nothing"),
        ({}, {"reminds_everyone": True}, "no reminder can be sent"),
        ({}, {}, "no reminder can be sent"),
    ],
)
def test_where_there_is_no_choice_it_says_what_happens(patient, clinic, says):
    with translation.override("en"):
        choice = words.choice_for(Patient(**patient), Clinic(country=Country.NORWAY, **clinic), now=NOW)
    assert choice.label == ""
    assert says in choice.hint
    assert choice.misses_contact is ("mobile" not in patient)


def test_of_a_time_that_is_too_near_nothing_is_promised():
    clinic = Clinic(country=Country.NORWAY, time_zone="Europe/Oslo")
    with translation.override("en"):
        near = words.choice_for(
            Patient(mobile="+4791234567"), clinic, starts_at=NOW + timedelta(hours=5), now=NOW
        )
    assert (near.label, "so near" in near.hint) == ("", True)


# -- on and off ------------------------------------------------------------------------------------------------
def test_turned_off_and_on_again_there_is_one_reminder_and_each_is_in_the_trail():
    world = make_world()
    appointment = world.book(make_slot(world.gp, LATER))
    turn(world, appointment, on=False)
    turn(world, appointment, on=False)
    assert [row.state for row in rows()] == [State.CANCELLED]
    turn(world, appointment, on=True)
    assert [row.state for row in rows()] == [State.QUEUED]
    trail = AuditEvent.objects.filter(action__startswith="appointment.reminder").order_by("pk")
    assert [event.action for event in trail] == ["appointment.reminder_off", "appointment.reminder_on"]


def test_chosen_later_it_is_queued_and_a_move_makes_a_new_version():
    world = make_world()
    appointment = world.book(make_slot(world.gp, LATER), wants_reminder=False)
    assert rows() == []
    turn(world, appointment, on=True)
    (first,) = rows()
    other = make_slot(world.gp, LATER + timedelta(days=1))
    operations.move(
        patient=world.patient,
        appointment_id=appointment.pk,
        slot_id=other.pk,
        version=appointment.version,
        form_key=appointment.form_key,
        assurance=3,
        actor=world.user,
        now=NOW,
    )
    old, new = rows()
    assert (old.pk, old.state, new.state) == (first.pk, State.CANCELLED, State.QUEUED)
    assert new.due_at - first.due_at == timedelta(days=1)


def test_of_a_request_the_choice_is_kept_until_it_is_approved():
    world = make_world(approval="by-hand")
    appointment = world.book(make_slot(world.gp, LATER), wants_reminder=False)
    turn(world, appointment, on=True)
    assert rows() == []
    operations.approve(clinic=world.clinic, appointment_id=appointment.pk, actor=world.user, now=NOW)
    assert [row.state for row in rows()] == [State.QUEUED]


def test_nothing_can_be_turned_where_the_clinic_reminds_everyone_or_the_time_is_over():
    world = make_world()
    appointment = world.book(make_slot(world.gp, LATER))
    with pytest.raises(ReminderRefused):
        turn(world, appointment, on=False, now=LATER)
    Clinic.objects.update(reminds_everyone=True)
    with pytest.raises(ReminderRefused):
        turn(world, appointment, on=False)
    assert [row.state for row in rows()] == [State.QUEUED]


# -- what changes after booking ----------------------------------------------------------------------------------
def test_switched_on_it_holds_for_those_who_have_booked_already_and_off_again_for_those_who_did_not_ask():
    world = make_world()
    world.book(make_slot(world.gp, LATER), wants_reminder=False)
    assert settle(world.clinic, reminds_everyone=True) == 1
    assert [row.state for row in rows()] == [State.QUEUED]
    assert settle(world.clinic, reminds_everyone=True) == 0
    assert settle(world.clinic, reminds_everyone=False) == 1
    assert [row.state for row in rows()] == [State.CANCELLED]


def test_switched_off_who_asked_for_one_keeps_it():
    world = make_world(clinic={"reminds_everyone": True})
    world.book(make_slot(world.gp, LATER), wants_reminder=True)
    assert settle(world.clinic, reminds_everyone=False) == 0
    assert [row.state for row in rows()] == [State.QUEUED]


def test_other_hours_move_the_reminder_and_it_is_never_sent_twice():
    world = make_world()
    world.book(make_slot(world.gp, LATER))
    (row,) = rows()
    assert settle(world.clinic, reminder_hours_ahead=12) == 1
    moved = rows()[0]
    assert (moved.pk, moved.due_at > row.due_at) == (row.pk, True)
    OutboxMessage.objects.update(state=State.DELIVERED, closed_at=NOW, next_try_at=None, tries=1)
    assert settle(world.clinic, reminder_hours_ahead=24) == 0
    assert len(rows()) == 1


def test_more_hours_than_are_left_keep_what_was_queued():
    world = make_world()
    world.book(make_slot(world.gp, LATER))
    before = rows()[0].due_at
    assert settle(world.clinic, reminder_hours_ahead=168) == 0
    assert [(row.state, row.due_at) for row in rows()] == [(State.QUEUED, before)]


def test_a_new_number_and_another_language_reach_a_reminder_that_waits():
    world = make_world()
    world.book(make_slot(world.gp, LATER))
    Patient.objects.filter(pk=world.patient.pk).update(mobile="+4799887766", language="da")
    assert settle(world.clinic) == 1
    (row,) = rows()
    assert row.recipient == "+4799887766"
    assert "Du har" in row.body


def test_the_clock_comes_by_each_clinic_and_one_that_fails_keeps_no_other_from_it(monkeypatch):
    bad, good = make_world(), make_world()
    good.book(make_slot(good.gp, NOW + timedelta(days=2)), wants_reminder=False)
    Clinic.objects.update(reminds_everyone=True)
    keep = reminders.keep_up

    def fails(clinic, now):
        if clinic.pk == bad.clinic.pk:
            raise RuntimeError
        return keep(clinic, now)

    monkeypatch.setattr(reminders, "keep_up", fails)
    tasks.keep_reminders()
    assert [row.state for row in rows()] == [State.QUEUED]


def test_of_a_cancelled_or_a_moved_appointment_nothing_comes_back():
    world = make_world()
    appointment = world.book(make_slot(world.gp, LATER))
    world.cancel(appointment)
    assert settle(world.clinic, reminds_everyone=True) == 0
    assert {row.state for row in rows()} == {State.CANCELLED}


def test_the_clock_reads_a_clinics_next_days_in_a_few_statements():
    world = make_world()
    for number in range(12):
        world.book(make_slot(world.gp, LATER - timedelta(minutes=30 * number)))
    with CaptureQueriesContext(connection) as seen:
        assert settle(world.clinic) == 0
    assert len(seen) <= 6


# -- how it stands -----------------------------------------------------------------------------------------------
WISH = Wish(
    status=AppointmentStatus.BOOKED,
    starts_at=LATER,
    wants=True,
    clinic_reminds=False,
    channel=Channel.SMS,
    hours_ahead=24,
    zone=ZoneInfo("Europe/Oslo"),
)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": AppointmentStatus.CANCELLED}, WhyNone.CANCELLED),
        ({"status": AppointmentStatus.REFUSED}, WhyNone.REFUSED),
        ({"status": AppointmentStatus.REQUESTED}, WhyNone.NOT_APPROVED_YET),
        ({"wants": False}, WhyNone.NOT_WANTED),
        ({"channel": None}, WhyNone.NO_CONTACT),
        ({"starts_at": NOW + timedelta(hours=5)}, WhyNone.TOO_LATE),
        ({"starts_at": NOW + timedelta(hours=9), "hours_ahead": 14}, WhyNone.QUIET),
    ],
)
def test_each_appointment_without_a_reminder_has_one_reason(change, why):
    found = outlook(replace(WISH, **change), None, NOW)
    assert (found.stage, found.why) == (Stage.NONE, str(why.label))


def test_staff_read_when_it_goes_and_afterwards_what_became_of_it():
    world = make_world()
    appointment = world.book(make_slot(world.gp, LATER))
    planned = queries.outlook_of(appointment, NOW)
    assert (planned.stage, planned.at) == (Stage.PLANNED, rows()[0].due_at)
    reminder = OutboxMessage.objects.filter(kind=MessageKind.REMINDER)
    for state, stage in (
        (State.ACCEPTED, Stage.SENT),
        (State.DELIVERED, Stage.DELIVERED),
        (State.FAILED_FINAL, Stage.FAILED),
    ):
        reminder.update(state=state, closed_at=NOW, next_try_at=None, tries=1)
        assert queries.outlook_of(appointment, NOW).stage is stage
    assert queries.outlook_of(appointment, NOW).why


# -- pages -------------------------------------------------------------------------------------------------------
def coming(world, days=3):
    return world.book(make_slot(world.gp, NOW + timedelta(days=days)))


def test_on_the_appointments_page_the_patient_turns_it_off_and_on():
    world = make_world()
    appointment = coming(world)
    browser, args = sign_in(world), [world.clinic.portal_identifier, appointment.pk]
    page = reverse("booking:appointment", args=args)
    assert "No reminder, please" in browser.get(page).content.decode()
    turned = browser.post(reverse("booking:reminder", args=args), {"on": "0"}, follow=True)
    assert "Send a reminder by SMS, 1\N{NO-BREAK SPACE}NOK" in turned.content.decode()
    assert Appointment.objects.get(pk=appointment.pk).wants_reminder is False
    assert browser.post(reverse("booking:reminder", args=args), {"on": "maybe"}).status_code == 404


def test_at_another_price_than_the_page_said_nothing_is_turned_on_and_the_page_states_the_new_one():
    world = make_world()
    appointment = coming(world)
    browser, args = sign_in(world), [world.clinic.portal_identifier, appointment.pk]
    turn = reverse("booking:reminder", args=args)
    shown = browser.post(turn, {"on": "0"}, follow=True)
    told = re.search(r'name="told_ore" value="(\d+)"', shown.content.decode())[1]
    Clinic.objects.update(sms_ore=250)
    shown = browser.post(turn, {"on": "1", "told_ore": told}, follow=True).content.decode()
    assert "The price has changed since you opened the page. Choose again." in shown
    assert "Send a reminder by SMS, 2,50\N{NO-BREAK SPACE}NOK" in shown
    assert Appointment.objects.get(pk=appointment.pk).wants_reminder is False
    told = re.search(r'name="told_ore" value="(\d+)"', shown)[1]
    browser.post(turn, {"on": "1", "told_ore": told})
    assert Appointment.objects.get(pk=appointment.pk).reminder_ore == 250


def test_nobody_turns_somebody_elses_reminder():
    world = make_world()
    appointment = coming(world)
    other = make_world(clinic={"portal_identifier": "other"})
    browser = sign_in(other)
    page = reverse("booking:reminder", args=["other", appointment.pk])
    assert browser.post(page, {"on": "0"}).status_code == 404
    assert Appointment.objects.get(pk=appointment.pk).wants_reminder is True


def fail(appointment, state=State.FAILED_FINAL):
    OutboxMessage.objects.filter(subject_id=str(appointment.pk), kind=MessageKind.REMINDER).update(
        state=state, closed_at=NOW, next_try_at=None, tries=1
    )


def test_whose_reminder_did_not_arrive_is_led_to_the_contact_details():
    world = make_world()
    appointment = coming(world)
    browser, page = sign_in(world), [world.clinic.portal_identifier, appointment.pk]
    address = reverse("booking:appointment", args=page)
    assert "Fill in my details" not in browser.get(address).content.decode()
    fail(appointment)
    shown = browser.get(address).content.decode()
    assert "It could not be delivered" in shown
    assert "Fill in my details" in shown


def test_a_price_that_ends_with_a_full_stop_ends_the_sentence_once(monkeypatch):
    world = make_world()
    appointment = coming(world)
    monkeypatch.setattr(views, "in_crowns", lambda clinic, ore: "1\N{NO-BREAK SPACE}kr.")
    address = reverse("booking:appointment", args=[world.clinic.portal_identifier, appointment.pk])
    assert "It costs 1\N{NO-BREAK SPACE}kr.<" in sign_in(world).get(address).content.decode()


def test_staff_see_which_reminders_did_not_arrive_and_why_and_only_of_their_clinic(client):
    world, other = make_world(), make_world()
    good, bad, gone, theirs = coming(world), coming(world, 4), coming(world, 5), coming(other)
    for one in (bad, theirs, gone):
        fail(one)
    world.cancel(gone)
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    page = reverse("reminders_staff:failed", args=[world.clinic.portal_identifier])
    text = client.get(page).content.decode()
    assert str(bad.pk) in text
    assert not any(str(one.pk) in text for one in (good, theirs, gone))
    assert "Phone the patient." in text
    day = bad.starts_at.astimezone(world.clinic.zone).date()
    assert str(bad.pk) in client.get(page, {"day": day.isoformat()}).content.decode()
    assert (
        str(bad.pk) not in client.get(page, {"day": (day + timedelta(days=1)).isoformat()}).content.decode()
    )
    for nonsense in ({"day": "yesterday"}, {"after": "x_y"}, {"after": "2026-01-01T00:00:00_z"}):
        assert client.get(page, nonsense).status_code == 200


def test_the_calendar_has_a_sign_where_a_reminder_did_not_arrive(client):
    world = make_world()
    appointment = coming(world)
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    day = appointment.starts_at.astimezone(world.clinic.zone).date()
    page = reverse("booking_staff:calendar", args=[world.clinic.portal_identifier]) + f"?day={day}"
    assert "The reminder did not arrive" not in client.get(page).content.decode()
    fail(appointment)
    assert "The reminder did not arrive" in client.get(page).content.decode()


def test_failed_reminders_are_found_by_their_index_among_a_hundred_thousand_messages():
    """What is read is what is shown: the plan uses the index, and no row is thrown away."""
    world, other = make_clinic(), make_clinic()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_outboxmessage (id, clinic_id, kind, channel, dedupe_key, subject_type,
                subject_id, version, recipient, title, body, due_at, not_after, state, lease_owner, tries,
                possible_duplicate, epoch, created_at, closed_at)
            SELECT gen_random_uuid(), CASE WHEN n %% 2 = 0 THEN %s ELSE %s END, 'reminder', 'sms', 'k' || n,
                'booking.appointment', gen_random_uuid()::text, 1, '', '', '', now(),
                now() + (n || ' seconds')::interval, CASE WHEN n %% 50 < 2 THEN 'failed' ELSE 'delivered' END,
                '', 1, false, 1, now(), now()
            FROM generate_series(1, 100000) n
            """,
            [world.pk, other.pk],
        )
        cursor.execute("ANALYZE notifications_outboxmessage")
        with CaptureQueriesContext(connection) as seen:
            found = outbox.failed_reminders(
                world, after=None, since=timezone.now(), before=timezone.now() + timedelta(days=365), most=51
            )
        assert len(found) == 51
        cursor.execute(f"EXPLAIN ANALYZE {seen[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "outbox_failed_reminders" in plan
    assert "Sort" not in plan
    assert "Rows Removed" not in plan
