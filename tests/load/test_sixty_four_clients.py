"""Everybody wants the same ten times: real web server, real connections, two thousand submits by 64 clients."""

import os
import time
import uuid
from collections import Counter
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from bench import load, people, web
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.booking.choices import LIVE, SlotState
from services.booking.models import Appointment, Slot

CLIENTS, SUBMITS, TIMES, GUESTS = 64, 2000, 10, 500


@pytest.fixture
def practice(transactional_db):
    return people.make_practice(providers=5, patients=GUESTS, name="rush")


@pytest.fixture
def server(practice, tmp_path):
    """The portal under gunicorn, two processes of four threads, on this test's database."""
    name = connection.settings_dict["NAME"]
    address = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    log = tmp_path / "web.log"
    with web.served(
        web.PRODUCT, log=log, environ={"DATABASE_URL": address, "TEST_DATABASE": name}
    ) as running:
        yield running.port
    connection.close()


def test_ten_times_make_ten_bookings_and_everyone_gets_a_clear_answer(practice, server):
    slots = people.make_slots(practice, TIMES)
    keys = {(guest.patient.pk, slot): str(uuid.uuid4()) for guest in practice.guests for slot in slots}
    requests = []
    for number in range(SUBMITS):
        guest = practice.guests[(number // 2) % GUESTS]  # every form is sent twice, side by side
        slot = slots[(number // 2 + number // (2 * GUESTS)) % TIMES]
        requests.append(practice.booking(guest, slot, form_key=keys[guest.patient.pk, slot]))
    started = time.monotonic()
    answers = load.send_all(server, requests, clients=CLIENTS)
    seconds = time.monotonic() - started

    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {302, 409, 422}, f"{statuses} in {seconds:.1f} s"
    live = Appointment.objects.filter(status__in=LIVE)
    assert live.count() == TIMES
    assert live.values("slot").distinct().count() == TIMES
    assert Slot.objects.filter(pk__in=slots, state=SlotState.TAKEN).count() == TIMES
    assert Appointment.objects.count() == TIMES, "who lost left nothing behind"
    assert AuditEvent.objects.filter(action="appointment.booked").count() == TIMES
    confirmed = OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED)
    assert confirmed.count() == TIMES
    assert set(confirmed.values_list("subject_id", flat=True)) == {str(one.pk) for one in live}
    winners = set(live.values_list("patient_id", "slot_id"))
    for number, answer in enumerate(answers):
        guest = practice.guests[(number // 2) % GUESTS]
        slot = slots[(number // 2 + number // (2 * GUESTS)) % TIMES]
        won = (guest.patient.pk, slot) in winners
        assert (answer.status == 302) == won, "a winner is shown the appointment, a loser never is"


def test_one_form_sent_two_hundred_times_is_one_booking(practice, server):
    slot = people.make_slots(practice, 1)[0]
    request = practice.booking(practice.guests[0], slot, form_key=str(uuid.uuid4()))
    answers = load.send_all(server, [request] * 200, clients=CLIENTS)
    assert Counter(answer.status for answer in answers) == {302: 200}
    assert Appointment.objects.count() == 1
    assert OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED).count() == 1
