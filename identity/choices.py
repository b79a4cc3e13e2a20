"""Words of sign-in."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class UserKind(TextChoices):
    """Patients and staff never share a login."""

    PATIENT = "patient", _("Patient")
    STAFF = "staff", _("Staff")


class Method(TextChoices):
    """How a session was opened."""

    BANKID = "bankid", "BankID"
    MITID = "mitid", "MitID"
    ONE_TIME_CODE = "one-time-code", _("One-time code")
    STAFF_PASSWORD = "staff-password", _("Password and code app")


class Assurance(IntegerChoices):
    """How sure we are of who is at the keyboard (identity research, 5.1). Data of the session, not of the account."""

    NONE = 0, _("Not signed in")
    ONE_FACTOR = 1, _("One factor")
    TWO_FACTORS = 2, _("Password and one-time code")
    SUBSTANTIAL = 3, _("eID, substantial")
    HIGH = 4, _("eID, high")

    @property
    def is_eid(self) -> bool:
        """Return whether a government-grade eID stands behind it."""
        return self >= Assurance.SUBSTANTIAL
