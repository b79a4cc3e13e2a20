"""The rush at 16:00, over real HTTP: everybody has signed in, has the page open, and wants one of a few urgent times.

In the quick run a few hundred by one press; VENTEROM_RUSH=yes (`make faults`) a thousand on ten times and two thousand on
fifty, by choosing a time and by one press. Each patient has a session of their own; 64 requests are under way at a time.
"""

import os
import time
from collections import Counter
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from bench import load, people, web
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.booking.choices import LIVE, SlotKind, SlotState
from services.booking.models import Appointment, Slot

IS_LONG = bool(os.environ.get("VENTEROM_RUSH"))
RUSHES = [(1000, 10), (2000, 50)] if IS_LONG else [(300, 10)]
PROVIDERS = 5
CLIENTS = load.MOST_CLIENTS
REFUSED = 422


@pytest.fixture(params=RUSHES, ids=lambda rush: f"{rush[0]} patients on {rush[1]} times")
def rush(request, transactional_db):
    patients, times = request.param
    practice = people.make_practice(providers=PROVIDERS, patients=patients, name="rush")
    return practice, people.make_slots(practice, times, kind=SlotKind.URGENT)


@pytest.fixture
def server(rush, tmp_path):
    """The portal under gunicorn as in production, on this test's database."""
    name = connection.settings_dict["NAME"]
    address = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    environ = {"DATABASE_URL": address, "TEST_DATABASE": name}
    with web.served(web.PRODUCT, log=tmp_path / "web.log", environ=environ) as running:
        yield running.port
    connection.close()


@pytest.fixture(params=[True, False], ids=["in place", "without scripts"])
def in_place(request):
    return request.param


def send(port, requests):
    started = time.monotonic()
    answers = load.send_all(port, requests, clients=CLIENTS)
    seconds = time.monotonic() - started
    slowest = sorted(answer.seconds for answer in answers)[int(len(answers) * 0.95)]
    print(f"\n{len(answers)} answers in {seconds:.1f} s, 95 % of them within {slowest:.2f} s")
    return answers


def as_many_won_as_there_were_times(practice, slots, answers, *, in_place):
    """Say that every time has one winner, every winner one time, and that winners, and only they, were told so."""
    done = 204 if in_place else 302
    statuses = Counter(answer.status for answer in answers)
    assert statuses == {done: len(slots), REFUSED: len(practice.guests) - len(slots)}
    live = Appointment.objects.filter(status__in=LIVE)
    assert sorted(live.values_list("slot", flat=True)) == sorted(slots)
    assert Appointment.objects.count() == len(slots), "who lost left nothing behind"
    assert Slot.objects.filter(state=SlotState.TAKEN).count() == len(slots)
    assert AuditEvent.objects.filter(action="appointment.booked").count() == len(slots)
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED).count() == len(slots)
    winners = set(live.values_list("patient_id", flat=True))
    assert len(winners) == len(slots)
    for guest, answer in zip(practice.guests, answers, strict=True):
        assert (answer.status == done) == (guest.patient.pk in winners)


def everyone_sees_the_truth_within_one_reload(port, practice, slots, answers, *, in_place):
    """Say that a loser's answer is an alert that keeps the text, and that the next page offers nothing that is gone.

    In place, the text is still in the page that sent it.
    """
    lost = [
        (guest, answer)
        for guest, answer in zip(practice.guests, answers, strict=True)
        if answer.status == REFUSED
    ]
    for _guest, answer in lost:
        assert b'role="alert"' in answer.body
        assert in_place or b"Sore throat" in answer.body
        ways = (practice.clinic.phone.encode(), b"formaction", b"/nearest/")
        assert any(way in answer.body for way in ways), "a way on"
    pages = send(port, [practice.page(guest, "book/") for guest, _answer in lost])
    assert {page.status for page in pages} == {200}
    links = [f"/book/{slot}/".encode() for slot in slots]
    assert not [page for page in pages if any(link in page.body for link in links)]


def test_as_many_win_by_one_press_as_there_are_times(rush, server, in_place):
    practice, slots = rush
    not_out_yet = people.make_slots(practice, 20, kind=SlotKind.URGENT, hour=9, days_ahead=3)
    answers = send(server, [practice.any_urgent(guest, in_place=in_place) for guest in practice.guests])
    as_many_won_as_there_were_times(practice, slots, answers, in_place=in_place)
    assert Slot.objects.filter(pk__in=not_out_yet, state=SlotState.FREE).count() == len(not_out_yet)
    everyone_sees_the_truth_within_one_reload(server, practice, slots, answers, in_place=in_place)


@pytest.mark.skipif(not IS_LONG, reason="only in make faults; test_sixty_four_clients is its short form")
def test_as_many_win_by_choosing_as_there_are_times(rush, server, in_place):
    practice, slots = rush
    answers = send(
        server,
        [
            practice.booking(guest, slots[number % len(slots)], in_place=in_place)
            for number, guest in enumerate(practice.guests)
        ],
    )
    as_many_won_as_there_were_times(practice, slots, answers, in_place=in_place)
    everyone_sees_the_truth_within_one_reload(server, practice, slots, answers, in_place=in_place)
