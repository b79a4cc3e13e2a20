"""Words of the weekly calendars."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from portal.refusals import NextStep, Refusal


class RowProblem(TextChoices):
    """What is wrong with one row of a weekly calendar; the label stands by the field."""

    NOT_IN_ORDER = "not-in-order", _("The end must be later than the start.")
    DOES_NOT_DIVIDE = "does-not-divide", _("The time between start and end must be whole appointments.")
    OVERLAPS = "overlaps", _("This overlaps another row of the same day.")


class TemplateRefusal(Refusal):
    """Why a weekly calendar can't be saved."""

    CLASHES = (
        "clashes",
        _("Another calendar of the same provider has times on the same weekday at the same hour."),
    )
    NOT_WHOLE = "not-whole", _("Some rows of the calendar contradict one another.")

    CHANGED_MEANWHILE = (
        "changed-meanwhile",
        _("Somebody else has changed this calendar in the meantime. What you wrote is still shown."),
    )

    @classmethod
    def next_steps(cls) -> dict[str, NextStep]:
        """Return what to do after each."""
        return {
            cls.CLASHES: NextStep.CHOOSE_ANOTHER_TIME,
            cls.NOT_WHOLE: NextStep.CHOOSE_ANOTHER_TIME,
            cls.CHANGED_MEANWHILE: NextStep.RELOAD_THE_PAGE,
        }
