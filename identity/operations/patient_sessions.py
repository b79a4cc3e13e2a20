"""Patients' sessions: opened, used, and ended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.auth import login, logout
from django.db import transaction
from django.http import HttpRequest

from identity import csrf, devices, queries, sessions
from identity.choices import Assurance, EndReason, Method, SignInFault, UserKind
from identity.models import ClinicMembership, OneTimeCode, User
from identity.operations.eid import consume
from identity.operations.failures import SignInRefused, fail
from identity.providers import sessions as provider_sessions
from identity.session import clock as session_clock
from identity.session import kept_forms, open_sessions
from identity.session.clock import Left
from identity.sessions import Before, SignIn
from portal import audit, network_address, session_reference

PATIENT_BACKEND = "identity.backends.PatientBackend"


def open_patient_session(request: HttpRequest, *, now: datetime) -> User:
    """Open the session of the person whom the provider vouched for, and return their login.

    The first time, the login is made. The sign-in is used up: of two parallel calls one opens a session. Whatever
    the browser's session held before is dropped; a step-up keeps for whom one acts. Raises SignInRefused: nothing
    verified, the name by which the provider knows this person belongs to someone else here, the login is closed, or
    a step-up by someone else.
    """
    sign_in = queries.verified_transaction(request, now)
    if sign_in is None:
        raise SignInRefused(SignInFault.STATE)
    is_step_up = sign_in.step_up_of_id is not None
    session_reference.begin(request, goes_on=is_step_up)
    try:
        account, evidence = consume(request, sign_in, now)
    except SignInRefused as refused:
        session_reference.forget(request)
        if refused.reason != SignInFault.STATE:  # then a parallel request opened the session: leave it alone
            fail(sign_in, SignInFault(refused.reason.value), "", now)
            request.session.flush()
        raise
    provider = sign_in.provider
    carried = sessions.carried(request) if is_step_up else {}
    _open_session(
        request,
        account.user,
        SignIn(method=Method(provider.method), assurance=evidence.assurance, at=now, provider=provider.slug),
        now=now,
        before=Before(account.user.pk, None) if is_step_up else None,
    )
    request.session.update(carried)
    provider_sessions.remember(request, account.user, provider, evidence, now=now)
    return account.user


def open_code_session(
    request: HttpRequest, *, membership: ClinicMembership, question: OneTimeCode, now: datetime
) -> User:
    """Open the session of someone whose password and one-time code were right, for that clinic alone.

    Whatever the browser's session held before is dropped. `question` is what the code answered; it was used up.
    """
    user = membership.account.user
    session_reference.begin(request)
    with transaction.atomic():
        audit.record(
            action="auth.success",
            subject=question,
            actor=user,
            now=now,
            login_id=user.pk,
            method=Method.ONE_TIME_CODE,
            assurance=int(Assurance.TWO_FACTORS),
            device=devices.of(request),
            from_address=network_address.current(),
        )
    how = SignIn(
        method=Method.ONE_TIME_CODE,
        assurance=Assurance.TWO_FACTORS,
        at=now,
        clinic_scope=membership.clinic_id,
    )
    _open_session(request, user, how, now=now)
    return user


def _open_session(
    request: HttpRequest, user: User, how: SignIn, *, now: datetime, before: Before | None = None
) -> None:
    """Begin a session with nothing of the one before; it is listed, so that it can be ended from elsewhere.

    `before` is whose session it was just now, where the same person proves anew who they are.
    """
    before, secret = before or sessions.take_before(request), csrf.secret_of(request)
    request.session.flush()
    login(request, user, backend=PATIENT_BACKEND)
    csrf.carry(request, user=user, before=before, secret=secret)
    sessions.store(request, how)
    session_reference.store(request)
    session_clock.start(request, now)
    UserSession.objects.create_from_request(request)
    UserSession.objects.filter(session_key=request.session.session_key).update(
        data={"clinic_scope": how.clinic_scope}
    )
    kept_forms.remember(request, user.pk, now)
    open_sessions.note_new(request, user, now=now)


def sign_out(request: HttpRequest, *, now: datetime, may_return: bool = False) -> None:
    """End the session on the server. Signing out twice is once.

    With `may_return` the browser remembers whose it was, as when a session ends by itself: what they had typed in
    another tab, or send from there, is kept for them. Nothing of it stays in the browser.
    """
    user: Any = request.user
    before = sessions.before(request)
    if user.is_authenticated:
        before = Before(user.pk, sessions.acted_by(request.session))
        with transaction.atomic():
            _record_end(request, user, "signed-out", now)
    logout(request)
    if may_return and before is not None:
        sessions.note_before(request, before, None)


def end_stale_session(request: HttpRequest, *, now: datetime) -> EndReason | None:
    """End the session if it was open or unused for too long, and return why.

    The browser's new session remembers whose it was: what they send from a page that is still open is kept for them.
    """
    user: Any = request.user
    left = session_clock.left(user.kind, request.session, now)
    if left is None or not left.is_over:
        return None
    before = Before(user.pk, sessions.acted_by(request.session))
    with transaction.atomic():
        _record_end(request, user, left.reason.value, now)
        UserSession.objects.filter(session_key=request.session.session_key).delete()
    logout(request)
    sessions.note_before(request, before, left.reason)
    return left.reason


def time_left(request: HttpRequest, *, now: datetime) -> Left | None:
    """Return what is left of the session of whoever is signed in; None if nobody is. No query of its own."""
    user: Any = request.user
    return session_clock.left(user.kind, request.session, now) if user.is_authenticated else None


def note_use(request: HttpRequest, *, now: datetime) -> None:
    """Count the request of whoever is signed in as use."""
    user: Any = request.user
    if user.is_authenticated:
        session_clock.note_use(request, user.kind, now)


def write_notes(request: HttpRequest) -> None:
    """Have written that the session was used, a moment later."""
    session: Any = request.session
    session.write_notes()


def stay_signed_in(request: HttpRequest, *, now: datetime) -> None:
    """Let the session last for its whole idle time again; its longest time stays."""
    user: Any = request.user
    session_clock.note_use(request, user.kind, now, at_once=True)


def note_ended(request: HttpRequest, key: str) -> None:
    """Find out whether the session with this key was ended from elsewhere; the new session remembers whose it was."""
    ended = open_sessions.take_ended(key)
    if ended is not None:
        before = Before(ended.user_id, ended.acted_by)
        sessions.note_before(request, before, EndReason(ended.reason))


def note_new_session_key(request: HttpRequest, before: str | None) -> None:
    """Let the list of the person's sessions follow a session whose key has changed."""
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def _record_end(request: HttpRequest, user: Any, reason: str, now: datetime) -> None:
    audit.record(
        action="session.end",
        subject=user,
        actor=user,
        now=now,
        clinic_id=_only_clinic(request),
        login_id=_own_login(user),
        from_address=network_address.current(),
        reason=reason,
    )


def _only_clinic(request: HttpRequest) -> int | None:
    """Return the clinic that the session was good for, where it was good for one only."""
    sign_in = sessions.of(request)
    return sign_in.clinic_scope if sign_in else None


def _own_login(user: User) -> UUID | None:
    """Return the login that a patient finds the event under; staff have no such page."""
    return user.pk if user.kind == UserKind.PATIENT else None
