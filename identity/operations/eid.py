"""Sign-in with eID: begun, answered by the provider, checked, and given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from clinic_admin import ages
from clinic_admin.countries import rules_of
from clinic_admin.models import Clinic
from identity import devices, policy, queries, sessions
from identity.admin import traffic
from identity.choices import Assurance, Protocol, SignInFault, TransactionStatus
from identity.models import Account, ExternalIdentity, IdentityProvider, LoginTransaction
from identity.oidc import client as oidc
from identity.oidc.client import Question
from identity.oidc.http import ProviderUnreachable
from identity.oidc.token import Expected, TokenRefused
from identity.operations.accounts import account_for
from identity.operations.failures import SignInCancelled, SignInRefused, fail, record
from identity.providers.verified import Evidence
from identity.saml import service_provider as saml
from identity.saml.xml import MessageRefused
from portal import audit, network_address

TRANSACTION_LASTS = {Protocol.OIDC: timedelta(minutes=10), Protocol.SAML: timedelta(minutes=15)}


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
            step_up_of=queries.signed_in_patient(request) if step_up else None,
            state_hash=oidc.hash_of_state(question.state),
            nonce=question.nonce,
            code_verifier=question.code_verifier,
            required_assurance=required,
            next_path=policy.own_path(next_path),
            created_at=now,
            expires_at=now + TRANSACTION_LASTS[Protocol(provider.protocol)],
        )
        record("auth.start", sign_in, now)
        traffic.note(clinic.pk, now=now, tries=1)
    try:
        address = _address_at(sign_in, question, language=language, now=now)
    except (ProviderUnreachable, MessageRefused) as error:
        fail(sign_in, SignInFault.PROVIDER, str(error), now)
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
            fail(sign_in, None, answer.error, now)
            raise SignInCancelled(sign_in.clinic, sign_in.next_path)
        evidence = _redeem(sign_in, answer.code, now)
    except TokenRefused as refused:
        fail(sign_in, refused.fault, refused.check, now)
        raise SignInRefused(refused.fault, clinic=sign_in.clinic, back=sign_in.next_path) from None
    except ProviderUnreachable as error:
        fail(sign_in, SignInFault.PROVIDER, str(error), now)
        raise SignInRefused(SignInFault.PROVIDER, clinic=sign_in.clinic, back=sign_in.next_path) from None
    LoginTransaction.objects.filter(pk=sign_in.pk, status=TransactionStatus.ANSWERED).update(
        status=TransactionStatus.VERIFIED, evidence=evidence.as_text()
    )
    sessions.note_verified(request, str(sign_in.pk))
    return sign_in.clinic


def abandon_sign_in(request: HttpRequest, *, reason: str, now: datetime, action: str = "auth.fail") -> None:
    """Give up the verified sign-in, if there is one: whoever it was leaves nothing behind but an audit event.

    `reason` is a short word of the caller's, as in "no-record"; `action` is another event where nothing failed.
    """
    sign_in = queries.verified_transaction(request, now)
    if sign_in is not None:
        fail(sign_in, None, reason, now, action=action)
    sessions.forget_verified(request)


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
def consume(request: HttpRequest, sign_in: LoginTransaction, now: datetime) -> tuple[Account, Evidence]:
    """Use up a sign-in that the provider has answered, once; return whose it is. Raises SignInRefused."""
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
