"""The clinic of the desk, with requests that wait for approval tomorrow. Prints JSON."""

import json
import sys

import django

django.setup()

from clinic_admin.models import Clinic
from patients.models import Patient
from services.booking.models import Slot
from tests.journeys import desk_clinic
from tests.services.booking.build_staff import make_appointment


def main(identifier: str) -> dict[str, str]:
    told = desk_clinic.main(identifier)
    clinic = Clinic.objects.get(portal_identifier=identifier)
    people = Patient.objects.filter(clinic=clinic, given_name__in=["Kari", "Per", "Ane"]).order_by(
        "given_name"
    )
    slots = Slot.objects.filter(clinic=clinic, day=told["tomorrow"], state="free").order_by(
        "provider", "starts_at"
    )
    for patient, slot in zip(people, slots, strict=False):
        make_appointment(slot, patient, reason="Sore knee")
    return told


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
