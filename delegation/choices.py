"""Words of the matrix and of absences."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Topic(TextChoices):
    """The kinds of messages from patients that can be given to one staff member (000 §4.3)."""

    CONSULTATION = "consultation", _("e-Consultations")
    RENEWAL = "renewal", _("Prescription renewals")
    UNCONFIRMED_BOOKING = "unconfirmed-booking", _("Bookings that must be approved")


class DelegationRefusal(Refusal):
    """Why a change of the matrix or of absences was refused."""

    MATRIX_CHANGED = "matrix-changed", _("Someone else has changed the service matrix since you opened it.")
    UNKNOWN_PROVIDER = "unknown-provider", _("This provider doesn't work at the clinic any more.")
    DAYS_NOT_IN_ORDER = "days-not-in-order", _("The last day can't be before the first.")
    COVERS_ONESELF = "covers-oneself", _("Nobody can cover for themselves. Choose someone else, or nobody.")
    COVER_IS_AWAY = "cover-is-away", _("The provider who should cover is away on some of these days.")
    ALREADY_AWAY = "already-away", _("This provider is already away on some of these days.")
    COVERS_MEANWHILE = (
        "covers-meanwhile",
        _("This provider covers for someone else on some of these days. Change that first."),
    )
    COVER_WITHOUT_ACCESS = (
        "cover-without-access",
        _("The provider who should cover has no portal access, so patients couldn't choose them."),
    )
    NOTHING_TO_UNDO = "nothing-to-undo", _("There is no saved change to undo.")
    UNKNOWN_RECIPIENT = "unknown-recipient", _("This staff member doesn't work at the clinic any more.")
    MESSAGES_CHANGED = (
        "messages-changed",
        _("Someone else has changed who gets messages since you opened the page."),
    )
    NOT_SYSTEM_ADMINISTRATOR = (
        "not-system-administrator",
        _("Only a system administrator can change who gets messages."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {
            cls.MATRIX_CHANGED: NextStep.RELOAD_THE_PAGE,
            cls.UNKNOWN_PROVIDER: NextStep.RELOAD_THE_PAGE,
            cls.DAYS_NOT_IN_ORDER: NextStep.CHOOSE_ANOTHER_TIME,
            cls.COVERS_ONESELF: NextStep.CHOOSE_ANOTHER_PROVIDER,
            cls.COVER_IS_AWAY: NextStep.CHOOSE_ANOTHER_PROVIDER,
            cls.ALREADY_AWAY: NextStep.CHOOSE_ANOTHER_TIME,
            cls.COVERS_MEANWHILE: NextStep.CHOOSE_ANOTHER_PROVIDER,
            cls.COVER_WITHOUT_ACCESS: NextStep.CHOOSE_ANOTHER_PROVIDER,
            cls.NOTHING_TO_UNDO: NextStep.RELOAD_THE_PAGE,
            cls.UNKNOWN_RECIPIENT: NextStep.RELOAD_THE_PAGE,
            cls.MESSAGES_CHANGED: NextStep.RELOAD_THE_PAGE,
            cls.NOT_SYSTEM_ADMINISTRATOR: NextStep.ASK_AN_ADMINISTRATOR,
        }
