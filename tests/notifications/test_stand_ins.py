"""The stand-ins of the demo: SMS provider, mail server, phone."""

import asyncio
import contextlib
import smtplib
import socket
import threading
import uuid
from datetime import timedelta

import pytest
import requests
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from notifications import checks, dispatch, mail
from notifications.choices import Channel, MessageKind, Outcome, State
from notifications.demo_mail import mailbox, smtp
from notifications.demo_sms.tasks import call_back
from notifications.letters import Letter
from notifications.models import DemoEmail, DemoSms, OutboxMessage
from tests.notifications.build_notifications import queue

ACCOUNT = "AC" + "0" * 32
API = f"/demo-sms/2010-04-01/Accounts/{ACCOUNT}"


def letter(**values):
    now = timezone.now()
    values = {
        "message_id": uuid.uuid4(),
        "attempt_id": uuid.uuid4(),
        "kind": MessageKind.ANSWER_READY,
        "channel": Channel.EMAIL,
        "due_at": now,
        "not_after": now + timedelta(days=1),
        "started_at": now,
        "validity_seconds": 60,
        "recipient": "line@example.org",
        "title": "Svar fra legekontoret",
        "body": "Hei, det er kommet et svar.\n.En linje med punktum først\nÆØÅ",
    } | values
    return Letter(**values)


class MailServer:
    """The demo's mail server in a thread; `taken` holds what it took over."""

    def __init__(self, fail=None):
        self.taken, self.fail = [], fail
        self.started = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.thread.start()
        self.started.wait(5)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()

    async def _serve(self):
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        server = await smtp.listen(0, self._deliver)
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        await self.ended.wait()
        server.close()

    async def _deliver(self, sender, recipients, content):
        self.taken.append((sender, recipients, content))
        if self.fail:
            raise self.fail


@pytest.fixture
def smtp_settings(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    return settings


def test_e_mails_go_over_one_connection_and_arrive_as_written(smtp_settings):
    with MailServer() as server:
        smtp_settings.EMAIL_PORT = server.port
        letters = [letter(), letter(recipient="per@example.org")]
        answers = [answer.outcome for _, answer in mail.send_all(letters, lambda: True)]
    assert answers == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert [recipients for _, recipients, _ in server.taken] == [["line@example.org"], ["per@example.org"]]
    text = server.taken[0][2].decode()
    assert "\r\n.En linje" in text
    assert mail.message_id(letters[0]) in text


def test_a_mail_server_that_dies_after_taking_a_letter_leaves_doubt_about_that_letter_only(smtp_settings):
    with MailServer(fail=ConnectionResetError()) as server:
        smtp_settings.EMAIL_PORT = server.port
        answers = [answer.outcome for _, answer in mail.send_all([letter()], lambda: True)]
    assert answers == [Outcome.UNCLEAR]


def test_without_a_mail_server_letters_wait(smtp_settings):
    smtp_settings.EMAIL_PORT = 1
    answers = [answer.outcome for _, answer in mail.send_all([letter(), letter()], lambda: True)]
    assert answers == [Outcome.BUSY, Outcome.BUSY]


def test_an_address_the_server_refuses_is_final_and_the_next_letter_goes_out(smtp_settings):
    with MailServer() as server:
        smtp_settings.EMAIL_PORT = server.port
        letters = [letter(recipient="nobody"), letter()]
        answers = [answer.outcome for _, answer in mail.send_all(letters, lambda: True)]
    assert answers == [Outcome.REFUSED, Outcome.ACCEPTED]


def test_a_line_break_in_an_address_never_reaches_the_server(smtp_settings):
    with MailServer() as server:
        smtp_settings.EMAIL_PORT = server.port
        bad = letter(recipient="a@example.org\nBcc: b@example.org")
        assert [answer.outcome for _, answer in mail.send_all([bad], lambda: True)] == [Outcome.REFUSED]
    assert not server.taken


def test_the_mail_server_refuses_what_is_too_large_and_goes_on():
    with MailServer() as server, smtplib.SMTP("127.0.0.1", server.port) as client:
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("a@example.org", ["b@example.org"], ("x" * 998 + "\r\n") * 1100)
        client.sendmail("a@example.org", ["b@example.org"], "Subject: small\r\n\r\nhello")
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    "line",
    [b"RCPT TO:<a@b.c>", b"DATA", b"MAIL nobody", b"MAIL FROM:", b"NONSENSE", b"", b"\xff\xfe", b"VRFY a"],
)
def test_the_mail_server_answers_nonsense_with_an_error_and_stays(line):
    with MailServer() as server, socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        reader = client.makefile("rb")
        assert reader.readline().startswith(b"220")
        client.sendall(line + b"\r\n")
        assert reader.readline()[:1] == b"5"
        client.sendall(b"NOOP\r\n")
        assert reader.readline().startswith(b"250")
        reader.close()


def test_an_endless_line_ends_the_conversation():
    with MailServer() as server, socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"x" * 200_000)
        with client.makefile("rb") as reader, contextlib.suppress(ConnectionResetError):
            assert reader.read().count(b"\n") == 1


@pytest.mark.django_db
def test_the_mailbox_keeps_subject_and_text_per_recipient():
    content = b"Subject: =?utf-8?q?P=C3=A5minnelse?=\r\nMessage-ID: <a@b>\r\n\r\nHei\r\n"
    mailbox.keep(
        sender="a@example.org",
        recipients=["b@example.org", "c@example.org"],
        content=content,
        now=timezone.now(),
    )
    assert DemoEmail.objects.count() == 2
    kept = DemoEmail.objects.get(recipient="b@example.org")
    assert (kept.subject, kept.body.strip(), kept.message_id) == ("Påminnelse", "Hei", "<a@b>")


def test_the_mailbox_does_not_start_in_production():
    with override_settings(IS_DEVELOPMENT=False), pytest.raises(CommandError):
        call_command("demo_mailbox")


@pytest.fixture
def caller(live_server):
    with requests.Session() as session:
        session.auth = (ACCOUNT, "demo-token")
        session.base = live_server.url + API
        yield session


@pytest.mark.django_db(transaction=True)
def test_the_sms_stand_in_speaks_like_the_provider(caller):
    made = caller.post(
        f"{caller.base}/Messages.json", {"To": "+4791234567", "From": "Venterom", "Body": "Hei"}
    )
    assert made.status_code == 201
    sid = made.json()["sid"]
    assert caller.get(f"{caller.base}/Messages/{sid}.json").json()["body"] == "Hei"
    today = timezone.now().date()
    for query, count in (
        ({"To": "+4791234567"}, 1),
        ({"To": "+4700000009"}, 0),
        ({"DateSent": str(today)}, 1),
        ({"DateSent>": str(today + timedelta(days=1))}, 0),
        ({"DateSent<": str(today)}, 0),
        ({"DateSent": "2026-99-99"}, 1),
        ({"PageSize": "x", "Page": "-1"}, 1),
    ):
        listed = caller.get(f"{caller.base}/Messages.json", params=query)
        assert len(listed.json()["messages"]) == count, query
    assert caller.get(f"{caller.base}.json").json()["status"] == "active"
    assert caller.get(f"{caller.base}/Messages/SMnone.json").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Body": "x"}, 21604),
        ({"To": "12", "Body": "x"}, 21211),
        ({"To": "+4791230000", "Body": "x"}, 21211),
        ({"To": "+4791234567"}, 21602),
        ({"To": "+4791234567", "Body": "x" * 1601}, 21617),
        ({"To": "+4791234567", "Body": "x", "StatusCallback": "file:///etc/passwd"}, 21609),
    ],
)
def test_the_sms_stand_in_refuses_with_the_providers_codes(caller, form, code):
    answer = caller.post(f"{caller.base}/Messages.json", form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not DemoSms.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic !!"}, {"Authorization": "Basic YTpi"}])
def test_the_sms_stand_in_knows_its_account(client, header):
    answer = client.get(f"{API}/Messages.json", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


@pytest.mark.django_db(transaction=True)
def test_reporting_twice_reports_once(live_server, settings):
    settings.BASE_URL = live_server.url
    settings.TWILIO_BASE_URL = f"{live_server.url}/demo-sms"
    message = queue()
    dispatch.run()
    DemoSms.objects.update(status="sent")
    assert call_back(later=1) == 1
    assert call_back() == 0
    assert OutboxMessage.objects.get(pk=message.pk).state == State.DELIVERED


@pytest.mark.django_db
def test_the_phone_shows_what_arrived_newest_first(client, django_assert_max_num_queries):
    now = timezone.now()
    for number in range(3):
        DemoSms.objects.create(
            sid=f"SM{number}",
            recipient=f"+479100000{number}",
            sender="Venterom",
            body=f"Hello {number} <b>",
            status="delivered",
            final_status="delivered",
            created_at=now + timedelta(seconds=number),
        )
    mailbox.keep(
        sender="a@example.org", recipients=["b@example.org"], content=b"Subject: Letter\r\n\r\nText", now=now
    )
    with django_assert_max_num_queries(6):
        page = client.get("/dev/phone/").content.decode()
    assert page.index("Hello 2 &lt;b&gt;") < page.index("Hello 0 &lt;b&gt;")
    assert "Letter" in page
    only = client.get("/dev/phone/", {"to": "+4791000001"}).content.decode()
    assert "Hello 1" in only
    assert "Hello 2" not in only
    part = client.get("/dev/phone/", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<section")
    seen = part.partition("seen=")[2][:16]
    again = client.get("/dev/phone/", {"seen": seen}, headers={"HX-Request": "true"})
    assert again.status_code == 204
    DemoSms.objects.update(status="sent")
    changed = client.get("/dev/phone/", {"seen": seen}, headers={"HX-Request": "true"})
    assert changed.status_code == 200


@pytest.mark.django_db
def test_an_empty_phone_says_what_to_do(client):
    assert client.get("/dev/phone/", {"to": "' OR 1=1"}).status_code == 200


@pytest.mark.parametrize(
    ("address", "errors"),
    [
        ("https://api.twilio.com", 0),
        ("http://api.twilio.com", 1),
        ("https://portal.example/demo-sms", 1),
    ],
)
def test_production_does_not_start_with_the_stand_in(settings, address, errors):
    settings.TWILIO_BASE_URL = address
    assert len(checks.messages_go_to_the_real_provider(None)) == errors


def test_production_does_not_start_with_the_demos_token(settings):
    settings.TWILIO_AUTH_TOKEN = "demo-token"
    assert checks.receipts_can_be_trusted(None)
    settings.TWILIO_AUTH_TOKEN = "an-own-token"
    assert not checks.receipts_can_be_trusted(None)
