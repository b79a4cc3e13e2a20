"""A child's password at a clinic: made or confirmed by a guardian who has proven it with eID (F8, F10)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from clinic_admin.models import Clinic
from identity.by_code import codes, memberships
from identity.by_code.holders import Holder
from identity.choices import MembershipState
from identity.models import ClinicMembership
from notifications import operations as outbox
from notifications.choices import Channel, MessageKind
from notifications.operations import NewMessage
from portal import audit


@transaction.atomic
def make(*, clinic: Clinic, holder: Holder, password: str, terms: str, now: datetime) -> ClinicMembership:
    """Give the child a confirmed sign-in with this password (hashed), and write to its address how to sign in.

    An empty address in `holder` is one that has to be proven first: whoever sends that link tells the rest. `terms` is
    which version was accepted. A password that is there already stays: whoever has lost it asks for a new one. Twice is
    once.
    """
    found = memberships.membership_of(clinic=clinic, national_id_index=holder.national_id_index)
    if found is not None and found.state == MembershipState.ACTIVE:
        return confirm(membership=found, now=now)
    membership = memberships.membership_for(clinic, holder, actor=None, now=now)
    membership.state, membership.password = MembershipState.ACTIVE, password
    membership.password_changed_at = membership.child_confirmed_at = now
    membership.save(update_fields=["state", "password", "password_changed_at", "child_confirmed_at"])
    user = membership.account.user
    audit.record(action="membership.child_made", subject=membership, actor=user, now=now, terms=terms)
    if holder.email:
        _tell(membership, clinic, holder, now)
    return membership


@transaction.atomic
def confirm(*, membership: ClinicMembership, now: datetime) -> ClinicMembership:
    """Note that a guardian has confirmed the child's sign-in. Twice is once."""
    stored = ClinicMembership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    if stored.child_confirmed_at is None:
        stored.child_confirmed_at = now
        stored.save(update_fields=["child_confirmed_at"])
        audit.record(
            action="membership.child_confirmed", subject=stored, actor=membership.account.user, now=now
        )
    return stored


@transaction.atomic
def end(*, clinic: Clinic, national_id_index: str, now: datetime) -> bool:
    """End a child's sign-in on the birthday from which eID can be used, with its sessions (F17). Twice is once.

    Returns whether there was one. A new password comes with a new registration.
    """
    found = (
        ClinicMembership.objects.select_for_update(of=("self",))
        .select_related("account__user")
        .filter(clinic=clinic, account__national_id_index=national_id_index, child_confirmed_at__isnull=False)
        .first()
    )
    if found is None:
        return False
    found.state, found.password, found.child_confirmed_at = MembershipState.REMOVED, "", None
    found.save(update_fields=["state", "password", "child_confirmed_at"])
    memberships.revoke_links(membership=found, now=now)
    codes.revoke_all(membership=found, now=now)
    memberships.end_sessions(
        found.account.user, actor=audit.SYSTEM, now=now, reason="came-of-age", clinic=clinic
    )
    audit.record(action="membership.child_ended", subject=found, actor=audit.SYSTEM, now=now)
    return True


def _tell(membership: ClinicMembership, clinic: Clinic, holder: Holder, now: datetime) -> None:
    address = settings.BASE_URL + reverse("clinic_front", args=[clinic.portal_identifier])
    words = {"clinic": clinic.name, "address": address}
    with translation.override(holder.language):
        title = _("You can sign in at %(clinic)s now") % words
        body = (
            _(
                "Hello,\n\nA guardian has made a sign-in for a child at %(clinic)s with this e-mail address.\n\n"
                "Sign in here, with the child's national ID, the password that was chosen, and a code that we send "
                "to this address:\n%(address)s\n\nIf this was not you, phone the clinic."
            )
            % words
        )
    outbox.queue_message(
        NewMessage(
            clinic=clinic,
            kind=MessageKind.ACTIVATION,
            channel=Channel.EMAIL,
            to=membership.email,
            subject=membership,
            version=1,
            title=title,
            body=body,
            due_at=now,
            not_after=None,
        ),
        now=now,
    )
