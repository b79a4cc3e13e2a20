"""What pages need of sign-in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity import national_id, sessions
from identity.choices import Method, Protocol, TransactionStatus, UserKind
from identity.models import Account, IdentityProvider, LoginTransaction, User
from identity.national_id import BadNationalId, NationalId
from identity.oidc import http as oidc_http
from identity.providers.verified import Evidence, VerifiedPerson

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True)
class SignInChoice:
    """A way for patients to sign in, as the clinic's front page offers it."""

    slug: str
    name: str
    method: Method
    origins: tuple[str, ...]
    """Where the form leads the browser: for the page's content security policy (form_action_origins)."""

    @property
    def origin(self) -> str:
        """Return the origins as a content security policy writes them."""
        return " ".join(self.origins)


def sign_in_choices(clinic: Clinic) -> list[SignInChoice]:
    """Return the ways in that the clinic's patients have, in a steady order. Demo providers only in the demo."""
    providers = IdentityProvider.objects.filter(clinics__clinic=clinic, is_active=True).order_by("slug")
    return [
        SignInChoice(
            slug=provider.slug, name=provider.name, method=Method(provider.method), origins=_origins(provider)
        )
        for provider in providers
        if is_usable(provider)
    ]


def provider_of(*, clinic: Clinic, slug: str) -> IdentityProvider | None:
    """Return the clinic's provider of this name, or None if the clinic does not offer it."""
    found = IdentityProvider.objects.filter(slug=slug, clinics__clinic=clinic, is_active=True).first()
    return found if found and is_usable(found) else None


def provider_by_slug(slug: str, protocol: Protocol) -> IdentityProvider | None:
    """Return the provider at one of whose addresses a browser arrived, if it speaks this protocol."""
    return IdentityProvider.objects.filter(slug=slug, protocol=protocol).first()


def any_provider(slug: str) -> IdentityProvider | None:
    """Return the provider of this name, whatever it speaks."""
    return IdentityProvider.objects.filter(slug=slug).first()


def provider_name(slug: str) -> str:
    """Return what patients call the provider, empty if there is none of this name."""
    named = IdentityProvider.objects.filter(slug=slug) if slug else IdentityProvider.objects.none()
    return named.values_list("name", flat=True).first() or ""


def is_usable(provider: IdentityProvider) -> bool:
    """Return whether the installation may trust it: one of the demo's is never trusted in production."""
    return settings.IS_DEVELOPMENT or not any(map(oidc_http.is_demo, provider.addresses))


def demo_providers() -> list[IdentityProvider]:
    """Return the rows of the demo's providers."""
    return [
        provider
        for provider in IdentityProvider.objects.all()
        if any(map(oidc_http.is_demo, provider.addresses))
    ]


def verified_transaction(request: HttpRequest, now: datetime) -> LoginTransaction | None:
    """Return this browser's answered sign-in that waits for its session."""
    identifier = sessions.verified(request)
    if identifier is None:
        return None
    return (
        LoginTransaction.objects.filter(pk=identifier, status=TransactionStatus.VERIFIED, expires_at__gt=now)
        .select_related("provider", "clinic", "step_up_of__account")
        .first()
    )


def verified_person(request: HttpRequest) -> VerifiedPerson | None:
    """Return whom the provider vouched for in this browser's sign-in, until a session is opened or given up."""
    transaction = verified_transaction(request, timezone.now())
    if transaction is None or transaction.evidence is None:
        return None
    evidence = Evidence.from_text(transaction.evidence)
    return VerifiedPerson(
        country=Country(transaction.provider.country),
        national_id_index=evidence.national_id_index,
        given_name=evidence.given_name,
        family_name=evidence.family_name,
        birth_date=evidence.birth_date,
        provider=transaction.provider.slug,
        assurance=evidence.assurance,
        next_path=transaction.next_path,
    )


def verified_national_id(request: HttpRequest) -> NationalId | None:
    """Return the national ID of whom the provider vouched for, while the sign-in waits; for what a register is asked."""
    transaction = verified_transaction(request, timezone.now())
    if transaction is None or transaction.evidence is None:
        return None
    evidence = Evidence.from_text(transaction.evidence)
    try:
        return national_id.parse(evidence.national_id, transaction.provider.country, allow_synthetic=True)
    except BadNationalId:
        return None


SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What is shown after the password. Recovery codes stand in for them; alone they are none."""


def has_second_factor(user: Any) -> bool:
    """Return whether the signed-in user has a code app or a passkey."""
    return (
        user.is_authenticated
        and Authenticator.objects.filter(user_id=user.pk, type__in=SECOND_FACTORS).exists()
    )


def has_code_app(user: Any) -> bool:
    """Return whether the user has a code app."""
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists()


def passkeys_of(user: Any) -> list[Authenticator]:
    """Return the user's passkeys, the oldest first. One query."""
    return list(
        Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).order_by("pk")
    )


def staff_user(email: str) -> User | None:
    """Return the staff login with this address, without regard to case."""
    return User.objects.filter(kind="staff", email__iexact=email).first()


def with_login(rows: QuerySet[R], column: str) -> QuerySet[R]:
    """Return those of the rows whose person has a login; `column` is where their national ID's index stands."""
    return rows.filter(Exists(Account.objects.filter(national_id_index=OuterRef(column))))


def name_of(user_id: UUID) -> str:
    """Return the name of a login, empty if there is none. One query."""
    return User.objects.filter(pk=user_id).values_list("name", flat=True).first() or ""


def _origins(provider: IdentityProvider) -> tuple[str, ...]:
    parts = urlsplit(provider.sso_address or provider.issuer)
    own = f"{parts.scheme}://{parts.netloc}"
    if own == settings.BASE_URL:
        return ()
    return (own, *(f"https://{host}" for host in provider.extra_hosts))


def signed_in_patient(request: HttpRequest) -> User | None:
    """Return the patient's login that is signed in, if any. No query beyond the session's."""
    user = request.user
    return user if isinstance(user, User) and user.kind == UserKind.PATIENT else None
