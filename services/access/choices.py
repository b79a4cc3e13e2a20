"""Words of the access decision."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Approval(TextChoices):
    """How an appointment that a patient books becomes final."""

    BY_HAND = "by-hand", _("Must be approved")
    AUTOMATIC = "automatic", _("Approved automatically")


class Column(TextChoices):
    """The two columns of a provider's rights (000 §3, figure 2)."""

    WITH_GP = "with-gp", _("Patients with a GP here")
    WITHOUT_GP = "without-gp", _("Patients without a GP here")


class Right(TextChoices):
    """What a column or a special right switches on and off. Urgent booking needs the booking right (R3)."""

    RENEWAL = "renewal", _("Prescription renewal")
    CONSULTATION = "consultation", _("e-Consultation")
    BOOKING = "booking", _("Booking")
    CANCELLING = "cancelling", _("Cancelling")


class Rule(TextChoices):
    """The six rules of access, in the order in which they are asked."""

    CLINIC = "R1", _("The clinic's portal")
    PATIENT = "R2", _("The patient's record")
    RIGHT = "R3", _("The right to the service")
    PROVIDER = "R4", _("The provider's portal access")
    MATRIX = "R5", _("The service matrix")
    ASSURANCE = "R6", _("The way of signing in")


class Reason(TextChoices):
    """Why a rule holds or fails. Templates make the sentence, because only they know names and links."""

    CLINIC_ON = "clinic-on"
    CLINIC_OFF = "clinic-off"

    RECORD_IN_ORDER = "record-in-order"
    RECORD_INACTIVE = "record-inactive"
    NO_NATIONAL_ID = "no-national-id"
    PORTAL_WITHDRAWN = "portal-withdrawn"

    SPECIAL_YES = "special-yes"
    SPECIAL_NO = "special-no"
    COLUMN_YES = "column-yes"
    COLUMN_NO = "column-no"
    GP_WITHOUT_ACCESS = "gp-without-access"

    PROVIDER_ON = "provider-on"
    PROVIDER_OFF = "provider-off"
    PROVIDER_UNKNOWN = "provider-unknown"

    TICKED = "ticked"
    COVERS = "covers"
    NOT_TICKED = "not-ticked"
    ABSENT = "absent"

    EID_NOT_NEEDED = "eid-not-needed"
    SIGNED_IN_WITH_EID = "signed-in-with-eid"
    NOT_SIGNED_IN_WITH_EID = "not-signed-in-with-eid"


class AccessRefusal(Refusal):
    """Why a change of rights was refused."""

    UNKNOWN_PROVIDER = "unknown-provider", _("This provider doesn't work at the clinic any more.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {cls.UNKNOWN_PROVIDER: NextStep.RELOAD_THE_PAGE}
