"""A new clinic with urgent times that are not out yet; with an hour, one that is out, at that hour of tomorrow.

Prints what the journey needs as JSON.
"""

import json
import sys

import django

django.setup()

from datetime import UTC, datetime, time, timedelta

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation import operations as delegation
from delegation.policy import Tick
from portal import audit
from services.booking.choices import SlotKind
from tests.journeys import earlier_clinic
from tests.services.booking.build_booking import make_slot


def main(identifier: str, hour: int | None = None) -> dict[str, str]:
    if hour is not None:
        return add_urgent(identifier, days=1, hour=hour)
    told = earlier_clinic.main(identifier)
    Clinic.objects.filter(portal_identifier=identifier).update(urgent_release_at=time(0), phone="+4722334455")
    clinic = Clinic.objects.get(portal_identifier=identifier)
    gp = Provider.objects.get(clinic=clinic)
    delegation.save_matrix(
        clinic=clinic,
        service=Service.URGENT,
        ticks={Tick(Service.URGENT, gp.pk, gp.pk)},
        version=1,
        actor=audit.SYSTEM,
        now=datetime.now(UTC),
    )
    for day in (8, 9, 15):
        add_urgent(identifier, days=day, hour=9)
    return told


def add_urgent(identifier: str, *, days: int, hour: int) -> dict[str, str]:
    """Store a free urgent time so many days from today; return when it is."""
    gp = Provider.objects.get(clinic__portal_identifier=identifier)
    today = datetime.now(gp.clinic.zone).date()
    at = datetime.combine(today + timedelta(days=days), time(hour), tzinfo=gp.clinic.zone)
    make_slot(gp, at, kind=SlotKind.URGENT)
    return {"at": at.isoformat()}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
