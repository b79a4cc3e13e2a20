"""Words of reminders."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Stage(TextChoices):
    """How far the reminder of an appointment has come."""

    NONE = "none", _("No reminder")
    PLANNED = "planned", _("Will be sent")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Did not arrive")


class WhyNone(TextChoices):
    """Why there is no reminder. What became of one that was tried stands with its message (WhyNotSent)."""

    NOT_WANTED = "not-wanted", _("The patient has not asked for one.")
    CANCELLED = "cancelled", _("The appointment is cancelled.")
    REFUSED = "refused", _("The appointment was not approved.")
    NOT_APPROVED_YET = "not-approved-yet", _("The appointment waits for approval.")
    NO_CONTACT = "no-contact", _("There is neither a mobile number nor an e-mail address.")
    TOO_LATE = "too-late", _("When the appointment was made, the time for it had passed.")
    QUIET = "quiet", _("It would have gone at night, and the evening before had passed.")


class ReminderRefusal(Refusal):
    """Why a reminder can't be turned on or off."""

    OVER = "over", _("This appointment is over or cancelled.")
    BY_CLINIC = "by-clinic", _("The clinic reminds everyone.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {cls.OVER: NextStep.SEE_MY_APPOINTMENTS, cls.BY_CLINIC: NextStep.RELOAD_THE_PAGE}
