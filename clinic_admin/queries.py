"""What pages need of the register."""

from datetime import datetime
from uuid import UUID

from clinic_admin.models import Clinic, StaffMember


def clinic_by_identifier(identifier: str) -> Clinic | None:
    """Return the clinic whose portal has this identifier, active or not."""
    return Clinic.objects.filter(portal_identifier=identifier.lower()).first()


def active_clinics() -> list[Clinic]:
    """Return the clinics whose portal is on, by name."""
    return list(Clinic.objects.filter(is_active=True).order_by("name", "pk"))


def post_of(*, user_id: UUID, clinic: Clinic) -> StaffMember | None:
    """Return the user's active post at the clinic, with the provider they are, if any."""
    return (
        StaffMember.objects.filter(user_id=user_id, clinic=clinic, is_active=True)
        .select_related("provider")
        .first()
    )


def posts_of(user_id: UUID) -> list[StaffMember]:
    """Return all active posts of the user, with their clinics, by clinic name."""
    return list(
        StaffMember.objects.filter(user_id=user_id, is_active=True)
        .select_related("clinic")
        .order_by("clinic__name", "pk")
    )


def is_open(clinic: Clinic, now: datetime) -> bool:
    """Return whether the clinic's doors and phone are open at this instant."""
    local = now.astimezone(clinic.zone)
    if any(closure.covers(local.date()) for closure in clinic.closures.filter(last_day__gte=local.date())):
        return False
    return clinic.opening_hours.filter(
        weekday=str(local.weekday()), opens_at__lte=local.time(), closes_at__gt=local.time()
    ).exists()
