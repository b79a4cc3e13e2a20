"""Passwords of staff: forgotten ones, and one's own, changed while signed in.

A question for a new password is stored for every address and answered alike. Whether a link goes out is decided after
the answer, in a thread of the web process, and by the clock's task if that process ends (code_sender).
"""

from datetime import datetime, timedelta

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest

from clinic_admin import queries as register
from identity import operations, queries
from identity.choices import EndReason, LoginNews
from identity.models import StaffPasswordQuestion, User
from identity.staff import letters as staff_letters
from identity.staff import links as staff_links
from portal import audit, throttle
from portal.throttle import Limit

PER_NETWORK_ADDRESS = Limit("staff-reset-address", 10, timedelta(hours=1))
"""A clinic's staff share one address."""
PER_PERSON = Limit("staff-reset-person", 3, timedelta(days=1))
OWN_PASSWORD = Limit("staff-own-password", 5, timedelta(minutes=5))
HANDLED_AT_ONCE = 100


class TooManyTries(Exception):
    """Too many questions, or too many wrong passwords. Nothing was changed."""


class WrongPassword(Exception):
    """The password so far is another one. Nothing was changed."""


def ask(*, email: str, network_address: str, now: datetime) -> StaffPasswordQuestion:
    """Store that someone has forgotten the password of this login, whether or not there is one.

    The caller lets code_sender handle it. Raises TooManyTries, for known and unknown addresses alike.
    """
    email = email.strip().lower()
    over = [
        throttle.is_exceeded_from(network_address, PER_NETWORK_ADDRESS, now=now),
        throttle.is_exceeded(PER_PERSON, key=email, now=now),
    ]
    if any(over):
        raise TooManyTries
    return StaffPasswordQuestion.objects.create(email=email, asked_at=now)


@transaction.atomic
def handle(question_id: int, *, now: datetime) -> None:
    """Send the link that was asked for, once, to a login that is open, has a password and works somewhere."""
    question = (
        StaffPasswordQuestion.objects.select_for_update(skip_locked=True).filter(pk=question_id).first()
    )
    if question is None:
        return
    question.delete()
    user = queries.staff_user(question.email or "")
    if user is None or not user.is_active or not user.has_usable_password():
        return
    posts = register.posts_of(user.pk)
    if posts:
        staff_links.send_reset_link(user=user, clinic=posts[0].clinic, now=now)


def waiting(*, now: datetime) -> list[int]:
    """Return questions that nobody has handled yet, the oldest first, at most a hundred."""
    rows = StaffPasswordQuestion.objects.filter(asked_at__lte=now).order_by("asked_at")
    return list(rows.values_list("pk", flat=True)[:HANDLED_AT_ONCE])


def change_own(request: HttpRequest, user: User, *, old: str, new: str, now: datetime) -> None:
    """Give the signed-in person a new password. It ends all their other sessions (W6), and is told by e-mail.

    Raises TooManyTries, WrongPassword, ValidationError for a weak one.
    """
    if throttle.is_exceeded(OWN_PASSWORD, key=str(user.pk), now=now):
        raise TooManyTries
    if not user.check_password(old):
        operations.note_failed_staff_sign_in(email=user.email or "", reason="own-password", now=now)
        raise WrongPassword
    validate_password(new, user)
    _store(request, user, new, now)


@transaction.atomic
def _store(request: HttpRequest, user: User, new: str, now: datetime) -> None:
    before = request.session.session_key or ""
    user.set_password(new)
    user.save(update_fields=["password"])
    event = audit.record(action="staff.password-set", subject=user, actor=user, now=now)
    staff_links.revoke_links(user=user, now=now)
    staff_letters.tell(user, LoginNews.PASSWORD, about=event, now=now)
    staff_links.end_sessions(
        user=user, actor=user, now=now, reason="new-password", keep=before, why=EndReason.PASSWORD
    )
    update_session_auth_hash(request, user)
    operations.note_new_session_key(request, before)
