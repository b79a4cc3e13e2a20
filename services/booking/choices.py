"""Words of booking."""

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class SlotKind(TextChoices):
    """What a slot is for (001, 000 §2.2)."""

    PORTAL = "portal", _("Bookable online")
    URGENT = "urgent", _("Urgent")
    PHONE = "phone", _("For those who phone")
    INTERNAL = "internal", _("Internal")


class SlotState(TextChoices):
    """Whether a slot can be had."""

    FREE = "free", _("Free")
    TAKEN = "taken", _("Taken")
    BLOCKED = "blocked", _("Blocked")


class AppointmentStatus(TextChoices):
    """Where an appointment stands. Requested and booked ones hold their slot."""

    REQUESTED = "requested", _("Waits for approval")
    BOOKED = "booked", _("Booked")
    REFUSED = "refused", _("Not approved")
    CANCELLED = "cancelled", _("Cancelled")


class AbsenceAnswerKind(TextChoices):
    """What was done about an appointment with someone who is away then."""

    MOVED = "moved", _("Moved to the cover")
    KEPT = "kept", _("Stays as it is")
    TOLD = "told", _("The patient is notified")


LIVE = (AppointmentStatus.REQUESTED, AppointmentStatus.BOOKED)


class ReceiptKind(TextChoices):
    """What a receipt is about."""

    BOOKED = "booked", _("Booked")
    REQUESTED = "requested", _("Asked for")
    APPROVED = "approved", _("Approved")
    MOVED = "moved", _("Moved")
    CANCELLED = "cancelled", _("Cancelled")


class ReceiptRule(TextChoices):
    """Which rule applied. `hours` is filled in from the receipt."""

    AUTOMATIC = "automatic", _("Times here are approved automatically.")
    BY_HAND = "by-hand", _("The clinic approves each time.")
    UNTIL_START = "until-start", _("An appointment can be cancelled or moved until it begins.")
    UNTIL_NOTICE = (
        "until-notice",
        _("An appointment can be cancelled or moved until %(hours)d hours before it begins."),
    )
    CLINIC = "clinic", _("The clinic did this.")


class BookingRefusal(Refusal):
    """Why a booking, a cancellation or an approval was refused."""

    TAKEN = "taken", _("Someone else has just taken this time.")
    NOT_OFFERED = "not-offered", _("This time is no longer offered.")
    PAST = "past", _("This time has passed.")
    NO_ACCESS = "no-access", _("You can't book with this provider any more.")
    CANNOT_CANCEL = "cannot-cancel", _("This appointment can't be cancelled online.")
    TOO_LATE = "too-late", _("It is too late to cancel or move this appointment online.")
    TOO_MANY = "too-many", _("You have as many coming appointments as the clinic allows online.")
    TOO_MANY_URGENT = (
        "too-many-urgent",
        _("You have as many urgent appointments as the clinic allows online."),
    )
    ALREADY_ENDED = "already-ended", _("This appointment has already ended or been cancelled.")
    ALREADY_DECIDED = "already-decided", _("Someone has already decided this request.")
    CLASHES = "clashes", _("The provider already has an appointment at that time.")
    OWN_TIME = "own-time", _("You have another appointment at that time.")
    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _("This appointment was changed while you had the page open."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {
            cls.TAKEN: NextStep.CHOOSE_ANOTHER_TIME,
            cls.NOT_OFFERED: NextStep.CHOOSE_ANOTHER_TIME,
            cls.PAST: NextStep.CHOOSE_ANOTHER_TIME,
            cls.NO_ACCESS: NextStep.CHOOSE_ANOTHER_PROVIDER,
            cls.CANNOT_CANCEL: NextStep.PHONE_THE_CLINIC,
            cls.TOO_LATE: NextStep.PHONE_THE_CLINIC,
            cls.TOO_MANY: NextStep.SEE_MY_APPOINTMENTS,
            cls.TOO_MANY_URGENT: NextStep.SEE_MY_APPOINTMENTS,
            cls.ALREADY_ENDED: NextStep.SEE_MY_APPOINTMENTS,
            cls.ALREADY_DECIDED: NextStep.RELOAD_THE_PAGE,
            cls.CLASHES: NextStep.CHOOSE_ANOTHER_TIME,
            cls.OWN_TIME: NextStep.SEE_MY_APPOINTMENTS,
            cls.CHANGED_MEANWHILE: NextStep.RELOAD_THE_PAGE,
        }

    @classmethod
    def of_others(cls) -> dict[str, str | Promise]:
        """Return what is said to who acts for somebody else."""
        return {
            cls.NO_ACCESS: _("You can't book with this provider for %(name)s any more."),
            cls.TOO_MANY: _("%(name)s has as many coming appointments as the clinic allows online."),
            cls.TOO_MANY_URGENT: _("%(name)s has as many urgent appointments as the clinic allows online."),
            cls.OWN_TIME: _("%(name)s has another appointment at that time."),
        }
