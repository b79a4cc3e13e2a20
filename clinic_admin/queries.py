"""What pages need of the register."""

from dataclasses import fields
from datetime import date, datetime
from uuid import UUID

from clinic_admin.models import Clinic, Closure, Provider, StaffMember
from clinic_admin.policy import ClinicSettings, OpenPeriod
from portal.alphabet import InAlphabet
from portal.ready import Given, Ready

CLINIC = Ready(lambda: Clinic.objects.filter(portal_identifier=Given("identifier")))


def clinic_by_identifier(identifier: str) -> Clinic | None:
    """Return the clinic whose portal has this identifier, active or not."""
    return CLINIC.first(identifier=identifier.lower())


def clinic_by_any_identifier(identifier: str) -> Clinic | None:
    """Return the clinic whose portal has, or once had, this identifier."""
    return (
        clinic_by_identifier(identifier)
        or Clinic.objects.filter(former_identifiers__identifier=identifier.lower()).first()
    )


def former_identifiers(clinic: Clinic) -> list[str]:
    """Return what the clinic's portal was called before; these addresses lead on."""
    return list(clinic.former_identifiers.order_by("identifier").values_list("identifier", flat=True))


def active_clinics() -> list[Clinic]:
    """Return the clinics whose portal is on, by name."""
    return list(Clinic.objects.filter(is_active=True).order_by(InAlphabet("name"), "pk"))


def posts_of(user_id: UUID) -> list[StaffMember]:
    """Return all active posts of the user, with their clinics and the providers they are, by clinic name."""
    return list(
        StaffMember.objects.filter(user_id=user_id, is_active=True)
        .select_related("clinic", "provider")
        .order_by(InAlphabet("clinic__name"), "pk")
    )


def is_open(clinic: Clinic, now: datetime) -> bool:
    """Return whether the clinic's doors and phone are open at this instant."""
    local = now.astimezone(clinic.zone)
    if any(closure.covers(local.date()) for closure in clinic.closures.filter(last_day__gte=local.date())):
        return False
    return clinic.opening_hours.filter(
        weekday=str(local.weekday()), opens_at__lte=local.time(), closes_at__gt=local.time()
    ).exists()


def settings_of(clinic: Clinic) -> ClinicSettings:
    """Return what the clinic's administrators have set, as loaded."""
    return ClinicSettings(**{field.name: getattr(clinic, field.name) for field in fields(ClinicSettings)})


def opening_hours_of(clinic: Clinic) -> list[OpenPeriod]:
    """Return the week's opening hours, Monday first."""
    return [
        OpenPeriod(weekday, opens_at, closes_at)
        for weekday, opens_at, closes_at in clinic.opening_hours.order_by("weekday", "opens_at").values_list(
            "weekday", "opens_at", "closes_at"
        )
    ]


def coming_closures(clinic: Clinic, today: date) -> list[Closure]:
    """Return closures that are not over on the clinic's local day, soonest first."""
    return list(clinic.closures.filter(last_day__gte=today).order_by("first_day", "pk"))


def closure_of(clinic: Clinic, closure_id: int) -> Closure | None:
    """Return the clinic's own closure, or None."""
    return clinic.closures.filter(pk=closure_id).first()


def list_holders(clinic: Clinic) -> dict[str, int]:
    """Return initials -> id of the active providers who have a patient list here."""
    return dict(
        Provider.objects.for_clinic(clinic)
        .active()
        .filter(has_patient_list=True)
        .values_list("initials", "pk")
    )


def providers_in_portal(clinic: Clinic) -> list[Provider]:
    """Return the active providers whom patients can reach through the portal, in the order of lists."""
    return list(Provider.objects.for_clinic(clinic).active().filter(has_portal_access=True))


def stored_settings(clinic: Clinic) -> ClinicSettings:
    """Return the settings as they are stored now, whatever was loaded before."""
    return settings_of(Clinic.objects.get(pk=clinic.pk))
