"""Words of staff coming and leaving."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Step(TextChoices):
    """The steps of the new-staff wizard, in the seeds' order (000 §8). The value stands in the address."""

    ROLE = "role", _("Role")
    CALENDAR = "calendar", _("Calendar")
    SIGNATURE = "signature", _("Signature")
    CONTACT = "contact", _("Contact")
    SERVICES = "services", _("Services")
    DELEGATIONS = "delegations", _("Delegations")
    SUMMARY = "summary", _("Summary")


PROVIDERS_ONLY = frozenset({Step.CALENDAR, Step.SIGNATURE, Step.SERVICES, Step.DELEGATIONS})
"""Someone whom patients neither book nor write to has no use for these."""


class Calendar(TextChoices):
    """Where the first weekly calendar comes from."""

    WEEK = "week", _("The same hours on some days of the week")
    COPY = "copy", _("As another provider's weekly calendar")
    LATER = "later", _("None yet")


class SecondFactor(TextChoices):
    """What a person's second factor is like, for the list of staff."""

    SET_UP = "set-up", _("Set up")
    WAITING = "waiting", _("Waiting for the first sign-in")
    MISSING = "missing", _("Is set up at the next sign-in")


class StaffRefusal(Refusal):
    """Why a change of the clinic's staff is refused."""

    LAST_ADMINISTRATOR = (
        "last-administrator",
        _("The clinic would have no administrator left. Make someone else administrator first."),
    )
    NO_ROLE = "no-role", _("Choose at least one role.")
    SYSTEM_ROLE = (
        "system-role",
        _("Only a system administrator can give or take the role of system administrator."),
    )
    NOT_COMPLETE = "not-complete", _("Some steps are not filled in yet.")
    FINISHED = "finished", _("This person has been added already.")
    HAS_POST = (
        "has-post",
        _("Someone with this e-mail address works here, or has worked here. Look in the list of staff."),
    )
    LOGIN_CLOSED = "login-closed", _("The login with this e-mail address has been closed.")
    INITIALS_TAKEN = "initials-taken", _("Another provider of the clinic has, or had, these initials.")
    CALENDAR_GONE = (
        "calendar-gone",
        _("The weekly calendar you wanted to copy is not there any more. Choose another."),
    )
    NO_SECOND_FACTOR = (
        "no-second-factor",
        _("This person has neither code app nor passkey. One is set up at the next sign-in."),
    )
    SAME_PERSON = (
        "same-person",
        _("Two administrators must agree. Ask another administrator of the clinic to confirm."),
    )
    OWN_LOGIN = "own-login", _("You can't do this to your own login. Ask another administrator.")
    RESET_OVER = "reset-over", _("This request is no longer open. Make a new one if it is still needed.")
    DAY_IS_PAST = "day-is-past", _("The last day can't be before today. Choose today if the person has left.")
    LEAVES_ALREADY = "leaves-already", _("It is decided already when this person leaves.")
    HAS_LEFT = "has-left", _("This person doesn't work here any more.")
    WORKS_HERE = "works-here", _("This person works here.")
    NO_SUCCESSOR = (
        "no-successor",
        _("The provider who should take over the patients doesn't stay, or has no patient list."),
    )
    NO_COLLEAGUE = (
        "no-colleague",
        _("The person who should get the messages doesn't stay. Choose someone else."),
    )
    IS_SUCCESSOR = (
        "is-successor",
        _("Patients of someone who is leaving are to move to this provider. Change that first."),
    )

    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _("Somebody else has changed these roles in the meantime. What you chose is still shown."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        asks = {cls.SYSTEM_ROLE, cls.SAME_PERSON, cls.OWN_LOGIN, cls.LOGIN_CLOSED, cls.LAST_ADMINISTRATOR}
        return {
            member.value: NextStep.ASK_AN_ADMINISTRATOR if member in asks else NextStep.RELOAD_THE_PAGE
            for member in cls
        }
