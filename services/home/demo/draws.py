"""A draw of urgent times that was held lately, in the demo's clinic that draws."""

from datetime import datetime, timedelta
from itertools import cycle

from clinic_admin.models import Clinic
from identity.choices import Assurance
from services.booking.policy import released_until
from services.booking.release import operations, queries
from services.booking.release.operations import DrawRefused
from services.home.demo import records
from services.home.demo.reasons import REASONS

ASKED = 9


def load(clinic: Clinic, now: datetime) -> None:
    """Let some patients have asked for the urgent times that came out last, and hold the draw, if the clinic draws."""
    clinic = Clinic.objects.get(pk=clinic.pk)
    if not clinic.draws_urgent:
        return
    day = released_until(now - clinic.asking_time, release_at=clinic.urgent_release_at, zone=clinic.zone)
    window = queries.window_of(clinic, day)
    operations.prepare(clinic, day, now=window.opens_at - timedelta(hours=8))
    reasons = cycle(REASONS[clinic.country])
    for number, patient in enumerate(records.some_with_gp(clinic, ASKED), start=1):
        patient.clinic = clinic
        try:
            operations.ask(
                patient=patient,
                reason=next(reasons),
                wants_reminder=False,
                providers=(),
                assurance=Assurance.HIGH,
                actor=records.login_of(patient, now),
                now=window.opens_at + timedelta(seconds=20 * number),
            )
        except DrawRefused:
            continue  # whoever may have nobody with an urgent time that day
    operations.hold(clinic=clinic, day=day, now=window.closes_at)
