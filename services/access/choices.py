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
    """Why a rule holds or fails. The label is the sentence that staff read, with names put in (queries.explanation)."""

    CLINIC_ON = "clinic-on", _("The clinic's portal is on.")
    CLINIC_OFF = "clinic-off", _("The clinic's portal is off, so nobody can use it.")

    RECORD_IN_ORDER = (
        "record-in-order",
        _("The record is active, with a full national ID and with the portal."),
    )
    RECORD_INACTIVE = "record-inactive", _("The record is not active.")
    NO_NATIONAL_ID = "no-national-id", _("The record has no full national ID.")
    PORTAL_WITHDRAWN = "portal-withdrawn", _("The clinic has withdrawn the portal from this patient.")

    SPECIAL_YES = "special-yes", _("Special rights give this patient “%(right)s”.")
    SPECIAL_NO = "special-no", _("Special rights take “%(right)s” away from this patient.")
    COLUMN_YES = "column-yes", _("%(owner)s, “%(column)s”: %(right)s is on.")
    COLUMN_NO = "column-no", _("%(owner)s, “%(column)s”: %(right)s is off.")
    GP_WITHOUT_ACCESS = (
        "gp-without-access",
        _("The patient's GP, %(owner)s, has no portal access, so there are no standard rights."),
    )

    PROVIDER_ON = "provider-on", _("%(asked)s has portal access.")
    PROVIDER_OFF = "provider-off", _("%(asked)s has no portal access.")
    PROVIDER_UNKNOWN = "provider-unknown", _("This provider doesn't work at the clinic.")

    TICKED = "ticked", _("The service matrix has a tick for %(row)s with %(asked)s.")
    COVERS = "covers", _("%(asked)s covers for %(owner)s on this day, who is ticked for %(row)s.")
    NOT_TICKED = "not-ticked", _("The service matrix has no tick for %(row)s with %(asked)s.")
    ABSENT = "absent", _("%(asked)s is away on this day.")

    EID_NOT_NEEDED = "eid-not-needed", _("This service doesn't need eID here.")
    SIGNED_IN_WITH_EID = (
        "signed-in-with-eid",
        _("The clinic asks for eID, and the patient has signed in with it."),
    )
    NOT_SIGNED_IN_WITH_EID = (
        "not-signed-in-with-eid",
        _("The clinic asks for eID for this service. Signing in with a code is not enough."),
    )


class SignedIn(TextChoices):
    """How the patient of a staff member's question has signed in."""

    EID = "eid", _("With eID")
    CODE = "code", _("With a one-time code")


class AccessRefusal(Refusal):
    """Why a change of rights was refused."""

    UNKNOWN_PROVIDER = "unknown-provider", _("This provider doesn't work at the clinic any more.")
    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _("Somebody else has changed these services in the meantime. What you chose is still shown."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)
