"""Words of earlier times."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class PartOfDay(TextChoices):
    """When on a day a time suits, by the clinic's clock."""

    ANY = "any", _("The whole day")
    MORNING = "morning", _("Before 12")
    AFTERNOON = "afternoon", _("From 12 on")


class WishStatus(TextChoices):
    """Where somebody's wish for an earlier time stands."""

    WAITING = "waiting", _("Waits")
    FULFILLED = "fulfilled", _("Got a time")
    LEFT = "left", _("Left the list")
    OVER = "over", _("The days or the appointment are over")


class OfferStatus(TextChoices):
    """Where an offer stands. Only an open one holds its time, and only until its limit."""

    OPEN = "open", _("Waits for an answer")
    ACCEPTED = "accepted", _("Taken")
    DECLINED = "declined", _("Declined")
    EXPIRED = "expired", _("Not answered in time")
    FAILED = "failed", _("Could not be taken any more")


class PassedReason(TextChoices):
    """Why somebody whom a time suits, and who has waited longer, was not offered it."""

    NO_ACCESS = "no-access", _("may not book with this provider that day")
    HAS_OFFER = "has-offer", _("has another offer that is not answered yet")
    TOO_MANY = "too-many", _("has as many coming appointments as the clinic allows")
    CANNOT_MOVE = "cannot-move", _("can no longer move the appointment online")
    OWN_TIME = "own-time", _("has another appointment at that time")
    UNREACHABLE = "unreachable", _("has neither mobile nor e-mail here")


class EarlierRefusal(Refusal):
    """Why nobody was put on the list, or an offer can't be taken."""

    OFF = "off", _("The clinic does not offer earlier times.")
    OVER = "over", _("This offer is over. The time was passed on.")
    NOT_MOVABLE = "not-movable", _("This appointment can't be moved online.")
    DAYS = "days", _("These days are not ahead of you.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {
            cls.OFF: NextStep.PHONE_THE_CLINIC,
            cls.OVER: NextStep.CHOOSE_ANOTHER_TIME,
            cls.NOT_MOVABLE: NextStep.PHONE_THE_CLINIC,
            cls.DAYS: NextStep.RELOAD_THE_PAGE,
        }
