"""Words of the patient's own view."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Coming(TextChoices):
    """What becomes of coming appointments when a patient leaves the portal."""

    KEEP = "keep", _("Keep my appointments")
    CANCEL = "cancel", _("Cancel those that I can cancel online")


class Part(TextChoices):
    """Parts of a patient's page at the clinic, as staff open them and the trail names them."""

    GENERAL = "general", _("who the patient is")
    PATIENT = "patient", _("who the patient is")
    CONTACT = "contact", _("contact details")
    GUARDIANS = "guardians", _("guardians and proxies")
    PORTAL = "portal", _("rights in the portal")
    AS_PATIENT = "as-patient", _("the start page, as you see it")
    APPOINTMENTS = "appointments", _("appointments")
    HISTORY = "history", _("what has happened")
    RIGHTS = "rights", _("special rights")
    EXPLAIN = "explain", _("why something is open or closed")


class LeaveRefusal(Refusal):
    """Why someone can't leave the portal by themselves."""

    TOO_YOUNG = "too-young", _("You are too young to leave the portal on your own.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return the clinic's phone."""
        return dict.fromkeys(cls.values, NextStep.PHONE_THE_CLINIC)
