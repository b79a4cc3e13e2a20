"""Makes and sends codes and links after the answer has gone out, so that answers take the same time for everyone.

A thread of the web process does it at once and needs no broker. What a process that ended has left lying, the clock's
task picks up (tasks.send_waiting).
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from identity.by_code import codes, memberships
from identity.staff import passwords as staff_passwords
from notifications import dispatch

Row = TypeVar("Row", UUID, int)
log = logging.getLogger("venterom.codes")
_threads = ThreadPoolExecutor(4, thread_name_prefix="codes")


def send_code_soon(question_id: UUID) -> None:
    """Send the question's code when the current transaction has committed."""
    transaction.on_commit(lambda: _start(send_code, question_id))


def send_link_soon(link_id: UUID) -> None:
    """Send the link that was asked for when the current transaction has committed."""
    transaction.on_commit(lambda: _start(send_link, link_id))


def send_staff_link_soon(question_id: int) -> None:
    """Send staff the link that was asked for when the current transaction has committed."""
    transaction.on_commit(lambda: _start(send_staff_link, question_id))


def send_message_soon(message_id: UUID) -> None:
    """Send a queued message that its reader waits for when the current transaction has committed."""
    transaction.on_commit(lambda: _start(dispatch.send_now, message_id))


def send_code(question_id: UUID) -> None:
    """Make the code and send it, if one is to be sent."""
    message = codes.handle(question_id, now=timezone.now())
    if message is not None:
        dispatch.send_now(message)


def send_link(link_id: UUID) -> None:
    """Make the link and queue its e-mail, if anybody gets one. E-mail goes the outbox's ordinary way."""
    memberships.handle_link(link_id, now=timezone.now())


def send_staff_link(question_id: int) -> None:
    """Make the link for a new password and queue its e-mail, if anybody gets one."""
    staff_passwords.handle(question_id, now=timezone.now())


def send_waiting(*, now: datetime) -> int:
    """Do what nobody has done yet; return how much there was."""
    questions, links = codes.waiting(now=now), memberships.waiting_links(now=now)
    staff = staff_passwords.waiting(now=now)
    for question in questions:
        send_code(question)
    for link in links:
        send_link(link)
    for staff_question in staff:
        send_staff_link(staff_question)
    return len(questions) + len(links) + len(staff)


def _start(work: Callable[[Row], object], row: Row) -> None:
    _threads.submit(_in_thread, work, row)


def _in_thread(work: Callable[[Row], object], row: Row) -> None:
    try:
        work(row)
    except Exception:
        log.exception("a code or link was not sent; the clock's task tries again", extra={"row": str(row)})
    finally:
        connection.close()
