"""What was queued long before it is due is made what is wanted now, and nothing is ever sent twice."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from notifications import claims, dispatch
from notifications.choices import Channel, MessageKind, Outcome, State
from notifications.letters import Answer
from notifications.models import OutboxMessage
from notifications.operations import NewMessage, arrange, cancel_messages
from notifications.policy import NORMAL
from notifications.queries import failed_reminders, reminders_of
from tests.build import make_clinic
from tests.notifications.build_notifications import queue

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def clinic():
    return make_clinic()


def reminder(clinic, **values):
    return NewMessage(
        **{
            "clinic": clinic,
            "kind": MessageKind.REMINDER,
            "channel": Channel.SMS,
            "to": "+4791000000",
            "subject": clinic,
            "version": 1,
            "title": "t",
            "body": "b",
            "due_at": NOON,
            "not_after": TOMORROW,
        }
        | values
    )


def wants(clinic, message):
    return arrange(subject=clinic, kind=MessageKind.REMINDER, version=1, wanted=message, now=NOON)


def states():
    return sorted((row.channel, row.state) for row in OutboxMessage.objects.all())


def take(clinic, now=NOON):
    return claims.claim(channel=Channel.SMS, limit=9, owner="me", now=now, pace=NORMAL)


def test_turned_off_and_on_again_is_one_message(clinic):
    assert wants(clinic, reminder(clinic))
    assert wants(clinic, None)
    assert states() == [("sms", State.CANCELLED)]
    assert wants(clinic, reminder(clinic))
    assert not wants(clinic, reminder(clinic))
    assert states() == [("sms", State.QUEUED)]
    assert len(take(clinic)) == 1


def test_another_number_is_the_one_that_is_sent_to(clinic):
    wants(clinic, reminder(clinic))
    assert wants(clinic, reminder(clinic, to="+4791000099", body="new"))
    (letter,) = take(clinic)
    assert (letter.recipient, letter.body) == ("+4791000099", "new")


def test_an_sms_takes_the_place_of_an_e_mail_when_there_is_a_number_at_last(clinic):
    wants(clinic, reminder(clinic, channel=Channel.EMAIL, to="kari@example.test"))
    wants(clinic, reminder(clinic))
    assert states() == [("email", State.CANCELLED), ("sms", State.QUEUED)]


def test_a_number_that_comes_later_sets_going_what_had_none(clinic):
    wants(clinic, reminder(clinic, to=""))
    assert states() == [("sms", State.NO_RECIPIENT)]
    wants(clinic, reminder(clinic))
    assert states() == [("sms", State.QUEUED)]


@pytest.mark.parametrize("outcome", [Outcome.UNCLEAR, Outcome.ACCEPTED, Outcome.REFUSED])
def test_what_has_been_tried_is_never_tried_beside(clinic, outcome):
    wants(clinic, reminder(clinic))
    (letter,) = take(clinic)
    claims.record([(letter, Answer(outcome, sid="SM1"))], now=NOON, pace=NORMAL)
    before = states()
    assert not wants(clinic, reminder(clinic, channel=Channel.EMAIL, to="kari@example.test"))
    assert not wants(clinic, None)
    assert states() == before


def test_withdrawn_while_its_end_is_unknown_it_is_not_asked_for_again(clinic):
    wants(clinic, reminder(clinic))
    (letter,) = take(clinic)
    claims.record([(letter, Answer(Outcome.UNCLEAR))], now=NOON, pace=NORMAL)
    cancel_messages(subject=clinic, now=NOON)
    assert not wants(clinic, reminder(clinic))
    assert states() == [("sms", State.CANCELLED)]


def test_withdrawn_between_taking_out_and_sending_nothing_is_sent(clinic, monkeypatch):
    """The second of two is withdrawn while the first is on its way."""
    first, second = (queue(clinic=clinic, version=number, now=NOON) for number in (1, 2))
    sent = []

    def send(_client, letter):
        sent.append(letter.message_id)
        with transaction.atomic():
            OutboxMessage.objects.exclude(pk=letter.message_id).update(withdrawn_at=NOON)
        connection.close()  # this thread's own
        return Answer(Outcome.ACCEPTED, sid=f"SM{len(sent)}")

    monkeypatch.setattr(dispatch.sms, "SENDER_THREADS", 1)
    monkeypatch.setattr(dispatch.sms, "send", send)
    with dispatch.Sender() as sender:
        dispatch.send_batch(sender, now=NOON)
    other = second if sent == [first.pk] else first
    assert len(sent) == 1
    other.refresh_from_db()
    assert (other.state, other.tries) == (State.CANCELLED, 0)


@pytest.mark.parametrize(("hour", "sent"), [(5, 0), (6, 1), (19, 1), (20, 0)])
def test_a_reminder_that_was_delayed_into_the_night_waits_for_the_morning(clinic, hour, sent):
    """In November 7 and 21 o'clock at the clinic are 6 and 20 UTC. Other messages go at any hour."""
    now = TOMORROW.replace(hour=hour, minute=0)
    queue(clinic=clinic, now=NOON, due_at=NOON, not_after=NOON + timedelta(days=3))
    wants(clinic, reminder(clinic, not_after=NOON + timedelta(days=3)))
    assert len(take(clinic, now)) == 1 + sent


def test_failed_reminders_are_paged_in_order_of_the_appointments_and_say_why(clinic):
    for number in range(5):
        wanted = reminder(clinic, to="", version=number, not_after=TOMORROW + timedelta(hours=number // 2))
        arrange(subject=clinic, kind=MessageKind.REMINDER, version=number, wanted=wanted, now=NOON)
    span = {"since": NOON, "before": TOMORROW + timedelta(days=1)}
    first = failed_reminders(clinic, after=None, most=3, **span)
    rest = failed_reminders(clinic, after=(first[-1][0], first[-1][1].id), most=3, **span)
    lines = [line for _, line in [*first, *rest]]
    assert len({line.version for line in lines}) == len(lines) == 5
    assert [at for at, _ in [*first, *rest]] == sorted(at for at, _ in [*first, *rest])
    assert {line.why.value for line in lines} == {"no-recipient"}
    assert failed_reminders(make_clinic(), after=None, most=3, **span) == []
    assert len(reminders_of([clinic])) == 5
