"""A new clinic where everyone may ask its GP for a time without an account. Prints what the journey needs as JSON."""

import json
import sys

import django

django.setup()

from datetime import UTC, date, datetime

from clinic_admin.choices import Service
from clinic_admin.models import Clinic, Provider
from delegation import operations as delegation
from delegation.policy import Tick
from identity import national_id
from portal import audit
from services.access import operations as access
from services.access.choices import Approval, Column
from services.access.policy import Rights
from tests.journeys import new_clinic


def main(identifier: str) -> dict[str, str]:
    told = new_clinic.main(identifier, minutes=90)
    now = datetime.now(UTC)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    Clinic.objects.filter(pk=clinic.pk).update(books_without_account=True)
    gp = Provider.objects.get(clinic=clinic)
    access.set_provider_rights(
        clinic=clinic,
        provider_id=gp.pk,
        column=Column.WITHOUT_GP,
        rights=Rights(booking=True, approval=Approval.AUTOMATIC),
        actor=audit.SYSTEM,
        now=now,
    )
    delegation.save_matrix(
        clinic=clinic,
        service=Service.BOOKING,
        ticks={Tick(Service.BOOKING, None, gp.pk)},
        version=0,
        actor=audit.SYSTEM,
        now=now,
    )
    numbers = {
        f"number{serial}": national_id.make_synthetic("NO", date(1980, 5, 5), serial=serial)
        for serial in (1, 2, 3)
    }
    return told | numbers


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
