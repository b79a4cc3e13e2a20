"""Words of special rights, and of the patient's own answer to why something is not open."""

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class Standing(TextChoices):
    """What one patient has of a right: what the standard says, or something else."""

    STANDARD = "standard", _("As standard")
    YES = "yes", _("Yes")
    NO = "no", _("No")


class PatientType(TextChoices):
    """Whose patients, seen from one provider (000 §3.1)."""

    OWN = "own", _("On the provider's list")
    OTHER = "other", _("On a colleague's list")
    NONE = "none", _("Without a GP here")


class Cell(TextChoices):
    """What stands in a box of the list; the value is the icon."""

    ON = "check-circle", _("Yes")
    OFF = "cross-circle", _("No")
    STANDARD = "minus", _("As standard")


class SpecialRefusal(Refusal):
    """Why a change of special rights was refused."""

    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _(
            "Somebody else has changed this patient's rights in the meantime. What you chose is still shown below."
        ),
    )
    OTHER_NUMBER = (
        "other-number",
        _("The list has changed in the meantime. Look at the number once more."),
    )
    NOBODY = "nobody", _("Choose at least one patient.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return dict.fromkeys(cls.values, NextStep.RELOAD_THE_PAGE)


class OwnReason(Refusal):
    """Why a service is not open to the patient who asks: in plain words, without settings or other people."""

    CLINIC_OFF = "clinic-off", _("The clinic's online services are closed.")
    RECORD = "record", _("Your record at the clinic is not active.")
    NATIONAL_ID = "national-id", _("The clinic's record of you lacks your full national ID.")
    WITHDRAWN = (
        "withdrawn",
        _("The clinic has closed the online services for you. What you have stays readable."),
    )
    NO_RIGHT = "no-right", _("The clinic has not opened this to you.")
    NO_GP = "no-gp", _("Your GP does not use the online services.")
    NOBODY = "nobody", _("Nobody at the clinic offers you this online.")
    AWAY = "away", _("Your GP is away, and nobody can be reached online instead.")
    EID = "eid", _("For this you must sign in with your eID. A code is not enough.")

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        steps = dict.fromkeys(cls.values, NextStep.PHONE_THE_CLINIC)
        return steps | {cls.EID.value: NextStep.SIGN_IN_WITH_EID}

    @classmethod
    def of_others(cls) -> dict[str, str | Promise]:
        """Return what is said to who acts for somebody else."""
        return {
            cls.RECORD: _("The record of %(name)s at the clinic is not active."),
            cls.NATIONAL_ID: _("The clinic's record of %(name)s lacks the full national ID."),
            cls.WITHDRAWN: _(
                "The clinic has closed the online services for %(name)s. What is there stays readable."
            ),
            cls.NO_RIGHT: _("The clinic has not opened this to %(name)s."),
            cls.NO_GP: _("The GP of %(name)s does not use the online services."),
            cls.NOBODY: _("Nobody at the clinic offers this online to %(name)s."),
            cls.AWAY: _("The GP of %(name)s is away, and nobody can be reached online instead."),
        }
