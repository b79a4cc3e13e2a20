"""Taking a SAML provider's answer, which comes without the browser's session, and handing it to the browser that asked.

The provider's page posts the answer from another site, so the session's cookie isn't there (SameSite=Lax). The sign-in
is found by the RelayState, answered once, and waits; the next request, which has the cookie, shows that the browser
is the one that began it (identity research 5).
"""

from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from clinic_admin.models import Clinic
from identity import queries, sessions
from identity.admin import traffic
from identity.choices import Assurance, SignInFault, TransactionStatus
from identity.models import IdentityProvider, LoginTransaction, UsedMessage
from identity.oidc import client as oidc
from identity.operations import SignInCancelled, SignInRefused
from identity.providers.verified import Evidence
from identity.saml import archive as saml_archive
from identity.saml import service_provider as saml
from identity.saml import xml as saml_xml
from identity.saml.profile import Expected
from identity.saml.response import Cancelled
from identity.saml.xml import MessageRefused
from portal import audit, network_address, request_id

CANCELLED = "cancelled"
MESSAGES_ARE_KEPT = timedelta(days=1)
"""Far longer than any assertion is good for."""


def receive(provider: IdentityProvider, *, message: str, relay_state: str, now: datetime) -> LoginTransaction:
    """Verify a provider's answer (base64) and return the sign-in that goes on with it, whatever came of it.

    What was wrong is noted in it for the browser's next request. Raises SignInRefused where no sign-in waits for it.
    """
    sign_in = _waiting(provider, relay_state, now)
    saml_archive.received(provider, _read(message), message, now)
    try:
        _check_sign_in(sign_in, now)
        assertion_id, evidence = saml.read_response(
            provider, message=message, expected=_expected(sign_in), now=now
        )
        _note_verified(sign_in, assertion_id, evidence, now)
    except Cancelled:
        _fail(sign_in, None, CANCELLED, now)
    except MessageRefused as refused:
        _fail(sign_in, refused.fault, refused.check, now)
    return sign_in


def go_on(request: HttpRequest, provider: IdentityProvider, *, sign_in_id: UUID, now: datetime) -> Clinic:
    """Show that this browser began the sign-in that was answered, and return the clinic to go on to.

    Raises SignInRefused, SignInCancelled.
    """
    own = LoginTransaction.objects.filter(pk=sign_in_id, provider=provider, pk__in=sessions.started(request))
    sign_in = own.select_related("clinic").first()
    if sign_in is None:
        _refuse(provider, now)
    if sign_in.status == TransactionStatus.FAILED and sign_in.outcome == CANCELLED:
        raise SignInCancelled(sign_in.clinic, sign_in.next_path)
    if sign_in.status == TransactionStatus.FAILED and sign_in.outcome in SignInFault.values:
        raise SignInRefused(
            SignInFault(sign_in.outcome),
            clinic=sign_in.clinic,
            reference=sign_in.reference,
            back=sign_in.next_path,
        )
    if sign_in.status != TransactionStatus.VERIFIED or now >= sign_in.expires_at:
        raise SignInRefused(SignInFault.STATE, clinic=sign_in.clinic)
    sessions.note_verified(request, str(sign_in.pk))
    return sign_in.clinic


def _read(message: str) -> Any:
    """Return the answer's element for the archive, None if it can't be read; the checks look at it anew."""
    try:
        return saml_xml.parsed(saml_xml.decoded(message))
    except MessageRefused:
        return None


def _waiting(provider: IdentityProvider, relay_state: str, now: datetime) -> LoginTransaction:
    """Return the sign-in whose secret came back (S28). One that was answered already waits for nothing (S26)."""
    sign_in = (
        LoginTransaction.objects.filter(state_hash=oidc.hash_of_state(relay_state), provider=provider)
        .select_related("provider", "clinic")
        .first()
    )
    if sign_in is None or sign_in.status != TransactionStatus.STARTED:
        _refuse(sign_in or provider, now)
    return sign_in


@transaction.atomic
def _note_refusal(subject: LoginTransaction | IdentityProvider, now: datetime) -> None:
    provider = subject.provider if isinstance(subject, LoginTransaction) else subject
    audit.record(
        action="auth.fail",
        subject=subject,
        actor=audit.SYSTEM,
        now=now,
        from_address=network_address.current(),
        reason=SignInFault.STATE,
        provider=provider.slug,
    )


def _refuse(subject: LoginTransaction | IdentityProvider, now: datetime) -> NoReturn:
    _note_refusal(subject, now)
    raise SignInRefused(
        SignInFault.STATE, clinic=subject.clinic if isinstance(subject, LoginTransaction) else None
    )


def _check_sign_in(sign_in: LoginTransaction, now: datetime) -> None:
    if now >= sign_in.expires_at:
        raise MessageRefused("expired", SignInFault.EXPIRED)
    if not queries.is_usable(sign_in.provider) or not sign_in.provider.is_active:
        raise MessageRefused("provider", SignInFault.OTHER_PROVIDER)


def _expected(sign_in: LoginTransaction) -> Expected:
    provider = sign_in.provider
    return Expected(
        request_id=saml.request_id_of(sign_in.nonce or ""),
        recipient=saml.own_address(provider, "identity_acs"),
        started_at=sign_in.created_at,
        required=Assurance(sign_in.required_assurance),
        must_be_fresh=saml.asks_anew(provider, step_up=sign_in.step_up_of_id is not None),
    )


def _note_verified(sign_in: LoginTransaction, assertion_id: str, evidence: Evidence, now: datetime) -> None:
    """Keep whom it is about, once: of two that arrive at the same moment one wins (S26). Raises SignInRefused."""
    try:
        with transaction.atomic():
            UsedMessage.objects.create(
                provider=sign_in.provider, message_id=assertion_id, expires_at=now + MESSAGES_ARE_KEPT
            )
            taken = LoginTransaction.objects.filter(pk=sign_in.pk, status=TransactionStatus.STARTED).update(
                status=TransactionStatus.VERIFIED, evidence=evidence.as_text()
            )
            if not taken:
                raise IntegrityError  # noqa: TRY301  undoes the row above
    except IntegrityError:
        _refuse(sign_in, now)


@transaction.atomic
def _fail(sign_in: LoginTransaction, fault: SignInFault | None, check: str, now: datetime) -> None:
    """Close the sign-in, if it is still open, and say why in the audit trail: in words of ours."""
    LoginTransaction.objects.filter(pk=sign_in.pk, status=TransactionStatus.STARTED).update(
        status=TransactionStatus.FAILED,
        outcome=fault.value if fault else CANCELLED,
        reference=request_id.current(),
    )
    audit.record(
        action="auth.fail" if fault else "auth.cancel",
        subject=sign_in,
        actor=audit.SYSTEM,
        now=now,
        login_id=sign_in.step_up_of_id,
        from_address=network_address.current(),
        provider=sign_in.provider.slug,
        method=sign_in.provider.method,
        reason=fault.value if fault else check,
        check=check,
    )
    if fault is not None:
        traffic.note(sign_in.clinic_id, now=now, failures=1)
