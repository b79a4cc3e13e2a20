"""Passwords of patients at a clinic: made by the clinic or asked for, started by a link and a code, changed, removed.

Staff never know or set a password: they send links.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from clinic_admin.countries import CodeChannel, rules_of
from clinic_admin.models import Clinic
from identity import operations, policy
from identity.by_code import codes, link_letters, passwords
from identity.by_code.holders import Holder
from identity.choices import (
    CodePurpose,
    EndReason,
    LinkPurpose,
    LinkRefusal,
    MembershipRefusal,
    MembershipState,
    PasswordProblem,
)
from identity.models import Account, ActionLink, ClinicCodeSignIn, ClinicMembership, User
from identity.session import open_sessions
from notifications import operations as outbox
from portal import audit, throttle
from portal.refusals import Refused
from portal.throttle import Limit

LINKS_PER_DAY = Limit("patient-link-day", 5, timedelta(days=1))
HANDLED_AT_ONCE = 100
_TOLD = {"password-changed": EndReason.PASSWORD, "contact-changed": EndReason.CONTACT}
"""What is said to whoever is signed out; for all else, that their access was changed."""
_LASTS = {LinkPurpose.ACTIVATE: policy.ACTIVATION_LASTS, LinkPurpose.RESET: policy.RESET_LASTS}


class MembershipRefused(Refused):
    """Nothing was changed; the reason is a MembershipRefusal."""


class LinkRefused(Refused):
    """A patient's link can't be used. Nothing was changed."""


class BadPassword(ValueError):
    """The password can't be taken; the code was not used up."""

    def __init__(self, problem: PasswordProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class AccountState:
    """What staff see of someone's password at the clinic. Never the password."""

    state: MembershipState | None
    """None: there never was one, or it was removed."""
    email: str
    consent_at: datetime | None
    consent_by: str
    link_until: datetime | None
    """Until when the newest link can be used, if there is an open one."""
    has_password: bool = False


def offers_codes(clinic: Clinic) -> bool:
    """Return whether the clinic's patients can sign in with password and code."""
    return ClinicCodeSignIn.objects.filter(clinic=clinic).exists()


def hindrance(clinic: Clinic, holder: Holder) -> MembershipRefusal | None:
    """Return why no link and no code can reach the person, or None."""
    if rules_of(clinic.country).code_channel is CodeChannel.SMS:
        return (
            None
            if policy.may_receive_code(holder.mobile, clinic.code_countries)
            else MembershipRefusal.NO_MOBILE
        )
    return None if holder.email else MembershipRefusal.NO_EMAIL


def membership_of(*, clinic: Clinic, national_id_index: str) -> ClinicMembership | None:
    """Return the person's membership at the clinic, whatever its state, with account and login. One query."""
    return (
        ClinicMembership.objects.filter(clinic=clinic, account__national_id_index=national_id_index)
        .select_related("account__user")
        .first()
    )


def state_of(*, clinic: Clinic, national_id_index: str, now: datetime) -> AccountState:
    """Return what staff see. Three queries at most."""
    found = membership_of(clinic=clinic, national_id_index=national_id_index)
    if found is None or found.state == MembershipState.REMOVED:
        return AccountState(None, "", None, "", None)
    link = ActionLink.objects.filter(
        membership=found, used_at=None, revoked_at=None, expires_at__gt=now
    ).first()
    consented = User.objects.filter(pk=found.consent_by_id) if found.consent_by_id else User.objects.none()
    by = consented.values_list("name", flat=True).first()
    return AccountState(
        state=MembershipState(found.state),
        email=found.email,
        consent_at=found.consent_at,
        consent_by=by or "",
        link_until=link.expires_at if link else None,
        has_password=bool(found.password),
    )


def has_password_here(index_field: str, clinic: Clinic) -> Exists:
    """Return the condition that whoever has the keyed hash in this field has an account with password at the clinic."""
    return Exists(
        ClinicMembership.objects.filter(
            clinic=clinic, account__national_id_index=OuterRef(index_field)
        ).exclude(state=MembershipState.REMOVED)
    )


@transaction.atomic
def create(
    *, clinic: Clinic, holder: Holder, patient_id: UUID, actor: User, now: datetime
) -> ClinicMembership:
    """Give a patient who agreed to it an account, and send the link that starts it (F5). Raises MembershipRefused."""
    if not offers_codes(clinic):
        raise MembershipRefused(MembershipRefusal.NOT_OFFERED)
    if (hindered := hindrance(clinic, holder)) is not None:
        raise MembershipRefused(hindered)
    membership = _membership_for(clinic, holder, actor=actor, now=now)
    if membership.password:
        raise MembershipRefused(MembershipRefusal.EXISTS)
    audit.record(
        action="membership.created",
        subject=membership,
        actor=actor,
        now=now,
        patient_id=patient_id,
        consent=True,
    )
    _send_link(membership, LinkPurpose.ACTIVATE, language=holder.language, actor=actor, now=now)
    return membership


@transaction.atomic
def send_link(*, clinic: Clinic, holder: Holder, patient_id: UUID, actor: User, now: datetime) -> LinkPurpose:
    """Send another link: to start, or to choose a new password. Older ones end. Raises MembershipRefused."""
    membership = _locked(clinic, holder.national_id_index)
    if not membership.account.user.is_active:
        raise MembershipRefused(MembershipRefusal.CLOSED)
    if (hindered := hindrance(clinic, holder)) is not None:
        raise MembershipRefused(hindered)
    if throttle.is_exceeded(LINKS_PER_DAY, key=f"membership:{membership.pk}", now=now):
        raise MembershipRefused(MembershipRefusal.TOO_OFTEN)
    purpose = LinkPurpose.RESET if membership.password else LinkPurpose.ACTIVATE
    if holder.email and membership.email != holder.email:
        membership.email = holder.email
        membership.save(update_fields=["email"])
    _send_link(membership, purpose, language=holder.language, actor=actor, now=now)
    audit.record(
        action="membership.link_sent",
        subject=membership,
        actor=actor,
        now=now,
        patient_id=patient_id,
        purpose=purpose,
    )
    return purpose


@transaction.atomic
def remove(*, clinic: Clinic, national_id_index: str, patient_id: UUID, actor: User, now: datetime) -> None:
    """Take password and links away at this clinic, and end the sessions they opened. eID goes on working.

    Raises MembershipRefused.
    """
    membership = _locked(clinic, national_id_index)
    membership.state, membership.password = MembershipState.REMOVED, ""
    membership.save(update_fields=["state", "password"])
    revoke_links(membership=membership, now=now)
    codes.revoke_all(membership=membership, now=now)
    _end_sessions(membership.account.user, actor=actor, now=now, reason="removed", clinic=clinic)
    audit.record(action="membership.removed", subject=membership, actor=actor, now=now, patient_id=patient_id)


@transaction.atomic
def contact_changed(*, clinic: Clinic, national_id_index: str | None, email: str, now: datetime) -> None:
    """End links, codes and code sessions that rest on an address or number the record no longer has (L6, W6)."""
    found = membership_of(clinic=clinic, national_id_index=national_id_index) if national_id_index else None
    if found is None or found.state == MembershipState.REMOVED:
        return
    revoke_links(membership=found, now=now)
    codes.revoke_all(membership=found, now=now)
    _end_sessions(found.account.user, actor=audit.SYSTEM, now=now, reason="contact-changed", clinic=clinic)
    if email and email != found.email:
        found.email = email
        found.save(update_fields=["email"])


@transaction.atomic
def ask_for_reset(*, clinic: Clinic, holder: Holder | None, now: datetime) -> ActionLink:
    """Store that someone asked for a link (F4). None, for whoever fits no record, costs the same and does nothing.

    `handle_link` decides afterwards, outside the request.
    """
    return ActionLink.objects.create(
        clinic=clinic,
        purpose=LinkPurpose.RESET,
        holder=holder.as_text() if holder else "",
        created_at=now,
        expires_at=now + policy.RESET_LASTS,
    )


@transaction.atomic
def handle_link(link_id: UUID, *, now: datetime) -> None:
    """Send the link that somebody asked for, once; to a patient without an account as the way to get one (E3)."""
    link = (
        ActionLink.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("clinic")
        .filter(pk=link_id, handled_at__isnull=True)
        .first()
    )
    if link is None:
        return
    holder = Holder.from_text(link.holder) if link.holder else None
    link.handled_at, link.holder = now, ""
    link.save(update_fields=["handled_at", "holder"])
    if holder is None or now >= link.expires_at or not offers_codes(link.clinic):
        return
    if hindrance(link.clinic, holder) is not None or not holder.email:
        return
    if holder.needs_eid:
        link_letters.queue_eid_hint(link, holder, now=now)
        audit.record(action="link.hint-sent", subject=link, actor=audit.SYSTEM, now=now)
        return
    membership = _membership_for(link.clinic, holder, actor=None, now=now)
    if not membership.account.user.is_active:
        return
    if throttle.is_exceeded(LINKS_PER_DAY, key=f"membership:{membership.pk}", now=now):
        return
    _send_link(membership, LinkPurpose.RESET, language=holder.language, actor=None, now=now, link=link)


def waiting_links(*, now: datetime) -> list[UUID]:
    """Return links that were asked for and not handled yet, the oldest first, at most a hundred."""
    rows = ActionLink.objects.filter(handled_at__isnull=True, created_at__lte=now).order_by("created_at")
    return list(rows.values_list("pk", flat=True)[:HANDLED_AT_ONCE])


def hash_of(token: str) -> str:
    """Return what is stored of the word in a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_link(token_hash: str, *, clinic: Clinic, now: datetime) -> ActionLink:
    """Return the clinic's link if it can be used at this instant. Looking changes nothing. Raises LinkRefused."""
    found = (
        ActionLink.objects.select_related("membership__account__user", "clinic")
        .filter(token_hash=token_hash, clinic=clinic)
        .first()
    )
    return _usable(found, now)


def choose_password(
    *,
    token_hash: str,
    question_id: UUID | None,
    code: str,
    password: str,
    clinic: Clinic,
    context: list[str],
    needs_eid: bool,
    patient_id: UUID,
    language: str,
    now: datetime,
) -> MembershipState:
    """Use link and code up and give the person this password, which ends the person's sessions. Opens none.

    A weak password uses up neither. Every wrong code counts. Where codes travel by e-mail, as the link does, no code is
    asked for: signing in asks for one, and with `needs_eid` for eID once before that (E8). `language` is that of
    the letter that tells of it. Returns how far the account has come. Raises LinkRefused, BadPassword, CodeRefused.
    """
    link = open_link(token_hash, clinic=clinic, now=now)
    problem = passwords.problem(password, context)
    if problem is not None:
        raise BadPassword(problem)
    if rules_of(clinic.country).code_channel is CodeChannel.SMS:
        question = codes.use(question_id, code, clinic=clinic, purpose=CodePurpose.PASSWORD, now=now)
        if question.membership_id != link.membership_id:
            raise LinkRefused(LinkRefusal.OVER)
    return _store_password(link.pk, passwords.hashed(password), needs_eid, patient_id, language, now)


@transaction.atomic
def _store_password(
    link_id: UUID, password: str, needs_eid: bool, patient_id: UUID, language: str, now: datetime
) -> MembershipState:
    link = _usable(
        ActionLink.objects.select_for_update(of=("self",))
        .select_related("membership__account__user", "clinic")
        .filter(pk=link_id)
        .first(),
        now,
    )
    membership = link.membership
    assert membership is not None
    link.used_at = now
    link.save(update_fields=["used_at"])
    had_one = bool(membership.password)
    membership.password, membership.password_changed_at = password, now
    waits = needs_eid and membership.identity_confirmed_at is None
    membership.state = MembershipState.AWAITING if waits else MembershipState.ACTIVE
    membership.save(update_fields=["password", "password_changed_at", "state"])
    user = membership.account.user
    revoke_links(membership=membership, now=now)
    codes.revoke_all(membership=membership, now=now)
    _end_sessions(user, actor=user, now=now, reason="password-changed")
    link_letters.tell_of_new_password(link, language=language, now=now)
    audit.record(
        action=_action_of_choice(had_one=had_one, waits=waits),
        subject=membership,
        actor=user,
        now=now,
        patient_id=patient_id,
    )
    return MembershipState(membership.state)


def _action_of_choice(*, had_one: bool, waits: bool) -> str:
    if had_one:
        return "membership.password_changed"
    return "membership.password_chosen" if waits else "membership.activated"


@transaction.atomic
def confirm_identity(
    *, clinic: Clinic, national_id_index: str, patient_id: UUID, actor: User, now: datetime
) -> None:
    """Note that eID, or the clinic for someone without one, confirmed who has the password. It is active then (E8)."""
    membership = (
        ClinicMembership.objects.select_for_update(of=("self",))
        .filter(clinic=clinic, account__national_id_index=national_id_index, identity_confirmed_at=None)
        .exclude(state=MembershipState.REMOVED)
        .first()
    )
    if membership is None:
        return
    membership.identity_confirmed_at = now
    starts = membership.state == MembershipState.AWAITING and bool(membership.password)
    if starts:
        membership.state = MembershipState.ACTIVE
    membership.save(update_fields=["identity_confirmed_at", "state"])
    action = "membership.activated" if starts else "membership.identity_confirmed"
    audit.record(action=action, subject=membership, actor=actor, now=now, patient_id=patient_id)


@transaction.atomic
def close_codes(*, clinic: Clinic, national_id_index: str, actor: Any, now: datetime) -> None:
    """End open codes and every session that a code opened at this clinic. The password stays (W5)."""
    found = membership_of(clinic=clinic, national_id_index=national_id_index)
    if found is None:
        return
    codes.revoke_all(membership=found, now=now)
    _end_sessions(found.account.user, actor=actor, now=now, reason="codes-closed", clinic=clinic)


@transaction.atomic
def set_up_for_demo(*, clinic: Clinic, holder: Holder, password: str, now: datetime) -> ClinicMembership:
    """Give one of the demo's people a password that the demo shows. Refuses outside development."""
    if not settings.IS_DEVELOPMENT:
        raise RuntimeError("passwords are chosen by their owners")
    ClinicCodeSignIn.objects.get_or_create(clinic=clinic)
    membership = _membership_for(clinic, holder, actor=None, now=now)
    membership.state, membership.password = MembershipState.ACTIVE, passwords.hashed(password)
    membership.password_changed_at = membership.identity_confirmed_at = now
    membership.save(update_fields=["state", "password", "password_changed_at", "identity_confirmed_at"])
    return membership


@transaction.atomic
def revoke_links(*, membership: ClinicMembership, now: datetime) -> None:
    """End the person's open links at the clinic and take back e-mails that have not gone out."""
    for link in ActionLink.objects.select_for_update().filter(
        membership=membership, used_at__isnull=True, revoked_at__isnull=True
    ):
        outbox.cancel_messages(subject=link, now=now)
        link.revoked_at = now
        link.save(update_fields=["revoked_at"])


def _membership_for(clinic: Clinic, holder: Holder, *, actor: User | None, now: datetime) -> ClinicMembership:
    """Return the person's membership, locked; made now, or begun anew after a removal, if need be."""
    account = account_of(holder, actor=actor, now=now)
    fresh = {
        "state": MembershipState.AWAITING,
        "email": holder.email,
        "consent_at": now,
        "consent_by": actor,
        "created_at": now,
        "identity_confirmed_at": None,
        "child_confirmed_at": None,
    }
    made, is_new = ClinicMembership.objects.get_or_create(account=account, clinic=clinic, defaults=fresh)
    membership = (
        ClinicMembership.objects.select_for_update(of=("self",))
        .select_related("account__user")
        .get(pk=made.pk)
    )
    if not is_new and membership.state == MembershipState.REMOVED:
        for name, value in fresh.items():
            setattr(membership, name, value)
        membership.save(update_fields=list(fresh))
    elif membership.email != holder.email:
        membership.email = holder.email
        membership.save(update_fields=["email"])
    return membership


def account_of(holder: Holder, *, actor: User | None, now: datetime) -> Account:
    """Return the person's account, made now if need be."""
    return operations.account_for(holder.as_evidence(), country=holder.country, now=now, actor=actor)


def _locked(clinic: Clinic, national_id_index: str) -> ClinicMembership:
    found = (
        ClinicMembership.objects.select_for_update(of=("self",))
        .select_related("account__user")
        .filter(clinic=clinic, account__national_id_index=national_id_index)
        .exclude(state=MembershipState.REMOVED)
        .first()
    )
    if found is None:
        raise MembershipRefused(MembershipRefusal.MISSING)
    return found


def _usable(link: ActionLink | None, now: datetime) -> ActionLink:
    if link is not None and link.used_at is not None:
        raise LinkRefused(LinkRefusal.USED)
    membership = link.membership if link else None
    if link is None or membership is None or not link.is_open(now):
        raise LinkRefused(LinkRefusal.OVER)
    if membership.state == MembershipState.REMOVED or not membership.account.user.is_active:
        raise LinkRefused(LinkRefusal.OVER)
    return link


def _send_link(
    membership: ClinicMembership,
    purpose: LinkPurpose,
    *,
    language: str,
    actor: User | None,
    now: datetime,
    link: ActionLink | None = None,
) -> None:
    revoke_links(membership=membership, now=now)
    token = secrets.token_urlsafe(32)
    link = link or ActionLink(clinic_id=membership.clinic_id, created_at=now, created_by=actor)
    link.membership, link.purpose, link.token_hash = membership, purpose, hash_of(token)
    link.handled_at, link.expires_at = now, now + _LASTS[purpose]
    link.save()
    link_letters.queue_link(link, token, language=language, now=now)
    audit.record(action="link.issued", subject=link, actor=actor, now=now, purpose=purpose)


def _end_sessions(
    user: User, *, actor: User | None, now: datetime, reason: str, clinic: Clinic | None = None
) -> None:
    """Sign the person out everywhere, or with `clinic` only where the session was opened by that clinic's password."""
    rows = UserSession.objects.filter(user=user)
    if clinic is not None:
        rows = rows.filter(data__clinic_scope=clinic.pk)
    why = _TOLD.get(reason, EndReason.BY_STAFF)
    keys = rows.values_list("session_key", flat=True)
    open_sessions.end(
        user, keys, why=why, actor=actor, now=now, reason=reason, clinic_id=clinic.pk if clinic else None
    )


membership_for, end_sessions = _membership_for, _end_sessions
"""For the sign-ins of children, which have a file of their own."""
