"""Logins of staff: made, changed, and what is noted when they sign in."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest

from clinic_admin import operations as register
from clinic_admin.choices import Role
from clinic_admin.models import Clinic, StaffMember
from identity import queries
from identity.choices import Method, UserKind
from identity.models import User
from identity.operations.patient_sessions import note_new_session_key
from portal import audit, network_address, proof
from portal.models import AuditEvent


@transaction.atomic
def create_staff_user(
    *, email: str, name: str, password: str | None = None, actor: User | None, now: datetime
) -> User:
    """Make a login for staff. Without a password nobody can sign in with it until one is set.

    Raises ValidationError for a weak password, IntegrityError if the address has a login.
    """
    user = User(kind=UserKind.STAFF, email=email.strip().lower(), name=name.strip())
    if password is None:
        user.set_unusable_password()
    else:
        validate_password(password, user)
        user.set_password(password)
    user.save()
    audit.record(action="staff.added", subject=user, actor=actor, now=now)
    return user


@transaction.atomic
def add_staff(
    *,
    email: str,
    name: str,
    clinic: Clinic,
    roles: list[Role],
    password: str | None,
    now: datetime,
    actor: User | None = None,
) -> StaffMember:
    """Give the person a post at the clinic, and a login if they have none.

    Raises ValidationError for a weak password, Refused if they work there already.
    """
    user = queries.staff_user(email) or create_staff_user(
        email=email, name=name, password=password, actor=actor, now=now
    )
    return register.add_staff_member(clinic=clinic, user=user, name=name, roles=roles, actor=actor, now=now)


@transaction.atomic
def set_password(user: User, password: str, *, actor: User | None, now: datetime) -> AuditEvent:
    """Give a staff login a new password, which ends its sessions. Raises ValidationError for a weak one."""
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    return audit.record(action="staff.password-set", subject=user, actor=actor, now=now)


@transaction.atomic
def set_totp(user: User, secret: str, *, actor: User | None, now: datetime) -> None:
    """Give a staff login this code app secret (base32) and new recovery codes; older ones stop working."""
    Authenticator.objects.filter(user=user).delete()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    audit.record(action="staff.second-factor-set", subject=user, actor=actor, now=now)


@transaction.atomic
def reset_second_factor(user: User, *, actor: User | None, now: datetime) -> AuditEvent:
    """Take away code app, passkeys and recovery codes: the next sign-in with the password sets up a new one."""
    Authenticator.objects.filter(user=user).delete()
    return audit.record(action="staff.second-factor-reset", subject=user, actor=actor, now=now)


@transaction.atomic
def note_proof_again(request: HttpRequest, user: User, *, factor: str, now: datetime) -> None:
    """Note that the second factor was shown once more: dangerous acts are open, under a new session key (W1)."""
    before = request.session.session_key
    request.session.cycle_key()
    note_new_session_key(request, before)
    proof.note(request, now=now)
    audit.record(
        action="auth.again",
        subject=user,
        actor=user,
        now=now,
        from_address=network_address.current(),
        method=Method.STAFF_PASSWORD,
        factor=factor,
    )


@transaction.atomic
def note_staff_sign_in(user: User, *, factor: str, now: datetime) -> None:
    """Record that staff signed in. `factor` is what they showed after the password; empty before they have anything."""
    audit.record(
        action="auth.success",
        subject=user,
        actor=user,
        now=now,
        from_address=network_address.current(),
        method=Method.STAFF_PASSWORD,
        factor=factor,
    )


@transaction.atomic
def note_enrolment(request: HttpRequest, *, now: datetime) -> None:
    """Count what was just set up as this session's second factor: staff pages open, under a new session key."""
    request.session.cycle_key()
    proof.note(request, now=now)
    UserSession.objects.create_from_request(request)


@transaction.atomic
def note_failed_staff_sign_in(*, email: str, reason: str, now: datetime) -> None:
    """Record a wrong password or code; for an unknown address a subject that nobody is."""
    known = queries.staff_user(email)
    audit.record(
        action="auth.fail",
        subject=known or User(kind=UserKind.STAFF),
        actor=audit.SYSTEM,
        now=now,
        from_address=network_address.current(),
        method=Method.STAFF_PASSWORD,
        reason=reason,
        known=known is not None,
    )
