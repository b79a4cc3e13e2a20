"""How Postgres finds what is asked for most: by an index, reading hardly more than it gives, however much there is."""

import json
import os
from datetime import timedelta

import pytest
from django.db import connection, transaction

from identity.choices import Assurance
from services.booking import free_times
from services.booking.choices import LIVE, SlotKind
from services.booking.day_parts import DayPart
from services.booking.desk.fingerprint import fingerprint
from services.booking.free_times.search import FREE, FREE_AT
from services.booking.models import Appointment, Slot
from services.booking.operations import BookingRefused
from tests.build import make_provider
from tests.services.booking.build_booking import MONDAY, NOW, make_slot, make_world

pytestmark = pytest.mark.django_db
IS_LONG = "VENTEROM_KILLS" in os.environ
OTHERS = 100 if IS_LONG else 4
MORNING = 12
"""Times of a provider on a day of `many_free`."""


def many_free(world, providers, days, kind=SlotKind.PORTAL):
    """Store free times of 20 minutes of each provider, all morning of all days from today, with one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO booking_slot (clinic_id, provider_id, starts_at, ends_at, day, kind, state)
            SELECT %s, provider, at, at + interval '20 minutes', (at AT TIME ZONE %s)::date, %s, 'free'
            FROM unnest(%s::bigint[]) AS provider, generate_series(0, %s) AS day, generate_series(0, 11) AS nr,
                 LATERAL (SELECT %s::timestamptz + day * interval '1 day' + nr * interval '20 minutes') AS _ (at)
            """,
            [
                *(world.clinic.pk, world.clinic.time_zone, kind, [one.pk for one in providers]),
                *(days, NOW.replace(hour=7)),
            ],
        )
        cursor.execute("ANALYZE booking_slot")
        return cursor.rowcount


class Asked:
    """Remembers the statement that contains a word, as it went to the database."""

    def __init__(self, word):
        self.word, self.statement = word, None

    def __call__(self, execute, sql, values, many, context):
        if self.word in sql:
            self.statement = sql, values
        return execute(sql, values, many, context)


def plan_when(word, act):
    """Do the act, take it back, and return the plan, with what it read, of its statement that contains the word."""
    asked = Asked(word)
    with connection.execute_wrapper(asked), transaction.atomic():
        act()
        transaction.set_rollback(True)
    return plan(*asked.statement)


def plan(sql, values):
    """Return how long the statement takes in milliseconds, and the nodes of its plan; what it changes is taken back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        found = cursor.fetchone()[0]
        transaction.set_rollback(True)
    found = (json.loads(found) if isinstance(found, str) else found)[0]
    return found["Execution Time"], list(_nodes(found["Plan"]))


def _nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def of_slots(nodes):
    """Return the nodes that look at times, as far as they were carried out."""
    return [one for one in nodes if one.get("Relation Name") == "booking_slot" and one["Actual Loops"]]


def rows_read(nodes):
    """Return how many rows these nodes read."""
    read = (
        (one["Actual Rows"] + one.get("Rows Removed by Filter", 0)) * one["Actual Loops"] for one in nodes
    )
    return round(sum(read))


def search(world, part, most):
    """Return the statement that looks for free times of a part of the day within twelve weeks."""
    return (
        FREE_AT if part else FREE,
        [
            *(world.gp.pk, world.patient.pk, NOW, NOW, [], []),
            *([world.gp.pk], ["portal"], [MONDAY], [MONDAY + free_times.HORIZON]),
            *([most], ["0"], [part and part.since], [part and part.until], [True]),
            *(NOW, world.clinic.time_zone),
        ],
    )


@pytest.mark.parametrize(
    ("part", "most", "found"),
    [
        (None, 1, 1),
        (None, 500, 500),
        (DayPart.BEFORE_12, 1, 1),
        (DayPart.BEFORE_12, 500, 500),
        (DayPart.FROM_14, 1, 0),
        (DayPart.FROM_14, 500, 0),
    ],
)
def test_free_times_of_another_part_of_the_day_are_not_read(part, most, found):
    """Of a calendar that is free all morning, for twelve weeks; long with 100,000 times."""
    world = make_world()
    others = [make_provider(world.clinic) for _ in range(OTHERS)]
    many_free(world, [world.gp, *others], 84)
    milliseconds, nodes = plan(*search(world, part, most))
    slots = of_slots(nodes)
    assert {one.get("Index Name") for one in slots} == {"slot_free_by_provider"}
    assert found <= rows_read(slots) <= found + MORNING, "reads what it does not show"
    assert max(one["Actual Loops"] for one in slots) <= 85, "at most a look for each day"
    print(f"{part or 'all day'}, at most {most}: {Slot.objects.count()} times, {milliseconds:.2f} ms")


def test_the_times_nearest_to_one_that_was_lost_are_the_few_before_and_after_it():
    """In the middle of twelve weeks: neither the times of other days nor those of other providers are read."""
    world = make_world()
    many_free(world, [world.gp, *(make_provider(world.clinic) for _ in range(OTHERS))], 84)
    to = NOW + timedelta(days=40, hours=1)
    _, nodes = plan_when(
        "asked.instant",
        lambda: free_times.nearest_free(patient=world.patient, assurance=Assurance.HIGH, to=to, now=NOW),
    )
    slots = of_slots(nodes)
    assert {one.get("Index Name") for one in slots} == {"slot_free_by_provider"}
    assert 8 <= rows_read(slots) <= 8 + 2 * MORNING, "of the day itself at most its morning is passed over"


def test_the_first_urgent_time_is_found_among_those_of_the_days_that_are_out():
    """What is not out yet, what others have and times of other kinds are not read, however many there are."""
    world = make_world()
    others = [make_provider(world.clinic) for _ in range(max(OTHERS, 30))]  # of few all are read as fast
    many_free(world, [world.gp, *others], 84, kind=SlotKind.URGENT)
    many_free(world, [make_provider(world.clinic)], 84)

    def take():
        world.book_any_urgent(now=NOW)
        assert Appointment.objects.filter(status__in=LIVE).count() == 1

    _, nodes = plan_when("SKIP LOCKED", take)
    slots = [one for one in of_slots(nodes) if one["Node Type"] != "ModifyTable"]
    used = {one.get("Index Name") for one in slots}
    assert used <= {"slot_urgent_free", "slot_free_by_provider", "booking_slot_pkey"}
    assert 0 < rows_read(slots) <= len(others) + 2, (
        "those of others that begin no later, or today's of the provider; and the one that is taken"
    )


def test_where_no_urgent_time_is_left_for_the_patient_those_of_later_days_are_not_read():
    world = make_world()
    others = [make_provider(world.clinic) for _ in range(max(OTHERS, 30))]
    many_free(world, others, 84, kind=SlotKind.URGENT)

    def take():
        with pytest.raises(BookingRefused):
            world.book_any_urgent(now=NOW)

    _, nodes = plan_when("SKIP LOCKED", take)
    assert rows_read(of_slots(nodes)) <= len(others) * MORNING


def test_an_open_calendar_asks_by_index_whether_it_is_the_newest():
    world = make_world()
    many_free(world, [world.gp, *(make_provider(world.clinic) for _ in range(OTHERS))], 84)
    world.book(make_slot(world.gp, NOW + timedelta(days=40, hours=9)))
    _, nodes = plan_when("hashtextextended", lambda: fingerprint(world.clinic, MONDAY, now=NOW))
    slots = of_slots(nodes)
    assert {one.get("Index Name") for one in slots} <= {"slot_by_day", "booking_slot_pkey"}
    assert rows_read(slots) <= MORNING * (OTHERS + 1), "reads other days"
