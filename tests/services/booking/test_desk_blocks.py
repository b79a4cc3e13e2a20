"""The desk: blocking time, and saying who came."""

from datetime import datetime, time, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from portal.models import AuditEvent
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotState
from services.booking.desk import operations, policy
from services.booking.desk.choices import Attendance, DeskRefusal
from services.booking.desk.policy import Span
from services.booking.models import Appointment, AttendanceMark, Slot
from services.booking.operations import BookingRefused, extend_calendar
from tests.services.booking.build_booking import MONDAY, NOW, make_slot, make_template, make_world
from tests.services.booking.build_desk import free, secretary
from tests.services.booking.build_staff import make_appointment

HOUR = timedelta(hours=1)


@pytest.fixture
def world(db):
    return make_world(clinic={"most_upcoming": None, "most_urgent": None})


# -- blocking ----------------------------------------------------------------------------------------------
def close(world, starts_at, minutes=60, actor=None):
    return operations.block(
        clinic=world.clinic,
        place=free(world.gp, starts_at, minutes),
        reason="Course",
        actor=actor or secretary(),
        now=NOW,
    )


def test_a_block_closes_what_is_free_leaves_what_is_taken_and_fills_the_gaps(world):
    start = NOW + 26 * HOUR
    taken = world.book(make_slot(world.gp, start))
    slot = make_slot(world.gp, start + timedelta(minutes=30))
    done = close(world, start)
    assert done.taken == 1
    states = Slot.objects.order_by("starts_at").values_list("state", "by_hand", "block")
    assert list(states) == [
        (SlotState.TAKEN, False, None),
        (SlotState.BLOCKED, True, done.block.pk),
        (SlotState.BLOCKED, False, done.block.pk),
        (SlotState.BLOCKED, True, done.block.pk),
    ]
    assert Slot.objects.get(pk=slot.pk).state == SlotState.BLOCKED
    taken.refresh_from_db()
    assert taken.status == AppointmentStatus.BOOKED


def test_blocking_twice_is_once_also_beside_what_is_taken_and_only_for_who_did_it(world):
    start, actor = NOW + 26 * HOUR, secretary()
    world.book(make_slot(world.gp, start))
    first = close(world, start, actor=actor)
    again = close(world, start, actor=actor)
    assert (again.block, again.taken) == (first.block, 1)
    assert AuditEvent.objects.filter(action="calendar.blocked").count() == 1
    with pytest.raises(BookingRefused) as refused:
        close(world, start)
    assert refused.value.reason == DeskRefusal.ALL_TAKEN


def test_weekly_calendars_make_nothing_within_a_block_and_fill_it_after(world):
    make_template(world.gp)
    monday = datetime.combine(MONDAY + timedelta(days=7), time(8), tzinfo=world.clinic.zone)
    done = close(world, monday)
    extend_calendar(provider=world.gp, now=NOW)
    within = Slot.objects.filter(starts_at__gte=monday, starts_at__lt=monday + HOUR)
    assert set(within.values_list("state", flat=True)) == {SlotState.BLOCKED}
    operations.unblock(clinic=world.clinic, block_id=done.block.pk, actor=secretary(), now=NOW)
    assert not within.exists()
    extend_calendar(provider=world.gp, now=NOW)
    assert list(within.values_list("state", flat=True)) == [SlotState.FREE] * 3


def test_opening_again_frees_the_slots_and_is_on_the_trail(world):
    slot = make_slot(world.gp)
    done = close(world, slot.starts_at, 20)
    operations.unblock(clinic=world.clinic, block_id=done.block.pk, actor=secretary(), now=NOW)
    slot.refresh_from_db()
    assert (slot.state, slot.block) == (SlotState.FREE, None)
    actions = AuditEvent.objects.filter(action__startswith="calendar.").values_list("action", flat=True)
    assert sorted(actions) == ["calendar.blocked", "calendar.unblocked"]


def test_nothing_is_blocked_where_everything_is_taken_or_over(world):
    slot = make_slot(world.gp)
    world.book(slot)
    with pytest.raises(BookingRefused) as refused:
        close(world, slot.starts_at, 20)
    assert refused.value.reason == DeskRefusal.ALL_TAKEN
    with pytest.raises(BookingRefused) as refused:
        close(world, NOW - 2 * HOUR)
    assert refused.value.reason == BookingRefusal.PAST


def test_what_nothing_covers_of_a_span_is_found():
    def span(first, last):
        return Span(NOW + first * HOUR, NOW + last * HOUR)

    assert policy.gaps(span(0, 4), []) == [span(0, 4)]
    assert policy.gaps(span(0, 4), [span(3, 5), span(-1, 1)]) == [span(1, 3)]
    assert policy.gaps(span(0, 4), [span(0, 2), span(1, 4)]) == []


def test_a_slot_of_a_block_that_says_free_is_refused_by_the_database(world):
    done = close(world, make_slot(world.gp).starts_at, 20)
    with pytest.raises(IntegrityError, match="slot_of_block_is_blocked"), transaction.atomic():
        Slot.objects.filter(block=done.block).update(state=SlotState.FREE)


# -- who came ----------------------------------------------------------------------------------------------
def say(appointment, mark, seen="", now=NOW):
    return operations.mark(
        clinic=appointment.clinic,
        appointment_id=appointment.pk,
        mark=mark,
        seen=seen,
        actor=secretary(),
        now=now,
    )


def test_who_came_is_noted_and_taken_back_with_a_trail(world):
    appointment = world.book(make_slot(world.gp, NOW + HOUR))
    assert say(appointment, Attendance.ARRIVED).attendance == Attendance.ARRIVED
    say(appointment, Attendance.ARRIVED, seen=Attendance.ARRIVED)
    done = say(appointment, "", seen=Attendance.ARRIVED)
    assert (done.attendance, done.marked_at, done.marked_by) == ("", None, None)
    events = AuditEvent.objects.filter(action="appointment.marked").order_by("pk")
    assert [one.details for one in events] == [
        {"before": "", "after": "arrived"},
        {"before": "arrived", "after": ""},
    ]


def test_the_trail_of_before_becomes_the_history_of_marks(world):
    appointment = world.book(make_slot(world.gp, NOW + HOUR))
    for mark, seen in ((Attendance.ARRIVED, ""), ("", Attendance.ARRIVED), (Attendance.ARRIVED, "")):
        say(appointment, mark, seen=seen)
    columns = ("appointment", "mark", "at", "by")
    noted = list(AttendanceMark.objects.order_by("pk").values_list(*columns))
    assert [mark for _, mark, _, _ in noted] == ["arrived", "", "arrived"]
    AttendanceMark.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("services.booking.migrations.0017_attendance_marks").FILL)
    assert list(AttendanceMark.objects.order_by("pk").values_list(*columns)) == noted


def test_two_who_say_different_things_do_not_overwrite_each_other(world):
    appointment = world.book(make_slot(world.gp, NOW + HOUR))
    later = NOW + 2 * HOUR
    say(appointment, Attendance.ARRIVED, now=later)
    with pytest.raises(BookingRefused) as refused:
        say(appointment, Attendance.MISSED, now=later)
    assert refused.value.reason == BookingRefusal.CHANGED_MEANWHILE


@pytest.mark.parametrize(("mark", "ahead_by"), [(Attendance.ARRIVED, 26), (Attendance.MISSED, 1)])
def test_nobody_comes_the_day_before_or_stays_away_before_the_time(world, mark, ahead_by):
    appointment = world.book(make_slot(world.gp, NOW + ahead_by * HOUR))
    with pytest.raises(BookingRefused) as refused:
        say(appointment, mark)
    assert refused.value.reason == DeskRefusal.TOO_EARLY


@pytest.mark.parametrize(
    ("status", "current", "starts_in", "marks"),
    [
        ("booked", "", -1, ("arrived", "missed")),
        ("booked", "", 1, ("arrived",)),
        ("booked", "", 26, ()),
        ("booked", "arrived", -1, ("missed", "")),
        ("booked", "arrived", 1, ("",)),
        ("booked", "missed", -1, ("arrived", "")),
        ("requested", "", -1, ()),
        ("cancelled", "", -1, ()),
    ],
)
def test_an_appointment_can_be_marked_as_nobody_has_marked_it_and_as_its_time_permits(
    status, current, starts_in, marks
):
    zone = ZoneInfo("Europe/Oslo")
    assert policy.possible_marks(status, current, NOW + starts_in * HOUR, zone, now=NOW) == marks


def test_a_patient_who_came_early_and_cancels_is_no_broken_row(world):
    appointment = world.book(make_slot(world.gp, NOW + 3 * HOUR))
    say(appointment, Attendance.ARRIVED)
    assert world.cancel(appointment).status == AppointmentStatus.CANCELLED


def test_a_request_is_not_marked_not_even_by_the_database(world):
    request = make_appointment(make_slot(world.gp, NOW + HOUR), world.patient)
    with pytest.raises(BookingRefused) as refused:
        say(request, Attendance.ARRIVED)
    assert refused.value.reason == DeskRefusal.NOT_BOOKED
    with pytest.raises(IntegrityError, match="appointment_attended_when_booked"), transaction.atomic():
        Appointment.objects.update(attendance=Attendance.ARRIVED, marked_at=NOW, marked_by=secretary())
