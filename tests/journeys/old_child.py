"""Takes the guardian's confirmation from a child's sign-in, as if it were from before the rule of 2023 came (004)."""

import json
import sys

import django

django.setup()

from identity import national_id
from identity.by_code import passwords
from identity.models import ClinicMembership
from patients.models import Patient


def main(number: str, email: str, password: str) -> dict[str, str]:
    """Change the one sign-in of the child with this national ID, whatever other journeys have made of it."""
    index = national_id.index(national_id.parse(number, "DK"))
    rows = ClinicMembership.objects.filter(account__national_id_index=index)
    is_now = {"child_confirmed_at": None, "email": email, "password": passwords.hashed(password)}
    assert rows.update(**is_now) == 1
    assert Patient.objects.filter(national_id_index=index).update(email=email) == 1
    return {}


print(json.dumps(main(**json.loads(sys.argv[1]))))
