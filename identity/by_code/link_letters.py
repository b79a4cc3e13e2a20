"""The e-mails around a patient's password: a link to choose one, and the news that it was chosen."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin.countries import CodeChannel, rules_of
from identity.by_code.holders import Holder
from identity.choices import LinkPurpose
from identity.models import ActionLink
from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage


def queue_link(link: ActionLink, token: str, *, language: str, now: datetime) -> None:
    """Queue the e-mail with the link. `token` is the word in it; it stands nowhere else."""
    clinic, membership = link.clinic, link.membership
    assert membership is not None
    address = settings.BASE_URL + reverse("home:code_link", args=[clinic.portal_identifier, token])
    with translation.override(language):
        title, body = _link_words(link, {"clinic": clinic.name, "address": address})
    _queue(link, membership.email, title, body, MessageKind.ACTIVATION, now=now, not_after=link.expires_at)


def queue_eid_hint(link: ActionLink, holder: Holder, *, now: datetime) -> None:
    """Tell someone who has eID that they need no password (F12)."""
    with translation.override(holder.language):
        title = _("Sign in to %(clinic)s with your eID") % {"clinic": link.clinic.name}
        body = _(
            "Hello,\n\nsomeone asked for a new password for you at %(clinic)s. You need none: you sign in with MitID.\n\n"
            "If you can't use MitID, phone the clinic. It can make sure who you are and open sign-in with password and "
            "code for you."
        ) % {"clinic": link.clinic.name}
    _queue(link, holder.email, title, body, MessageKind.ACTIVATION, now=now, not_after=link.expires_at)


def tell_of_new_password(link: ActionLink, *, language: str, now: datetime) -> None:
    """Queue the news that a password was chosen, so that a stranger's choice doesn't go unseen (L9)."""
    membership, clinic = link.membership, link.clinic
    assert membership is not None
    with translation.override(language):
        title = _("Your password for %(clinic)s was changed") % {"clinic": clinic.name}
        body = _(
            "Hello,\n\nA new password for the online services of %(clinic)s was chosen just now.\n\n"
            "If it wasn't you, phone the clinic at once."
        ) % {"clinic": clinic.name}
    _queue(link, membership.email, title, body, MessageKind.PASSWORD_CHANGED, now=now, not_after=None)


def _link_words(link: ActionLink, words: dict[str, str]) -> tuple[str, str]:
    by_sms = rules_of(link.clinic.country).code_channel is CodeChannel.SMS
    if link.purpose == LinkPurpose.ACTIVATE:
        title = _("Start using the online services of %(clinic)s") % words
        if by_sms:
            body = _(
                "Hello,\n\n%(clinic)s has made an account for you, as you agreed. Choose your password here:\n\n"
                "%(address)s\n\n"
                "The link works once, and for three days. You get a code by SMS on the way.\n\n"
                "If you didn't agree to this, don't use the link, and tell the clinic."
            )
        else:
            body = _(
                "Hello,\n\n%(clinic)s has made an account for you, as you agreed. Choose your password here:\n\n"
                "%(address)s\n\n"
                "The link works once, and for three days. The first time you sign in you confirm with MitID who you are, "
                "unless the clinic has noted that you can't use MitID.\n\n"
                "If you didn't agree to this, don't use the link, and tell the clinic."
            )
        return title, body % words
    title = _("Choose a new password for %(clinic)s") % words
    if by_sms:
        body = _(
            "Hello,\n\nHere you choose a new password for the online services of %(clinic)s:\n\n"
            "%(address)s\n\n"
            "The link works once, and for half an hour. You get a code by SMS on the way.\n\n"
            "If you didn't ask for this, do nothing: your password stays as it is."
        )
    else:
        body = _(
            "Hello,\n\nHere you choose a new password for the online services of %(clinic)s:\n\n"
            "%(address)s\n\n"
            "The link works once, and for half an hour. "
            "When you sign in with the new password, you get a code by e-mail.\n\n"
            "If you didn't ask for this, do nothing: your password stays as it is."
        )
    return title, body % words


def _queue(
    link: ActionLink,
    to: str,
    title: str,
    body: str,
    kind: MessageKind,
    *,
    now: datetime,
    not_after: datetime | None,
) -> None:
    outbox.queue_message(
        NewMessage(
            clinic=link.clinic,
            kind=kind,
            channel=Channel.EMAIL,
            to=to,
            subject=link,
            version=1,
            title=title,
            body=body,
            due_at=now,
            not_after=not_after,
        ),
        now=now,
    )
