"""What the pages of staff show. Always of one clinic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from clinic_admin.choices import Role
from clinic_admin.models import Clinic, Provider, StaffMember
from delegation.models import Absence, MatrixTick, MessageDelegation
from identity import queries as logins
from identity.models import StaffLink
from patients.models import Patient
from portal.alphabet import InAlphabet
from services.booking import template_queries
from services.booking.models import Appointment, CalendarTemplate
from services.onboarding.choices import SecondFactor
from services.onboarding.models import Leaving, NewStaff, SecondFactorReset
from services.onboarding.policy import ADMINISTRATORS

COMING_SHOWN = 20


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


def providers_without_login(clinic: Clinic) -> list[Provider]:
    """Return active providers whom nobody signs in as. One query."""
    return list(Provider.objects.for_clinic(clinic).active().filter(staff_member__isnull=True))


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


# -- leaving -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ties:
    """What hangs on someone who works here."""

    patients: int
    """On the list, active records and others."""
    active_patients: int
    appointments: int
    """Coming ones, waiting for approval or booked."""
    coming: Sequence[Appointment]
    """The first of them."""
    ticks: int
    calendars: int
    """Weekly calendars that are not over."""
    covers: int
    """Coming absences of others in which this provider stands in."""
    gets_messages: bool
    """Whether messages of patients are delegated to this person."""
    other_posts: int


def ties(member: StaffMember, now: datetime, *, after: date | None = None) -> Ties:
    """Return what hangs on the person. Appointments are those after the local day `after`, or after now."""
    provider: Provider | None = getattr(member, "provider", None)
    other_posts = StaffMember.objects.filter(user=member.user_id, is_active=True).exclude(pk=member.pk)
    gets_messages = MessageDelegation.objects.filter(recipient=member).exclude(topics=[]).exists()
    if provider is None:
        return Ties(0, 0, 0, (), 0, 0, 0, gets_messages, other_posts.count())
    clinic = member.clinic
    on_list = Patient.objects.for_clinic(clinic).filter(gp=provider)
    patients = on_list.aggregate(all=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    coming = Appointment.objects.for_clinic(clinic).live().filter(provider=provider, starts_at__gt=now)
    if after is not None:
        starts_at = datetime.combine(after, datetime.max.time(), tzinfo=clinic.zone)
        coming = coming.filter(starts_at__gt=starts_at)
    today = now.astimezone(clinic.zone).date()
    return Ties(
        patients=patients["all"],
        active_patients=patients["active"],
        appointments=coming.count(),
        coming=tuple(coming.select_related("patient").order_by("starts_at", "pk")[:COMING_SHOWN]),
        ticks=MatrixTick.objects.filter(Q(row=provider) | Q(provider=provider), clinic=clinic).count(),
        calendars=running_calendars(provider, today).count(),
        covers=covered(provider, after or today).count(),
        gets_messages=gets_messages,
        other_posts=other_posts.count(),
    )


def running_calendars(provider: Provider, today: date) -> QuerySet[CalendarTemplate]:
    """Return the provider's weekly calendars that are not over on the clinic's local day."""
    return CalendarTemplate.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=today), provider=provider
    ).order_by("valid_from", "pk")


def covered(provider: Provider, day: date) -> QuerySet[Absence]:
    """Return others' absences that last longer than the clinic's local day, in which the provider stands in."""
    return Absence.objects.filter(last_day__gt=day, covers__provider=provider).distinct()


def colleagues(member: StaffMember) -> list[StaffMember]:
    """Return the others who stay, who could get the messages delegated to this person. One query."""
    return list(
        StaffMember.objects.filter(clinic_id=member.clinic_id, is_active=True)
        .exclude(pk=member.pk)
        .exclude(leavings__in=Leaving.objects.filter(done_at__isnull=True))
        .order_by(InAlphabet("name"), "pk")
    )


def last_appointment_day(provider: Provider, after: date, clinic: Clinic) -> date | None:
    """Return the local day of the provider's last live appointment after this day, None when there is none."""
    starts_at = datetime.combine(after, datetime.max.time(), tzinfo=clinic.zone)
    last = (
        Appointment.objects.for_clinic(clinic)
        .live()
        .filter(provider=provider, starts_at__gt=starts_at)
        .order_by("-starts_at")
        .values_list("starts_at", flat=True)
        .first()
    )
    return last.astimezone(clinic.zone).date() if last else None


def absence_after(member: StaffMember) -> int | None:
    """Return the id of the absence on which page the appointments after the last day are decided about."""
    return (
        Leaving.objects.filter(staff_member=member, absence__isnull=False)
        .order_by("-decided_at")
        .values_list("absence_id", flat=True)
        .first()
    )


def successors(member: StaffMember) -> list[Provider]:
    """Return the providers with a list who stay, whom the person's patients could move to. One query."""
    return list(
        Provider.objects.filter(clinic_id=member.clinic_id)
        .active()
        .filter(has_patient_list=True)
        .exclude(staff_member=member.pk)
        .exclude(staff_member__leavings__in=Leaving.objects.filter(done_at__isnull=True))
    )


def leaving_of(member: StaffMember) -> Leaving | None:
    """Return what is decided about the person's leaving, until it is done."""
    return (
        Leaving.objects.filter(staff_member=member, done_at__isnull=True)
        .select_related("successor", "messages_to", "decided_by")
        .first()
    )


def is_successor(member: StaffMember) -> bool:
    """Return whether patients of someone who is leaving are to move to this person's list."""
    return Leaving.objects.filter(
        clinic_id=member.clinic_id, done_at__isnull=True, successor__staff_member=member
    ).exists()


def leavings_due(now: datetime) -> list[UUID]:
    """Return the ids of leavings whose last day is over by the clinic's clock, oldest first."""
    waiting = Leaving.objects.filter(done_at__isnull=True).select_related("clinic").order_by("last_day", "pk")
    return [row.pk for row in waiting if row.last_day < now.astimezone(row.clinic.zone).date()]
