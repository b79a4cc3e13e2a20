"""Links with which new staff choose their password: sent by e-mail, good for one use, known here only by their hash."""

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic
from identity import open_sessions
from identity.choices import EndReason, StaffLinkRefusal
from identity.models import StaffLink, User
from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from portal import audit
from portal.refusals import Refused

LASTS = timedelta(hours=72)


class StaffLinkRefused(Refused):
    """A link can't be used or sent. Nothing was changed."""


def hash_of(token: str) -> str:
    """Return what is stored of the word in a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_link(token_hash: str, *, now: datetime) -> StaffLink:
    """Return the link if it can be used at this instant. Looking changes nothing. Raises StaffLinkRefused."""
    found = StaffLink.objects.select_related("user", "clinic").filter(token_hash=token_hash).first()
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
    revoke_links(user=locked, now=now)
    token = secrets.token_urlsafe(32)
    link = StaffLink.objects.create(
        user=locked,
        clinic=clinic,
        token_hash=hash_of(token),
        created_at=now,
        created_by=actor,
        expires_at=now + LASTS,
    )
    _queue(link, token, now)
    audit.record(action="staff_link.sent", subject=link, actor=actor, now=now, user=str(locked.pk))
    return link


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
def choose_password(*, token_hash: str, password: str, now: datetime) -> User:
    """Use the link up and give its person this password. The second factor is set up at the first sign-in.

    Raises StaffLinkRefused when it was used, replaced or is too old, ValidationError for a weak password; the link
    then stays as it was.
    """
    found = (
        StaffLink.objects.select_for_update(of=("self",))
        .select_related("user", "clinic")
        .filter(token_hash=token_hash)
        .first()
    )
    link = _usable(found, now)
    validate_password(password, link.user)
    link.used_at = now
    link.save(update_fields=["used_at"])
    link.user.set_password(password)
    link.user.save(update_fields=["password"])
    outbox.cancel_messages(subject=link, now=now)
    audit.record(action="staff_link.used", subject=link, actor=link.user, now=now, user=str(link.user_id))
    return link.user


@transaction.atomic
def end_sessions(*, user: User, actor: User | None, now: datetime, reason: str) -> int:
    """Sign the person out everywhere; return from how many places. `reason` is a short word for the trail."""
    keys = UserSession.objects.filter(user=user).values_list("session_key", flat=True)
    return open_sessions.end(user, keys, why=EndReason.BY_STAFF, actor=actor, now=now, reason=reason)


def _usable(link: StaffLink | None, now: datetime) -> StaffLink:
    if link is not None and link.used_at is not None:
        raise StaffLinkRefused(StaffLinkRefusal.USED)
    if link is None or not link.is_open(now) or not link.user.is_active:
        raise StaffLinkRefused(StaffLinkRefusal.OVER)
    return link


def _queue(link: StaffLink, token: str, now: datetime) -> None:
    address = settings.BASE_URL + reverse("identity_staff:welcome", args=[token])
    with translation.override(link.clinic.language):
        title = _("Welcome to %(clinic)s: choose your password") % {"clinic": link.clinic.name}
        body = _(
            "Hello %(name)s,\n\n"
            "%(clinic)s has given you access to its patient portal. Choose your password here:\n\n"
            "%(address)s\n\n"
            "The link works once, and for three days. After the password you set up a code app on your phone; "
            "you need both each time you sign in.\n\n"
            "If you didn't expect this, don't use the link, and tell the clinic."
        ) % {"name": link.user.name, "clinic": link.clinic.name, "address": address}
    outbox.queue_messages(
        [
            NewMessage(
                clinic=link.clinic,
                kind=MessageKind.STAFF_INVITATION,
                channel=Channel.EMAIL,
                to=link.user.email or "",
                subject=link,
                version=1,
                title=title,
                body=body,
                due_at=now,
                not_after=link.expires_at,
            )
        ],
        now=now,
    )
