"""The rules of booking, as values."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_admin.choices import Service
from services.booking import policy
from services.booking.choices import AppointmentStatus, BookingRefusal, SlotKind, SlotState

OSLO, COPENHAGEN = ZoneInfo("Europe/Oslo"), ZoneInfo("Europe/Copenhagen")
zones = st.sampled_from([OSLO, COPENHAGEN])
instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone itself
    datetime(2036, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
FOUR = time(16, 0)


def local(text: str, zone: ZoneInfo = OSLO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-23T15:59:59", date(2026, 11, 23)),
        ("2026-11-23T16:00:00", date(2026, 11, 24)),
        ("2026-11-23T23:59:00", date(2026, 11, 24)),
        ("2026-11-24T00:00:00", date(2026, 11, 24)),
        ("2026-11-29T16:00:00", date(2026, 11, 30)),  # Monday's come out on Sunday
        ("2026-03-28T16:00:00", date(2026, 3, 29)),  # the day before the clocks go forward
        ("2026-10-25T15:59:00", date(2026, 10, 25)),  # the day they go back
        ("2026-10-25T16:00:00", date(2026, 10, 26)),
    ],
)
def test_urgent_times_come_out_at_the_release_hour_the_day_before(now, last):
    assert policy.released_until(local(now), release_at=FOUR, zone=OSLO) == last


@given(now=instants, release_at=st.times(), zone=zones)
def test_what_was_released_never_goes_back(now, release_at, zone):
    """Also where the release hour is one that comes twice or not at all."""
    before = policy.released_until(now, release_at=release_at, zone=zone)
    after = policy.released_until(now + timedelta(minutes=30), release_at=release_at, zone=zone)
    assert before <= after
    assert before - now.astimezone(zone).date() in {timedelta(0), timedelta(days=1)}


@given(now=instants, release_at=st.times(), zone=zones)
def test_a_day_is_released_exactly_from_its_release_on(now, release_at, zone):
    last = policy.released_until(now, release_at=release_at, zone=zone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    assert (last == tomorrow) == (now >= policy.releases_at(tomorrow, release_at=release_at, zone=zone))


BOOKABLE = {
    "kind": SlotKind.PORTAL,
    "state": SlotState.FREE,
    "day": date(2026, 11, 25),
    "starts_at": local("2026-11-25T10:00"),
    "allowed": True,
    "urgent_until": date(2026, 11, 24),
    "last_day": date(2027, 2, 15),
    "now": local("2026-11-23T09:00"),
}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, None),
        ({"state": SlotState.TAKEN}, BookingRefusal.TAKEN),
        ({"state": SlotState.BLOCKED}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.PHONE}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.INTERNAL}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.URGENT}, BookingRefusal.NOT_OFFERED),
        ({"kind": SlotKind.URGENT, "urgent_until": date(2026, 11, 25)}, None),
        ({"last_day": date(2026, 11, 24)}, BookingRefusal.NOT_OFFERED),
        ({"allowed": False}, BookingRefusal.NO_ACCESS),
        ({"now": local("2026-11-25T10:00")}, BookingRefusal.PAST),
    ],
)
def test_why_a_time_can_not_be_booked(change, refusal):
    assert policy.refuse_booking(**BOOKABLE | change) == refusal


@pytest.mark.parametrize(
    ("status", "may_cancel", "starts", "refusal"),
    [
        (AppointmentStatus.BOOKED, True, "2026-11-25T10:00", None),
        (AppointmentStatus.REQUESTED, True, "2026-11-25T10:00", None),
        (AppointmentStatus.CANCELLED, False, "2026-11-25T10:00", None),
        (AppointmentStatus.BOOKED, False, "2026-11-25T10:00", BookingRefusal.CANNOT_CANCEL),
        (AppointmentStatus.REFUSED, True, "2026-11-25T10:00", BookingRefusal.ALREADY_ENDED),
        (AppointmentStatus.BOOKED, True, "2026-11-23T09:00", BookingRefusal.ALREADY_ENDED),
    ],
)
def test_why_an_appointment_can_not_be_cancelled(status, may_cancel, starts, refusal):
    now, starts_at = local("2026-11-23T09:00"), local(starts)
    refused = policy.refuse_cancellation(
        status=status, may_cancel=may_cancel, starts_at=starts_at, until=starts_at, now=now
    )
    assert refused == refusal


@pytest.mark.parametrize(
    ("starts", "hours", "due"),
    [
        ("2026-11-24T10:20", 24, "2026-11-23T10:20"),
        ("2026-03-29T10:20", 24, "2026-03-28T10:20"),  # 23 real hours
        ("2026-10-25T10:20", 24, "2026-10-24T10:20"),  # 25 real hours
        ("2026-11-24T08:00", 2, "2026-11-23T20:30"),  # 06:00 is too early
        ("2026-11-24T07:30", 10, "2026-11-23T20:30"),  # 21:30 is too late
        ("2026-11-24T21:00", 24, "2026-11-23T20:30"),
        ("2026-11-24T07:00", 24, "2026-11-23T07:00"),
        ("2026-11-24T20:59", 24, "2026-11-23T20:59"),
    ],
)
def test_reminders_go_by_the_clock_and_wake_nobody(starts, hours, due):
    found = policy.reminder_time(
        local(starts), hours_ahead=hours, zone=OSLO, now=local(starts) - timedelta(days=30)
    )
    assert found == local(due)


@given(
    starts_at=instants,
    hours=st.integers(1, 168),
    zone=zones,
    ahead=st.timedeltas(timedelta(0), timedelta(days=20)),
)
def test_a_reminder_is_ahead_before_the_time_and_in_daylight(starts_at, hours, zone, ahead):
    now = starts_at - ahead
    due = policy.reminder_time(starts_at, hours_ahead=hours, zone=zone, now=now)
    if due is not None:
        assert now < due < starts_at
        assert time(7) <= due.astimezone(zone).time() < time(21)
        assert due.astimezone(zone).replace(tzinfo=None) <= starts_at.astimezone(zone).replace(
            tzinfo=None
        ) - timedelta(hours=hours)
    else:
        assert ahead <= timedelta(hours=hours + 12)


def test_nearest_times_are_near_and_in_order():
    def at(hours: int, provider_id: int) -> SimpleNamespace:
        return SimpleNamespace(
            starts_at=local("2026-11-24T10:00") + timedelta(hours=hours), provider_id=provider_id
        )

    times = [at(50, 1), at(3, 2), at(3, 1), at(-1, 2), at(9, 1)]
    found = policy.nearest(times, to=local("2026-11-24T10:00"), provider_id=1, most=2)
    assert found == [times[3], times[2]]


def test_kinds_and_services_stand_for_each_other():
    offered = {kind: policy.service_of(kind) for kind in SlotKind}
    assert offered == dict.fromkeys(SlotKind) | {
        SlotKind.PORTAL: Service.BOOKING,
        SlotKind.URGENT: Service.URGENT,
    }
    assert policy.kind_of(Service.BOOKING) is SlotKind.PORTAL
    assert policy.kind_of(Service.URGENT) is SlotKind.URGENT
