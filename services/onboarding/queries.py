"""What the pages of staff show. Always of one clinic."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, Provider, StaffMember
from identity import queries as logins
from identity.models import StaffLink
from portal.alphabet import InAlphabet
from services.booking.models import CalendarTemplate
from services.booking.weekly import queries as template_queries
from services.onboarding.choices import SecondFactor
from services.onboarding.models import Leaving, NewStaff, SecondFactorReset
from services.onboarding.policy import ADMINISTRATORS


@dataclass(frozen=True, slots=True)
class StaffLine:
    """Someone who works here, or did."""

    pk: int
    name: str
    email: str
    roles: tuple[str, ...]
    """As people read them."""
    provider: Provider | None
    second_factor: SecondFactor
    last_login: datetime | None
    has_password: bool
    is_active: bool
    leaves_on: date | None


def staff_lines(clinic: Clinic) -> list[StaffLine]:
    """Return everyone with a post here, those who work here first, by name. One query."""
    return [_line(member) for member in _members(clinic).order_by("-is_active", InAlphabet("name"), "pk")]


def staff_line(clinic: Clinic, member_id: int) -> tuple[StaffMember, StaffLine] | None:
    """Return one person with a post here, whether or not they still work here. One query."""
    found = _members(clinic).filter(pk=member_id).first()
    return (found, _line(found)) if found else None


def _members(clinic: Clinic) -> QuerySet[StaffMember]:
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=logins.SECOND_FACTORS)
    leaving = Leaving.objects.filter(staff_member=OuterRef("pk"), done_at__isnull=True)
    return (
        StaffMember.objects.filter(clinic=clinic)
        .select_related("user", "provider", "clinic")
        .annotate(has_second_factor=Exists(factors), leaves_on=Subquery(leaving.values("last_day")[:1]))
    )


def _line(member: Any) -> StaffLine:
    factor = SecondFactor.SET_UP
    if not member.has_second_factor:
        factor = SecondFactor.MISSING if member.user.last_login else SecondFactor.WAITING
    return StaffLine(
        pk=member.pk,
        name=member.name,
        email=member.user.email or "",
        roles=tuple(str(Role(role).label) for role in member.roles),
        provider=getattr(member, "provider", None),
        second_factor=factor,
        last_login=member.user.last_login,
        has_password=member.user.has_usable_password(),
        is_active=member.is_active,
        leaves_on=member.leaves_on,
    )


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """A provider whom nobody signs in as, who works here, or did."""

    provider: Provider
    leaves_on: date | None


def providers_without_login(clinic: Clinic) -> list[ProviderLine]:
    """Return providers whom nobody signs in as, those who work here first, as lists show them. One query."""
    leaving = Leaving.objects.filter(provider=OuterRef("pk"), done_at__isnull=True)
    rows = (
        Provider.objects.for_clinic(clinic)
        .filter(staff_member__isnull=True)
        .annotate(leaves_on=Subquery(leaving.values("last_day")[:1]))
        .order_by("-is_active", "position", "name", "pk")
    )
    return [_provider_line(row) for row in rows]


def _provider_line(row: Any) -> ProviderLine:
    return ProviderLine(provider=row, leaves_on=row.leaves_on)


def other_administrators(member: StaffMember) -> int:
    """Return how many administrators stay: active, not about to leave, and not this one."""
    return (
        StaffMember.objects.filter(
            clinic_id=member.clinic_id, is_active=True, roles__overlap=sorted(ADMINISTRATORS)
        )
        .exclude(pk=member.pk)
        .exclude(leavings__in=Leaving.objects.filter(done_at__isnull=True))
        .count()
    )


# -- second factor -----------------------------------------------------------------------------------------
def open_resets(clinic: Clinic, now: datetime) -> list[SecondFactorReset]:
    """Return resets that wait for a second administrator, oldest first. One query."""
    return list(
        SecondFactorReset.objects.filter(
            clinic=clinic, confirmed_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now
        )
        .select_related("user", "requested_by")
        .order_by("requested_at", "pk")
    )


def open_link(user_id: UUID, now: datetime) -> StaffLink | None:
    """Return the person's link for choosing a password that can still be used."""
    return StaffLink.objects.filter(
        user_id=user_id, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    ).first()


# -- the wizard --------------------------------------------------------------------------------------------
def unfinished(clinic: Clinic) -> list[NewStaff]:
    """Return wizards that somebody began and nobody finished, oldest first. One query."""
    return list(
        NewStaff.objects.filter(clinic=clinic, finished_at__isnull=True)
        .select_related("started_by")
        .order_by("started_at", "pk")
    )


def new_staff_of(clinic: Clinic, new_staff_id: UUID) -> NewStaff | None:
    """Return the clinic's own wizard, finished or not."""
    return NewStaff.objects.filter(clinic=clinic, pk=new_staff_id).select_related("started_by").first()


def initials_taken(clinic: Clinic) -> frozenset[str]:
    """Return the initials of everyone who is or was a provider here, in capitals."""
    return frozenset(
        initials.upper()
        for initials in Provider.objects.for_clinic(clinic).values_list("initials", flat=True)
    )


def has_post(clinic: Clinic, email: str) -> bool:
    """Return whether someone with this address works here, or has."""
    return StaffMember.objects.filter(clinic=clinic, user__email__iexact=email).exists()


def has_login(email: str) -> bool:
    """Return whether someone signs in with this address already, at whichever clinic."""
    user = logins.staff_user(email)
    return user is not None and user.has_usable_password()


def providers(clinic: Clinic) -> list[Provider]:
    """Return those who work here now, as lists show them. One query."""
    return list(Provider.objects.for_clinic(clinic).active())


def calendars_to_copy(clinic: Clinic, today: date) -> list[tuple[int, str]]:
    """Return (id, words) of active providers' weekly calendars that are not over. One query."""
    rows = (
        CalendarTemplate.objects.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=today), clinic=clinic, provider__is_active=True
        )
        .select_related("provider")
        .order_by("provider__position", "provider__name", "valid_from", "pk")
    )
    return [(row.pk, f"{row.provider.name}: {row.name}") for row in rows]


def calendar_words(clinic: Clinic, template_id: int) -> str:
    """Return whose weekly calendar this is and its name; empty when it is gone."""
    row = template_queries.template_of(clinic, template_id)
    return f"{row.provider.name}: {row.name}" if row else ""
