"""A new clinic with two providers, free times tomorrow, and a patient who has an appointment now. Prints JSON."""

import json
import sys

import django

django.setup()

from datetime import UTC, datetime, time, timedelta

from clinic_admin import operations as register
from clinic_admin.choices import ProviderKind
from clinic_admin.models import Clinic, Provider
from identity.models import User
from portal import audit
from services.booking.choices import SlotKind
from services.booking.models import Slot
from tests.journeys import new_clinic
from tests.journeys.desk_people import add_patient, book_by_hand


def main(identifier: str) -> dict[str, str]:
    told = new_clinic.main(identifier, minutes=90)
    now = datetime.now(UTC)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    greta = Provider.objects.get(clinic=clinic)
    dag = register.add_provider(
        clinic=clinic,
        name="Dag Lege",
        initials="DL",
        kind=ProviderKind.GP,
        has_patient_list=True,
        has_portal_access=True,
        actor=audit.SYSTEM,
        now=now,
    )
    tomorrow = now.astimezone(clinic.zone).date() + timedelta(days=1)
    for provider in (greta, dag):
        for clock in (time(9), time(9, 20), time(10)):
            starts_at = datetime.combine(tomorrow, clock, tzinfo=clinic.zone)
            Slot.objects.create(
                clinic=clinic,
                provider=provider,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=20),
                day=tomorrow,
                kind=SlotKind.PORTAL,
            )
    patients = {name: add_patient(clinic, name, greta) for name in ("Kari", "Per", "Ane")}
    began = now.astimezone(clinic.zone).replace(second=0, microsecond=0)
    began -= timedelta(minutes=began.minute % 5)
    secretary = User.objects.get(email=told["secretary"])
    book_by_hand(patients["Per"], dag, began, actor=secretary, now=now)
    return told | {"tomorrow": tomorrow.isoformat(), "today": began.date().isoformat(), "dag": str(dag.pk)}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
