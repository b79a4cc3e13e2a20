"""Words of the draw of urgent times."""

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Outcome(TextChoices):
    """What came of asking for an urgent time."""

    WAITING = "waiting", _("Waits for the draw")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    WON = "won", _("Got a time")
    NONE_LEFT = "none-left", _("No time was left")
    OWN_TIME = "own-time", _("Had another appointment at every time that was left")
    NOT_ALLOWED = "not-allowed", _("May not book any of the providers asked for")
    TOO_MANY = "too-many", _("Has as many appointments as the clinic allows online")


class DrawRefusal(Refusal):
    """Why nobody can ask, or take back what was asked."""

    CLOSED = "closed", _("It is not possible to ask for an urgent time right now.")
    NO_ACCESS = "no-access", _("You can't book an urgent time with the providers chosen.")
    TOO_MANY = "too-many", _("You have as many appointments as the clinic allows online.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {
            cls.CLOSED: NextStep.CHOOSE_ANOTHER_TIME,
            cls.NO_ACCESS: NextStep.CHOOSE_ANOTHER_PROVIDER,
            cls.TOO_MANY: NextStep.SEE_MY_APPOINTMENTS,
        }

    @classmethod
    def of_others(cls) -> dict[str, str | Promise]:
        """Return what is said to who acts for somebody else."""
        return {
            cls.NO_ACCESS: _("You can't book an urgent time for %(name)s with the providers chosen."),
            cls.TOO_MANY: _("%(name)s has as many appointments as the clinic allows online."),
        }


class Fault(TextChoices):
    """What is wrong with the record of a draw."""

    SEED = "seed", _("The seed is not the one whose hash was published.")
    LATE_SEED = "late-seed", _("Somebody asked before the seed was fixed.")
    EARLY = "early", _("The draw was held before the window had closed.")
    ORDER = "order", _("The order is not the one that the seed gives.")
    TIME = "time", _("Somebody has another time than the order gives.")
    OUTCOME = "outcome", _("Somebody lost although a time was left, or won without one.")
