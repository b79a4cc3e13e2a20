"""Queueing, withdrawing and reading messages."""

import socket
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from kombu import Connection

from notifications import retention, wakeup
from notifications.choices import Channel, MessageKind, Outcome, State
from notifications.models import OutboxAttempt, OutboxMessage
from notifications.operations import (
    MOST_TOGETHER,
    NewMessage,
    OutsideTransaction,
    cancel_messages,
    queue_message,
    queue_messages,
)
from notifications.queries import ledger_of, not_reached
from portal import audit
from portal.celery import app
from portal.models import AuditEvent
from portal.together import Change, NotChanged
from tests.broker import all_told
from tests.build import make_clinic
from tests.notifications.build_notifications import new_message, queue


@pytest.mark.django_db
def test_telling_the_same_twice_is_one_message():
    clinic = make_clinic()
    first = queue(clinic=clinic, body="first")
    second = queue(clinic=clinic, body="second")
    assert first.pk == second.pk
    assert OutboxMessage.objects.get().body == "first"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"version": 2}, {"kind": MessageKind.REMINDER}, {"channel": Channel.EMAIL}]
)
def test_another_version_kind_or_channel_is_another_message(change):
    clinic = make_clinic()
    queue(clinic=clinic)
    queue(clinic=clinic, **change)
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_queueing_outside_a_transaction_fails_loudly():
    clinic, now = make_clinic(), timezone.now()
    with pytest.raises(OutsideTransaction):
        queue_message(
            NewMessage(
                clinic=clinic,
                kind=MessageKind.REMINDER,
                channel=Channel.SMS,
                to="+4791000000",
                subject=clinic,
                version=1,
                title="",
                body="x",
                due_at=now,
                not_after=None,
            ),
            now=now,
        )


@pytest.mark.django_db(transaction=True)
def test_a_message_of_what_never_happened_is_never_sent():
    clinic = make_clinic()
    with transaction.atomic():
        queue(clinic=clinic)
        transaction.set_rollback(True)
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db
def test_without_a_number_staff_see_that_nothing_was_sent():
    clinic = make_clinic()
    queue(clinic=clinic, to="  ")
    (line,) = ledger_of(clinic)
    assert line.state is State.NO_RECIPIENT
    assert line.is_trouble
    assert [each.id for each in not_reached(clinic, since=timezone.now() - timedelta(hours=1))] == [line.id]


@pytest.mark.django_db
def test_numbers_and_texts_are_encrypted_in_the_database():
    message = queue(to="+4791555123", title="Title of it", body="Body of it")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recipient, title, body FROM notifications_outboxmessage WHERE id = %s", [message.pk]
        )
        stored = " ".join(cursor.fetchone())
    assert not any(word in stored for word in ("+4791555123", "Title of it", "Body of it"))


@pytest.mark.django_db
def test_withdrawing_stops_what_waits_and_marks_what_is_being_sent():
    clinic, now = make_clinic(), timezone.now()
    waiting = queue(clinic=clinic)
    sending = queue(clinic=clinic, version=2)
    unclear = queue(clinic=clinic, version=3)
    sent = queue(clinic=clinic, version=4)
    rows = OutboxMessage.objects
    rows.filter(pk=sending.pk).update(state=State.SENDING, lease_until=now)
    rows.filter(pk=unclear.pk).update(state=State.UNKNOWN)
    rows.filter(pk=sent.pk).update(state=State.ACCEPTED, closed_at=now)
    OutboxAttempt.objects.create(message=unclear, started_at=now, outcome=Outcome.UNCLEAR)
    OutboxAttempt.objects.create(message=sending, started_at=now)
    assert cancel_messages(subject=clinic, now=now) == 2
    lines = {line.id: line for line in ledger_of(clinic)}
    assert lines[waiting.pk].state is State.CANCELLED
    assert not lines[waiting.pk].may_have_been_sent
    assert lines[unclear.pk].state is State.CANCELLED
    assert lines[unclear.pk].may_have_been_sent
    assert lines[sending.pk].may_have_been_sent
    assert rows.get(pk=sending.pk).withdrawn_at == now
    assert lines[sent.pk].state is State.ACCEPTED


@pytest.mark.django_db
def test_withdrawing_one_kind_leaves_the_others():
    clinic = make_clinic()
    queue(clinic=clinic, kind=MessageKind.REMINDER)
    queue(clinic=clinic, kind=MessageKind.BOOKING_CANCELLED)
    assert cancel_messages(subject=clinic, kinds=[MessageKind.REMINDER], now=timezone.now()) == 1


@pytest.mark.django_db
def test_the_ledger_takes_one_query(django_assert_num_queries):
    clinic = make_clinic()
    for version in range(5):
        queue(clinic=clinic, version=version)
    with django_assert_num_queries(1):
        assert len(ledger_of(clinic)) == 5


@pytest.mark.django_db
def test_texts_are_erased_a_week_after_the_end_and_what_happened_stays():
    now = timezone.now()
    old, fresh, waiting = queue(), queue(), queue()
    rows = OutboxMessage.objects
    rows.filter(pk=old.pk).update(state=State.DELIVERED, closed_at=now - timedelta(days=8))
    rows.filter(pk=fresh.pk).update(state=State.DELIVERED, closed_at=now - timedelta(days=6))
    assert retention.erase_old_texts(now=now) == 1
    assert retention.erase_old_texts(now=now) == 0
    erased = rows.get(pk=old.pk)
    assert (erased.recipient, erased.title, erased.body, erased.state) == ("", "", "", State.DELIVERED)
    assert rows.get(pk=fresh.pk).body
    assert rows.get(pk=waiting.pk).body


@pytest.fixture
def mute_broker():
    """A broker that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["gone", "mute"])
def test_a_broker_that_does_not_answer_delays_no_request(kind, settings, mute_broker, caplog, monkeypatch):
    settings.CELERY_BROKER_URL = mute_broker if kind == "mute" else "redis://127.0.0.1:1/0"
    clinic = make_clinic()
    wakeup.wake()  # loads modules
    all_told()
    wakeup._Broker.silent_until = 0.0
    monkeypatch.setattr(wakeup, "SECONDS_TO_CONNECT", 4.0)
    wakeup._broker.cache_clear()
    started = time.monotonic()
    queue(clinic=clinic)
    queue(clinic=clinic, version=2)
    assert time.monotonic() - started < 3.0
    assert OutboxMessage.objects.filter(state=State.QUEUED).count() == 2
    all_told()
    assert "broker does not answer" in caplog.text
    wakeup._Broker.silent_until = 0.0
    wakeup._broker.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_a_crowd_is_told_of_together_and_the_last_is_never_forgotten(monkeypatch):
    queued, published, first_is_out, go_on = [], [], threading.Event(), threading.Event()

    def slow(_task):
        published.append(len(queued))
        first_is_out.set()
        go_on.wait(5)

    clinic = make_clinic()
    all_told()
    monkeypatch.setattr(wakeup._Broker, "silent_until", 0.0)
    monkeypatch.setattr(wakeup, "_publish", slow)
    wakeup.wake()
    assert first_is_out.wait(5)
    for version in range(30):
        queued.append(queue(clinic=clinic, version=version))
    go_on.set()
    all_told()
    assert published == [0, 30]


@pytest.mark.django_db(transaction=True)
def test_many_messages_of_one_transaction_wake_once():
    clinic = make_clinic()
    with transaction.atomic():
        for version in range(3):
            queue(clinic=clinic, version=version)
        assert sum(hook[1] is wakeup.wake for hook in connection.run_on_commit) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_due_later_wakes_nobody_now():
    now = timezone.now()
    with transaction.atomic():
        queue(now=now, due_at=now + timedelta(hours=1))
        assert not connection.run_on_commit


@pytest.mark.django_db
def test_queueing_takes_two_queries(django_assert_num_queries):
    clinic = make_clinic()
    with django_assert_num_queries(4):  # two of them are the savepoint of this test's transaction
        queue(clinic=clinic)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [2, MOST_TOGETHER + 1])
def test_messages_of_what_somebody_else_was_quicker_to_change_are_not_queued(number):
    clinic, now = make_clinic(), timezone.now()
    gone = Change("UPDATE clinic_admin_clinic SET name = name WHERE id = %s RETURNING id", [clinic.pk + 1])
    messages = [new_message(clinic=clinic, version=version) for version in range(number)]
    with transaction.atomic():
        event = audit.event(action="appointment.booked", subject=clinic, actor=audit.SYSTEM, now=now)
        with pytest.raises(NotChanged):
            queue_messages(messages, now=now, beside=[event], after=gone)
    assert not OutboxMessage.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.fixture
def patient_broker(monkeypatch):
    """Wait for a broker that is slow because other tests run: the product would leave it to the sweep."""
    all_told()
    wakeup._Broker.silent_until = 0.0
    wakeup._broker.cache_clear()
    with monkeypatch.context() as patient:
        patient.setattr(wakeup, "SECONDS_TO_CONNECT", 4.0)
        yield
        all_told()
    wakeup._broker.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_what_is_due_now_wakes_a_worker(settings, patient_broker):
    clinic = make_clinic()
    apart = {"global_keyprefix": "outbox-test-"}  # where no worker of another test listens
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = settings.CELERY_BROKER_TRANSPORT_OPTIONS | apart
    with (
        Connection(settings.CELERY_BROKER_URL, transport_options=apart) as broker,
        broker.SimpleQueue("celery") as waiting,
    ):
        waiting.clear()
        queue(clinic=clinic)
        message = waiting.get(timeout=5)
        message.ack()
    app.loader.import_default_modules()
    assert message.headers["task"] in app.tasks
    assert message.payload[:2] == [[], {}]


def test_the_clocks_schedule_names_tasks_that_exist(settings):
    app.loader.import_default_modules()
    ours = {
        entry["task"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"].startswith(("notifications.", "demo_sms."))
    }
    assert ours == {"notifications.send_due", "notifications.sweep", "demo_sms.call_back"}
    assert ours <= set(app.tasks)
