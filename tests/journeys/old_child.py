"""Takes the guardian's confirmation from a child's sign-in, as if it were from before the rule of 2023 came (004)."""

import json
import sys

import django

django.setup()

from identity import national_id
from identity.models import ClinicMembership


def main(number: str) -> dict[str, str]:
    """Change the one sign-in of the child with this national ID."""
    rows = ClinicMembership.objects.filter(
        account__national_id_index=national_id.index(national_id.parse(number, "DK"))
    )
    assert rows.update(child_confirmed_at=None) == 1
    return {}


print(json.dumps(main(**json.loads(sys.argv[1]))))
