"""Changes of people who work here: roles, a lost second factor, a new link. All lock the clinic's row."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, StaffMember
from identity import operations as logins
from identity import queries as login_queries
from identity.choices import LoginNews
from identity.models import StaffLink
from identity.staff import letters as staff_letters
from identity.staff import links as staff_links
from portal import audit
from portal.refusals import Refused
from services.onboarding import policy, queries
from services.onboarding.choices import StaffRefusal
from services.onboarding.models import SecondFactorReset

RESET_LASTS = timedelta(hours=24)


class StaffChangeRefused(Refused):
    """A change of the clinic's staff was refused. Nothing was changed."""


@transaction.atomic
def change_roles(
    *,
    clinic: Clinic,
    member_id: int,
    roles: Collection[Role],
    actor: StaffMember,
    now: datetime,
    seen: Collection[str] | None = None,
) -> None:
    """Give a person who works here these roles instead of those before.

    `seen` are the roles that the page was made with; None saves regardless. Raises StaffMember.DoesNotExist for
    another clinic's, StaffChangeRefused (policy.refuse_roles, or changed meanwhile).
    """
    lock_clinic(clinic)
    member = working(clinic, member_id)
    before, after = sorted(member.roles), sorted(roles)
    if before == after:
        return
    if seen is not None and sorted(seen) != before:
        raise StaffChangeRefused(StaffRefusal.CHANGED_MEANWHILE)
    refuse(
        policy.refuse_roles(
            before=before,
            after=after,
            actor=_roles_now(actor),
            other_administrators=queries.other_administrators(member),
        )
    )
    member.roles = after
    member.save(update_fields=["roles"])
    audit.record(
        action="staff_member.roles_changed",
        subject=member,
        actor=actor.user,
        now=now,
        before=before,
        after=after,
    )


@transaction.atomic
def send_link_again(*, clinic: Clinic, member_id: int, actor: StaffMember, now: datetime) -> StaffLink:
    """Send a new link to someone who has not chosen a password yet. The older one ends.

    Raises StaffMember.DoesNotExist for another clinic's, StaffLinkRefused when they have a password.
    """
    member = working(clinic, member_id)
    return staff_links.send_link(user=member.user, clinic=clinic, actor=actor.user, now=now)


@transaction.atomic
def request_reset(*, clinic: Clinic, member_id: int, actor: StaffMember, now: datetime) -> SecondFactorReset:
    """Ask that a person's lost code app and passkeys be taken away. Nothing happens before another administrator agrees.

    The person is told by e-mail, so that a stranger's request doesn't go unseen. Asking twice is asking once. Raises
    StaffMember.DoesNotExist for another clinic's, StaffChangeRefused.
    """
    lock_clinic(clinic)
    member = working(clinic, member_id)
    if member.user_id == actor.user_id:
        raise StaffChangeRefused(StaffRefusal.OWN_LOGIN)
    if not login_queries.has_second_factor(member.user):
        raise StaffChangeRefused(StaffRefusal.NO_SECOND_FACTOR)
    pending = SecondFactorReset.objects.filter(
        clinic=clinic, user=member.user, confirmed_at__isnull=True, withdrawn_at__isnull=True
    )
    waiting = pending.filter(expires_at__gt=now).first()
    if waiting is not None:
        return waiting
    pending.update(withdrawn_at=now)
    reset = SecondFactorReset.objects.create(
        clinic=clinic,
        user=member.user,
        requested_by=actor.user,
        requested_at=now,
        expires_at=now + RESET_LASTS,
    )
    event = audit.record(
        action="second_factor_reset.requested",
        subject=reset,
        actor=actor.user,
        now=now,
        user=str(member.user_id),
    )
    staff_letters.tell(member.user, LoginNews.RESET_ASKED, about=event, now=now)
    return reset


@transaction.atomic
def confirm_reset(*, clinic: Clinic, reset_id: UUID, actor: StaffMember, now: datetime) -> None:
    """Agree: take code app, passkeys and recovery codes away and sign the person out everywhere, which they are told.

    The next sign-in sets up a new second factor. Raises SecondFactorReset.DoesNotExist for another clinic's,
    StaffChangeRefused when it is not open any more, or when the one who agrees is the one who asked.
    """
    lock_clinic(clinic)
    reset = SecondFactorReset.objects.select_related("user").get(clinic=clinic, pk=reset_id)
    if reset.confirmed_at or reset.withdrawn_at or reset.expires_at <= now:
        raise StaffChangeRefused(StaffRefusal.RESET_OVER)
    refuse(
        policy.refuse_confirmation(
            requested_by=reset.requested_by_id, user=reset.user_id, confirmed_by=actor.user_id
        )
    )
    reset.confirmed_by, reset.confirmed_at = actor.user, now
    reset.save(update_fields=["confirmed_by", "confirmed_at"])
    event = audit.record(
        action="second_factor_reset.confirmed",
        subject=reset,
        actor=actor.user,
        now=now,
        user=str(reset.user_id),
        requested_by=str(reset.requested_by_id),
    )
    logins.reset_second_factor(reset.user, actor=actor.user, now=now)
    staff_links.end_sessions(user=reset.user, actor=actor.user, now=now, reason="second-factor-reset")
    staff_letters.tell(reset.user, LoginNews.RESET_DONE, about=event, now=now)


@transaction.atomic
def withdraw_reset(*, clinic: Clinic, reset_id: UUID, actor: StaffMember, now: datetime) -> None:
    """Take the request back, whoever made it. One that is over already is left at that.

    Raises SecondFactorReset.DoesNotExist for another clinic's.
    """
    lock_clinic(clinic)
    reset = SecondFactorReset.objects.select_related("user").get(clinic=clinic, pk=reset_id)
    if reset.confirmed_at or reset.withdrawn_at:
        return
    reset.withdrawn_at = now
    reset.save(update_fields=["withdrawn_at"])
    event = audit.record(
        action="second_factor_reset.withdrawn",
        subject=reset,
        actor=actor.user,
        now=now,
        user=str(reset.user_id),
    )
    staff_letters.tell(reset.user, LoginNews.RESET_WITHDRAWN, about=event, now=now)


def lock_clinic(clinic: Clinic) -> Clinic:
    """Return the clinic's row, locked: changes of its staff happen one after the other."""
    return Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)


def working(clinic: Clinic, member_id: int) -> StaffMember:
    """Return the person if they work here. Raises StaffMember.DoesNotExist, StaffChangeRefused if they left."""
    member = StaffMember.objects.select_related("user", "clinic").get(clinic=clinic, pk=member_id)
    if not member.is_active:
        raise StaffChangeRefused(StaffRefusal.HAS_LEFT)
    return member


def refuse(reason: StaffRefusal | None) -> None:
    """Raise StaffChangeRefused if there is a reason to."""
    if reason is not None:
        raise StaffChangeRefused(reason)


def _roles_now(actor: StaffMember) -> list[str]:
    """Return the roles that the actor has at this instant, not those of when the page was opened."""
    roles = StaffMember.objects.filter(pk=actor.pk, is_active=True).values_list("roles", flat=True).first()
    return list(roles or [])
