"""Links with which staff choose their first or a new password: sent by e-mail, good for one use, known here only by
their hash.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from clinic_admin.models import Clinic
from identity.choices import EndReason, LoginNews, StaffLinkPurpose, StaffLinkRefusal
from identity.models import StaffLink, User
from identity.session import open_sessions
from identity.staff import letters as staff_letters
from notifications import operations as outbox
from portal import audit
from portal.refusals import Refused

LASTS = {StaffLinkPurpose.WELCOME: timedelta(hours=72), StaffLinkPurpose.NEW_PASSWORD: timedelta(minutes=30)}


class StaffLinkRefused(Refused):
    """A link can't be used or sent. Nothing was changed."""


def hash_of(token: str) -> str:
    """Return what is stored of the word in a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_link(token_hash: str, *, purpose: StaffLinkPurpose, now: datetime) -> StaffLink:
    """Return the link if it can be used for this at this instant. Looking changes nothing. Raises StaffLinkRefused."""
    found = (
        StaffLink.objects.select_related("user", "clinic")
        .filter(token_hash=token_hash, purpose=purpose)
        .first()
    )
    return _usable(found, now)


def open_link_of(user: User, *, now: datetime) -> StaffLink | None:
    """Return the person's link that can be used at this instant, or None."""
    return StaffLink.objects.filter(
        user=user, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    ).first()


@transaction.atomic
def send_link(*, user: User, clinic: Clinic, actor: User | None, now: datetime) -> StaffLink:
    """Send the person a link to choose their password, in the clinic's name and language. Older links end.

    Raises StaffLinkRefused for someone who has a password.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.has_usable_password():
        raise StaffLinkRefused(StaffLinkRefusal.HAS_PASSWORD)
    return _send(locked, clinic, StaffLinkPurpose.WELCOME, actor=actor, now=now)


@transaction.atomic
def send_reset_link(*, user: User, clinic: Clinic, now: datetime) -> StaffLink:
    """Send someone who has forgotten the password a link to choose a new one. Older links end."""
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return _send(locked, clinic, StaffLinkPurpose.NEW_PASSWORD, actor=None, now=now)


@transaction.atomic
def revoke_links(*, user: User, now: datetime) -> int:
    """End the person's links and take back e-mails that have not gone out; return how many links ended."""
    links = list(
        StaffLink.objects.select_for_update().filter(user=user, used_at__isnull=True, revoked_at__isnull=True)
    )
    for link in links:
        outbox.cancel_messages(subject=link, now=now)
    return StaffLink.objects.filter(pk__in=[link.pk for link in links]).update(revoked_at=now)


@transaction.atomic
def choose_password(*, token_hash: str, purpose: StaffLinkPurpose, password: str, now: datetime) -> User:
    """Use the link up and give its person this password. Opens no session.

    A new password instead of a forgotten one ends all sessions and is told by e-mail; the second factor stays as it is.
    Raises StaffLinkRefused when the link was used, replaced or is too old, ValidationError for a weak password; the link
    then stays as it was.
    """
    found = (
        StaffLink.objects.select_for_update(of=("self",))
        .select_related("user", "clinic")
        .filter(token_hash=token_hash, purpose=purpose)
        .first()
    )
    link = _usable(found, now)
    validate_password(password, link.user)
    link.used_at = now
    link.save(update_fields=["used_at"])
    link.user.set_password(password)
    link.user.save(update_fields=["password"])
    outbox.cancel_messages(subject=link, now=now)
    event = audit.record(
        action="staff_link.used",
        subject=link,
        actor=link.user,
        now=now,
        user=str(link.user_id),
        purpose=purpose,
    )
    if purpose is StaffLinkPurpose.NEW_PASSWORD:
        end_sessions(user=link.user, actor=link.user, now=now, reason="new-password", why=EndReason.PASSWORD)
        staff_letters.tell(link.user, LoginNews.PASSWORD, about=event, now=now)
    return link.user


@transaction.atomic
def end_sessions(
    *,
    user: User,
    actor: User | None,
    now: datetime,
    reason: str,
    keep: str = "",
    why: EndReason = EndReason.BY_STAFF,
) -> int:
    """Sign the person out everywhere, but for the session with the key `keep`; return from how many places.

    `reason` is a short word for the trail; `why` is told to the person where a session has ended.
    """
    listed = UserSession.objects.filter(user=user).exclude(session_key=keep)
    keys = list(listed.values_list("session_key", flat=True))
    return open_sessions.end(user, keys, why=why, actor=actor, now=now, reason=reason)


def _usable(link: StaffLink | None, now: datetime) -> StaffLink:
    if link is not None and link.used_at is not None:
        raise StaffLinkRefused(StaffLinkRefusal.USED)
    if link is None or not link.is_open(now) or not link.user.is_active:
        raise StaffLinkRefused(StaffLinkRefusal.OVER)
    return link


def _send(
    user: User, clinic: Clinic, purpose: StaffLinkPurpose, *, actor: User | None, now: datetime
) -> StaffLink:
    revoke_links(user=user, now=now)
    token = secrets.token_urlsafe(32)
    link = StaffLink.objects.create(
        purpose=purpose,
        user=user,
        clinic=clinic,
        token_hash=hash_of(token),
        created_at=now,
        created_by=actor,
        expires_at=now + LASTS[purpose],
    )
    staff_letters.queue_link(link, token, now=now)
    audit.record(
        action="staff_link.sent", subject=link, actor=actor, now=now, user=str(user.pk), purpose=purpose
    )
    return link
