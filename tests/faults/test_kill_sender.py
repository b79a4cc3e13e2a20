"""Senders are killed at random while the provider misbehaves: nothing is lost, and nothing arrives twice.

The seed is printed; VENTEROM_SEED runs one again, VENTEROM_KILLS makes the run longer.
"""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone

from notifications.choices import State
from notifications.models import OutboxMessage
from notifications.operations import cancel_messages
from tests.build import make_clinic
from tests.faults.fake_twilio import FAULT_MIX, FakeTwilio
from tests.notifications.build_notifications import queue

MESSAGES = 400
SENDERS = 3
KILLS = int(os.environ.get("VENTEROM_KILLS", "40"))
DRAINED_WITHIN_SECONDS = 60
OPEN = [State.QUEUED, State.SENDING, State.UNKNOWN]


class Senders:
    """Sending processes, in a with statement. Only processes started here are killed."""

    def __init__(self, address, *words, count):
        environment = os.environ | {
            "TWILIO_BASE_URL": address,
            "SMS_TIMEOUT_SECONDS": "1",
            "LOG_LEVEL": "WARNING",
            "DATABASE_URL": test_database_url(),
        }
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sender_process", *words],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.pids = [self.start() for _ in range(count)]

    def start(self):
        self.nursery.stdin.write("\n")
        return int(self.nursery.stdout.readline())

    def replace(self, pid):
        os.kill(pid, signal.SIGKILL)
        self.pids[self.pids.index(pid)] = self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        self.nursery.stdin.close()
        self.nursery.wait()
        self.nursery.stdout.close()


def test_database_url():
    """The address of the test's own database, whose name differs from the one in the environment."""
    address, _, query = os.environ["DATABASE_URL"].partition("?")
    base = address.rsplit("/", 1)[0]
    return f"{base}/{django_settings.DATABASES['default']['NAME']}" + (f"?{query}" if query else "")


test_database_url.__test__ = False


@pytest.mark.django_db(transaction=True)
def test_killed_senders_lose_nothing_and_send_nothing_twice():
    seed = int(os.environ.get("VENTEROM_SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    clinics = [make_clinic() for _ in range(4)]
    queued = 0
    with (
        FakeTwilio(faults=FAULT_MIX, seed=seed, slow_seconds=1.6) as fake,
        Senders(fake.address, count=SENDERS) as senders,
    ):
        for kills in range(KILLS):
            for _ in range(MESSAGES // KILLS):
                queued += 1
                queue(clinic=clinics[queued % 4], version=queued, body=f"number {queued}")
            if kills % 10 == 5:
                with transaction.atomic():
                    cancel_messages(subject=clinics[0], now=timezone.now())
            victim = whoever_is_sending(senders, chance)
            time.sleep(chance.uniform(0, 0.06))
            senders.replace(victim)
        seconds = wait_until_drained()
    report(seed, KILLS, queued, seconds, fake.ledger)
    check(fake.ledger, queued, seed)


def whoever_is_sending(senders, chance):
    """Wait until one of the senders holds letters, so that every kill hits work; return its process id."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        owners = set(OutboxMessage.objects.filter(state=State.SENDING).values_list("lease_owner", flat=True))
        pids = {owner.rpartition(":")[2] for owner in owners}
        busy = [pid for pid in senders.pids if str(pid) in pids]
        if busy:
            return chance.choice(busy)
        time.sleep(0.005)
    raise AssertionError("no sender sends")


def wait_until_drained():
    started = time.monotonic()
    while OutboxMessage.objects.filter(state__in=OPEN).exists():
        assert time.monotonic() - started < DRAINED_WITHIN_SECONDS, states()
        time.sleep(0.2)
    return time.monotonic() - started


def states():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM notifications_outboxmessage GROUP BY state ORDER BY state"
        )
        return dict(cursor.fetchall())


def report(seed, kills, queued, seconds, ledger):
    print(
        f"\nseed {seed}: {kills} kills, {queued} messages, {len(ledger.taken)} taken over, "
        f"drained {seconds:.1f} s after the last kill; {states()}; calls {dict(ledger.calls)}"
    )


def check(ledger, queued, seed):
    taken = ledger.bodies()
    twice = [body for body, count in taken.items() if count > 1]
    assert not twice, f"seed {seed}: sent twice: {twice}"
    by_text = {message.body: message for message in OutboxMessage.objects.all()}
    assert len(by_text) == queued
    lost = [
        text
        for text, message in by_text.items()
        if text not in taken and message.state not in {State.CANCELLED}
    ]
    assert not lost, f"seed {seed}: lost: {[(text, by_text[text].state) for text in lost]}"
    untold = [
        text
        for text in taken
        if by_text[text].state not in {State.ACCEPTED, State.DELIVERED, State.CANCELLED}
    ]
    assert not untold, f"seed {seed}: sent, but shown otherwise: {untold}"
    late = [
        message["body"]
        for message in ledger.taken
        if (withdrawn := by_text[message["body"]].withdrawn_at)
        and message["at"] > (withdrawn + timedelta(seconds=4)).timestamp()
    ]
    assert not late, f"seed {seed}: sent after it was withdrawn: {late}"


@pytest.mark.django_db(transaction=True)
def test_the_check_notices_a_sender_that_takes_no_answer_for_not_sent():
    with FakeTwilio(faults={"error-after": 0.5}, seed=1) as fake:
        clinic = make_clinic()
        for number in range(1, 21):
            queue(clinic=clinic, version=number, body=f"number {number}")
        with Senders(fake.address, "naive", count=1):
            ends = time.monotonic() + 30
            while max(fake.ledger.bodies().values(), default=0) < 2 and time.monotonic() < ends:
                time.sleep(0.1)
        with pytest.raises(AssertionError, match="sent twice"):
            check(fake.ledger, 20, seed=1)
