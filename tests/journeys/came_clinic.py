"""The clinic of desk_clinic with one more patient who has an appointment now, with the other provider. Prints JSON."""

import json
import sys

import django

django.setup()

from datetime import UTC, datetime

from clinic_admin.models import Clinic, Provider
from identity.models import User
from patients.models import Patient
from services.booking.models import Appointment
from tests.journeys import desk_clinic
from tests.journeys.desk_people import book_by_hand


def main(identifier: str) -> dict[str, str]:
    told = desk_clinic.main(identifier)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    kari = Patient.objects.get(clinic=clinic, given_name="Kari")
    kari.clinic = clinic
    greta = Provider.objects.get(clinic=clinic, name="Greta Lege")
    per = Appointment.objects.get(clinic=clinic, patient__given_name="Per")
    secretary = User.objects.get(email=told["secretary"])
    began = per.starts_at.astimezone(clinic.zone)
    book_by_hand(kari, greta, began, actor=secretary, now=datetime.now(UTC))
    return told


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
