"""A new clinic that draws its urgent times, and whose window is open now; with `draws` false one that may begin to draw.

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
from services.access import operations as access
from services.access.choices import Approval, Column
from services.access.policy import Rights
from services.booking.models import Slot
from tests.journeys import new_clinic


def main(identifier: str, draws: bool = True) -> dict[str, str]:
    told = new_clinic.main(identifier, minutes=90)
    now = datetime.now(UTC)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    local = now.astimezone(clinic.zone)
    # The clock there shows twelve and some minutes: until one o'clock one can ask.
    Clinic.objects.filter(pk=clinic.pk).update(
        draws_urgent=draws, urgent_release_at=time(local.hour), draw_minutes=60
    )
    gp = Provider.objects.get(clinic=clinic)
    access.set_provider_rights(
        clinic=clinic,
        provider_id=gp.pk,
        column=Column.WITH_GP,
        rights=Rights(booking=True, approval=Approval.AUTOMATIC, cancelling=True),
        actor=audit.SYSTEM,
        now=now,
    )
    for version, service in enumerate((Service.BOOKING, Service.URGENT)):
        delegation.save_matrix(
            clinic=clinic,
            service=service,
            ticks={Tick(service, gp.pk, gp.pk)},
            version=version,
            actor=audit.SYSTEM,
            now=now,
        )
    starts_at = datetime.combine(local.date() + timedelta(days=1), time(18), tzinfo=clinic.zone)
    Slot.objects.create(
        clinic=clinic,
        provider=gp,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=20),
        day=starts_at.date(),
        kind="urgent",
    )
    return told | {
        "clock": local.strftime("%H:%M"),
        "zone": clinic.time_zone,
        "day": starts_at.date().isoformat(),
    }


def close(identifier: str) -> dict[str, str]:
    """Let the window have been over for long."""
    now = datetime.now(UTC)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    hour = now.astimezone(clinic.zone).hour - 1
    Clinic.objects.filter(pk=clinic.pk).update(urgent_release_at=time(hour), draw_minutes=5)
    return {}


if __name__ == "__main__":
    values = json.loads(sys.argv[1])
    print(json.dumps(close(values["identifier"]) if values.pop("closes", None) else main(**values)))
