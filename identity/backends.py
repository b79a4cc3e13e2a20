"""Finds the user of a patient's session again."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from identity.choices import UserKind
from identity.models import User
from portal.ready import Given, Ready

PATIENT = Ready(
    lambda: User.objects.filter(kind=UserKind.PATIENT, is_active=True, pk=Given("id")).select_related(
        "account"
    )
)


class PatientBackend(BaseBackend):
    """Sessions of patients. It opens none: only operations do, after an eID's answer or a password and its code."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the patient with the account, unless their login was closed meanwhile. One query."""
        return PATIENT.first(id=user_id)
