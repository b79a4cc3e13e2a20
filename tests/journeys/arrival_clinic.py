"""A new clinic on a day in its midst: one patient's time has begun, one comes later, one cancelled, one comes tomorrow."""

import json
import sys

import django

django.setup()

from datetime import UTC, datetime, timedelta

from clinic_admin.models import Clinic, Provider
from identity.models import User
from services.booking.choices import AppointmentStatus
from services.booking.models import Appointment
from services.booking.operations.appointments import end
from tests.journeys import new_clinic
from tests.journeys.desk_people import add_patient, book_by_hand

WHEN = {
    "Per": timedelta(),
    "Kari": timedelta(hours=2),
    "Ane": timedelta(hours=3),
    "Ola": timedelta(days=1),
}
"""Who comes how long from now."""


def main(identifier: str) -> dict[str, str]:
    told = new_clinic.main(identifier, minutes=90)
    now = datetime.now(UTC)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    greta = Provider.objects.get(clinic=clinic)
    staff = User.objects.get(email=told["secretary"])
    began = now.astimezone(clinic.zone).replace(second=0, microsecond=0)
    began -= timedelta(minutes=began.minute % 5)
    made: dict[str, Appointment] = {}
    for name, later in WHEN.items():
        patient = add_patient(clinic, name, greta)
        made[name] = book_by_hand(patient, greta, began + later, actor=staff, now=now)
    end(made["Ane"], AppointmentStatus.CANCELLED, actor=staff, now=now)
    return told | {"today": began.date().isoformat()} | {name: str(one.pk) for name, one in made.items()}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
