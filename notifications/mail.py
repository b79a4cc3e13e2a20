"""E-mail over SMTP, several letters over one connection."""

import smtplib
from collections.abc import Callable, Iterator
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from notifications.choices import Outcome
from notifications.letters import Answer, Letter

_NOT_STARTED = Answer(Outcome.NOT_STARTED)


def send_all(letters: list[Letter], may_start: Callable[[], bool]) -> Iterator[tuple[Letter, Answer]]:
    """Give letters to the mail server one by one, as long as may_start says so. Raises nothing."""
    server = get_connection()
    refusal = _open(server)
    try:
        for letter in letters:
            answer = refusal or (_send(server, letter) if may_start() else _NOT_STARTED)
            yield letter, answer
            if refusal is None and answer.outcome is Outcome.UNCLEAR:
                _close(server)
                refusal = _open(server)
    finally:
        _close(server)


def message_id(letter: Letter) -> str:
    """Return the Message-ID. A repeated attempt has the same one: mail servers and programs drop the second."""
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return f"<{letter.message_id}@{address.partition('@')[2] or 'localhost'}>"


def _open(server: BaseEmailBackend) -> Answer | None:
    """Connect, or return the answer that holds for every letter: none was sent."""
    try:
        server.open()
    except smtplib.SMTPAuthenticationError as error:
        return Answer(Outcome.UNAUTHORISED, code=str(error.smtp_code))
    except (OSError, smtplib.SMTPException) as error:
        return Answer(Outcome.BUSY, code=type(error).__name__[:20])
    return None


def _close(server: BaseEmailBackend) -> None:
    try:
        server.close()
    except (OSError, smtplib.SMTPException):
        return


def _send(server: BaseEmailBackend, letter: Letter) -> Answer:
    try:
        message = EmailMessage(
            subject=" ".join(letter.title.split()),
            body=letter.body,
            to=[letter.recipient],
            headers={"Message-ID": message_id(letter), "Auto-Submitted": "auto-generated"},
            connection=server,
        )
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        return _by_reply(next(iter(error.recipients.values()))[0])
    except smtplib.SMTPResponseException as error:
        return _by_reply(error.smtp_code)
    except ValueError as error:  # a line break in the address: refused before anything is sent
        return Answer(Outcome.REFUSED, code=type(error).__name__[:20])
    except Exception as error:
        return Answer(Outcome.UNCLEAR, code=type(error).__name__[:20])
    return Answer(Outcome.ACCEPTED)


def _by_reply(code: int) -> Answer:
    """Return what a refusal in the mail server's own words means; with one, nothing was taken over."""
    return Answer(Outcome.BUSY if 400 <= code < 500 else Outcome.REFUSED, code=str(code))
