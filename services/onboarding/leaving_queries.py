"""What the pages of leaving show, and who could take over. Always of one clinic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from clinic_admin.models import Clinic, Provider, StaffMember
from delegation.models import Absence, MatrixTick, MessageDelegation
from patients.models import Patient
from portal.alphabet import InAlphabet
from services.booking.models import Appointment, CalendarTemplate
from services.onboarding.leaver import Leaver, Who
from services.onboarding.models import Leaving

COMING_SHOWN = 20


def leaver_of(clinic: Clinic, who: Who) -> Leaver | None:
    """Return the clinic's own, working here or not. A provider with a login is found by the post only. One query."""
    if who.provider_id is not None:
        provider = (
            Provider.objects.for_clinic(clinic).filter(pk=who.provider_id, staff_member__isnull=True).first()
        )
        return Leaver(clinic, None, provider) if provider else None
    posts = StaffMember.objects.filter(clinic=clinic, pk=who.member_id or 0)
    member = posts.select_related("user", "clinic", "provider").first()
    return Leaver(clinic, member, getattr(member, "provider", None)) if member else None


def leaving_of(leaver: Leaver) -> Leaving | None:
    """Return what is decided about the person's leaving, until it is done."""
    return (
        Leaving.objects.filter(_about(leaver), done_at__isnull=True)
        .select_related("successor", "messages_to", "decided_by")
        .first()
    )


def absence_after(leaver: Leaver) -> int | None:
    """Return the id of the absence on which page the appointments after the last day are decided about."""
    return (
        Leaving.objects.filter(_about(leaver), absence__isnull=False)
        .order_by("-decided_at")
        .values_list("absence_id", flat=True)
        .first()
    )


def leavings_due(now: datetime) -> list[UUID]:
    """Return the ids of leavings whose last day is over by the clinic's clock, oldest first."""
    waiting = Leaving.objects.filter(done_at__isnull=True).select_related("clinic").order_by("last_day", "pk")
    return [row.pk for row in waiting if row.last_day < now.astimezone(row.clinic.zone).date()]


def _about(leaver: Leaver) -> Q:
    """Return what rows about this person have in common; a post never loses its leavings to its provider."""
    return Q(staff_member=leaver.member) if leaver.member else Q(provider=leaver.provider)


# -- what hangs on someone -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ties:
    """What hangs on someone who works here."""

    patients: int = 0
    """On the list, active records and others."""
    active_patients: int = 0
    appointments: int = 0
    """Coming ones, waiting for approval or booked."""
    coming: Sequence[Appointment] = ()
    """The first of them."""
    ticks: int = 0
    calendars: int = 0
    """Weekly calendars that are not over."""
    covers: int = 0
    """Coming absences of others in which this provider stands in."""
    gets_messages: bool = False
    """Whether messages of patients are delegated to this person."""
    other_posts: int = 0


def ties(leaver: Leaver, now: datetime, *, after: date | None = None) -> Ties:
    """Return what hangs on the person. Appointments are those after the local day `after`, or after now."""
    gets_messages, other_posts = _of_the_post(leaver.member)
    provider, clinic = leaver.provider, leaver.clinic
    if provider is None:
        return Ties(gets_messages=gets_messages, other_posts=other_posts)
    on_list = Patient.objects.for_clinic(clinic).filter(gp=provider)
    patients = on_list.aggregate(all=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    coming = Appointment.objects.for_clinic(clinic).live().filter(provider=provider, starts_at__gt=now)
    if after is not None:
        coming = coming.filter(starts_at__gt=_end_of(after, clinic))
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
        other_posts=other_posts,
    )


def _of_the_post(member: StaffMember | None) -> tuple[bool, int]:
    """Return whether messages are delegated to the person, and how many other posts they have."""
    if member is None:
        return False, 0
    delegated = MessageDelegation.objects.filter(recipient=member).exclude(topics=[])
    others = StaffMember.objects.filter(user=member.user_id, is_active=True).exclude(pk=member.pk)
    return delegated.exists(), others.count()


def running_calendars(provider: Provider, today: date) -> QuerySet[CalendarTemplate]:
    """Return the provider's weekly calendars that are not over on the clinic's local day."""
    return CalendarTemplate.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=today), provider=provider
    ).order_by("valid_from", "pk")


def covered(provider: Provider, day: date) -> QuerySet[Absence]:
    """Return others' absences that last longer than the clinic's local day, in which the provider stands in."""
    return Absence.objects.filter(last_day__gt=day, covers__provider=provider).distinct()


def last_appointment_day(provider: Provider, after: date, clinic: Clinic) -> date | None:
    """Return the local day of the provider's last live appointment after this day, None when there is none."""
    last = (
        Appointment.objects.for_clinic(clinic)
        .live()
        .filter(provider=provider, starts_at__gt=_end_of(after, clinic))
        .order_by("-starts_at")
        .values_list("starts_at", flat=True)
        .first()
    )
    return last.astimezone(clinic.zone).date() if last else None


def _end_of(day: date, clinic: Clinic) -> datetime:
    return datetime.combine(day, datetime.max.time(), tzinfo=clinic.zone)


# -- who takes over ------------------------------------------------------------------------------------------
def successors(leaver: Leaver) -> list[Provider]:
    """Return the providers with a list who stay, whom the person's patients could move to. One query."""
    staying = (
        Provider.objects.for_clinic(leaver.clinic)
        .active()
        .filter(has_patient_list=True)
        .exclude(leavings__in=_open())
    )
    return list(staying.exclude(pk=leaver.provider.pk) if leaver.provider else staying)


def colleagues(leaver: Leaver) -> list[StaffMember]:
    """Return the others who stay, who could get the messages delegated to this person. One query."""
    staying = StaffMember.objects.filter(clinic=leaver.clinic, is_active=True).exclude(leavings__in=_open())
    others = staying.exclude(pk=leaver.member.pk) if leaver.member else staying
    return list(others.order_by(InAlphabet("name"), "pk"))


def is_successor(leaver: Leaver) -> bool:
    """Return whether patients of someone who is leaving are to move to this person's list."""
    if leaver.provider is None:
        return False
    return _open().filter(clinic=leaver.clinic, successor=leaver.provider).exists()


def _open() -> QuerySet[Leaving]:
    return Leaving.objects.filter(done_at__isnull=True)
