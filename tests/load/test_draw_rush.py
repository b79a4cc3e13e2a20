"""Two thousand ask for fifty times over real HTTP: one draw, as many winners as times (`make faults`)."""

import os
import threading
import time
from collections import Counter
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from django.utils import timezone

from bench import load, people, web
from clinic_admin.models import Clinic
from notifications.choices import MessageKind
from notifications.models import OutboxMessage
from portal.models import AuditEvent
from services.booking.choices import LIVE, SlotKind
from services.booking.models import Appointment, Draw, DrawRequest
from services.booking.release import operations, queries
from services.booking.release.choices import Outcome

PATIENTS, CLIENTS, TIMES, WORKERS = 2000, 64, 50, 4

pytestmark = pytest.mark.skipif("VENTEROM_KILLS" not in os.environ, reason="takes minutes: make faults")


@pytest.fixture
def practice(transactional_db):
    """A practice whose window is open now, for an hour."""
    made = people.make_practice(providers=5, patients=PATIENTS, name="draw")
    opened = (timezone.now() - timedelta(minutes=1)).astimezone(made.clinic.zone)
    if opened.date() != timezone.now().astimezone(made.clinic.zone).date():
        pytest.skip("in the first minute of a day the window that opened was yesterday's")
    Clinic.objects.filter(pk=made.clinic.pk).update(
        draws_urgent=True, draw_minutes=60, urgent_release_at=opened.time().replace(second=0, microsecond=0)
    )
    made.clinic.refresh_from_db()
    return made


@pytest.fixture
def server(practice, tmp_path):
    """The portal under gunicorn, on this test's database."""
    name = connection.settings_dict["NAME"]
    address = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    environ = {"DATABASE_URL": address, "TEST_DATABASE": name}
    with web.served(web.PRODUCT, log=tmp_path / "web.log", environ=environ) as running:
        yield running.port
    connection.close()


def asking(practice, guest):
    """Return the form as the patient sends it: with anyone."""
    fields = {"reason": "Fever", "csrfmiddlewaretoken": people.TOKEN}
    return load.post(f"/{practice.clinic.portal_identifier}/urgent-draw/", fields, cookies=guest.cookies)


def hold_at_once(clinic, day, now):
    """Let several workers hold the draw at the same moment; return how many did."""
    held, start = [], threading.Barrier(WORKERS)

    def work():
        start.wait()
        held.append(operations.hold(clinic=clinic, day=day, now=now))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(one is not None for one in held)


def test_as_many_win_as_there_are_times_and_every_loser_is_told_once(practice, server):
    clinic = practice.clinic
    people.make_slots(practice, TIMES, kind=SlotKind.URGENT)
    window = queries.window_now(clinic, timezone.now())
    impatient = set(practice.guests[::4])  # they press twice, side by side
    forms = [asking(practice, guest) for guest in practice.guests for _ in range(1 + (guest in impatient))]
    started = time.monotonic()
    answers = load.send_all(server, forms, clients=CLIENTS)
    seconds = time.monotonic() - started
    assert Counter(answer.status for answer in answers) == {302: len(forms)}
    assert DrawRequest.objects.count() == PATIENTS, "asked twice is asked once"

    drawing = time.monotonic()
    assert hold_at_once(clinic, window.day, window.closes_at + timedelta(seconds=1)) == 1
    print(f"{len(forms)} forms in {seconds:.1f} s, drawn in {time.monotonic() - drawing:.1f} s")

    outcomes = Counter(DrawRequest.objects.values_list("outcome", flat=True))
    assert outcomes == {Outcome.WON: TIMES, Outcome.NONE_LEFT: PATIENTS - TIMES}
    live = Appointment.objects.filter(status__in=LIVE)
    assert live.count() == live.values("slot").distinct().count() == TIMES
    assert Appointment.objects.count() == TIMES
    lost = OutboxMessage.objects.filter(kind=MessageKind.DRAW_LOST)
    losers = DrawRequest.objects.exclude(outcome=Outcome.WON).values_list("pk", flat=True)
    assert sorted(lost.values_list("subject_id", flat=True)) == sorted(str(one) for one in losers)
    won = OutboxMessage.objects.filter(kind=MessageKind.BOOKING_CONFIRMED)
    assert sorted(won.values_list("subject_id", flat=True)) == sorted(str(one.pk) for one in live)
    assert AuditEvent.objects.filter(action="draw.held").count() == 1
    assert queries.faults_of(Draw.objects.get(clinic=clinic, day=window.day)) == []

    looks = [practice.page(guest, "book/") for guest in practice.guests[:64]]
    assert {answer.status for answer in load.send_all(server, looks, clients=CLIENTS)} == {200}
