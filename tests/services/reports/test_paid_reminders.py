"""SMS reminders that patients pay for: what was promised, what is owed, and who reads it."""

import csv
import io
import uuid
from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic_admin.choices import Role
from clinic_admin.models import Clinic
from notifications.choices import Channel, MessageKind, State
from notifications.models import OutboxMessage
from patients.models import Patient
from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.operations import approve
from services.booking.reminders import operations as reminders
from services.booking.reminders import paid
from services.booking.reminders.paid import Month
from tests.build import make_clinic, make_patient, make_provider, make_user
from tests.services.booking.build_booking import NOW, make_slot, make_world
from tests.services.booking.build_staff import make_appointment, sign_in_staff
from tests.services.booking.test_pages import sign_in

pytestmark = pytest.mark.django_db
NOVEMBER = Month(date(2026, 11, 1))
KRONE = "1\N{NO-BREAK SPACE}NOK"


@pytest.fixture(autouse=True)
def on_a_monday_at_nine():
    with time_machine.travel(NOW, tick=False):
        yield


def booked(days=3, world=None, **values):
    world = world or make_world()
    return world, world.book(make_slot(world.gp, NOW + timedelta(days=days)), **values)


def price_of(appointment):
    """Return what the one queued reminder costs."""
    about = OutboxMessage.objects.about(appointment).filter(kind=MessageKind.REMINDER, state=State.QUEUED)
    return about.values_list("price_ore", flat=True).get()


def sent(appointment, state=State.ACCEPTED):
    """Let the reminder have gone."""
    about = OutboxMessage.objects.about(appointment).filter(kind=MessageKind.REMINDER, state=State.QUEUED)
    about.update(state=state, closed_at=NOW, next_try_at=None, tries=1)


def replacing(world, first):
    """Return the patient's request for a later time instead, which waits for approval."""
    other = make_slot(world.gp, NOW + timedelta(days=4))
    values = {"wants_reminder": True, "reminder_ore": 100, "replaces": first}
    return make_appointment(other, world.patient, **values)


def owed(clinic, month=NOVEMBER):
    return [(one.appointment_id, one.ore) for one in paid.page(clinic, month).rows]


def page_of(clinic, name="paid_reminders"):
    return reverse(f"reports_admin:{name}", args=[clinic.portal_identifier])


# -- what was promised ---------------------------------------------------------------------------------------
def test_the_price_of_when_it_was_chosen_holds_whatever_the_clinic_takes_later():
    world, appointment = booked()
    Clinic.objects.update(sms_ore=450)
    reminders.keep_up(Clinic.objects.get(pk=world.clinic.pk), NOW + timedelta(days=1))
    assert price_of(appointment) == 100
    address = reverse("booking:appointment", args=[world.clinic.portal_identifier, appointment.pk])
    assert f"It costs {KRONE}" in sign_in(world).get(address).content.decode()
    sent(appointment)
    assert owed(world.clinic) == [(appointment.pk, 100)]


def test_chosen_anew_it_costs_what_it_costs_then():
    world, appointment = booked()
    world.patient.clinic.sms_ore = 450
    Clinic.objects.update(sms_ore=450)
    for on in (False, True):
        reminders.turn(patient=world.patient, appointment_id=appointment.pk, on=on, actor=world.user, now=NOW)
    assert price_of(appointment) == 450


def test_of_a_request_the_price_of_the_day_it_was_sent_holds_when_it_is_approved():
    world = make_world()
    appointment = make_appointment(
        make_slot(world.gp, NOW + timedelta(days=3)), world.patient, wants_reminder=True, reminder_ore=100
    )
    Clinic.objects.update(sms_ore=450)
    approve(clinic=world.clinic, appointment_id=appointment.pk, actor=make_user(), now=NOW)
    assert price_of(appointment) == 100


@pytest.mark.parametrize(
    ("clinic", "patient", "wants"),
    [
        ({"reminds_everyone": True}, {}, False),
        ({"reminds_everyone": True}, {}, True),
        ({"sms_ore": 0}, {}, True),
        ({}, {"mobile": "", "email": "kari@example.test"}, True),
    ],
)
def test_what_is_free_or_paid_by_the_clinic_is_not_listed(clinic, patient, wants):
    world = make_world(clinic=clinic)
    for name, value in patient.items():
        setattr(world.patient, name, value)
    world.patient.save()
    _, appointment = booked(world=world, wants_reminder=wants)
    assert price_of(appointment) == 0
    sent(appointment)
    assert owed(world.clinic) == []


def test_what_was_chosen_by_e_mail_stays_free_when_it_goes_by_sms():
    world = make_world()
    world.patient.mobile, world.patient.email = "", "kari@example.test"
    world.patient.save()
    _, appointment = booked(world=world)
    Patient.objects.update(mobile="+4791234567")
    reminders.keep_up(Clinic.objects.get(pk=world.clinic.pk), NOW + timedelta(days=1))
    assert OutboxMessage.objects.filter(kind=MessageKind.REMINDER, channel=Channel.SMS).exists()
    assert price_of(appointment) == 0


def test_a_clinic_that_begins_to_remind_everyone_pays_also_for_what_was_chosen():
    world, appointment = booked()
    Clinic.objects.update(reminds_everyone=True)
    reminders.keep_up(Clinic.objects.get(pk=world.clinic.pk), NOW + timedelta(days=1))
    assert price_of(appointment) == 0


def test_what_was_chosen_before_prices_were_kept_costs_what_the_clinic_takes_then():
    _, appointment = booked()
    _, free = booked(world=make_world(clinic={"reminds_everyone": True}))
    _, own_price = booked(world=make_world(clinic={"sms_ore": 450}))
    Appointment.objects.update(reminder_ore=0)
    with connection.cursor() as cursor:
        for fill in import_module("services.booking.migrations.0018_reminder_prices").FILLS:
            cursor.execute(fill.replace("now()", "'2026-11-23 08:00Z'::timestamptz"))
    kept = dict(Appointment.objects.values_list("pk", "reminder_ore"))
    assert kept == {appointment.pk: 100, free.pk: 0, own_price.pk: 450}


# -- what is owed --------------------------------------------------------------------------------------------
def test_only_what_was_really_sent_is_owed_and_once_for_an_appointment():
    world, first = booked()
    others = [
        (booked(days, world)[1], state)
        for days, state in enumerate([State.FAILED, State.EXPIRED, State.UNKNOWN, State.DELIVERED], start=4)
    ]
    sent(first)
    for one, state in others:
        closes = {} if state == State.UNKNOWN else {"closed_at": NOW}
        about = OutboxMessage.objects.about(one).filter(kind=MessageKind.REMINDER)
        about.update(state=state, next_try_at=NOW if state == State.UNKNOWN else None, **closes)
    delivered = others[-1][0]
    OutboxMessage.objects.create(
        **{
            **OutboxMessage.objects.about(first).filter(kind=MessageKind.REMINDER).values().get(),
            "id": uuid.uuid4(),
            "dedupe_key": "again",
            "version": 2,
            "due_at": NOW + timedelta(days=20),
        }
    )
    assert {key for key, _ in owed(world.clinic)} == {first.pk, delivered.pk}
    total = paid.total(world.clinic, NOVEMBER)
    assert (total.number, total.ore) == (2, 200)


def test_a_move_that_the_clinic_approves_costs_nothing_more_once_the_first_reminder_was_sent():
    world, first = booked()
    second = replacing(world, first)
    sent(first)
    approve(clinic=world.clinic, appointment_id=second.pk, actor=make_user(), now=NOW)
    assert price_of(second) == 0
    sent(second)
    assert owed(world.clinic) == [(first.pk, 100)]


def test_a_move_that_the_clinic_approves_while_the_first_reminder_is_on_its_way_is_not_paid_twice():
    world, first = booked()
    second = replacing(world, first)
    about = OutboxMessage.objects.about(first).filter(kind=MessageKind.REMINDER)
    lease = {"lease_until": NOW + timedelta(minutes=1), "lease_owner": "worker", "next_try_at": None}
    about.update(state=State.SENDING, tries=1, **lease)
    approve(clinic=world.clinic, appointment_id=second.pk, actor=make_user(), now=NOW)
    about.update(state=State.ACCEPTED, closed_at=NOW, lease_until=None, lease_owner="")
    sent(second)
    assert owed(world.clinic) == [(first.pk, 100)]


def test_nor_is_one_whose_first_time_was_cancelled_before_the_clinic_approved_the_second():
    world, first = booked()
    second = replacing(world, first)
    sent(first)
    Appointment.objects.filter(pk=first.pk).update(status=AppointmentStatus.CANCELLED, cancelled_at=NOW)
    approve(clinic=world.clinic, appointment_id=second.pk, actor=make_user(), now=NOW)
    sent(second)
    assert owed(world.clinic) == [(first.pk, 100)]


def test_a_month_is_the_clinics_own_and_another_clinics_is_not_seen():
    world, appointment = booked()
    sent(appointment)
    ends = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # half past midnight of the first of December in Oslo
    OutboxMessage.objects.about(appointment).update(due_at=ends)
    assert owed(world.clinic) == []
    assert owed(world.clinic, NOVEMBER.following) == [(appointment.pk, 100)]
    assert owed(make_clinic(), NOVEMBER.following) == []


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-10", "2026-10"),
        ("2026-13", "2026-11"),
        ("x", "2026-11"),
        ("", "2026-11"),
        ("9999-12", "2026-11"),
        ("0001-01", "2000-01"),
    ],
)
def test_an_address_names_a_month_or_means_this_one(text, month):
    assert str(Month.of(text, today=date(2026, 11, 23))) == month


def test_months_follow_each_other():
    december = Month(date(2026, 12, 1))
    assert (str(december.before), str(december.following)) == ("2026-11", "2027-01")


# -- pages ---------------------------------------------------------------------------------------------------
def test_staff_read_on_the_appointment_what_is_owed_once_it_is_sent(client):
    world, appointment = booked()
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    address = reverse("booking_staff:appointment", args=[world.clinic.portal_identifier, appointment.pk])
    assert "to be paid" not in client.get(address).text
    sent(appointment)
    assert f"The patient chose this reminder: {KRONE} to be paid" in client.get(address).text


def test_of_two_reminders_of_an_appointment_staff_read_the_price_of_the_one_that_is_listed(client):
    world, appointment = booked()
    sent(appointment)
    about = OutboxMessage.objects.about(appointment).filter(kind=MessageKind.REMINDER)
    later = {"id": uuid.uuid4(), "dedupe_key": "again", "version": 2, "price_ore": 250}
    due_at = about.get().due_at + timedelta(days=1)
    OutboxMessage.objects.create(
        **{**about.values().get(), **later, "due_at": due_at, "created_at": NOW + timedelta(days=1)}
    )
    assert owed(world.clinic) == [(appointment.pk, 100)]
    sign_in_staff(client, world.clinic)
    client.cookies["django_language"] = "en"
    address = reverse("booking_staff:appointment", args=[world.clinic.portal_identifier, appointment.pk])
    assert f"The patient chose this reminder: {KRONE} to be paid" in client.get(address).text


def test_all_staff_read_the_month_and_that_is_recorded(client):
    world, appointment = booked()
    sent(appointment)
    reader = sign_in_staff(client, world.clinic).user
    client.cookies["django_language"] = "en"
    shown = client.get(page_of(world.clinic)).text
    assert world.patient.full_name in shown
    assert f"1 reminder, {KRONE} together" in shown
    assert "Only an administrator" in shown
    seen = AuditEvent.objects.get(action="patient.listed", details={"page": "paid"})
    assert (seen.actor_id, seen.patient_id) == (reader.pk, world.patient.pk)
    assert client.post(page_of(world.clinic, "paid_reminders_file")).status_code == 403
    assert "None in this month" in client.get(page_of(world.clinic), {"month": "2026-10"}).text


def test_to_others_the_page_does_not_exist(client):
    world, other = make_world(), make_clinic()
    sign_in_staff(client, other)
    assert client.get(page_of(world.clinic)).status_code == 404
    assert sign_in(world).get(page_of(world.clinic)).status_code == 404


@pytest.mark.parametrize("payload", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", " =1+1"])
def test_the_file_holds_the_month_runs_no_formula_and_is_recorded(client, payload):
    world, appointment = booked()
    sent(appointment)
    Patient.objects.filter(pk=world.patient.pk).update(given_name=payload, family_name="Danser")
    administrator = sign_in_staff(client, world.clinic, Role.CLINIC_ADMINISTRATOR).user
    client.cookies["django_language"] = "en"
    answer = client.post(page_of(world.clinic, "paid_reminders_file") + "?month=2026-11")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    text = answer.content.decode()
    heads, row = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";")
    assert heads == ["Reminder sent", "Patient", "Appointment", "With", "Price", "Currency"]
    starts = appointment.starts_at.astimezone(world.clinic.zone)
    assert row[1:] == [
        f"'{payload.strip()} Danser",
        f"{starts:%Y-%m-%d %H:%M}",
        world.gp.name,
        "1,00",
        "NOK",
    ]
    event = AuditEvent.objects.get(action="paid_reminders.exported")
    assert (event.actor_id, event.details) == (administrator.pk, {"month": "2026-11"})
    assert AuditEvent.objects.filter(
        action="patient.listed", patient_id=world.patient.pk, details={"page": "paid-file"}
    ).exists()
    changes = client.get(reverse("reports_admin:changes", args=[world.clinic.portal_identifier])).text
    assert "The reminders that patients pay for were taken out as a file: November 2026" in changes


# -- many ----------------------------------------------------------------------------------------------------
def many(clinic, number):
    """Store so many reminders that were sent within November, a tenth of them paid, of appointments of one patient."""
    provider, patient, asker = make_provider(clinic), make_patient(clinic), make_user()
    starts = datetime(2026, 12, 1, 7, tzinfo=UTC)
    own = Appointment.objects.bulk_create(
        Appointment(
            clinic=clinic,
            patient=patient,
            provider=provider,
            starts_at=starts + timedelta(minutes=10 * place),
            ends_at=starts + timedelta(minutes=10 * place + 10),
            kind="portal",
            status=AppointmentStatus.BOOKED,
            form_key=uuid.uuid4(),
            requested_at=NOW,
            requested_by=asker,
            decided_at=NOW,
        )
        for place in range(number // 10)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_outboxmessage (id, clinic_id, kind, channel, dedupe_key, subject_type,
                subject_id, version, recipient, title, body, due_at, not_after, state, lease_owner, tries,
                possible_duplicate, epoch, created_at, closed_at, price_ore)
            SELECT gen_random_uuid(), %s, 'reminder', 'sms', 'k' || %s || n, 'booking.appointment',
                CASE WHEN n %% 10 = 0 THEN (%s::text[])[n / 10] ELSE gen_random_uuid()::text END,
                1, '', '', '', '2026-11-02'::timestamptz + n * interval '1 second', now(), 'delivered', '', 1,
                false, 1, now(), now(), CASE WHEN n %% 10 = 0 THEN 100 ELSE 0 END
            FROM generate_series(1, %s::int) n
            """,
            [clinic.pk, str(clinic.pk), [str(one.pk) for one in own], number],
        )
        cursor.execute("ANALYZE notifications_outboxmessage")


def test_a_long_month_is_read_page_by_page_with_few_questions(client, django_assert_max_num_queries):
    clinic = make_clinic()
    many(clinic, 1200)
    sign_in_staff(client, clinic)
    client.get(page_of(clinic))
    found, after = [], ""
    for _page in range(3):
        with django_assert_max_num_queries(13):
            shown = client.get(page_of(clinic), {"after": after} if after else {})
        found += [one.appointment_id for one, _price in shown.context["rows"]]
        after = shown.context["after"]
    assert (len(found), len(set(found)), after) == (120, 120, "")
    assert shown.context["number"] == 120
    with django_assert_max_num_queries(3):
        assert len(list(paid.every(clinic, NOVEMBER))) == 120


def test_a_page_is_found_by_its_index_among_a_hundred_thousand_messages():
    clinic = make_clinic()
    many(clinic, 100_000)
    with CaptureQueriesContext(connection) as seen:
        assert len(paid.page(clinic, NOVEMBER).rows) == 50
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ANALYZE {seen[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "outbox_paid" in plan
    assert "Seq Scan" not in plan
