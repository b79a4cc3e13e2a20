"""What the front pages need, gathered from several areas."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from clinic_admin.choices import Country, Service, Weekday
from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from portal import moments
from services.access import queries as access
from services.booking import free_times
from services.booking import queries as booking
from services.booking.models import Appointment
from services.home.choices import URGENT_HELP, UrgentHelp


@dataclass(frozen=True, slots=True)
class DayHours:
    """When the clinic is open on a weekday, as text; empty means closed."""

    name: str
    hours: str
    is_today: bool


def opening_hours(clinic: Clinic, now: datetime) -> list[DayHours]:
    """Return the seven days of the week, Monday first. One query."""
    stored: dict[str, list[str]] = {}
    for row in clinic.opening_hours.order_by("weekday", "opens_at"):
        stored.setdefault(row.weekday, []).append(moments.period(row.opens_at, row.closes_at))
    today = str(now.astimezone(clinic.zone).weekday())
    return [
        DayHours(str(day.label), _(" and ").join(stored.get(day.value, [])), day.value == today)
        for day in Weekday
    ]


def urgent_help(clinic: Clinic) -> UrgentHelp:
    """Return whom the clinic's patients phone when it can't wait: the clinic's own choice before the country's."""
    help_of_country = URGENT_HELP[Country(clinic.country)]
    return help_of_country._replace(out_of_hours=clinic.out_of_hours_phone or help_of_country.out_of_hours)


@dataclass(frozen=True, slots=True)
class StartPage:
    """What a patient sees first."""

    next_appointment: Appointment | None
    later: list[Appointment]
    may_book: bool
    may_consult: bool
    may_renew: bool
    misses_mobile: bool
    misses_email: bool


def start_page(*, patient: Patient, assurance: Assurance, now: datetime) -> StartPage:
    """Return what the start page shows. Two queries: the appointments and the access decision."""
    upcoming = booking.all_upcoming(patient, now)
    today = now.astimezone(patient.clinic.zone).date()
    windows = access.windows(
        patient=patient,
        services=tuple(Service),
        assurance=assurance,
        first_day=today,
        last_day=today + free_times.HORIZON,
    )
    bookable = {window.service for window in windows}
    today_open = {window.service for window in windows if window.first_day <= today}
    return StartPage(
        next_appointment=upcoming[0] if upcoming else None,
        later=upcoming[1:],
        may_book=not bookable.isdisjoint(free_times.SERVICES),
        may_consult=Service.CONSULTATION in today_open,
        may_renew=Service.RENEWAL in today_open,
        misses_mobile=not patient.mobile,
        misses_email=not patient.email,
    )
