"""A new clinic whose patients may book and wait for an earlier time. Prints what the journey needs as JSON."""

import json
import sys

import django

django.setup()

from datetime import UTC, datetime

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation import operations as delegation
from delegation.policy import Tick
from portal import audit
from services.access import operations as access
from services.access.choices import Approval, Column
from services.access.policy import Rights
from tests.journeys import new_clinic


def main(identifier: str) -> dict[str, str]:
    told = new_clinic.main(identifier, minutes=90)
    now = datetime.now(UTC)
    Clinic.objects.filter(portal_identifier=identifier).update(offers_earlier=True)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    gp = Provider.objects.get(clinic=clinic)
    access.set_provider_rights(
        clinic=clinic,
        provider_id=gp.pk,
        column=Column.WITH_GP,
        rights=Rights(booking=True, approval=Approval.AUTOMATIC, cancelling=True),
        actor=audit.SYSTEM,
        now=now,
    )
    delegation.save_matrix(
        clinic=clinic,
        service=Service.BOOKING,
        ticks={Tick(Service.BOOKING, gp.pk, gp.pk)},
        version=0,
        actor=audit.SYSTEM,
        now=now,
    )
    return told


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
