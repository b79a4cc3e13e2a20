"""Every change of sign-in: beginning, answering, opening and ending sessions, and the logins of staff."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse

from clinic_admin import ages
from clinic_admin import operations as register
from clinic_admin.choices import Role
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic, StaffMember
from identity import (
    csrf,
    devices,
    kept_forms,
    oidc,
    open_sessions,
    policy,
    provider_sessions,
    queries,
    saml,
    session_clock,
    sessions,
    traffic,
)
from identity.choices import (
    Assurance,
    EndReason,
    Method,
    Protocol,
    SignInFault,
    TransactionStatus,
    UserKind,
)
from identity.models import (
    Account,
    ActionLink,
    ClinicMembership,
    EndedSession,
    ExternalIdentity,
    IdentityProvider,
    KeptForm,
    LoginTransaction,
    OneTimeCode,
    PasswordTries,
    StaffLink,
    User,
)
from identity.oidc import Question
from identity.oidc_http import ProviderUnreachable
from identity.oidc_token import Expected, TokenRefused
from identity.saml_xml import MessageRefused
from identity.session_clock import Left
from identity.sessions import Before, SignIn
from identity.verified import Evidence
from portal import audit, network_address, proof, session_reference
from portal.models import AuditEvent, ThrottleCounter
from portal.refusals import Refused

TRANSACTION_LASTS = {Protocol.OIDC: timedelta(minutes=10), Protocol.SAML: timedelta(minutes=15)}
THROTTLE_ROWS_LAST = timedelta(days=2)
TRANSACTIONS_ARE_KEPT = timedelta(days=1)
LINKS_ARE_KEPT = timedelta(days=30)
SESSION_ROWS_LAST = timedelta(hours=1)
"""So long a listed session may be without its row: it is listed a moment before that is stored."""
PATIENT_BACKEND = "identity.backends.PatientBackend"
_PLAIN_WORDS = re.compile(r"[a-zA-Z_:\- ]+( \d{3})?")
"""What a failure may be called in the audit trail: no numbers but an HTTP status at the end."""


class SignInRefused(Refused):
    """A sign-in ended without a session. `clinic` is where it began, if that is known.

    `reference` is the id of the request that brought the provider's answer, if that was another one; `back` the path
    that the person was going to, if that is known.
    """

    def __init__(
        self, reason: SignInFault, *, clinic: Clinic | None = None, reference: str = "", back: str = ""
    ) -> None:
        super().__init__(reason)
        self.clinic = clinic
        self.reference = reference
        self.back = back


class SignInCancelled(Exception):
    """The person cancelled at the provider, on the way to the path `back` (may be empty)."""

    def __init__(self, clinic: Clinic, back: str) -> None:
        super().__init__()
        self.clinic = clinic
        self.back = back


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brings back from a provider, as it stands in the address."""

    state: str
    code: str
    error: str
    issuer: str | None


def callback_address(provider: IdentityProvider) -> str:
    """Return the redirect_uri that is registered with the provider."""
    return f"{settings.BASE_URL}{reverse('identity_callback', args=[provider.slug])}"


def start_sign_in(
    request: HttpRequest,
    *,
    clinic: Clinic,
    provider: IdentityProvider,
    next_path: str,
    language: str,
    now: datetime,
    required: Assurance = Assurance.SUBSTANTIAL,
    step_up: bool = False,
) -> str:
    """Begin a sign-in for this browser and return the provider's address to send it to.

    With `step_up` the signed-in patient proves anew who they are; the answer must be about the same person.
    Raises SignInRefused if the provider can't be reached.
    """
    question = Question.new()
    with transaction.atomic():
        sign_in = LoginTransaction.objects.create(
            provider=provider,
            clinic=clinic,
            step_up_of=_patient_of(request) if step_up else None,
            state_hash=oidc.hash_of_state(question.state),
            nonce=question.nonce,
            code_verifier=question.code_verifier,
            required_assurance=required,
            next_path=policy.own_path(next_path),
            created_at=now,
            expires_at=now + TRANSACTION_LASTS[Protocol(provider.protocol)],
        )
        _record("auth.start", sign_in, now)
        traffic.note(clinic.pk, now=now, tries=1)
    try:
        address = _address_at(sign_in, question, language=language, now=now)
    except (ProviderUnreachable, MessageRefused) as error:
        _fail(sign_in, SignInFault.PROVIDER, str(error), now)
        raise SignInRefused(SignInFault.PROVIDER, clinic=clinic) from None
    sessions.note_started(request, str(sign_in.pk))
    return address


def _address_at(sign_in: LoginTransaction, question: Question, *, language: str, now: datetime) -> str:
    provider, step_up = sign_in.provider, sign_in.step_up_of_id is not None
    if provider.protocol == Protocol.SAML:
        return saml.request_address(
            provider,
            state=question.state,
            nonce=question.nonce,
            required=Assurance(sign_in.required_assurance),
            step_up=step_up,
            now=now,
        )
    return oidc.authorization_address(
        provider,
        question,
        redirect_uri=callback_address(provider),
        language=language,
        step_up=step_up,
        now=now,
    )


def receive_answer(
    request: HttpRequest, *, provider: IdentityProvider, answer: Answer, now: datetime
) -> Clinic:
    """Verify what a browser brought back, keep whom it is about, and return the clinic to go on to.

    The sign-in must have been begun by this browser, at this provider, within ten minutes, and is good for one
    answer. No session is opened yet. Raises SignInRefused, SignInCancelled.
    """
    sign_in = _claim(request, provider, answer, now)
    try:
        _check_answer(sign_in, provider, answer, now)
        if answer.error:
            _fail(sign_in, None, answer.error, now)
            raise SignInCancelled(sign_in.clinic, sign_in.next_path)
        evidence = _redeem(sign_in, answer.code, now)
    except TokenRefused as refused:
        _fail(sign_in, refused.fault, refused.check, now)
        raise SignInRefused(refused.fault, clinic=sign_in.clinic, back=sign_in.next_path) from None
    except ProviderUnreachable as error:
        _fail(sign_in, SignInFault.PROVIDER, str(error), now)
        raise SignInRefused(SignInFault.PROVIDER, clinic=sign_in.clinic, back=sign_in.next_path) from None
    LoginTransaction.objects.filter(pk=sign_in.pk, status=TransactionStatus.ANSWERED).update(
        status=TransactionStatus.VERIFIED, evidence=evidence.as_text()
    )
    sessions.note_verified(request, str(sign_in.pk))
    return sign_in.clinic


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
        account, evidence = _consume(request, sign_in, now)
    except SignInRefused as refused:
        session_reference.forget(request)
        if refused.reason != SignInFault.STATE:  # then a parallel request opened the session: leave it alone
            _fail(sign_in, SignInFault(refused.reason.value), "", now)
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


def abandon_sign_in(request: HttpRequest, *, reason: str, now: datetime, action: str = "auth.fail") -> None:
    """Give up the verified sign-in, if there is one: whoever it was leaves nothing behind but an audit event.

    `reason` is a short word of the caller's, as in "no-record"; `action` is another event where nothing failed.
    """
    sign_in = queries.verified_transaction(request, now)
    if sign_in is not None:
        _fail(sign_in, None, reason, now, action=action)
    sessions.forget_verified(request)


def sign_out(request: HttpRequest, *, now: datetime) -> None:
    """End the session on the server. Signing out twice does nothing."""
    user: Any = request.user
    if user.is_authenticated:
        with transaction.atomic():
            audit.record(
                action="session.end",
                subject=user,
                actor=user,
                now=now,
                clinic_id=_only_clinic(request),
                login_id=_own_login(user),
                from_address=network_address.current(),
                reason="signed-out",
            )
    logout(request)


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
        audit.record(
            action="session.end",
            subject=user,
            actor=user,
            now=now,
            clinic_id=_only_clinic(request),
            login_id=_own_login(user),
            from_address=network_address.current(),
            reason=left.reason.value,
        )
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


@transaction.atomic
def sweep(*, now: datetime) -> None:
    """Delete what has had its time: sign-ins, links, sessions and counters. Their trail is in the audit log."""
    LoginTransaction.objects.filter(expires_at__lt=now - TRANSACTIONS_ARE_KEPT).delete()
    LoginTransaction.objects.filter(expires_at__lt=now, evidence__isnull=False).update(
        status=TransactionStatus.FAILED, evidence=None
    )
    StaffLink.objects.filter(expires_at__lt=now - LINKS_ARE_KEPT).delete()
    ActionLink.objects.filter(expires_at__lt=now - LINKS_ARE_KEPT).delete()
    OneTimeCode.objects.filter(expires_at__lt=now - TRANSACTIONS_ARE_KEPT).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.filter(
        ~Exists(Session.objects.filter(session_key=OuterRef("session_key"))),
        created_at__lt=now - SESSION_ROWS_LAST,
    ).delete()
    EndedSession.objects.filter(ended_at__lt=now - open_sessions.ENDED_ARE_REMEMBERED).delete()
    KeptForm.objects.filter(expires_at__lte=now).delete()
    provider_sessions.sweep(now=now)
    ThrottleCounter.objects.filter(window_start__lt=now - THROTTLE_ROWS_LAST).delete()
    PasswordTries.objects.filter(not_before__lt=now - THROTTLE_ROWS_LAST).delete()
    traffic.sweep(now=now)


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


def note_new_session_key(request: HttpRequest, before: str | None) -> None:
    """Let the list of the person's sessions follow a session whose key has changed."""
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


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


def _only_clinic(request: HttpRequest) -> int | None:
    """Return the clinic that the session was good for, where it was good for one only."""
    sign_in = sessions.of(request)
    return sign_in.clinic_scope if sign_in else None


def _own_login(user: User) -> UUID | None:
    """Return the login that a patient finds the event under; staff have no such page."""
    return user.pk if user.kind == UserKind.PATIENT else None


def _patient_of(request: HttpRequest) -> User | None:
    user = request.user
    return user if isinstance(user, User) and user.kind == UserKind.PATIENT else None


def _claim(
    request: HttpRequest, provider: IdentityProvider, answer: Answer, now: datetime
) -> LoginTransaction:
    """Find the sign-in among those that this browser began, and take it: nobody else can answer it any more."""
    own = LoginTransaction.objects.filter(
        pk__in=sessions.started(request), state_hash=oidc.hash_of_state(answer.state)
    )
    with transaction.atomic():
        found = own.select_for_update(of=("self",)).select_related("provider", "clinic").first()
        if found is not None and found.status == TransactionStatus.STARTED:
            found.status = TransactionStatus.ANSWERED
            found.save(update_fields=["status"])
            return found
        audit.record(
            action="auth.fail",
            subject=found or provider,
            actor=audit.SYSTEM,
            now=now,
            from_address=network_address.current(),
            reason=SignInFault.STATE,
            provider=provider.slug,
        )
    raise SignInRefused(SignInFault.STATE, clinic=found.clinic if found else None)


def _check_answer(
    sign_in: LoginTransaction, provider: IdentityProvider, answer: Answer, now: datetime
) -> None:
    if now >= sign_in.expires_at:
        raise TokenRefused("expired", SignInFault.EXPIRED)
    if sign_in.provider_id != provider.pk or not queries.is_usable(provider) or not provider.is_active:
        raise TokenRefused("provider", SignInFault.OTHER_PROVIDER)
    if not oidc.answers_for(provider, answer.issuer, now):
        raise TokenRefused("iss-parameter", SignInFault.OTHER_PROVIDER)
    if not answer.error and not answer.code:
        raise TokenRefused("code", SignInFault.PROVIDER)


def _redeem(sign_in: LoginTransaction, code: str, now: datetime) -> Evidence:
    provider = sign_in.provider
    return oidc.redeem(
        provider,
        code=code,
        code_verifier=sign_in.code_verifier or "",
        redirect_uri=callback_address(provider),
        expected=Expected(
            nonce=sign_in.nonce or "",
            started_at=sign_in.created_at,
            required=Assurance(sign_in.required_assurance),
            must_be_fresh=oidc.asks_anew(provider, step_up=sign_in.step_up_of_id is not None),
            access_token="",
        ),
        now=now,
    )


@transaction.atomic
def _consume(request: HttpRequest, sign_in: LoginTransaction, now: datetime) -> tuple[Account, Evidence]:
    text = sign_in.evidence or ""
    taken = LoginTransaction.objects.filter(
        pk=sign_in.pk, status=TransactionStatus.VERIFIED, expires_at__gt=now
    ).update(status=TransactionStatus.CONSUMED, evidence=None)
    if not taken:
        raise SignInRefused(SignInFault.STATE, clinic=sign_in.clinic)
    evidence = Evidence.from_text(text)
    _check_same_person(request, sign_in, evidence)
    _check_age(sign_in, evidence, now)
    account = account_for(evidence, country=sign_in.provider.country, now=now)
    if not account.user.is_active:
        raise SignInRefused(SignInFault.CLOSED, clinic=sign_in.clinic)
    external, _ = ExternalIdentity.objects.get_or_create(
        issuer=evidence.issuer, subject=evidence.subject, defaults={"account": account}
    )
    if external.account_id != account.pk:
        raise SignInRefused(SignInFault.CONFLICT, clinic=sign_in.clinic)
    audit.record(
        action="auth.success",
        subject=sign_in,
        actor=account.user,
        now=now,
        login_id=account.user_id,
        method=sign_in.provider.method,
        provider=sign_in.provider.slug,
        assurance=int(evidence.assurance),
        step_up=sign_in.step_up_of_id is not None,
        device=devices.of(request),
        from_address=network_address.current(),
    )
    return account, evidence


def _check_age(sign_in: LoginTransaction, evidence: Evidence, now: datetime) -> None:
    """Where eID begins at an age, a child that has one all the same doesn't come in with it (003, E6)."""
    youngest = rules_of(sign_in.provider.country).eid_from
    if ages.is_below(evidence.birth_date, youngest, now.astimezone(sign_in.clinic.zone).date()):
        raise SignInRefused(SignInFault.TOO_YOUNG, clinic=sign_in.clinic)


def _check_same_person(request: HttpRequest, sign_in: LoginTransaction, evidence: Evidence) -> None:
    """A step-up raises one person's session; it never turns it into another's (identity research, O34)."""
    before = sign_in.step_up_of
    if before is None:
        return
    if request.user.pk != before.pk or before.account.national_id_index != evidence.national_id_index:
        raise SignInRefused(SignInFault.ANOTHER_PERSON, clinic=sign_in.clinic)


@transaction.atomic
def account_for(evidence: Evidence, *, country: str, now: datetime, actor: User | None = None) -> Account:
    """Return the account with this national ID, made now if need be. Parallel first sign-ins share one.

    `actor` is the staff member who makes it on the patient's behalf; without one it is the patient's own act.
    """
    accounts = Account.objects.select_related("user")
    name = f"{evidence.given_name} {evidence.family_name}".strip()
    account = accounts.filter(national_id_index=evidence.national_id_index).first()
    if account is None:
        try:
            with transaction.atomic():
                return _new_account(evidence, country=country, name=name, actor=actor, now=now)
        except IntegrityError:
            account = accounts.get(national_id_index=evidence.national_id_index)
    if name and account.user.name != name:
        account.user.name = name
        account.user.save(update_fields=["name"])
    return account


def _new_account(
    evidence: Evidence, *, country: str, name: str, actor: User | None, now: datetime
) -> Account:
    user = User(kind=UserKind.PATIENT, name=name)
    user.set_unusable_password()
    user.save()
    account = Account.objects.create(
        user=user,
        country=country,
        national_id=evidence.national_id,
        national_id_index=evidence.national_id_index,
        birth_date=evidence.birth_date,
    )
    audit.record(action="account.created", subject=account, actor=actor or user, now=now)
    return account


def _record(
    action: str, sign_in: LoginTransaction, now: datetime, *, login_id: UUID | None = None, **details: Any
) -> None:
    audit.record(
        action=action,
        subject=sign_in,
        actor=audit.SYSTEM,
        now=now,
        login_id=login_id,
        from_address=network_address.current(),
        provider=sign_in.provider.slug,
        **details,
    )


def _known_login(sign_in: LoginTransaction) -> UUID | None:
    """Return the login of whom a sign-in that fails is about, as far as the provider has said or a session tells."""
    if sign_in.evidence is None:
        return sign_in.step_up_of_id
    index = Evidence.from_text(sign_in.evidence).national_id_index
    return Account.objects.filter(national_id_index=index).values_list("user_id", flat=True).first()


@transaction.atomic
def _fail(
    sign_in: LoginTransaction, fault: SignInFault | None, check: str, now: datetime, *, action: str = ""
) -> None:
    """Close the sign-in and say why in the audit trail: words of ours or of the standards, cut short."""
    LoginTransaction.objects.filter(pk=sign_in.pk).exclude(
        status__in=[TransactionStatus.CONSUMED, TransactionStatus.FAILED]
    ).update(status=TransactionStatus.FAILED, evidence=None)
    action = action or ("auth.fail" if fault else "auth.cancel")
    known = check if _PLAIN_WORDS.fullmatch(check) else ""
    _record(
        action,
        sign_in,
        now,
        login_id=_known_login(sign_in),
        method=sign_in.provider.method,
        reason=fault.value if fault else known[:40],
        check=known[:40],
    )
    if fault is not None:
        traffic.note(sign_in.clinic_id, now=now, failures=1)
