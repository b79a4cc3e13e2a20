"""Words of registration."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal

TERMS_VERSION = "2026-11"
"""Which wording of the terms a person accepted; the texts stand in templates/registration/terms.html."""


class RequestState(TextChoices):
    """How far a login request has come."""

    WAITING = "waiting", _("Waiting")
    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Refused")
    SET_ASIDE = "set-aside", _("Put aside without an answer")


class RequestKind(TextChoices):
    """What a login request is about."""

    OWN = "own", _("For oneself")
    CHILD = "child", _("A child's sign-in, asked for by a guardian")
    CONFIRM = "confirm", _("A child's sign-in that is there, to be confirmed")


class OwnGp(TextChoices):
    """Whether the clinic is the person's own GP, as far as can be known."""

    YES = "yes", _("The clinic is the person's GP")
    NO = "no", _("The person's GP is elsewhere")
    UNKNOWN = "unknown", _("Not known")


class Outcome(TextChoices):
    """What a registration leads to."""

    AT_ONCE = "at-once", _("Registered")
    BY_HAND = "by-hand", _("The clinic decides")
    CLOSED = "closed", _("Not possible here")


class RegistrationRefusal(Refusal):
    """Why a registration or a decision goes no further."""

    CLOSED = "closed", _("Here patients can't register themselves. Phone the clinic, and it registers you.")
    OTHER_PERSON = (
        "other-person",
        _("The national ID you wrote is not the one of the eID you signed in with. Nothing was stored."),
    )
    NO_EID = "no-eid", _("You signed in with a code. To register here, sign in with eID.")
    OVER = "over", _("The registration took too long. Begin again.")
    DECIDED = "decided", _("Somebody has decided this request already.")
    PROOF = "proof", _("Write what the guardian has shown.")
    GUARDIAN = (
        "guardian",
        _("This adult can't be the child's guardian here: too young, blocked, or the child is too old now."),
    )
    NO_SIGN_IN = "no-sign-in", _("The child has no sign-in here any more. Refuse the request.")
    NOT_ACTIVE = "not-active", _("The record here is no longer active. Make it active first, or refuse.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return value -> next step."""
        return {
            cls.CLOSED.value: NextStep.PHONE_THE_CLINIC,
            cls.OTHER_PERSON.value: NextStep.SIGN_IN_AGAIN,
            cls.NO_EID.value: NextStep.SIGN_IN_WITH_EID,
            cls.OVER.value: NextStep.SIGN_IN_AGAIN,
            cls.DECIDED.value: NextStep.RELOAD_THE_PAGE,
            cls.NOT_ACTIVE.value: NextStep.RELOAD_THE_PAGE,
            cls.PROOF.value: NextStep.RELOAD_THE_PAGE,
            cls.GUARDIAN.value: NextStep.RELOAD_THE_PAGE,
            cls.NO_SIGN_IN.value: NextStep.RELOAD_THE_PAGE,
        }
