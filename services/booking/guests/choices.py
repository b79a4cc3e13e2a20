"""Words of booking without an account."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class GuestStatus(TextChoices):
    """Where a request stands. Only one that waits holds its time."""

    STARTED = "started", _("The mobile is not confirmed")
    WAITING = "waiting", _("Waits for approval")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Not approved")
    WITHDRAWN = "withdrawn", _("Withdrawn by the person")

    @classmethod
    def open(cls) -> tuple["GuestStatus", "GuestStatus"]:
        """Return those on which nobody has decided yet."""
        return cls.STARTED, cls.WAITING


class RefusedBecause(TextChoices):
    """What the person's page says about a refusal: the whole sentence, as it stands here, or nothing.

    The page proves a mobile, not a person. So no sentence speaks of a record or of health, and each is as true of
    somebody who is a patient of the clinic as of somebody who is not: what differs between them stands in an "if".
    """

    CONTACT = "contact", _("Contact the clinic to agree on a time.")
    TIME_GONE = "time-gone", _("The clinic can't offer this time after all. You can ask for another one.")
    FULL = "full", _("The clinic has no room for more appointments at the moment.")
    SIGN_IN = (
        "sign-in",
        _("This has to be booked after signing in. If you can't sign in, contact the clinic."),
    )
    GP_PRACTICE = (
        "gp-practice",
        _(
            "This is booked at the practice where you have your general practitioner, whether that is here or "
            "elsewhere. If it is here, sign in or contact the clinic."
        ),
    )


class GuestRefusal(Refusal):
    """Why a request went no further."""

    CLOSED = "closed", _("The clinic takes no requests from people without an account.")
    TAKEN = "taken", _("Someone else has just taken this time.")
    NOT_OFFERED = "not-offered", _("This time is no longer offered.")
    OVER = "over", _("It took too long, or the code was wrong too often.")
    WRONG_CODE = "wrong-code", _("The code is wrong. Look at the latest message, and write the code again.")
    TOO_SOON = "too-soon", _("A code has just been sent to you.")
    TOO_MANY = "too-many", _("Too many requests have been made. Phone the clinic.")
    STOPPED = "stopped", _("The clinic can't send codes at the moment. Phone the clinic.")
    TWO_WAIT = "two-wait", _("Two requests from this mobile wait for an answer already.")
    DECIDED = "decided", _("Someone has already decided this request.")
    PAST = "past", _("This time has passed.")
    NOT_ACTIVE = "not-active", _("The record of this person is not active.")
    CLASHES = "clashes", _("The provider already has an appointment at that time.")

    OWN_TIME = "own-time", _("The patient has another appointment at that time.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        again, phone, reload = (
            NextStep.CHOOSE_ANOTHER_TIME,
            NextStep.PHONE_THE_CLINIC,
            NextStep.RELOAD_THE_PAGE,
        )
        return {
            cls.CLOSED: phone,
            cls.TAKEN: again,
            cls.NOT_OFFERED: again,
            cls.OVER: again,
            cls.WRONG_CODE: again,
            cls.TOO_SOON: NextStep.TRY_AGAIN_SOON,
            cls.TOO_MANY: phone,
            cls.STOPPED: phone,
            cls.TWO_WAIT: phone,
            cls.DECIDED: reload,
            cls.PAST: again,
            cls.NOT_ACTIVE: reload,
            cls.CLASHES: again,
            cls.OWN_TIME: reload,
        }
