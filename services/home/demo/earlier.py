"""Who waits for an earlier time at the demo's clinics, and one time that came free and is offered."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from clinic_admin import operations as register
from clinic_admin import queries as clinics
from clinic_admin.choices import Country
from clinic_admin.models import Clinic
from identity.choices import Assurance
from patients.models import Patient
from portal import audit
from services.booking import free_times
from services.booking import operations as booking
from services.booking import queries as times
from services.booking.choices import SlotKind
from services.booking.earlier import operations
from services.booking.earlier.choices import PartOfDay
from services.booking.earlier.operations import EarlierRefused, Suits
from services.booking.models import Appointment
from services.booking.operations import BookingRefused
from services.home.demo import records

_REASONS = {
    Country.NORWAY: "Vondt i skulderen, kan komme på kort varsel.",
    Country.DENMARK: "Ondt i skulderen, kan komme med kort varsel.",
}
_WAITS = 3
_WEEKDAYS = tuple("01234")


def load(clinic: Clinic, known: dict[str, Patient], now: datetime) -> None:
    """Switch earlier times on, put some patients on the list, and let somebody else cancel."""
    settings = replace(clinics.settings_of(clinic), offers_earlier=True)
    register.change_settings(clinic=clinic, settings=settings, seen=None, actor=audit.SYSTEM, now=now)
    clinic.refresh_from_db()
    people = [*known.values(), *records.some_with_gp(clinic, _WAITS)]
    asked = timedelta(hours=len(people))
    for patient in people:
        patient.clinic = clinic
        _join(patient, now - asked, now)
        asked -= timedelta(hours=1)
    _somebody_cancels(clinic, [patient.pk for patient in people], now)
    operations.pass_on(clinic=clinic, now=now)


def _join(patient: Patient, asked: datetime, now: datetime) -> None:
    coming = times.upcoming(patient, now).filter(kind=SlotKind.PORTAL).last()
    today = now.astimezone(patient.clinic.zone).date()
    last_day = (
        coming.starts_at.astimezone(patient.clinic.zone).date() if coming else today + free_times.HORIZON
    )
    try:
        operations.join(
            patient=patient,
            suits=Suits((), _WEEKDAYS, PartOfDay.ANY, today, last_day),
            appointment=coming,
            reason="" if coming else _REASONS[Country(patient.clinic.country)],
            wants_reminder=False,
            assurance=Assurance.HIGH,
            actor=records.login_of(patient, now),
            now=asked,
        )
    except EarlierRefused:
        return  # this one's appointment can't be moved online


def _somebody_cancels(clinic: Clinic, apart_from: list[UUID], now: datetime) -> None:
    """Give the first coming time back of those who don't wait themselves and may cancel."""
    rows = Appointment.objects.for_clinic(clinic).live().filter(kind=SlotKind.PORTAL)
    coming = rows.filter(starts_at__gt=now + timedelta(days=1)).exclude(patient__in=apart_from)
    for appointment in coming.select_related("patient").order_by("starts_at")[:10]:
        patient = appointment.patient
        patient.clinic = clinic
        try:
            booking.cancel(
                patient=patient,
                appointment_id=appointment.pk,
                assurance=Assurance.HIGH,
                actor=records.login_of(patient, now),
                now=now,
            )
        except BookingRefused:
            continue
        return
