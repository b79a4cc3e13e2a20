"""Words of the desk."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Attendance(TextChoices):
    """Whether a patient came."""

    ARRIVED = "arrived", _("Arrived")
    MISSED = "missed", _("Did not attend")


class Rule(TextChoices):
    """What would stop the patient from having a time, and what staff may put aside. The label is the sentence."""

    NO_ACCESS = "no-access", _("The patient may not book this with this provider on that day.")
    NOT_RELEASED = "not-released", _("The urgent times of that day are not out yet.")
    TOO_FAR = "too-far", _("The day is further ahead than patients can book.")
    TOO_MANY = "too-many", _("The patient has as many coming appointments as the clinic allows online.")
    TOO_MANY_URGENT = (
        "too-many-urgent",
        _("The patient has as many urgent appointments as the clinic allows online."),
    )
    OWN_TIME = "own-time", _("The patient has another appointment at that time.")
    HELD = "held", _("The time is offered to somebody else, and held for them until they answer.")
    CLOSED = "closed", _("The clinic is closed on that day.")


class DeskRefusal(Refusal):
    """Why something at the desk was refused, besides what patients hear (BookingRefusal)."""

    RULE = "rule", _("A rule stops the patient from having this time.")
    OVERLAPS = "overlaps", _("There is something else in the provider's calendar at that time.")
    OWN_TIME = "own-time", _("The patient has another appointment at that time.")
    ALL_TAKEN = "all-taken", _("Nothing could be blocked: every minute of it is taken.")
    MARKED = "marked", _("It is noted whether the patient came. Take that back first.")
    TOO_EARLY = "too-early", _("That can't be said yet: the time is still to come.")
    NOT_BOOKED = "not-booked", _("Only a booked appointment can be marked.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {
            cls.RULE: NextStep.CHOOSE_ANOTHER_TIME,
            cls.OVERLAPS: NextStep.CHOOSE_ANOTHER_TIME,
            cls.OWN_TIME: NextStep.CHOOSE_ANOTHER_TIME,
            cls.ALL_TAKEN: NextStep.CHOOSE_ANOTHER_TIME,
            cls.MARKED: NextStep.RELOAD_THE_PAGE,
            cls.TOO_EARLY: NextStep.RELOAD_THE_PAGE,
            cls.NOT_BOOKED: NextStep.RELOAD_THE_PAGE,
        }
