"""E-mails to staff about their own login: links to choose a password, and news of every change of it (ASVS 6.3.7)."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin import queries as register
from clinic_admin.models import Clinic
from identity.choices import LoginNews, StaffLinkPurpose
from identity.models import StaffLink, User
from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage


def queue_link(link: StaffLink, token: str, *, now: datetime) -> None:
    """Queue the e-mail with the link. `token` is the word in it; it stands nowhere else."""
    is_welcome = link.purpose == StaffLinkPurpose.WELCOME
    name = "identity_staff:welcome" if is_welcome else "identity_staff:new_password"
    words = {
        "name": link.user.name,
        "clinic": link.clinic.name,
        "address": settings.BASE_URL + reverse(name, args=[token]),
    }
    with translation.override(link.clinic.language):
        title, body = _welcome(words) if is_welcome else _new_password(words)
    kind = MessageKind.STAFF_INVITATION if is_welcome else MessageKind.STAFF_PASSWORD_LINK
    _queue(link.user, link.clinic, link, kind, title, body, now=now, not_after=link.expires_at)


def tell(user: User, news: LoginNews, *, about: models.Model, now: datetime) -> None:
    """Queue the news of a change, in the name and language of the first clinic where the person works.

    `about` is the row that records it: the same row is told once. Whoever works nowhere is told nothing.
    """
    posts = register.posts_of(user.pk)
    if not posts:
        return
    clinic = posts[0].clinic
    with translation.override(clinic.language):
        title = _("Your login to the portal: %(news)s") % {"news": news.label}
        body = _(
            "Hello %(name)s,\n\n%(what)s\n\nIf you know nothing of this, tell an administrator of %(clinic)s at once, "
            "and choose a new password."
        ) % {"name": user.name, "what": news.sentence(), "clinic": clinic.name}
    _queue(user, clinic, about, MessageKind.STAFF_LOGIN, title, body, now=now, not_after=None)


def _welcome(words: dict[str, str]) -> tuple[str, str]:
    title = _("Welcome to %(clinic)s: choose your password") % words
    body = _(
        "Hello %(name)s,\n\n"
        "%(clinic)s has given you access to its patient portal. Choose your password here:\n\n"
        "%(address)s\n\n"
        "The link works once, and for three days. After the password you set up a passkey, or a code app on your phone; "
        "you need both each time you sign in.\n\n"
        "If you didn't expect this, don't use the link, and tell the clinic."
    )
    return title, body % words


def _new_password(words: dict[str, str]) -> tuple[str, str]:
    title = _("Choose a new password for the portal of %(clinic)s") % words
    body = _(
        "Hello %(name)s,\n\nHere you choose a new password for the portal of %(clinic)s:\n\n"
        "%(address)s\n\n"
        "The link works once, and for half an hour. You still need your code app or passkey to sign in.\n\n"
        "If you didn't ask for this, do nothing: your password stays as it is."
    )
    return title, body % words


def _queue(
    user: User,
    clinic: Clinic,
    about: models.Model,
    kind: MessageKind,
    title: str,
    body: str,
    *,
    now: datetime,
    not_after: datetime | None,
) -> None:
    message = NewMessage(
        clinic=clinic,
        kind=kind,
        channel=Channel.EMAIL,
        to=user.email or "",
        subject=about,
        version=1,
        title=title,
        body=body,
        due_at=now,
        not_after=not_after,
    )
    outbox.queue_messages([message], now=now)
