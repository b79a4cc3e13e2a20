"""The clinic of desk_clinic with one more patient who has an appointment now, and one in two hours. Prints JSON."""

import json
import sys

import django

django.setup()

from datetime import UTC, datetime, timedelta

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
    ane = Patient.objects.get(clinic=clinic, given_name="Ane")
    ane.clinic = clinic
    later = began + timedelta(hours=2)  # the clinic's clock stands at noon
    book_by_hand(ane, greta, later, actor=secretary, now=datetime.now(UTC))
    return told | {"later": later.isoformat()}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
