"""Sending, with the real SDK over real HTTP against the stand-ins."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from notifications import claims, dispatch, tasks
from notifications.choices import Channel, MessageKind, Outcome, State
from notifications.demo_sms import callbacks
from notifications.models import ChannelPause, DemoSms, OutboxAttempt, OutboxMessage
from notifications.operations import begin_epoch, cancel_messages
from notifications.policy import BREAKER_FAILURES, NORMAL
from tests.build import make_clinic
from tests.faults.fake_twilio import FakeTwilio
from tests.notifications.build_notifications import queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stand_in(live_server, settings):
    """The demo's SMS stand-in and our own receipts page, over HTTP."""
    settings.BASE_URL = live_server.url
    settings.TWILIO_BASE_URL = f"{live_server.url}/demo-sms"
    return live_server


@pytest.fixture
def provider(settings):
    """A provider whose behaviour the test chooses."""
    with FakeTwilio() as fake:
        settings.TWILIO_BASE_URL = fake.address
        settings.SMS_TIMEOUT_SECONDS = 1
        yield fake


def state_of(message):
    return State(OutboxMessage.objects.get(pk=message.pk).state)


def hours_later(hours):
    return timezone.now() + timedelta(hours=hours)


def test_a_message_is_sent_and_its_receipts_end_in_delivered(stand_in):
    message = queue()
    assert dispatch.run() == 1
    assert state_of(message) is State.ACCEPTED
    later = hours_later(0)
    for _ in range(2):
        later += timedelta(seconds=5)
        callbacks.report_all(now=later)
    assert state_of(message) is State.DELIVERED
    attempt = OutboxAttempt.objects.get()
    assert (attempt.outcome, attempt.last_status) == (Outcome.ACCEPTED, "delivered")
    assert attempt.provider_sid == DemoSms.objects.get().sid


def test_an_invalid_number_ends_at_once(stand_in):
    message = queue(to="+4791230000")
    dispatch.run()
    assert state_of(message) is State.FAILED_FINAL
    assert OutboxAttempt.objects.get().code == "21211"


def test_a_phone_that_can_not_be_reached_ends_in_undelivered(stand_in):
    message = queue(to="+4791230001")
    dispatch.run()
    for seconds in (5, 10):
        callbacks.report_all(now=timezone.now() + timedelta(seconds=seconds))
    assert state_of(message) is State.UNDELIVERED


def test_an_error_after_the_message_was_taken_over_sends_it_once(stand_in):
    message = queue(to="+4791230002")
    dispatch.run()
    assert state_of(message) is State.UNKNOWN
    dispatch.run()
    assert state_of(message) is State.UNKNOWN
    dispatch.run(now=timezone.now() + timedelta(minutes=11))
    assert state_of(message) is State.ACCEPTED
    assert DemoSms.objects.count() == 1


def test_a_receipt_clears_up_what_was_unclear(stand_in):
    message = queue(to="+4791230002")
    dispatch.run()
    callbacks.report_all(now=timezone.now() + timedelta(seconds=5))
    assert state_of(message) is State.ACCEPTED


def test_a_busy_provider_is_asked_again(stand_in):
    message = queue(to="+4791230003")
    dispatch.run()
    assert state_of(message) is State.QUEUED
    assert OutboxAttempt.objects.get().outcome == Outcome.BUSY
    dispatch.run(now=timezone.now() + timedelta(minutes=5))
    assert state_of(message) is State.ACCEPTED
    assert DemoSms.objects.count() == 1


def test_receipts_that_never_come_are_asked_for(stand_in):
    message = queue()
    dispatch.run()
    DemoSms.objects.update(status="delivered", next_callback_at=None)
    dispatch.run(now=timezone.now() + timedelta(minutes=30))
    assert state_of(message) is State.ACCEPTED
    dispatch.run(now=hours_later(2))
    assert state_of(message) is State.DELIVERED


def test_receipts_are_not_asked_for_for_ever(stand_in):
    queue()
    dispatch.run()
    dispatch.run(now=hours_later(80))
    assert OutboxMessage.objects.get().next_try_at is None


@pytest.mark.parametrize("task", [tasks.send_due, tasks.sweep])
def test_every_task_can_run_twice(stand_in, task):
    queue()
    task(a_later_argument=1)
    task()
    assert DemoSms.objects.count() <= 1
    dispatch.run()
    assert DemoSms.objects.count() == 1


def test_what_is_due_later_is_not_sent_now(provider):
    now = timezone.now()
    queue(due_at=now + timedelta(hours=1))
    assert dispatch.run() == 0
    assert dispatch.run(now=now + timedelta(minutes=61)) == 1


def test_what_is_too_late_is_not_sent_at_all(provider):
    message = queue(not_after=timezone.now() + timedelta(hours=1))
    assert dispatch.run(now=hours_later(2)) == 0
    assert state_of(message) is State.EXPIRED
    assert not provider.ledger.taken


def test_the_provider_may_not_keep_trying_past_the_last_moment(provider):
    queue(not_after=timezone.now() + timedelta(minutes=30))
    dispatch.run()
    assert 1790 <= int(provider.ledger.taken[0]["validity"]) <= 1800


def test_what_was_withdrawn_is_not_sent(provider):
    clinic = make_clinic()
    queue(clinic=clinic)
    cancel_messages(subject=clinic, now=timezone.now())
    dispatch.run()
    assert not provider.ledger.taken


def test_a_certainly_lost_message_is_sent_again_once(provider):
    provider.ledger.answer_always = (500, {"code": 20500, "message": "Internal", "status": 500})
    message = queue()
    dispatch.run()
    assert state_of(message) is State.UNKNOWN
    provider.ledger.answer_always = None
    dispatch.run(now=timezone.now() + timedelta(minutes=11))
    assert state_of(message) is State.ACCEPTED
    assert len(provider.ledger.taken) == 1
    assert not OutboxMessage.objects.get().possible_duplicate


def test_a_code_is_never_sent_again(provider):
    provider.ledger.answer_always = (500, {"code": 20500, "message": "Internal", "status": 500})
    message = queue(kind=MessageKind.SIGN_IN_CODE)
    dispatch.send_now(message.pk)
    provider.ledger.answer_always = None
    dispatch.run(now=timezone.now() + timedelta(minutes=11))
    assert state_of(message) is State.EXPIRED
    assert not provider.ledger.taken


def test_a_code_is_sent_while_its_reader_waits_and_nothing_else_is(provider):
    other, message = queue(), queue(kind=MessageKind.SIGN_IN_CODE)
    dispatch.send_now(message.pk)
    assert state_of(message) is State.ACCEPTED
    assert state_of(other) is State.QUEUED


def test_nobody_listening_means_waiting_not_failing(settings):
    settings.TWILIO_BASE_URL = "http://127.0.0.1:1"
    message = queue()
    dispatch.run()
    assert state_of(message) is State.QUEUED
    assert OutboxMessage.objects.get().tries == 0


def test_silence_is_unclear(settings, provider):
    provider.ledger.faults = {"slow-after": 1.0}
    provider.ledger.slow_seconds = 1.5
    message = queue()
    dispatch.run()
    assert state_of(message) is State.UNKNOWN
    dispatch.run(now=timezone.now() + timedelta(minutes=11))
    assert state_of(message) is State.ACCEPTED
    assert len(provider.ledger.taken) == 1


def test_a_dead_senders_message_is_unclear_and_then_found_or_sent(provider):
    message = queue()
    now = timezone.now()
    claims.claim(channel=Channel.SMS, limit=5, owner="dead", now=now, pace=NORMAL)
    dispatch.run(now=now + timedelta(seconds=80))
    assert state_of(message) is State.SENDING
    dispatch.run(now=now + timedelta(seconds=91))
    assert state_of(message) is State.UNKNOWN
    dispatch.run(now=now + timedelta(seconds=91) + NORMAL.grace)
    assert state_of(message) is State.ACCEPTED
    assert len(provider.ledger.taken) == 1


def test_a_slow_sender_can_not_overwrite_a_later_attempt(provider):
    message = queue()
    now = timezone.now()
    (late,) = claims.claim(channel=Channel.SMS, limit=5, owner="slow", now=now, pace=NORMAL)
    dispatch.run(now=now + timedelta(seconds=91))
    dispatch.run(now=now + timedelta(seconds=91) + NORMAL.grace)
    answer = dispatch.Answer(Outcome.REFUSED, code="21211")
    claims.record([(late, answer)], now=timezone.now(), pace=NORMAL)
    assert state_of(message) is State.ACCEPTED


def test_a_message_withdrawn_while_it_was_being_sent_is_not_tried_again(provider):
    clinic = make_clinic()
    message = queue(clinic=clinic)
    now = timezone.now()
    (letter,) = claims.claim(channel=Channel.SMS, limit=5, owner="x", now=now, pace=NORMAL)
    cancel_messages(subject=clinic, now=now)
    claims.record([(letter, dispatch.Answer(Outcome.BUSY))], now=now, pace=NORMAL)
    assert state_of(message) is State.CANCELLED


def test_senders_never_get_the_same_message():
    for _ in range(40):
        queue()
    got, ready = [], threading.Barrier(4)

    def take():
        ready.wait()
        try:
            for _ in range(4):
                letters = claims.claim(
                    channel=Channel.SMS, limit=5, owner="t", now=timezone.now(), pace=NORMAL
                )
                got.extend(letter.message_id for letter in letters)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 40


def test_a_row_that_does_not_open_stops_no_other(provider):
    bad, good = queue(), queue()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_outboxmessage SET body = 'k0:AAAA' WHERE id = %s", [bad.pk])
    dispatch.run()
    states = dict(OutboxMessage.objects.values_list("pk", "state"))
    assert states[bad.pk] == State.FAILED_FINAL
    assert states[good.pk] == State.ACCEPTED


def test_without_a_broker_the_sweep_sends(provider, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    message = queue()
    tasks.send_due()
    assert state_of(message) is State.ACCEPTED


def test_an_account_that_is_refused_stops_the_channel_and_fails_nothing(provider):
    provider.ledger.answer_always = (401, {"code": 20003, "message": "Authenticate", "status": 401})
    for _ in range(60):
        queue()
    start = timezone.now()
    dispatch.run(now=start)
    assert ChannelPause.objects.get().failures >= BREAKER_FAILURES
    assert OutboxMessage.objects.filter(state=State.QUEUED).count() == 60
    calls = sum(provider.ledger.calls.values())
    dispatch.run(now=start + timedelta(seconds=30))
    assert sum(provider.ledger.calls.values()) == calls
    provider.ledger.answer_always = None
    dispatch.run(now=start + timedelta(minutes=5))
    dispatch.run(now=start + timedelta(minutes=10))
    assert OutboxMessage.objects.filter(state=State.ACCEPTED).count() == 60
    assert max(provider.ledger.bodies().values()) == 60


def test_after_a_restore_old_messages_are_held_and_then_sent_only_if_missing(provider):
    sent_after_the_backup, never_sent = queue(body="told already"), queue(body="not told yet")
    later = queue(body="tomorrow", due_at=timezone.now() + timedelta(hours=20))
    provider.ledger.take({"To": sent_after_the_backup.recipient, "Body": "told already"})
    begin_epoch()
    new = queue(body="new")
    dispatch.run()
    assert state_of(never_sent) is State.QUEUED
    assert state_of(new) is State.ACCEPTED
    call_command("outbox_after_restore", "release")
    assert state_of(later) is State.QUEUED
    dispatch.run()
    assert state_of(sent_after_the_backup) is State.ACCEPTED
    assert state_of(never_sent) is State.ACCEPTED
    assert set(provider.ledger.bodies().values()) == {1}
    dispatch.run(now=hours_later(21))
    assert state_of(later) is State.ACCEPTED


def test_e_mail_is_sent_once_and_named_after_its_message(provider):
    message = queue(channel=Channel.EMAIL, to="line@example.org", title="Hello\nthere")
    dispatch.run()
    dispatch.run()
    (sent,) = mail.outbox
    assert sent.to == ["line@example.org"]
    assert sent.subject == "Hello there"
    assert str(message.pk) in sent.extra_headers["Message-ID"]
    assert state_of(message) is State.ACCEPTED


def test_no_number_or_text_is_logged_whatever_happens(stand_in, caplog):
    caplog.set_level("DEBUG")
    for end in ("0000", "0001", "0002", "0003", "4567"):
        queue(to=f"+4798765{end}"[:11], body="A very private sentence")
        queue(to=f"+479876{end}", body="A very private sentence")
    dispatch.run()
    dispatch.run(now=hours_later(1))
    text = caplog.text + repr(
        [record.__dict__ for record in caplog.records if record.name.startswith("venterom")]
    )
    assert "private" not in text
    assert "+479876" not in text
